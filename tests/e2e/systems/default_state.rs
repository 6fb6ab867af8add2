//! The exact AWS state of a default monitor, compared whole against one document per kind of resource in `expected/`.
//!
//! `UPDATE_EXPECTED=1` writes the documents anew; read the difference as carefully as code.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use vpc_flow_operator::api::VpcFlowMonitor;

use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn is_exactly_as_documented() {
    let (sandbox, cluster) = (Sandbox::new("default_state").await, Cluster::new("default-state").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let monitor = cluster.wait_ready("m").await;
    operator.stop().await;

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/systems/expected");
    let inventory = neutral(&sandbox.inventory().await, &sandbox, &monitor);
    let kinds = inventory.as_object().unwrap().iter().filter(|(kind, _)| *kind != "vpcs");
    let mut different = Vec::new();
    for (kind, actual) in kinds {
        let path = folder.join(format!("{kind}.json"));
        let actual = serde_json::to_string_pretty(actual).unwrap() + "\n";
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &actual).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != actual {
            different.push(format!("{kind} is not as in {}:\n{actual}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// The inventory with placeholders for values that differ from run to run.
fn neutral(inventory: &Value, sandbox: &Sandbox, monitor: &VpcFlowMonitor) -> Value {
    let status = monitor.status.as_ref().unwrap();
    let mut names: Vec<(String, String)> = vec![
        (sandbox.account.clone(), "111122223333".into()),
        (sandbox.vpc_id.clone(), "vpc-0123456789abcdef0".into()),
    ];
    for flow_log in &status.flow_logs {
        names.push((flow_log.id.clone(), format!("fl-{}", flow_log.destination)));
    }
    let text = names.into_iter().fold(inventory.to_string(), |text, (from, to)| text.replace(&from, &to));
    let mut neutral: Value = serde_json::from_str(&text).unwrap();
    without_code(&mut neutral);
    sort_keys(&neutral)
}

/// The detector's binary differs from build to build.
fn without_code(inventory: &mut Value) {
    for function in inventory["functions"].as_object_mut().into_iter().flatten().map(|(_, function)| function) {
        function["codeSha256"] = Value::Null;
        if let Some(configuration) = function["configuration"].as_object_mut() {
            configuration.remove("CodeSha256");
            configuration.remove("CodeSize");
        }
    }
}

fn sort_keys(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().map(|(key, value)| (key.clone(), sort_keys(value))).collect();
            sorted.into_iter().collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(entries) => entries.iter().map(sort_keys).collect(),
        other => other.clone(),
    }
}
