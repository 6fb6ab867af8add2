//! Settings of flow logs that cannot be changed in place.

use serde_json::{Value, json};
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{FileFormat, TrafficType};
use vpc_flow_operator::api::{FlowLogField, VpcFlowMonitorSpec};
use vpc_flow_operator::engine::Action;

use super::{FLOW_LOGS, converged, fail, flow_logs, make_foreign, only, reported};
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn every_setting_is_replaced_and_one_flow_log_per_destination_remains() {
    type Mutation = fn(&mut VpcFlowMonitorSpec);
    let cases: [(Mutation, &str, &str, Value, usize); 9] = [
        (|spec| spec.aggregation_interval = 600, "s3", "/MaxAggregationInterval", json!(600), 2),
        (|spec| spec.traffic_type = TrafficType::Accept, "s3", "/TrafficType", json!("ACCEPT"), 2),
        (
            |spec| spec.cloud_watch_logs.traffic_type = Some(TrafficType::Reject),
            "cloud-watch-logs",
            "/TrafficType",
            json!("REJECT"),
            1,
        ),
        (|spec| spec.s3.traffic_type = Some(TrafficType::Reject), "s3", "/TrafficType", json!("REJECT"), 1),
        (
            |spec| spec.s3.file_format = FileFormat::PlainText,
            "s3",
            "/DestinationOptions/FileFormat",
            json!("plain-text"),
            1,
        ),
        (|spec| spec.s3.per_hour_partition = false, "s3", "/DestinationOptions/PerHourPartition", json!(false), 1),
        (
            |spec| spec.s3.hive_compatible_partitions = false,
            "s3",
            "/DestinationOptions/HiveCompatiblePartitions",
            json!(false),
            1,
        ),
        (|spec| spec.s3.fields.truncate(3), "s3", "/LogFormat", json!("${version} ${account-id} ${interface-id}"), 1),
        (
            |spec| spec.cloud_watch_logs.fields = vec![FlowLogField::SrcAddr, FlowLogField::RejectReason],
            "cloud-watch-logs",
            "/LogFormat",
            json!("${srcaddr} ${reject-reason}"),
            1,
        ),
    ];
    let sandbox = Sandbox::new("flow_logs::replaced").await;
    converged(&sandbox).await;
    for (mutate, sink, pointer, value, replaced) in cases {
        let mut spec = sandbox.spec();
        sandbox.converge(&sandbox.monitor(spec.clone()), FLOW_LOGS).await;
        mutate(&mut spec);
        let monitor = sandbox.monitor(spec);
        let changes = sandbox.converge(&monitor, FLOW_LOGS).await;
        assert_eq!(changes.len(), replaced, "{pointer}: {changes:#?}");
        // Files of another layout go to a folder of their own.
        let fields = if pointer.starts_with("/DestinationOptions/") { 2 } else { 1 };
        assert!(
            changes.iter().all(|change| change.action == Action::Replace && change.fields.len() == fields),
            "{changes:#?}"
        );
        assert_eq!(only(&sandbox, sink).await.1.pointer(pointer), Some(&value), "{pointer}");
        assert_eq!(flow_logs(&sandbox).await.len(), 2);
        sandbox.assert_at_rest(&monitor, FLOW_LOGS).await;
    }
}

#[tokio::test]
async fn a_new_destination_is_made_before_the_old_flow_log_goes() {
    let sandbox = Sandbox::new("flow_logs::moved").await;
    converged(&sandbox).await;
    for (prefix, destination) in [("elsewhere/too", "/elsewhere/too/"), ("", "")] {
        let mut spec = sandbox.spec();
        spec.s3.prefix = prefix.into();
        let monitor = sandbox.monitor(spec);
        let before = sandbox.latest_call().await;
        let changes = sandbox.converge(&monitor, FLOW_LOGS).await;
        assert_eq!(reported(&changes), [(Action::Replace, "s3")]);
        assert_eq!(changes[0].fields[0].path, "destination");
        let calls: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
        assert_eq!(calls, ["CreateFlowLogs", "DeleteFlowLogs"]);
        let arn = format!("arn:aws:s3:::{}{destination}", monitor.names.bucket);
        assert_eq!(only(&sandbox, "s3").await.1["LogDestination"], json!(arn));
    }
    let mut spec = sandbox.spec();
    spec.s3.prefix = String::new();
    spec.cloud_watch_logs.log_group_name = Some("/other".into());
    sandbox
        .converge(&sandbox.monitor(spec), &[Component::LogGroup, Component::DeliveryRole, Component::FlowLogs])
        .await;
    assert_eq!(only(&sandbox, "cloud-watch-logs").await.1["LogGroupName"], "/other");
}

#[tokio::test]
async fn a_refused_replacement_costs_nothing() {
    let sandbox = Sandbox::new("flow_logs::refused").await;
    converged(&sandbox).await;
    let before = flow_logs(&sandbox).await;
    let mut spec = sandbox.spec();
    spec.s3.traffic_type = Some(TrafficType::Reject);
    let monitor = sandbox.monitor(spec);
    fail(&sandbox, "CreateFlowLogs", "InvalidParameter", "Unknown fields provided: x", 1).await;
    let outcome = sandbox.pass(&monitor, FLOW_LOGS).await.remove(0);
    assert_eq!(outcome.failures[0].1.reason, Reason::Rejected);
    assert_eq!(flow_logs(&sandbox).await, before);
    sandbox.converge(&monitor, FLOW_LOGS).await;
    assert_eq!(only(&sandbox, "s3").await.1["TrafficType"], "REJECT");
}

