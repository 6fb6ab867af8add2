use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{ApplicationLogLevel, Architecture, Environment, LoggingConfig, Runtime, SystemLogLevel};
use serde_json::json;
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::engine::{Action, Change};

use super::{DETECTOR, RECORDS, built, kinds, lambda, logs, other_package, parts, settled_function};
use testkit::sandbox::record;

#[tokio::test]
async fn every_drift_is_repaired() {
    let (sandbox, monitor) = built("detector::drift").await;
    let (name, before) = (monitor.names.detector(), sandbox.inventory().await);
    let (lambda, logs) = (lambda(&sandbox), logs(&sandbox));
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let role = monitor.names.detector_role();

    lambda
        .update_function_configuration()
        .function_name(&name)
        .description("changed")
        .handler("other")
        .runtime(Runtime::Providedal2)
        .memory_size(512)
        .timeout(3)
        .environment(Environment::builder().variables("RUST_LOG", "off").build())
        .logging_config(
            LoggingConfig::builder()
                .log_group("/elsewhere")
                .application_log_level(ApplicationLogLevel::Warn)
                .system_log_level(SystemLogLevel::Warn)
                .build(),
        )
        .send()
        .await
        .unwrap();
    settled_function(&sandbox, &monitor).await;
    let other = other_package();
    lambda
        .update_function_code()
        .function_name(&name)
        .zip_file(Blob::new(other))
        .architectures(Architecture::Arm64)
        .send()
        .await
        .unwrap();
    settled_function(&sandbox, &monitor).await;
    let arn = format!("arn:aws:lambda:eu-west-1:{}:function:{name}", sandbox.account);
    lambda.untag_resource().resource(&arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    lambda.remove_permission().function_name(&name).statement_id("flow-log-records").send().await.unwrap();
    // Under our id, so that it must be removed before ours can be added.
    lambda
        .add_permission()
        .function_name(&name)
        .statement_id("flow-log-records")
        .action("lambda:InvokeFunction")
        .principal("logs.amazonaws.com")
        .source_arn(format!("arn:aws:logs:eu-west-1:{}:*", sandbox.account))
        .send()
        .await
        .unwrap();
    logs.put_subscription_filter()
        .log_group_name(RECORDS)
        .filter_name(&name)
        .filter_pattern("REJECT")
        .destination_arn(&arn)
        .send()
        .await
        .unwrap();
    logs.put_retention_policy()
        .log_group_name(monitor.names.detector_log_group())
        .retention_in_days(1)
        .send()
        .await
        .unwrap();
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    iam.put_role_policy().role_name(&role).policy_name("detect-anomalies").policy_document(all).send().await.unwrap();
    assert_ne!(parts(&sandbox.inventory().await, &monitor), parts(&before, &monitor));

    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert_eq!(changes.len(), 7, "{changes:#?}");
    // A statement of the function's policy cannot be changed in place.
    let action = |change: &Change| match change.kind {
        ResourceKind::FunctionPermission => Action::Replace,
        _ => Action::Update,
    };
    assert!(changes.iter().all(|change| change.action == action(change)), "{changes:#?}");
    settled_function(&sandbox, &monitor).await;
    assert_eq!(sandbox.inventory().await, before);
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

#[tokio::test]
async fn what_others_put_beside_ours_stays() {
    let (sandbox, monitor) = built("detector::beside").await;
    let name = monitor.names.detector();
    let arn = format!("arn:aws:lambda:eu-west-1:{}:function:{name}", sandbox.account);
    let lambda = lambda(&sandbox);
    lambda.tag_resource().resource(&arn).tags("cost-centre", "7").send().await.unwrap();
    lambda
        .add_permission()
        .function_name(&name)
        .statement_id("others")
        .action("lambda:InvokeFunction")
        .principal("events.amazonaws.com")
        .send()
        .await
        .unwrap();
    logs(&sandbox)
        .put_subscription_filter()
        .log_group_name(RECORDS)
        .filter_name("others")
        .filter_pattern("")
        .destination_arn(&arn)
        .send()
        .await
        .unwrap();
    let before = sandbox.inventory().await;
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn parts_deleted_by_hand_come_back() {
    let (sandbox, monitor) = built("detector::deleted_by_hand").await;
    let before = sandbox.inventory().await;
    lambda(&sandbox).delete_function().function_name(monitor.names.detector()).send().await.unwrap();
    logs(&sandbox).delete_log_group().log_group_name(monitor.names.detector_log_group()).send().await.unwrap();
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;
    logs(&sandbox)
        .delete_subscription_filter()
        .log_group_name(RECORDS)
        .filter_name(monitor.names.detector())
        .send()
        .await
        .unwrap();
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert_eq!(kinds(&changes), [(Action::Create, ResourceKind::SubscriptionFilter)]);
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn after_a_rename_records_come_from_the_new_log_group() {
    let (sandbox, _) = built("detector::rename").await;
    let mut spec = sandbox.spec();
    spec.cloud_watch_logs.log_group_name = Some("/other".into());
    let mut renamed = sandbox.monitor(spec);
    record(&mut renamed, Component::LogGroup, ResourceKind::LogGroup, RECORDS);
    sandbox.converge(&renamed, DETECTOR).await;
    let inventory = sandbox.inventory().await;
    let name = renamed.names.detector();
    assert_eq!(inventory["logGroups"][RECORDS]["subscriptionFilters"], json!({}));
    assert!(inventory["logGroups"]["/other"]["subscriptionFilters"].get(&name).is_some());
    let condition = &inventory["functions"][&name]["policy"]["Statement"][0]["Condition"];
    let source = format!("arn:aws:logs:eu-west-1:{}:log-group:/other:*", sandbox.account);
    assert_eq!(condition["ArnLike"]["AWS:SourceArn"], source);
}
