//! The columns of `kubectl get`, printed by kubectl itself.

use std::env;
use std::process::Command;

use kube::api::{Patch, PatchParams};
use serde_json::json;
use testkit::cluster::Cluster;
use vpc_flow_operator::api::VpcFlowMonitorSpec;

const NAMESPACE: &str = "install-columns";

/// The header and the row of the only monitor.
fn table(arguments: &[&str]) -> [String; 2] {
    let mut kubectl = Command::new(env::var_os("KUBECTL").unwrap());
    let output = kubectl.args(["get", "vfm", "--namespace", NAMESPACE]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.try_into().unwrap()
}

#[tokio::test]
async fn the_table_fits_a_terminal_and_the_wide_one_ends_with_the_message() {
    let cluster = Cluster::new(NAMESPACE).await;
    let name = "production-frankfurt";
    assert_eq!(name.len(), 20);
    cluster.create(name, VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")).await;
    let text = "LogGroupReady: log group /x: it belongs to VpcFlowMonitor a/b/c (also: DetectorReady: AccessDenied)";
    let ready = json!({
        "type": "Ready",
        "status": "False",
        // The longest reason.
        "reason": "WaitingForDependency",
        "message": text,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let summary = json!({"flowLogs": "2/2", "alarms": "4 firing", "bucket": "b", "logGroup": "/x"});
    let status = json!({"status": {
        "region": "eu-west-1",
        "conditions": [ready],
        "summary": summary,
        "links": {"dashboard": "https://console.example/dashboard"},
    }});
    cluster.monitors.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();

    let [header, row] = table(&[]);
    let columns: Vec<_> = header.split_whitespace().collect();
    assert_eq!(columns, ["NAME", "READY", "STATUS", "ALARMS", "NOTIFIES", "AGE"]);
    // The age of this monitor may be shorter than that of others: `7d23h` is the longest of the first years.
    let width = header.find("AGE").unwrap() + "364d".len();
    assert!(width <= 80 && row.len() <= 80, "{width}:\n{header}\n{row}");
    assert!(row.starts_with("production-frankfurt   False   WaitingForDependency   4 firing"), "{row}");

    let [header, row] = table(&["-o", "wide"]);
    assert!(
        header.ends_with("VPC                     REGION      FLOW LOGS   BUCKET   LOG GROUP   MESSAGE"),
        "{header}"
    );
    assert!(row.ends_with(text), "{row}");
    assert!(!row.contains("https://"), "{row}");
}
