//! The columns of `kubectl get`, printed by kubectl itself.

use std::env;
use std::process::Command;

use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testkit::cluster::Cluster;
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitorSpec, VpcFlowOverview};

const NAMESPACE: &str = "install-columns";

/// The header and the row of the only object of a kind.
fn table(kind: &str, arguments: &[&str]) -> [String; 2] {
    let mut kubectl = Command::new(env::var_os("KUBECTL").unwrap());
    let output = kubectl.args(["get", kind, "--namespace", NAMESPACE]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.try_into().unwrap()
}

/// The condition `Ready`, false.
fn not_ready(reason: &str, message: &str) -> Value {
    json!({
        "type": "Ready",
        "status": "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

/// Checks that the table fits into 80 columns. The age of this object may be shorter than that of others.
fn assert_fits(header: &str, row: &str) {
    let width = header.find("AGE").unwrap() + "364d".len();
    assert!(width <= 80 && row.len() <= 80, "{width}:\n{header}\n{row}");
}

#[tokio::test]
async fn the_table_fits_a_terminal_and_the_wide_one_ends_with_the_message() {
    let cluster = Cluster::new(NAMESPACE).await;
    let name = "production-frankfurt";
    assert_eq!(name.len(), 20);
    cluster.create(name, VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")).await;
    let text = "LogGroupReady: log group /x: it belongs to VpcFlowMonitor a/b/c (also: DetectorReady: AccessDenied)";
    // The longest reason.
    let ready = not_ready("WaitingForDependency", text);
    let summary = json!({"flowLogs": "2/2", "alarms": "4 firing", "bucket": "b", "logGroup": "/x"});
    let status = json!({"status": {
        "region": "eu-west-1",
        "conditions": [ready],
        "summary": summary,
        "links": {"dashboard": "https://console.example/dashboard"},
    }});
    cluster.monitors.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();

    let [header, row] = table("vfm", &[]);
    let columns: Vec<_> = header.split_whitespace().collect();
    assert_eq!(columns, ["NAME", "READY", "STATUS", "ALARMS", "NOTIFIES", "AGE"]);
    assert_fits(&header, &row);
    assert!(row.starts_with("production-frankfurt   False   WaitingForDependency   4 firing"), "{row}");

    let [header, row] = table("vfm", &["-o", "wide"]);
    assert!(
        header.ends_with("VPC                     REGION      FLOW LOGS   BUCKET   LOG GROUP   MESSAGE"),
        "{header}"
    );
    assert!(row.ends_with(text), "{row}");
    assert!(!row.contains("https://"), "{row}");
}

#[tokio::test]
async fn the_table_of_fleets_fits_a_terminal_too() {
    let cluster = Cluster::new(NAMESPACE).await;
    let fleets: Api<VpcFlowFleet> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let name = "production-frankfurt";
    let spec = json!({"places": [{"name": "home"}], "selector": {"matchTags": {"env": "prod"}}, "template": {}});
    let fleet: VpcFlowFleet = serde_json::from_value(json!({
        "apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowFleet", "metadata": {"name": name}, "spec": spec,
    }))
    .unwrap();
    fleets.create(&PostParams::default(), &fleet).await.unwrap();
    let text = "3 of 1000 monitors are not Ready: production-frankfurt-0123456789abcdef0 (AccessDenied: m)";
    let status = json!({"status": {
        // The longest reason of a fleet.
        "conditions": [not_ready("MonitorsNotReady", text)],
        "monitors": {"wanted": 1000, "present": 1000, "ready": 997, "updated": 100, "orphaned": 1},
        "rollout": {"wave": "2/3"},
    }});
    fleets.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();

    let [header, row] = table("vff", &[]);
    let columns: Vec<_> = header.split_whitespace().collect();
    assert_eq!(columns, ["NAME", "WANTED", "READY", "UPDATED", "WAVE", "STATUS", "AGE"]);
    assert_fits(&header, &row);
    assert!(row.starts_with("production-frankfurt   1000     997     100       2/3    MonitorsNotReady"), "{row}");

    let [header, row] = table("vff", &["-o", "wide"]);
    assert!(header.ends_with("ORPHANED   MESSAGE"), "{header}");
    assert!(row.ends_with(text), "{row}");
}

#[tokio::test]
async fn the_table_of_overviews_fits_a_terminal_too() {
    let cluster = Cluster::new(NAMESPACE).await;
    let overviews: Api<VpcFlowOverview> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let name = "production-frankfurt";
    let overview: VpcFlowOverview = serde_json::from_value(json!({
        "apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowOverview", "metadata": {"name": name},
        "spec": {"monitorSelector": {}},
    }))
    .unwrap();
    overviews.create(&PostParams::default(), &overview).await.unwrap();
    let text = "ForwardingReady: 444455556666 us-east-1: the role cannot be assumed";
    let topic = "arn:aws:sns:eu-west-1:111122223333:alerts";
    let status = json!({"status": {
        "conditions": [not_ready("LimitExceeded", text)],
        "monitors": {"selected": 200, "ready": 197, "firing": 12},
        "topicArn": topic,
        "dashboard": "https://eu-west-1.console.aws.amazon.com/cloudwatch",
    }});
    overviews.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();

    let [header, row] = table("vfo", &[]);
    let columns: Vec<_> = header.split_whitespace().collect();
    assert_eq!(columns, ["NAME", "MONITORS", "READY", "FIRING", "STATUS", "AGE"]);
    assert_fits(&header, &row);
    assert!(row.starts_with("production-frankfurt   200        197     12       LimitExceeded"), "{row}");

    let [header, row] = table("vfo", &["-o", "wide"]);
    assert!(header.ends_with("MESSAGE"), "{header}");
    assert!(row.ends_with(text) && row.contains(topic), "{row}");
}
