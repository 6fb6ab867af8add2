use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, Environment, FunctionConfiguration, LastUpdateStatus, LoggingConfig, State};
use devenv::{Fault, wait_for};
use serde_json::{Value, json};
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use vpc_flow_operator::api::status::{ResourceState, ResourceStatus};
use vpc_flow_operator::engine::{Action, Change, Health, Outcome};
use vpc_flow_operator::monitor::Monitor;
use vpc_flow_operator::resources::{Component, ResourceKind};

use crate::support::{Sandbox, settings};

const DETECTOR: &[Component] = &[Component::LogGroup, Component::AnomalyDetector];
const RECORDS: &str = "/aws/vpc/flowlogs/network/production";
const DEADLINE: Duration = Duration::from_secs(30);
const V2_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} \
                         ${bytes} ${start} ${end} ${action} ${log-status}";

/// A client that, unlike the operator's, may do anything.
fn lambda(sandbox: &Sandbox) -> aws_sdk_lambda::Client {
    aws_sdk_lambda::Client::new(&sandbox.config)
}

fn logs(sandbox: &Sandbox) -> aws_sdk_cloudwatchlogs::Client {
    aws_sdk_cloudwatchlogs::Client::new(&sandbox.config)
}

/// Waits until Lambda is done with the function, and so takes changes.
async fn settled_function(sandbox: &Sandbox, monitor: &Monitor) -> FunctionConfiguration {
    wait_for("the function to be active", DEADLINE, async || {
        let output = lambda(sandbox).get_function().function_name(monitor.names.detector()).send().await?;
        Ok(output.configuration.filter(|found| {
            found.state == Some(State::Active) && found.last_update_status == Some(LastUpdateStatus::Successful)
        }))
    })
    .await
    .unwrap()
}

/// A default monitor, built and at rest.
async fn built(test: &str) -> (Sandbox, Monitor) {
    let sandbox = Sandbox::new(test).await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;
    (sandbox, monitor)
}

fn kinds(changes: &[Change]) -> Vec<(Action, ResourceKind)> {
    changes.iter().map(|change| (change.action, change.kind)).collect()
}

fn detector(outcomes: &[Outcome]) -> &Outcome {
    outcomes.iter().find(|outcome| outcome.component == Component::AnomalyDetector).unwrap()
}

/// The detector's parts in an inventory.
fn parts(inventory: &Value, monitor: &Monitor) -> Value {
    json!({
        "role": inventory["roles"][monitor.names.detector_role()],
        "logGroup": inventory["logGroups"][monitor.names.detector_log_group()],
        "function": inventory["functions"][monitor.names.detector()],
        "subscriptions": inventory["logGroups"][&monitor.names.log_group]["subscriptionFilters"],
    })
}

