//! The command `verify`, run as a process of its own.

mod notification;
mod subject;

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use devenv::Call;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::process::Command;
use vpc_flow_operator::api::spec::RecordSource;
use vpc_flow_operator::api::status::VpcFlowMonitorStatus;
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowMonitorSpec};

use super::finished::{Finished, PROGRAM};
use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::{Sandbox, plain_text_in_plain_folders};

const PARQUET: &[u8] = include_bytes!("../../../fixtures/flow_log.log.parquet");
const PLAIN_TEXT: &[u8] = include_bytes!("../../../fixtures/flow_log.log.gz");

/// A Ready monitor `m`, and all that can be done with it.
struct Scene {
    sandbox: Sandbox,
    cluster: Cluster,
    operator: Operator,
    status: VpcFlowMonitorStatus,
}

impl Scene {
    /// `name` must be unique among all tests.
    async fn new(name: &str, change: impl FnOnce(&mut VpcFlowMonitorSpec)) -> Self {
        let (sandbox, cluster) = (Sandbox::new(&format!("verify::{name}")).await, Cluster::new(name).await);
        let operator = Operator::start(&cluster, &sandbox);
        let mut spec = sandbox.spec();
        change(&mut spec);
        cluster.create("m", spec).await;
        let status = cluster.wait_ready("m").await.status.unwrap();
        Self { sandbox, cluster, operator, status }
    }

    /// Runs the command with the sandbox's credentials.
    async fn verify(&self, arguments: &[&str]) -> Finished {
        verify(&self.cluster, &self.sandbox.account, arguments).await
    }

    fn flow_log(&self, destination: &str) -> &str {
        &self.status.flow_logs.iter().find(|flow_log| flow_log.destination == destination).unwrap().id
    }

    /// Writes a file into the bucket, as the flow log does.
    async fn deliver_file(&self, folder: &str, extension: &str, body: &'static [u8]) {
        let (account, bucket) = (&self.sandbox.account, &self.status.summary.as_ref().unwrap().bucket);
        let file = format!("{account}_vpcflowlogs_eu-west-1_{}_20261123T1130Z_0a1b2c3d", self.flow_log("s3"));
        let key = format!("{folder}/{file}.log.{extension}");
        let body = ByteStream::from_static(body);
        self.sandbox.s3().put_object().bucket(bucket).key(key).body(body).send().await.unwrap();
    }

    /// Writes a record into the log group, as the flow log does; its timestamp is `minutes_ago` minutes in the past.
    async fn deliver_record(&self, minutes_ago: i64) {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&self.sandbox.config);
        let (group, stream) = (&self.status.summary.as_ref().unwrap().log_group, "eni-0123456789abcdef0-all");
        logs.create_log_stream().log_group_name(group).log_stream_name(stream).send().await.unwrap();
        let record = format!(
            "2 {} eni-0123456789abcdef0 10.0.0.1 10.0.0.2 443 50000 6 1 40 1418530010 1418530070 ACCEPT OK",
            self.sandbox.account
        );
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
        let event = InputLogEvent::builder().timestamp(now - minutes_ago * 60_000).message(record).build().unwrap();
        let put = logs.put_log_events().log_group_name(group).log_stream_name(stream).log_events(event);
        put.send().await.unwrap();
    }
}

