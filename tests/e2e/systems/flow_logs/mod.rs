mod record_format;
mod replacement;

use aws_sdk_ec2::types::{FlowLogsResourceType, LogDestinationType, Tag, TrafficType as SdkTrafficType};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use devenv::Fault;
use serde_json::{Value, json};
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use vpc_flow_operator::engine::{self, Action, Call, Change, Direction, Outcome, SystemHealth};
use vpc_flow_operator::monitor::Monitor;

use testkit::sandbox::{REGION, Sandbox, apply, details, systems};

const FLOW_LOGS: &[Component] = &[Component::FlowLogs];
const V2: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
                  ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// Makes the resources that the flow logs need: bucket, role and log group.
async fn prepare(sandbox: &Sandbox, monitor: &Monitor) {
    make_bucket(sandbox, &monitor.names.bucket).await;
    sandbox.converge(monitor, &[Component::DeliveryRole, Component::LogGroup]).await;
}

async fn make_bucket(sandbox: &Sandbox, name: &str) {
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&sandbox.config).force_path_style(true).build(),
    );
    let region = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION));
    s3.create_bucket().bucket(name).create_bucket_configuration(region.build()).send().await.unwrap();
}

/// A converged default monitor.
async fn converged(sandbox: &Sandbox) -> Monitor {
    let monitor = sandbox.monitor(sandbox.spec());
    prepare(sandbox, &monitor).await;
    sandbox.converge(&monitor, FLOW_LOGS).await;
    monitor
}

/// All flow logs, by id.
async fn flow_logs(sandbox: &Sandbox) -> Vec<(String, Value)> {
    let inventory = sandbox.inventory().await;
    let all = inventory["flowLogs"].as_object().unwrap();
    all.iter().map(|(id, flow_log)| (id.clone(), flow_log.clone())).collect()
}

/// The only flow log to that kind of destination.
async fn only(sandbox: &Sandbox, sink: &str) -> (String, Value) {
    let mut all = flow_logs(sandbox).await;
    all.retain(|(_, flow_log)| flow_log["LogDestinationType"] == sink);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// All flow logs without their ids, in the order of their destinations.
async fn settings(sandbox: &Sandbox) -> Vec<Value> {
    let mut all: Vec<_> = flow_logs(sandbox).await.into_iter().map(|(_, flow_log)| flow_log).collect();
    all.sort_by_key(|flow_log| flow_log["LogDestination"].to_string());
    all
}

/// Makes a foreign flow log, and its bucket if the destination is one.
async fn make_foreign(sandbox: &Sandbox, destination: &str) -> String {
    if let Some(bucket) = destination.strip_prefix("arn:aws:s3:::").filter(|rest| !rest.contains('/')) {
        make_bucket(sandbox, bucket).await;
    }
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    let made = ec2
        .create_flow_logs()
        .resource_type(FlowLogsResourceType::Vpc)
        .resource_ids(&sandbox.vpc_id)
        .traffic_type(SdkTrafficType::Accept)
        .log_destination_type(LogDestinationType::S3)
        .log_destination(destination)
        .send()
        .await
        .unwrap();
    made.flow_log_ids()[0].clone()
}

fn reported(changes: &[Change]) -> Vec<(Action, &str)> {
    changes.iter().map(|change| (change.action, change.name.as_str())).collect()
}

async fn fail(sandbox: &Sandbox, operation: &str, code: &str, message: &str, times: u32) {
    let fault = Fault { times: Some(times), ..sandbox.fault("ec2", operation, code, message) };
    sandbox.emulator.add_fault(fault).await.unwrap();
}

#[tokio::test]
async fn are_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("flow_logs::created").await;
    let mut spec = sandbox.spec();
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec);
    prepare(&sandbox, &monitor).await;
    let changes = sandbox.converge(&monitor, FLOW_LOGS).await;
    assert_eq!(reported(&changes), [(Action::Create, "cloud-watch-logs"), (Action::Create, "s3")]);

    let tags = json!({
        "team": "network",
        "vpcflow.dev/owner": "test/network/production",
        "vpcflow.dev/managed-by": "vpc-flow-operator",
        "vpcflow.dev/tag-keys": "yosi",
    });
    let account = &sandbox.account;
    let logs = only(&sandbox, "cloud-watch-logs").await.1;
    let s3 = only(&sandbox, "s3").await.1;
    assert_eq!(
        logs,
        json!({
            "DeliverLogsPermissionArn":
                format!("arn:aws:iam::{account}:role/vpc-flow-operator/{}", monitor.names.delivery_role()),
            "DeliverLogsStatus": "SUCCESS",
            "FlowLogStatus": "ACTIVE",
            "LogDestination":
                format!("arn:aws:logs:eu-west-1:{account}:log-group:/aws/vpc/flowlogs/network/production"),
            "LogDestinationType": "cloud-watch-logs",
            "LogFormat": V2,
            "LogGroupName": "/aws/vpc/flowlogs/network/production",
            "MaxAggregationInterval": 60,
            "ResourceId": sandbox.vpc_id,
            "Tags": tags,
            "TrafficType": "ALL",
        })
    );
    assert_eq!(
        s3,
        json!({
            "DeliverLogsStatus": "SUCCESS",
            "DestinationOptions": {
                "FileFormat": "parquet", "HiveCompatiblePartitions": true, "PerHourPartition": true,
            },
            "FlowLogStatus": "ACTIVE",
            "LogDestination": format!("arn:aws:s3:::{}/vpc-flow-logs/", monitor.names.bucket),
            "LogDestinationType": "s3",
            "LogFormat": format!(
                "{V2} ${{vpc-id}} ${{subnet-id}} ${{instance-id}} ${{tcp-flags}} ${{type}} ${{pkt-srcaddr}} ${{pkt-dstaddr}}"
            ),
            "MaxAggregationInterval": 60,
            "ResourceId": sandbox.vpc_id,
            "Tags": tags,
            "TrafficType": "ALL",
        })
    );
    sandbox.assert_at_rest(&monitor, FLOW_LOGS).await;
}

