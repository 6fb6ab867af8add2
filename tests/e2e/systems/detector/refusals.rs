use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use serde_json::{Value, json};
use vpc_flow_operator::api::ResourceKind;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy};
use vpc_flow_operator::engine::{Action, Outcome};
use vpc_flow_operator::monitor::Monitor;

use super::{DETECTOR, RECORDS, built, detector, kinds, lambda, logs, other_package, parts, settled_function};
use testkit::sandbox::Sandbox;

/// Makes a foreign function of the wanted name.
async fn foreign_function(sandbox: &Sandbox, monitor: &Monitor) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let role = iam.create_role().role_name("theirs").assume_role_policy_document(trust).send().await.unwrap();
    let code = FunctionCode::builder().zip_file(Blob::new(other_package())).build();
    lambda(sandbox)
        .create_function()
        .function_name(monitor.names.detector())
        .role(role.role.unwrap().arn)
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .code(code)
        .send()
        .await
        .unwrap();
    settled_function(sandbox, monitor).await;
}

#[tokio::test]
async fn a_function_that_is_not_ours_is_a_conflict_and_untouched() {
    let sandbox = Sandbox::new("detector::conflict").await;
    let monitor = sandbox.monitor(sandbox.spec());
    foreign_function(&sandbox, &monitor).await;
    let before = sandbox.inventory().await;

    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    let conflicts = &detector(&outcomes).conflicts;
    assert!(conflicts[0].to_string().contains("adoptionPolicy"), "{outcomes:#?}");
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["functions"], before["functions"]);
    assert_eq!(inventory["logGroups"][RECORDS]["subscriptionFilters"], json!({}));

    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let outcomes = sandbox.tear_down(&sandbox.monitor(spec), DETECTOR).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn an_unowned_function_is_adopted_where_the_spec_allows_it() {
    let sandbox = Sandbox::new("detector::adopted").await;
    let mut spec = sandbox.spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let monitor = sandbox.monitor(spec);
    foreign_function(&sandbox, &monitor).await;
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert!(kinds(&changes).contains(&(Action::Adopt, ResourceKind::Function)), "{changes:#?}");
    settled_function(&sandbox, &monitor).await;

    let (other, fresh) = built("detector::not_adopted").await;
    let text = |inventory: &Value, monitor: &Monitor, sandbox: &Sandbox| {
        let parts = parts(inventory, monitor).to_string();
        parts.replace(&sandbox.account, "account").replace(&sandbox.vpc_id, "vpc")
    };
    let adopted = text(&sandbox.inventory().await, &monitor, &sandbox);
    assert_eq!(adopted, text(&other.inventory().await, &fresh, &other));
}

#[tokio::test]
async fn a_role_that_lambda_cannot_assume_yet_is_tried_again() {
    let sandbox = Sandbox::new("detector::not_yet").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let message = "The role defined for the function cannot be assumed by Lambda.";
    let not_yet = sandbox.fault("lambda", "CreateFunction", "InvalidParameterValueException", message);
    sandbox.emulator.add_fault(not_yet).await.unwrap();
    let message = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.";
    let not_yet = sandbox.fault("logs", "PutSubscriptionFilter", "InvalidParameterException", message);
    sandbox.emulator.add_fault(not_yet).await.unwrap();
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
}

#[tokio::test]
async fn without_permission_the_failure_says_which_and_nothing_is_lost() {
    let sandbox = Sandbox::new("detector::denied").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let denied = sandbox.fault("lambda", "AddPermission", "AccessDeniedException", "not authorized");
    sandbox.emulator.add_fault(denied).await.unwrap();
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    let (_, failure) = &detector(&outcomes).failures[0];
    assert_eq!(failure.reason, Reason::AccessDenied);
    assert!(failure.message.contains("lambda:AddPermission"), "{failure}");
    settled_function(&sandbox, &monitor).await;
    sandbox.converge(&monitor, DETECTOR).await;
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

#[tokio::test]
async fn a_third_subscription_filter_is_refused_with_what_to_do() {
    let (sandbox, monitor) = built("detector::third_filter").await;
    let name = monitor.names.detector();
    let arn = format!("arn:aws:lambda:eu-west-1:{}:function:{name}", sandbox.account);
    let logs = logs(&sandbox);
    logs.delete_subscription_filter().log_group_name(RECORDS).filter_name(&name).send().await.unwrap();
    for theirs in ["a", "b"] {
        logs.put_subscription_filter()
            .log_group_name(RECORDS)
            .filter_name(theirs)
            .filter_pattern("")
            .destination_arn(&arn)
            .send()
            .await
            .unwrap();
    }
    let before = sandbox.inventory().await;
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    let (_, failure) = &detector(&outcomes).failures[0];
    assert_eq!(failure.reason, Reason::Rejected);
    assert_eq!(failure.subject.as_deref(), Some(format!("subscription filter {name}").as_str()));
    assert!(
        failure.message.contains(&format!("log group {RECORDS} has subscription filter a, b; delete")),
        "{failure}"
    );
    assert!(failure.message.contains("spec.detector.enabled"), "{failure}");
    assert_eq!(sandbox.inventory().await, before);
}
