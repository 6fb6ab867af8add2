//! The detector as it is built and kept; its other tests are in the files beside this one.

mod architecture;
mod custom_rules;
mod drift;
mod events;
mod message;
mod notification_log;
mod package_settings;
mod refusals;
mod removal;
mod source;
mod source_change;

use std::time::Duration;

use aws_sdk_lambda::types::{FunctionConfiguration, LastUpdateStatus, State};
use devenv::{Consistency, FaultProxy, wait_for};
use serde_json::{Value, json};
use vpc_flow_operator::api::ResourceKind::{Function, FunctionPermission, LogGroup, Role, SubscriptionFilter};
use vpc_flow_operator::api::spec::{Severity, TagValue};
use vpc_flow_operator::api::{Component, ResourceKind, VpcFlowMonitorSpec};
use vpc_flow_operator::engine::{Action, Change, Direction, Outcome, SystemHealth};
use vpc_flow_operator::monitor::Monitor;

use testkit::sandbox::{Sandbox, own_tags, pass, settings};

const DETECTOR: &[Component] = &[Component::LogGroup, Component::Detector];
const RECORDS: &str = "/aws/vpc/flowlogs/network/production";
/// The settings in the package of a default monitor.
const NO_LISTS: &str = r#"{"customRules":[],"suppress":[],"trustedCidrs":[],"version":1}"#;
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

/// Waits until Lambda has finished its work on the function and accepts changes.
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
    outcomes.iter().find(|outcome| outcome.component == Component::Detector).unwrap()
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
    let sandbox = Sandbox::new("detector::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert_eq!(changes.len(), 6, "{changes:#?}");
    settled_function(&sandbox, &monitor).await;

    let inventory = sandbox.inventory().await;
    assert_role(&inventory["roles"][monitor.names.detector_role()], &sandbox.account, &monitor);
    assert_function(&inventory["functions"][monitor.names.detector()], &sandbox, &monitor);
    let own_group = monitor.names.detector_log_group();
    assert_eq!(
        inventory["logGroups"][&own_group],
        json!({
            "arn": format!("arn:aws:logs:eu-west-1:{}:log-group:{own_group}:*", sandbox.account),
            "retention": 14,
            "class": "STANDARD",
            "kmsKeyId": null,
            "tags": own_tags(),
            "metricFilters": {},
            "subscriptionFilters": {},
        })
    );
    let name = monitor.names.detector();
    let function_arn = format!("arn:aws:lambda:eu-west-1:{}:function:{name}", sandbox.account);
    assert_eq!(
        inventory["logGroups"][RECORDS]["subscriptionFilters"],
        json!({name: {"filterPattern": "", "destinationArn": function_arn, "distribution": "ByLogStream"}})
    );
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

fn topic(account: &str, monitor: &Monitor) -> String {
    format!("arn:aws:sns:eu-west-1:{account}:{}", monitor.names.topic())
}

fn assert_role(role: &Value, account: &str, monitor: &Monitor) {
    let own_group = monitor.names.detector_log_group();
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
            {
                "Sid": "ReportAnomalies",
                "Effect": "Allow",
                "Action": ["sns:GetTopicAttributes", "sns:Publish"],
                "Resource": topic(account, monitor),
            },
            {
                "Sid": "KeepNotificationLog",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": format!("arn:aws:s3:::{}/detector-state/notification-log.json", monitor.names.bucket),
            },
        ]}})
    );
    assert_eq!((&role["path"], &role["attachedPolicies"]), (&json!("/vpc-flow-operator/"), &json!([])));
    assert_eq!(role["tags"], own_tags());
}

fn assert_function(function: &Value, sandbox: &Sandbox, monitor: &Monitor) {
    let account = &sandbox.account;
    let (name, own_group) = (monitor.names.detector(), monitor.names.detector_log_group());
    let function_arn = format!("arn:aws:lambda:eu-west-1:{account}:function:{name}");
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
            "TOPIC_ARN": topic(account, monitor),
            "MONITOR": "network/production",
            "OWNER": "test/network/production",
            "VPC_ID": sandbox.vpc_id,
            "LOG_FORMAT": V2_FORMAT,
            "METRICS_NAMESPACE": "VPC/FlowLogs",
            "METRICS_MONITOR": monitor.names.base(),
            "BUCKET": monitor.names.bucket,
            "RENOTIFY_AFTER_SECONDS": "21600",
            "DASHBOARD": monitor.names.dashboard(),
            "WORKGROUP": monitor.names.workgroup(),
            "DATABASE": monitor.names.database,
            "TABLE": "vpc_flow_logs",
            "RULES": "{\"disabled\":[],\"expectedProtocols\":[1,6,17,58],\"highTransferBytes\":50000000,\"hostSweepMinHosts\":50,\
                \"largeEgressMinBytes\":500000000,\"minSeverity\":\"MEDIUM\",\"portScanMinPorts\":20,\
                \"sensitivePorts\":[22,23,445,1433,2375,3306,3389,5432,5900,6379,9200,11211,27017],\"windowSeconds\":300}",
            "CONFIG_VERSION": "238a9b188558",
        })
    );
    let levels = json!({
        "LogFormat": "JSON", "LogGroup": own_group, "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO",
    });
    assert_eq!(function["loggingConfig"], levels);
    assert_eq!(function["codeSha256"], settings().detector.code_sha256(NO_LISTS));
    assert_eq!(function["tags"], own_tags());
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
}