#[tokio::test]
async fn report_tells_ids_arns_and_delivery() {
    let sandbox = Sandbox::new("flow_logs::report").await;
    let monitor = converged(&sandbox).await;
    let outcomes = sandbox.pass(&monitor, FLOW_LOGS).await;
    let (report, status) = (outcomes[0].report.as_ref().unwrap(), details(&outcomes));
    assert_eq!(report.health, SystemHealth::Good);
    let id = only(&sandbox, "s3").await.0;
    let s3 = status.flow_logs.iter().find(|flow_log| flow_log.destination == "s3").unwrap();
    assert_eq!((s3.id.as_str(), s3.status.as_str()), (id.as_str(), "ACTIVE"));
    assert_eq!((s3.delivery_status.as_deref(), s3.delivery_error.as_deref()), (Some("SUCCESS"), None));
    let arn = format!("arn:aws:ec2:eu-west-1:{}:vpc-flow-log/{id}", sandbox.account);
    assert!(report.resources.iter().any(|existing| existing.arn.as_ref() == Some(&arn)), "{report:#?}");

    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let role = monitor.names.delivery_role();
    iam.delete_role_policy().role_name(&role).policy_name("deliver-flow-logs").send().await.unwrap();
    let outcomes = sandbox.pass(&monitor, FLOW_LOGS).await;
    let (report, status) = (outcomes[0].report.as_ref().unwrap(), details(&outcomes));
    let SystemHealth::Failing(Reason::DeliveryFailed, text) = &report.health else { panic!("{report:#?}") };
    assert!(text.contains("cloud-watch-logs") && text.contains("Access error") && text.contains(&role), "{text}");
    assert!(!text.contains("s3"), "{text}");
    let logs = status.flow_logs.iter().find(|flow_log| flow_log.destination == "cloud-watch-logs").unwrap();
    assert_eq!(logs.delivery_status.as_deref(), Some("FAILED"));
    assert_eq!(logs.delivery_error.as_deref(), Some("Access error"));
}

#[tokio::test]
async fn what_was_deleted_by_hand_is_made_again() {
    let sandbox = Sandbox::new("flow_logs::deleted").await;
    let monitor = converged(&sandbox).await;
    let before = settings(&sandbox).await;
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    for _ in 0..2 {
        let ids = flow_logs(&sandbox).await.into_iter().map(|(id, _)| id).collect();
        ec2.delete_flow_logs().set_flow_log_ids(Some(ids)).send().await.unwrap();
        let changes = sandbox.converge(&monitor, FLOW_LOGS).await;
        assert_eq!(reported(&changes), [(Action::Create, "cloud-watch-logs"), (Action::Create, "s3")]);
        assert_eq!(settings(&sandbox).await, before);
    }
}

