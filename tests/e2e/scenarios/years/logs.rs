//! The log of the real program: each line is an object that names its subject.

use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;

use crate::process::{Process, SECRET, Start};
use crate::scenarios::lifecycle::denied;
use testkit::cluster::{Cluster, reason};
use testkit::sandbox::Sandbox;

fn requests(lines: &[Value], operation: &str) -> Vec<Value> {
    let is_it = |line: &&Value| line["fields"]["message"] == "AWS request" && line["fields"]["operation"] == operation;
    lines.iter().filter(is_it).cloned().collect()
}

#[tokio::test]
async fn the_log_names_the_monitor_the_operation_and_the_request() {
    let (sandbox, cluster) = (Sandbox::new("years::logs").await, Cluster::new("years-logs").await);
    sandbox.emulator.add_fault(denied(&sandbox, "sns", "CreateTopic")).await.unwrap();
    let operator = Process::start(&Start::new("years-logs", &cluster, &sandbox)).await;
    // AWS may not deliver to the bucket: EC2 says so in an answer with status 200.
    sandbox.emulator.set_modes(&sandbox.account, json!({"newBucketDenials": 100})).await.unwrap();
    cluster.create("m", sandbox.spec()).await;
    let reason_is = |monitor: &VpcFlowMonitor, type_, expected| reason(monitor, type_).as_deref() == Some(expected);
    cluster
        .wait("m", "both refusals", |monitor| {
            reason_is(monitor, "NotificationsReady", "AccessDenied")
                && reason_is(monitor, "FlowLogsReady", "WaitingForAws")
        })
        .await;
    operator.line("CreateFlowLogs", |line| line["fields"]["operation"] == "CreateFlowLogs").await;

    let lines = operator.lines();
    assert_eq!(lines.len(), operator.text().lines().count(), "every line is JSON");
    let reported: Vec<_> = lines.iter().filter(|line| line["fields"]["message"] == "AWS request").collect();
    assert!(reported.len() > 20);
    for line in reported {
        assert_eq!(
            (&line["span"]["monitor"], &line["span"]["namespace"]),
            (&"m".into(), &"years-logs".into()),
            "{line}"
        );
        let fields = &line["fields"];
        assert!(fields["service"].is_string() && fields["operation"].is_string(), "{line}");
        assert!(fields["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
        assert!(fields["duration_ms"].is_u64(), "{line}");
        assert!(fields["outcome"] == "success" || fields["code"].is_string(), "{line}");
    }
    let created = &requests(&lines, "CreateBucket")[0];
    assert_eq!((&created["level"], &created["fields"]["outcome"]), (&"INFO".into(), &"success".into()), "{created}");
    let refused = &requests(&lines, "CreateTopic")[0];
    assert_eq!((&refused["level"], &refused["fields"]["code"]), (&"INFO".into(), &"AccessDenied".into()), "{refused}");
    let requested = requests(&lines, "CreateFlowLogs");
    let unsuccessful = requested.iter().find(|line| line["fields"]["outcome"] == "error").unwrap();
    assert_eq!(unsuccessful["fields"]["code"], "400", "{unsuccessful}");
    assert!(!operator.text().contains(SECRET));
}