#[tokio::test]
async fn a_new_function_is_ready_at_the_end_of_the_pass() {
    let sandbox = Sandbox::new("detector::ready").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    assert_eq!(detector(&outcomes).report.clone().unwrap().health, SystemHealth::Good);
}

#[tokio::test]
async fn a_function_that_lambda_sets_up_for_long_is_reported_as_pending_and_then_as_ready() {
    let sandbox = Sandbox::new("detector::pending").await;
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    proxy.set_consistency(Consistency { function_pending: 1000, ..Consistency::default() });
    let aws = sandbox.aws_at(proxy.endpoint()).await;
    let monitor = sandbox.monitor(sandbox.spec());
    let outcomes = pass(&aws, &monitor, DETECTOR, Direction::Build).await;
    let report = detector(&outcomes).report.clone().unwrap();
    assert!(detector(&outcomes).is_settled());
    assert!(matches!(report.health, SystemHealth::Pending(_)), "{report:#?}");
    let reported: Vec<_> = report.resources.iter().map(|existing| existing.kind).collect();
    assert_eq!(reported, [Role, LogGroup, Function, FunctionPermission, SubscriptionFilter]);
    settled_function(&sandbox, &monitor).await;
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    assert_eq!(detector(&outcomes).report.clone().unwrap().health, SystemHealth::Good);
}

#[tokio::test]
async fn a_change_of_the_spec_changes_only_what_it_must() {
    let (sandbox, monitor) = built("detector::spec").await;
    let name = monitor.names.detector();
    let mut spec = sandbox.spec();
    spec.detector.memory_mb = Some(256);
    spec.detector.timeout_seconds = Some(30);
    spec.detections.namespace = "Network".into();
    spec.cloud_watch_logs.fields.truncate(13);
    let monitor = sandbox.monitor(spec.clone());
    let before = sandbox.latest_call().await;
    sandbox.converge(&monitor, DETECTOR).await;
    let writes: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
    assert_eq!(writes, ["UpdateFunctionConfiguration"]);
    let found = settled_function(&sandbox, &monitor).await;
    assert_eq!((found.memory_size, found.timeout), (Some(256), Some(30)));
    let environment = &sandbox.inventory().await["functions"][&name]["environment"];
    assert_eq!(environment["METRICS_NAMESPACE"], "Network");
    assert_eq!(environment["LOG_FORMAT"], V2_FORMAT.trim_end_matches(" ${log-status}"));

    let (topic, key) =
        ("arn:aws:sns:eu-west-1:123456789012:soc", format!("arn:aws:kms:eu-west-1:{}:key/1", sandbox.account));
    spec.notifications.topic_arn = Some(topic.into());
    spec.notifications.kms_key_arn = Some(key.clone());
    spec.detector.log_retention_days = 3;
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, DETECTOR).await;
    let now = parts(&sandbox.inventory().await, &monitor);
    let statements = &now["role"]["inlinePolicies"]["detect-anomalies"]["Statement"];
    assert_eq!(statements[1]["Resource"], topic);
    assert_eq!(
        statements[3],
        json!({
            "Sid": "UseTopicKey",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": key,
            "Condition": {"StringEquals": {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}},
        })
    );
    assert_eq!(now["function"]["environment"]["TOPIC_ARN"], topic);
    assert_eq!(now["logGroup"]["retention"], 3);
    for part in ["role", "logGroup", "function"] {
        assert_eq!(now[part]["tags"]["team"], "network", "{part}");
    }
}

#[tokio::test]
async fn a_change_of_any_rule_changes_its_setting_in_place() {
    type Set = fn(&mut VpcFlowMonitorSpec);
    let (sandbox, _) = built("detector::rules").await;
    let mut spec = sandbox.spec();
    let cases: [(Set, &str, Value); 9] = [
        (|it| it.detector.high_transfer_bytes = 7, "highTransferBytes", json!(7)),
        (|it| it.detector.window_seconds = 60, "windowSeconds", json!(60)),
        (|it| it.detector.min_severity = Severity::High, "minSeverity", json!("HIGH")),
        (|it| it.detector.sensitive_ports = vec![443, 22], "sensitivePorts", json!([22, 443])),
        (|it| it.detector.rules.port_scan.min_ports = 5, "portScanMinPorts", json!(5)),
        (|it| it.detector.rules.host_sweep.min_hosts = 6, "hostSweepMinHosts", json!(6)),
        (|it| it.detector.rules.large_egress.min_bytes = 8, "largeEgressMinBytes", json!(8)),
        (|it| it.detector.rules.unusual_protocol.expected_protocols = vec![6], "expectedProtocols", json!([6])),
        (|it| it.detector.rules.skipped_records.enabled = false, "disabled", json!(["skippedRecords"])),
    ];
    for (set, member, value) in cases {
        set(&mut spec);
        let monitor = sandbox.monitor(spec.clone());
        let before = sandbox.latest_call().await;
        sandbox.converge(&monitor, DETECTOR).await;
        let writes: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
        assert_eq!(writes, ["UpdateFunctionConfiguration"], "{member}");
        settled_function(&sandbox, &monitor).await;
        let environment = &sandbox.inventory().await["functions"][monitor.names.detector()]["environment"];
        let rules: Value = serde_json::from_str(environment["RULES"].as_str().unwrap()).unwrap();
        assert_eq!(rules[member], value);
        sandbox.assert_at_rest(&monitor, DETECTOR).await;
    }
}

/// A package that is not the detector's.
fn other_package() -> Vec<u8> {
    use std::io::Write;

    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("bootstrap", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(b"#!/bin/sh\n").unwrap();
    writer.finish().unwrap().into_inner()
}