#[tokio::test]
async fn an_interrupted_replacement_is_finished() {
    let sandbox = Sandbox::new("flow_logs::interrupted").await;
    converged(&sandbox).await;
    let denied = ("UnauthorizedOperation", "You are not authorized to perform this operation.");

    // After the new one was made: both exist.
    let mut spec = sandbox.spec();
    spec.s3.prefix = "elsewhere".into();
    let moved = sandbox.monitor(spec.clone());
    fail(&sandbox, "DeleteFlowLogs", denied.0, denied.1, 1).await;
    let outcome = sandbox.pass(&moved, FLOW_LOGS).await.remove(0);
    assert_eq!(outcome.failures[0].1.reason, Reason::AccessDenied);
    assert_eq!(flow_logs(&sandbox).await.len(), 3);
    assert_eq!(reported(&sandbox.converge(&moved, FLOW_LOGS).await), [(Action::Delete, "s3")]);
    let (_, s3) = only(&sandbox, "s3").await;
    assert_eq!(s3["LogDestination"], json!(format!("arn:aws:s3:::{}/elsewhere/", moved.names.bucket)));

    // Before the old one went, where the two cannot overlap: the old one works on.
    spec.s3.traffic_type = Some(TrafficType::Reject);
    let changed = sandbox.monitor(spec.clone());
    let before = flow_logs(&sandbox).await;
    fail(&sandbox, "DeleteFlowLogs", denied.0, denied.1, 1).await;
    assert!(!sandbox.pass(&changed, FLOW_LOGS).await[0].is_settled());
    assert_eq!(flow_logs(&sandbox).await, before);
    sandbox.converge(&changed, FLOW_LOGS).await;
    assert_eq!(only(&sandbox, "s3").await.1["TrafficType"], "REJECT");

    // After the old one went, at the quota: there is none until the next pass.
    spec.s3.traffic_type = None;
    let changed = sandbox.monitor(spec.clone());
    fail(&sandbox, "CreateFlowLogs", "FlowLogsLimitExceeded", "The maximum number has been reached.", 2).await;
    assert_eq!(sandbox.pass(&changed, FLOW_LOGS).await[0].failures[0].1.reason, Reason::Rejected);
    assert_eq!(flow_logs(&sandbox).await.len(), 1);
    assert_eq!(reported(&sandbox.converge(&changed, FLOW_LOGS).await), [(Action::Create, "s3")]);
    assert_eq!(only(&sandbox, "s3").await.1["TrafficType"], "ALL");

    // AWS may not have noticed yet that the old one is gone.
    spec.s3.traffic_type = Some(TrafficType::Reject);
    let changed = sandbox.monitor(spec);
    fail(&sandbox, "CreateFlowLogs", "FlowLogAlreadyExists", "There is an existing Flow Log", 2).await;
    assert_eq!(reported(&sandbox.converge(&changed, FLOW_LOGS).await), [(Action::Replace, "s3")]);
    assert_eq!(only(&sandbox, "s3").await.1["TrafficType"], "REJECT");
    sandbox.assert_at_rest(&changed, FLOW_LOGS).await;
}

#[tokio::test]
async fn at_the_quota_the_old_flow_log_makes_room() {
    let sandbox = Sandbox::new("flow_logs::quota").await;
    converged(&sandbox).await;
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    for number in 0..8 {
        make_foreign(&sandbox, &format!("arn:aws:s3:::vpc-flow-logs-others-{number}")).await;
    }
    let mut spec = sandbox.spec();
    spec.s3.prefix = "elsewhere".into();
    let monitor = sandbox.monitor(spec);
    assert_eq!(reported(&sandbox.converge(&monitor, FLOW_LOGS).await), [(Action::Replace, "s3")]);
    let all = ec2.describe_flow_logs().send().await.unwrap();
    let expected = format!("arn:aws:s3:::{}/elsewhere/", monitor.names.bucket);
    assert_eq!(all.flow_logs().len(), 10);
    assert!(all.flow_logs().iter().any(|flow_log| flow_log.log_destination() == Some(expected.as_str())));
}

#[tokio::test]
async fn what_others_put_into_the_bucket_policy_outlives_create_flow_logs() {
    let sandbox = Sandbox::new("flow_logs::policy").await;
    let monitor = converged(&sandbox).await;
    let theirs = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Auditors",
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", sandbox.account)},
        "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{}/*", monitor.names.bucket),
    }]});
    let put = sandbox.s3().put_bucket_policy().bucket(&monitor.names.bucket).policy(theirs.to_string());
    put.send().await.unwrap();
    let mut spec = sandbox.spec();
    spec.s3.prefix = "moved".into();
    sandbox.converge(&sandbox.monitor(spec), FLOW_LOGS).await;
    let inventory = sandbox.inventory().await;
    let policy = &inventory["buckets"][&monitor.names.bucket]["policy"];
    let sids: Vec<_> =
        policy["Statement"].as_array().unwrap().iter().map(|known| known["Sid"].as_str().unwrap()).collect();
    assert_eq!(sids, ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck", "Auditors"]);
}