impl Finished {
    fn check(&self, name: &str) -> Value {
        let document = self.document();
        let checks = document["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    }

    /// Names and results, in order.
    fn results(&self) -> Vec<(String, String)> {
        let document = self.document();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        document["checks"].as_array().unwrap().iter().map(|it| (text(&it["name"]), text(&it["status"]))).collect()
    }
}

/// Results of the five checks.
fn results(five: [&str; 5]) -> Vec<(String, String)> {
    let names = ["flow-logs", "log-events", "objects", "alarm-notification", "query"];
    names.into_iter().zip(five).map(|(name, result)| (name.to_owned(), result.to_owned())).collect()
}

async fn verify(cluster: &Cluster, access_key: &str, arguments: &[&str]) -> Finished {
    let mut command = Command::new(PROGRAM);
    command.args(["verify", "--namespace", &cluster.namespace]).args(arguments).env("AWS_ACCESS_KEY_ID", access_key);
    Finished::of(&mut command).await
}

/// Operations, without repetitions.
fn operations(calls: &[Call]) -> Vec<&str> {
    let mut operations: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    operations.sort_unstable();
    operations.dedup();
    operations
}

/// Year, month, day and hour in UTC.
fn now() -> [String; 4] {
    let now = DateTime::from(std::time::SystemTime::now()).fmt(DateTimeFormat::DateTime).unwrap();
    [now[..4].to_owned(), now[5..7].to_owned(), now[8..10].to_owned(), now[11..13].to_owned()]
}

#[tokio::test]
async fn a_new_monitor_waits_and_nothing_is_written_but_a_query() {
    let scene = Scene::new("verify-new", |_| ()).await;
    let before = scene.sandbox.latest_call().await;
    let reported = scene.verify(&["m", "-o", "json"]).await;
    assert_eq!(reported.code, 1, "{reported:#?}");
    assert_eq!(reported.results(), results(["passed", "waiting", "waiting", "skipped", "waiting"]), "{reported:#?}");
    assert_eq!((&reported.document()["passed"], reported.stderr.as_str()), (&json!(false), ""));
    for name in ["log-events", "objects", "query"] {
        assert!(reported.check(name)["nextStep"].as_str().unwrap().starts_with("wait until 20"), "{reported:#?}");
    }
    assert_eq!(reported.check("alarm-notification")["detail"], "pass --test-alarm; the topic has no subscriptions");

    let calls = scene.sandbox.emulator.calls(&scene.sandbox.account, before).await.unwrap();
    let written: Vec<_> = calls.iter().filter(|call| call.mutating).cloned().collect();
    assert_eq!(operations(&written), ["StartQueryExecution"]);
    assert_eq!(
        operations(&calls),
        [
            "DescribeFlowLogs",
            "DescribeVpcs",
            "FilterLogEvents",
            "GetCallerIdentity",
            "GetQueryExecution",
            "GetQueryResults",
            "ListObjectsV2",
            "ListSubscriptionsByTopic",
            "StartQueryExecution",
        ]
    );
    scene.operator.stop().await;
}

#[tokio::test]
async fn flow_logs_of_a_vpc_that_is_gone_fail() {
    let scene = Scene::new("verify-gone-vpc", |_| ()).await;
    let ec2 = aws_sdk_ec2::Client::new(&scene.sandbox.config);
    ec2.delete_vpc().vpc_id(&scene.sandbox.vpc_id).send().await.unwrap();
    let reported = scene.verify(&["m", "-o", "json"]).await;
    assert_eq!(reported.code, 1, "{reported:#?}");
    let check = reported.check("flow-logs");
    assert_eq!(check["status"], "failed", "{check}");
    assert!(check["detail"].as_str().unwrap().contains(" is no longer in account "), "{check}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn what_has_arrived_passes() {
    let scene = Scene::new("verify-arrived", |_| ()).await;
    let [year, month, day, hour] = now();
    let folder = format!(
        "vpc-flow-logs/AWSLogs/aws-account-id={}/aws-service=vpcflowlogs/aws-region=eu-west-1/year={year}/month={month}/day={day}",
        scene.sandbox.account
    );
    scene.deliver_file(&format!("{folder}/hour={hour}"), "parquet", PARQUET).await;
    scene.deliver_record(3).await;
    let reported = scene.verify(&["m", "--output", "json"]).await;
    assert_eq!(reported.results(), results(["passed", "passed", "passed", "skipped", "passed"]), "{reported:#?}");
    assert_eq!((reported.code, &reported.document()["passed"]), (0, &json!(true)));
    assert_eq!(reported.document()["monitor"], "verify-arrived/m");
    assert_eq!(
        reported.check("query")["detail"],
        format!(
            "30 records of yesterday and today in {}.vpc_flow_logs",
            scene.sandbox.named_monitor("verify-arrived", "m", scene.sandbox.spec()).names.database
        )
    );
    for name in ["log-events", "objects", "query"] {
        let time: Timestamp = reported.check(name)["observedAt"].as_str().unwrap().parse().unwrap();
        let age = Timestamp::now().duration_since(time);
        assert!(age >= SignedDuration::ZERO && age < SignedDuration::from_mins(5), "{reported:#?}");
        assert_eq!(reported.check(name)["nextStep"], json!(null));
    }

    let reported = scene.verify(&["m"]).await;
    assert_eq!(reported.code, 0, "{reported:#?}");
    let lines: Vec<_> = reported.stdout.lines().collect();
    assert!(lines[0].starts_with("CHECK               STATUS   TIME "), "{reported:#?}");
    assert!(lines[2].starts_with("log-events          passed   20") && lines[2].contains("(3m ago)"), "{reported:#?}");
    let sum = "verify-arrived/m: 4 of 4 checks passed; not checked: alarm-notification (skipped)";
    assert_eq!(lines.last(), Some(&sum), "{reported:#?}");
    assert!(reported.stdout.is_ascii(), "no marks where no terminal is: {reported:#?}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn other_layouts_are_looked_through_too_and_other_files_are_not_ours() {
    let scene = Scene::new("verify-layout", plain_text_in_plain_folders).await;
    let [year, month, day, _] = now();
    let mut spec = scene.sandbox.spec();
    plain_text_in_plain_folders(&mut spec);
    let prefix = scene.sandbox.monitor(spec).key_prefix();
    let folder = format!("{prefix}AWSLogs/{}/vpcflowlogs/eu-west-1/{year}/{month}/{day}", scene.sandbox.account);
    let bucket = &scene.status.summary.as_ref().unwrap().bucket;
    let others = format!("{folder}/{}_vpcflowlogs_eu-west-1_fl-00000000000000000_x.log.gz", scene.sandbox.account);
    scene
        .sandbox
        .s3()
        .put_object()
        .bucket(bucket)
        .key(others)
        .body(ByteStream::from_static(PLAIN_TEXT))
        .send()
        .await
        .unwrap();
    assert_eq!(scene.verify(&["m", "-o", "json"]).await.check("objects")["status"], "waiting");
    scene.deliver_file(&folder, "gz", PLAIN_TEXT).await;
    let reported = scene.verify(&["m", "-o", "json"]).await;
    assert_eq!(reported.results(), results(["passed", "waiting", "passed", "skipped", "passed"]), "{reported:#?}");

    scene.deliver_file(&folder, "gz", b"not gzip").await;
    let query = scene.verify(&["m", "-o", "json"]).await.check("query");
    assert_eq!(query["status"], "failed");
    assert!(query["detail"].as_str().unwrap().starts_with("Athena refused the query: "), "{query:#?}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn a_refused_delivery_is_reported_with_what_to_check() {
    let scene = Scene::new("verify-refused", |_| ()).await;
    let bucket = &scene.status.summary.as_ref().unwrap().bucket;
    scene.sandbox.s3().delete_bucket_policy().bucket(bucket).send().await.unwrap();
    let reported = scene.verify(&["m", "-o", "json"]).await;
    let check = reported.check("flow-logs");
    assert_eq!((reported.code, &check["status"]), (1, &json!("failed")), "{reported:#?}");
    assert!(
        check["detail"].as_str().unwrap().contains(r#"does not deliver: AWS reports "Access error""#),
        "{reported:#?}"
    );
    let next_step = check["nextStep"].as_str().unwrap();
    assert!(
        next_step.contains("lets delivery.logs.amazonaws.com write to") && next_step.contains(bucket),
        "{reported:#?}"
    );

    let table = scene.verify(&["m"]).await.stdout;
    assert!(table.contains(&format!("\n{:20}next: check that the bucket exists", "")), "{table}");
    assert!(table.contains("0 of 4 checks passed; not passed: flow-logs (failed), log-events (waiting)"), "{table}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn what_aws_refuses_to_tell_does_not_pass() {
    let scene = Scene::new("verify-denied", |_| ()).await;
    for (service, operation) in [("s3", "ListObjectsV2"), ("logs", "FilterLogEvents"), ("ec2", "DescribeFlowLogs")] {
        scene
            .sandbox
            .emulator
            .add_fault(crate::scenarios::lifecycle::denied(&scene.sandbox, service, operation))
            .await
            .unwrap();
    }
    let reason = "QUERY_FAILED";
    let fault = scene.sandbox.fault("athena", "StartQueryExecution", "InvalidRequestException", reason);
    scene.sandbox.emulator.add_fault(fault).await.unwrap();
    let reported = scene.verify(&["m", "-o", "json"]).await;
    assert_eq!(reported.results(), results(["failed", "failed", "failed", "skipped", "failed"]), "{reported:#?}");
    assert_eq!(reported.code, 1);
    let next_step = |name| reported.check(name)["nextStep"].as_str().unwrap().to_owned();
    for name in ["flow-logs", "objects"] {
        assert_eq!(next_step(name), "allow your AWS identity ec2:DescribeFlowLogs", "{reported:#?}");
    }
    assert_eq!(next_step("log-events"), "allow your AWS identity logs:FilterLogEvents");
    assert!(reported.check("query")["detail"].as_str().unwrap().contains(reason), "{reported:#?}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn what_the_spec_switches_off_is_left_out_and_said_so() {
    let scene = Scene::new("verify-disabled", |spec| {
        spec.analytics.enabled = false;
        spec.detector.enabled = false;
        spec.detections.rejected_connections.enabled = false;
        spec.detections.high_data_transfer.enabled = false;
        spec.detections.external_connections.enabled = false;
    })
    .await;
    let reported = scene.verify(&["m", "--test-alarm", "-o", "json"]).await;
    assert_eq!(reported.results(), results(["passed", "waiting", "waiting", "disabled", "disabled"]), "{reported:#?}");
    assert_eq!(reported.check("query")["detail"], "spec.analytics.enabled is false");
    scene.operator.stop().await;
}

#[tokio::test]
async fn without_a_log_group_the_rest_is_checked() {
    let scene = Scene::new("verify-bucket", |spec| {
        spec.cloud_watch_logs.enabled = false;
        spec.detector.source = RecordSource::S3;
        spec.detector.memory_mb = Some(256);
    })
    .await;
    let reported = scene.verify(&["m", "-o", "json"]).await;
    assert_eq!(reported.results(), results(["passed", "disabled", "waiting", "skipped", "waiting"]), "{reported:#?}");
    assert_eq!(reported.check("log-events")["detail"], "spec.cloudWatchLogs.enabled is false");
    let reported = scene.verify(&["m", "--test-alarm"]).await;
    assert!(reported.stdout.contains("not checked: log-events (disabled)"), "{reported:#?}");
    scene.operator.stop().await;
}

/// The monitor as it is now.
async fn object(scene: &Scene) -> VpcFlowMonitor {
    scene.cluster.monitors.get("m").await.unwrap()
}