#[tokio::test]
async fn tags_are_repaired_and_those_of_others_stay() {
    let sandbox = Sandbox::new("flow_logs::tags").await;
    let mut spec = sandbox.spec();
    spec.tags.insert("team".into(), TagValue("network".into()));
    spec.tags.insert("old".into(), TagValue("1".into()));
    let monitor = sandbox.monitor(spec.clone());
    prepare(&sandbox, &monitor).await;
    sandbox.converge(&monitor, FLOW_LOGS).await;
    let id = only(&sandbox, "s3").await.0;
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    ec2.create_tags().resources(&id).tags(tag("cost-centre", "7")).tags(tag("team", "x")).send().await.unwrap();
    ec2.delete_tags().resources(&id).tags(Tag::builder().key("vpcflow.dev/managed-by").build()).send().await.unwrap();

    spec.tags.remove("old");
    let monitor = sandbox.monitor(spec);
    let changes = sandbox.converge(&monitor, FLOW_LOGS).await;
    assert_eq!(reported(&changes), [(Action::Update, "cloud-watch-logs"), (Action::Update, "s3")]);
    let (same, s3) = only(&sandbox, "s3").await;
    assert_eq!(same, id);
    assert_eq!(
        s3["Tags"],
        json!({
            "team": "network",
            "cost-centre": "7",
            "vpcflow.dev/owner": "test/network/production",
            "vpcflow.dev/managed-by": "vpc-flow-operator",
            "vpcflow.dev/tag-keys": "yosi",
        })
    );
    sandbox.assert_at_rest(&monitor, FLOW_LOGS).await;
}

#[tokio::test]
async fn a_stranger_is_a_conflict_at_our_destination_only() {
    let sandbox = Sandbox::new("flow_logs::conflict").await;
    let monitor = sandbox.monitor(sandbox.spec());
    prepare(&sandbox, &monitor).await;
    let stranger = make_foreign(&sandbox, &format!("arn:aws:s3:::{}/vpc-flow-logs", monitor.names.bucket)).await;
    let other = make_foreign(&sandbox, "arn:aws:s3:::vpc-flow-logs-of-others").await;
    let before = flow_logs(&sandbox).await;

    let outcome = sandbox.pass(&monitor, FLOW_LOGS).await.remove(0);
    let conflict = outcome.conflicts[0].to_string();
    assert!(conflict.contains(&stranger) && conflict.contains("adoptionPolicy"), "{conflict}");
    assert!(outcome.conflicts.len() == 1 && outcome.failures.is_empty(), "{outcome:#?}");
    assert_eq!(reported(&outcome.applied), [(Action::Create, "cloud-watch-logs")]);
    sandbox.remove(&monitor, FLOW_LOGS).await;
    assert_eq!(flow_logs(&sandbox).await, before);

    let mut spec = sandbox.spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let adopting = sandbox.monitor(spec);
    let changes = sandbox.converge(&adopting, FLOW_LOGS).await;
    assert_eq!(reported(&changes)[1..], [(Action::Adopt, "s3"), (Action::Replace, "s3")]);
    let all = flow_logs(&sandbox).await;
    assert_eq!(all.len(), 3);
    assert!(all.iter().any(|(id, _)| *id == other) && all.iter().all(|(id, _)| *id != stranger));
    sandbox.assert_at_rest(&adopting, FLOW_LOGS).await;
}

#[tokio::test]
async fn two_monitors_of_one_vpc_do_not_touch_each_other() {
    let sandbox = Sandbox::new("flow_logs::two").await;
    let monitor = converged(&sandbox).await;
    let other = sandbox.named_monitor("security", "production", sandbox.spec());
    prepare(&sandbox, &other).await;
    sandbox.converge(&other, FLOW_LOGS).await;
    assert_eq!(flow_logs(&sandbox).await.len(), 4);
    sandbox.assert_at_rest(&monitor, FLOW_LOGS).await;
    sandbox.remove(&other, FLOW_LOGS).await;
    sandbox.assert_at_rest(&monitor, FLOW_LOGS).await;
}

#[tokio::test]
async fn a_role_that_is_not_yet_usable_is_waited_for() {
    let sandbox = Sandbox::new("flow_logs::role").await;
    let monitor = sandbox.monitor(sandbox.spec());
    prepare(&sandbox, &monitor).await;
    fail(&sandbox, "CreateFlowLogs", "InvalidParameter", "Unable to assume given IAM role", 1).await;
    let outcomes = sandbox.pass(&monitor, FLOW_LOGS).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    assert_eq!(flow_logs(&sandbox).await.len(), 2);
}

#[tokio::test]
async fn a_bucket_that_aws_does_not_see_yet_is_waited_for() {
    let sandbox = Sandbox::new("flow_logs::new_bucket").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.emulator.set_modes(&sandbox.account, json!({"newBucketDenials": 1})).await.unwrap();
    prepare(&sandbox, &monitor).await;
    let outcomes = sandbox.pass(&monitor, FLOW_LOGS).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    assert_eq!(flow_logs(&sandbox).await.len(), 2);
}