#[tokio::test]
async fn is_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("anomaly_detector::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert_eq!(changes.len(), 6, "{changes:#?}");
    settled_function(&sandbox, &monitor).await;

    let account = &sandbox.account;
    let (name, own_group) = (monitor.names.detector(), monitor.names.detector_log_group());
    let tags = json!({"vpcflow.dev/owner": "test/network/production", "vpcflow.dev/managed-by": "vpc-flow-operator"});
    let topic = format!("arn:aws:sns:eu-west-1:{account}:{}", monitor.names.topic());
    let function_arn = format!("arn:aws:lambda:eu-west-1:{account}:function:{name}");
    let inventory = sandbox.inventory().await;

    let role = &inventory["roles"][monitor.names.detector_role()];
    assert_eq!(
        role["trustPolicy"],
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }]})
    );
    assert_eq!(
        role["inlinePolicies"],
        json!({"detect-anomalies": {"Version": "2012-10-17", "Statement": [
            {
                "Sid": "WriteOwnLog",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": format!("arn:aws:logs:eu-west-1:{account}:log-group:{own_group}:*"),
            },
            {"Sid": "ReportAnomalies", "Effect": "Allow", "Action": "sns:Publish", "Resource": topic},
        ]}})
    );
    assert_eq!((&role["path"], &role["attachedPolicies"]), (&json!("/vpc-flow-operator/"), &json!([])));
    assert_eq!(role["tags"], tags);

    assert_eq!(
        inventory["logGroups"][&own_group],
        json!({
            "arn": format!("arn:aws:logs:eu-west-1:{account}:log-group:{own_group}:*"),
            "retention": 14,
            "class": "STANDARD",
            "kmsKeyId": null,
            "tags": tags,
            "metricFilters": {},
            "subscriptionFilters": {},
        })
    );

    let function = &inventory["functions"][&name];
    let configuration = &function["configuration"];
    let expected = json!({
        "Description": "Reports anomalies in the VPC flow logs of VpcFlowMonitor network/production",
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Architectures": [settings().detector.architecture().as_str()],
        "PackageType": "Zip",
        "Role": format!("arn:aws:iam::{account}:role/vpc-flow-operator/{}", monitor.names.detector_role()),
        "MemorySize": 128,
        "Timeout": 60,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "FunctionArn": function_arn,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(configuration[field], *value, "{field}");
    }
    assert_eq!(
        function["environment"],
        json!({
            "TOPIC_ARN": topic,
            "MONITOR": "network/production",
            "VPC_ID": sandbox.vpc_id,
            "LOG_FORMAT": V2_FORMAT,
            "HIGH_TRANSFER_BYTES": "50000000",
        })
    );
    assert_eq!(function["loggingConfig"], json!({"LogFormat": "JSON", "LogGroup": own_group}));
    assert_eq!(function["codeSha256"], settings().detector.code_sha256());
    assert_eq!(function["tags"], tags);
    assert_eq!(
        function["policy"]["Statement"],
        json!([{
            "Sid": "flow-log-records",
            "Effect": "Allow",
            "Principal": {"Service": "logs.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": function_arn,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": account},
                "ArnLike": {"AWS:SourceArn": format!("arn:aws:logs:eu-west-1:{account}:log-group:{RECORDS}:*")},
            },
        }])
    );
    assert_eq!(
        inventory["logGroups"][RECORDS]["subscriptionFilters"],
        json!({name: {"filterPattern": "", "destinationArn": function_arn, "distribution": "ByLogStream"}})
    );
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

#[tokio::test]
async fn a_new_function_is_told_as_pending_and_then_as_well() {
    let sandbox = Sandbox::new("anomaly_detector::pending").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    let report = detector(&outcomes).report.clone().unwrap();
    assert!(detector(&outcomes).is_settled());
    assert!(matches!(report.health, Health::Pending(_)), "{report:#?}");
    let told: Vec<_> = report.resources.iter().map(|existing| existing.kind).collect();
    use ResourceKind::{Function, LogGroup, Role, SubscriptionFilter};
    assert_eq!(told, [Role, LogGroup, Function, SubscriptionFilter]);
    settled_function(&sandbox, &monitor).await;
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    assert_eq!(detector(&outcomes).report.clone().unwrap().health, Health::Good);
}

#[tokio::test]
async fn a_change_of_the_spec_changes_only_what_it_must() {
    let (sandbox, monitor) = built("anomaly_detector::spec").await;
    let name = monitor.names.detector();
    let mut spec = sandbox.spec();
    spec.anomaly_detector.memory_mb = 256;
    spec.anomaly_detector.timeout_seconds = 30;
    spec.anomaly_detector.high_transfer_bytes = 7;
    spec.cloud_watch_logs.fields.truncate(13);
    let monitor = sandbox.monitor(spec.clone());
    let before = sandbox.latest_call().await;
    sandbox.converge(&monitor, DETECTOR).await;
    let writes: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
    assert_eq!(writes, ["UpdateFunctionConfiguration"]);
    let found = settled_function(&sandbox, &monitor).await;
    assert_eq!((found.memory_size, found.timeout), (Some(256), Some(30)));
    let environment = &sandbox.inventory().await["functions"][&name]["environment"];
    assert_eq!(environment["HIGH_TRANSFER_BYTES"], "7");
    assert_eq!(environment["LOG_FORMAT"], V2_FORMAT.trim_end_matches(" ${log-status}"));

    let (topic, key) =
        ("arn:aws:sns:eu-west-1:123456789012:soc", format!("arn:aws:kms:eu-west-1:{}:key/1", sandbox.account));
    spec.notifications.topic_arn = Some(topic.into());
    spec.notifications.kms_key_arn = Some(key.clone());
    spec.anomaly_detector.log_retention_days = 3;
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, DETECTOR).await;
    let now = parts(&sandbox.inventory().await, &monitor);
    let statements = &now["role"]["inlinePolicies"]["detect-anomalies"]["Statement"];
    assert_eq!(statements[1]["Resource"], topic);
    assert_eq!(
        statements[2],
        json!({"Sid": "UseTopicKey", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": key})
    );
    assert_eq!(now["function"]["environment"]["TOPIC_ARN"], topic);
    assert_eq!(now["logGroup"]["retention"], 3);
    for part in ["role", "logGroup", "function"] {
        assert_eq!(now[part]["tags"]["team"], "network", "{part}");
    }
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let (sandbox, monitor) = built("anomaly_detector::drift").await;
    let (name, before) = (monitor.names.detector(), sandbox.inventory().await);
    let (lambda, logs) = (lambda(&sandbox), logs(&sandbox));
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let role = monitor.names.detector_role();

    lambda
        .update_function_configuration()
        .function_name(&name)
        .description("changed")
        .handler("other")
        .runtime(aws_sdk_lambda::types::Runtime::Providedal2)
        .memory_size(512)
        .timeout(3)
        .environment(Environment::builder().variables("RUST_LOG", "off").build())
        .logging_config(LoggingConfig::builder().log_group("/elsewhere").build())
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
    assert!(changes.iter().all(|change| change.action == Action::Update), "{changes:#?}");
    settled_function(&sandbox, &monitor).await;
    assert_eq!(sandbox.inventory().await, before);
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

/// A package that is not the detector's.
fn other_package() -> Vec<u8> {
    use std::io::Write;

    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("bootstrap", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(b"#!/bin/sh\n").unwrap();
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn what_others_put_beside_ours_stays() {
    let (sandbox, monitor) = built("anomaly_detector::beside").await;
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
    let (sandbox, monitor) = built("anomaly_detector::deleted_by_hand").await;
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

/// A function of the wanted name, made by somebody else.
async fn foreign_function(sandbox: &Sandbox, monitor: &Monitor) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let role = iam.create_role().role_name("theirs").assume_role_policy_document(trust).send().await.unwrap();
    let code = aws_sdk_lambda::types::FunctionCode::builder().zip_file(Blob::new(other_package())).build();
    lambda(sandbox)
        .create_function()
        .function_name(monitor.names.detector())
        .role(role.role.unwrap().arn)
        .runtime(aws_sdk_lambda::types::Runtime::Providedal2023)
        .handler("bootstrap")
        .code(code)
        .send()
        .await
        .unwrap();
    settled_function(sandbox, monitor).await;
}

#[tokio::test]
async fn a_function_that_is_not_ours_is_a_conflict_and_untouched() {
    let sandbox = Sandbox::new("anomaly_detector::conflict").await;
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
    let sandbox = Sandbox::new("anomaly_detector::adopted").await;
    let mut spec = sandbox.spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let monitor = sandbox.monitor(spec);
    foreign_function(&sandbox, &monitor).await;
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert!(kinds(&changes).contains(&(Action::Adopt, ResourceKind::Function)), "{changes:#?}");
    settled_function(&sandbox, &monitor).await;

    let (other, fresh) = built("anomaly_detector::not_adopted").await;
    let text = |inventory: &Value, monitor: &Monitor, sandbox: &Sandbox| {
        let parts = parts(inventory, monitor).to_string();
        parts.replace(&sandbox.account, "account").replace(&sandbox.vpc_id, "vpc")
    };
    let adopted = text(&sandbox.inventory().await, &monitor, &sandbox);
    assert_eq!(adopted, text(&other.inventory().await, &fresh, &other));
}

#[tokio::test]
async fn switched_off_it_is_gone_and_the_records_stay() {
    let (sandbox, _) = built("anomaly_detector::disabled").await;
    let mut spec = sandbox.spec();
    spec.anomaly_detector.enabled = false;
    let monitor = sandbox.monitor(spec);
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    use ResourceKind::{Function, LogGroup, Role, SubscriptionFilter};
    assert_eq!(kinds(&changes), [SubscriptionFilter, Function, Role, LogGroup].map(|kind| (Action::Delete, kind)));
    let inventory = sandbox.inventory().await;
    assert_eq!((&inventory["roles"], &inventory["functions"]), (&json!({}), &json!({})));
    assert_eq!(inventory["logGroups"].as_object().unwrap().keys().collect::<Vec<_>>(), [RECORDS]);
    assert_eq!(inventory["logGroups"][RECORDS]["subscriptionFilters"], json!({}));
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

#[tokio::test]
async fn goes_on_delete_and_with_data_retained_even_if_the_records_are_gone_already() {
    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        let (sandbox, _) = built(&format!("anomaly_detector::delete::{policy:?}")).await;
        logs(&sandbox).delete_log_group().log_group_name(RECORDS).send().await.unwrap();
        let mut spec = sandbox.spec();
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec);
        let outcomes = sandbox.tear_down(&monitor, DETECTOR).await;
        assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
        let inventory = sandbox.inventory().await;
        for service in ["roles", "functions", "logGroups"] {
            assert_eq!(inventory[service], json!({}), "{policy:?} {service}");
        }
    }
}

#[tokio::test]
async fn on_retain_only_tags_change_and_a_monitor_of_the_same_identity_takes_it_back() {
    let (sandbox, _) = built("anomaly_detector::retain").await;
    let before = sandbox.inventory().await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let retaining = sandbox.monitor(spec.clone());
    for _ in 0..2 {
        assert!(sandbox.tear_down(&retaining, DETECTOR).await.iter().all(Outcome::is_settled));
    }
    let mut retained = parts(&sandbox.inventory().await, &retaining);
    for part in ["role", "logGroup", "function"] {
        let tags = json!({"vpcflow.dev/retained-by": "test/network/production", "vpcflow.dev/managed-by": "vpc-flow-operator"});
        assert_eq!(retained[part]["tags"], tags, "{part}");
        retained[part]["tags"] = parts(&before, &retaining)[part]["tags"].clone();
    }
    assert_eq!(retained, parts(&before, &retaining), "but for the tags");

    let again = sandbox.monitor(spec);
    let changes = sandbox.converge(&again, DETECTOR).await;
    assert_eq!(changes.len(), 4, "taken back by its tags alone: {changes:#?}");
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn after_a_rename_records_come_from_the_new_log_group() {
    let (sandbox, _) = built("anomaly_detector::rename").await;
    let mut spec = sandbox.spec();
    spec.cloud_watch_logs.log_group_name = Some("/other".into());
    let mut renamed = sandbox.monitor(spec);
    renamed.recorded.push(ResourceStatus {
        component: Component::LogGroup,
        kind: ResourceKind::LogGroup,
        name: RECORDS.into(),
        arn: None,
        state: ResourceState::InSync,
        message: None,
    });
    sandbox.converge(&renamed, DETECTOR).await;
    let inventory = sandbox.inventory().await;
    let name = renamed.names.detector();
    assert_eq!(inventory["logGroups"][RECORDS]["subscriptionFilters"], json!({}));
    assert!(inventory["logGroups"]["/other"]["subscriptionFilters"].get(&name).is_some());
    let condition = &inventory["functions"][&name]["policy"]["Statement"][0]["Condition"];
    let source = format!("arn:aws:logs:eu-west-1:{}:log-group:/other:*", sandbox.account);
    assert_eq!(condition["ArnLike"]["AWS:SourceArn"], source);
}

fn fault(sandbox: &Sandbox, service: &str, operation: &str, code: &str, message: &str) -> Fault {
    Fault {
        account: sandbox.account.clone(),
        service: service.into(),
        operation: operation.into(),
        code: code.into(),
        message: message.into(),
        status: 400,
        times: Some(1),
    }
}

#[tokio::test]
async fn a_role_that_lambda_cannot_assume_yet_is_tried_again() {
    let sandbox = Sandbox::new("anomaly_detector::not_yet").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let message = "The role defined for the function cannot be assumed by Lambda.";
    let not_yet = fault(&sandbox, "lambda", "CreateFunction", "InvalidParameterValueException", message);
    sandbox.emulator.add_fault(not_yet).await.unwrap();
    let message = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.";
    let not_yet = fault(&sandbox, "logs", "PutSubscriptionFilter", "InvalidParameterException", message);
    sandbox.emulator.add_fault(not_yet).await.unwrap();
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
}

#[tokio::test]
async fn without_permission_the_failure_says_which_and_nothing_is_lost() {
    let sandbox = Sandbox::new("anomaly_detector::denied").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let denied = fault(&sandbox, "lambda", "AddPermission", "AccessDeniedException", "not authorized");
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
    let (sandbox, monitor) = built("anomaly_detector::third_filter").await;
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
    assert!(
        failure.message.contains(&format!("log group {RECORDS} has two subscription filters already")),
        "{failure}"
    );
    assert!(failure.message.contains("spec.anomalyDetector.enabled"), "{failure}");
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn records_in_the_log_group_become_a_message_on_the_topic() {
    let sandbox = Sandbox::new("anomaly_detector::message").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = sns.create_topic().name(monitor.names.topic()).send().await.unwrap().topic_arn.unwrap();
    assert_eq!(topic, monitor.topic_arn());
    let mut inbox = Inbox::subscribe(&sns, &topic).await;
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;

    let since = sandbox.latest_call().await;
    let account = &sandbox.account;
    put_records(
        &sandbox,
        &[
            format!("2 {account} eni-1 10.0.0.1 203.0.113.9 443 50000 6 1 50000001 1418530010 1418530070 ACCEPT OK"),
            format!("2 {account} eni-1 198.51.100.7 10.0.0.1 50000 22 6 1 40 1418530010 1418530070 REJECT OK"),
            format!("2 {account} eni-1 10.0.0.1 10.0.0.2 443 50000 6 1 40 1418530010 1418530070 ACCEPT OK"),
        ],
    )
    .await;
    let message = inbox.next().await;
    assert_eq!(message["Type"], "Notification");
    let subject = format!("HIGH: 2 network anomalies in {}, monitor network/production", sandbox.vpc_id);
    assert_eq!(message["Subject"], subject);
    let text = message["Message"].as_str().unwrap();
    assert!(text.contains("HIGH high_data_transfer 10.0.0.1 -> 203.0.113.9: records 1, bytes 50000001"), "{text}");
    assert!(text.contains("MEDIUM rejected_tcp 198.51.100.7 -> 10.0.0.1: records 1, bytes 40"), "{text}");
    assert!(!text.contains("10.0.0.2"), "{text}");

    let calls = sandbox.emulator.calls(account, since).await.unwrap();
    let publish = calls.iter().find(|call| call.operation == "Publish").unwrap();
    assert_eq!(publish.caller, Some(monitor.names.detector_role()), "published as the detector's own role");
    wait_for("the detector's own log", DEADLINE, async || {
        let events =
            logs(&sandbox).filter_log_events().log_group_name(monitor.names.detector_log_group()).send().await?;
        Ok(events
            .events()
            .iter()
            .any(|event| event.message().is_some_and(|it| it.contains("batch analyzed")))
            .then_some(()))
    })
    .await
    .unwrap();
}

async fn put_records(sandbox: &Sandbox, records: &[String]) {
    use aws_sdk_cloudwatchlogs::types::InputLogEvent;

    let logs = logs(sandbox);
    logs.create_log_stream().log_group_name(RECORDS).log_stream_name("eni-1-all").send().await.unwrap();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let events =
        records.iter().map(|it| InputLogEvent::builder().timestamp(now).message(it).build().unwrap()).collect();
    logs.put_log_events()
        .log_group_name(RECORDS)
        .log_stream_name("eni-1-all")
        .set_log_events(Some(events))
        .send()
        .await
        .unwrap();
}

/// An HTTP endpoint subscribed to a topic.
struct Inbox {
    received: tokio::sync::mpsc::UnboundedReceiver<Value>,
}

impl Inbox {
    async fn subscribe(sns: &aws_sdk_sns::Client, topic: &str) -> Self {
        let (sender, received) = tokio::sync::mpsc::unbounded_channel();
        let receive = async move |body: String| sender.send(serde_json::from_str(&body).unwrap()).unwrap();
        let app = axum::Router::new().route("/", axum::routing::post(receive));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut inbox = Self { received };
        sns.subscribe().topic_arn(topic).protocol("http").endpoint(url).send().await.unwrap();
        let request = inbox.next().await;
        assert_eq!(request["Type"], "SubscriptionConfirmation");
        let token = request["Token"].as_str().unwrap();
        sns.confirm_subscription().topic_arn(topic).token(token).send().await.unwrap();
        inbox
    }

    async fn next(&mut self) -> Value {
        tokio::time::timeout(DEADLINE, self.received.recv()).await.expect("SNS posts within the deadline").unwrap()
    }
}