#[tokio::test]
async fn a_bucket_that_stays_closed_is_reported_with_what_to_check() {
    let sandbox = Sandbox::new("flow_logs::closed_bucket").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.emulator.set_modes(&sandbox.account, json!({"newBucketDenials": 100})).await.unwrap();
    prepare(&sandbox, &monitor).await;
    let outcome = sandbox.pass(&monitor, FLOW_LOGS).await.remove(0);
    let [(_, failure)] = &outcome.failures[..] else { panic!("{outcome:#?}") };
    assert_eq!((failure.reason, failure.overdue), (Reason::WaitingForAws, Reason::Rejected));
    let reported = failure.to_string();
    assert!(
        reported.starts_with("flow log s3: EC2 CreateFlowLogs: 400: Access Denied for LogDestination"),
        "{reported}"
    );
    assert!(reported.contains("service control policy denies it"), "{reported}");
}

#[tokio::test]
async fn refusals_tell_what_to_do() {
    let sandbox = Sandbox::new("flow_logs::refusals").await;
    let monitor = sandbox.monitor(VpcFlowMonitorSpec::new("vpc-0000000000000000f"));
    prepare(&sandbox, &monitor).await;
    let outcome = sandbox.pass(&monitor, FLOW_LOGS).await.remove(0);
    assert_eq!(outcome.failures.len(), 2);
    for (_, failure) in &outcome.failures {
        assert_eq!(failure.reason, Reason::Rejected);
        assert!(failure.message.contains("spec.vpcId vpc-0000000000000000f"), "{failure}");
    }
}

#[tokio::test]
async fn both_go_in_one_call() {
    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        let sandbox = Sandbox::new(&format!("flow_logs::delete::{policy:?}")).await;
        let mut spec = sandbox.spec();
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec);
        prepare(&sandbox, &monitor).await;
        sandbox.converge(&monitor, FLOW_LOGS).await;
        let before = sandbox.latest_call().await;
        sandbox.remove(&monitor, FLOW_LOGS).await;
        assert_eq!(flow_logs(&sandbox).await, []);
        assert_eq!(sandbox.writes_since(before).await.len(), 1);

        // The same monitor made again soon gets new ones.
        sandbox.converge(&monitor, FLOW_LOGS).await;
        assert_eq!(flow_logs(&sandbox).await.len(), 2);
    }
}

#[tokio::test]
async fn retained_ones_stay_and_are_taken_back() {
    let sandbox = Sandbox::new("flow_logs::retain").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let monitor = sandbox.monitor(spec);
    prepare(&sandbox, &monitor).await;
    sandbox.converge(&monitor, FLOW_LOGS).await;
    let before = flow_logs(&sandbox).await;
    sandbox.remove(&monitor, FLOW_LOGS).await;
    for (_, flow_log) in flow_logs(&sandbox).await {
        assert_eq!(flow_log["Tags"]["vpcflow.dev/retained-by"], "test/network/production");
        assert!(flow_log["Tags"].get("vpcflow.dev/owner").is_none());
    }
    let changes = sandbox.converge(&monitor, FLOW_LOGS).await;
    assert_eq!(reported(&changes), [(Action::Update, "cloud-watch-logs"), (Action::Update, "s3")]);
    assert_eq!(flow_logs(&sandbox).await, before);
}

#[tokio::test]
async fn neither_a_vpc_nor_a_flow_log_that_is_gone_is_an_obstacle_to_teardown() {
    let sandbox = Sandbox::new("flow_logs::gone").await;
    let monitor = converged(&sandbox).await;
    let direction = Direction::TearDown;
    let assessed = engine::assess(&systems(FLOW_LOGS), &sandbox.aws, &monitor, direction).await;
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    ec2.delete_flow_logs().flow_log_ids(only(&sandbox, "s3").await.0).send().await.unwrap();
    ec2.delete_vpc().vpc_id(&sandbox.vpc_id).send().await.unwrap();
    let outcomes = apply(&sandbox.aws, &monitor, assessed, direction).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    assert_eq!(flow_logs(&sandbox).await, []);
}

#[tokio::test]
async fn a_repeated_step_makes_nothing_twice() {
    let sandbox = Sandbox::new("flow_logs::repeated").await;
    let monitor = sandbox.monitor(sandbox.spec());
    prepare(&sandbox, &monitor).await;
    let assessed = engine::assess(&systems(FLOW_LOGS), &sandbox.aws, &monitor, Direction::Build).await;
    for step in &assessed[0].result.as_ref().unwrap().steps {
        for _ in 0..2 {
            step.op.run(&sandbox.aws, &monitor).await.unwrap();
        }
    }
    assert_eq!(flow_logs(&sandbox).await.len(), 2);
    sandbox.assert_at_rest(&monitor, FLOW_LOGS).await;
}
