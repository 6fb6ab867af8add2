//! The tests of the health checks as Argo CD's repository would have them: objects in `testdata/`, and `health_test.yaml` with what they are
//! expected to be.

use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vpc_flow_operator::api::conditions::{READY, RECONCILING, STALLED};

use super::lua::{Health, folder};
use testkit::sandbox::Sandbox;

const SUMMARY: [&str; 3] = [READY, RECONCILING, STALLED];

/// `health_test.yaml`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthTest {
    pub tests: Vec<Case>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    pub health_status: Expected,
    pub input_path: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub status: String,
    pub message: String,
}

impl Case {
    pub fn new(name: &str, health: Health) -> Self {
        let Health { status, message } = health;
        Self { health_status: Expected { status, message }, input_path: format!("testdata/{name}.yaml") }
    }
}

/// A file of the check of a kind.
pub fn read(kind: &str, path: &str) -> String {
    let path = folder(kind).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn write(kind: &str, path: &str, content: &impl Serialize) {
    let path = folder(kind).join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, serde_yaml_ng::to_string(content).unwrap()).unwrap();
}

/// An object with placeholders for values that differ from run to run.
pub fn neutral(object: &DynamicObject, sandbox: &Sandbox, placeholders: &[(String, String)]) -> Value {
    let (namespace, uid) = (object.namespace().unwrap(), object.uid().unwrap());
    let mut object = json!(object);
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    same_times(&mut object);
    let mut names = placeholders.to_vec();
    names.extend([
        (sandbox.account.clone(), "111122223333".to_owned()),
        // Without `vpc-`: the monitors of a fleet are named so.
        (sandbox.vpc_id.replace("vpc-", ""), "0123456789abcdef0".to_owned()),
        (namespace, "network".to_owned()),
        (uid, "00000000-0000-0000-0000-000000000000".to_owned()),
    ]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for flow_log in object["status"]["flowLogs"].as_array().into_iter().flatten() {
        names.push((text(&flow_log["id"]), format!("fl-{}", text(&flow_log["destination"]))));
    }
    let text = names.into_iter().fold(object.to_string(), |text, (from, to)| text.replace(&from, &to));
    let mut object: Value = serde_json::from_str(&text).unwrap();
    object["metadata"]["resourceVersion"] = json!("1");
    object
}

fn same_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if ["creationTimestamp", "deletionTimestamp", "lastTransitionTime"].contains(&key.as_str()) {
                    *value = json!("2026-01-01T00:00:00Z");
                } else {
                    same_times(value);
                }
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(same_times),
        _ => {}
    }
}

/// The parts of an object that GitOps tools evaluate.
pub fn essence(object: &Value) -> Value {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let conditions = conditions.filter(|known| known["type"].as_str().is_some_and(|known| SUMMARY.contains(&known)));
    let conditions: Vec<_> = conditions.map(|known| json!([known["type"], known["status"], known["reason"]])).collect();
    json!({
        "generation": object["metadata"]["generation"],
        "observedGeneration": object["status"]["observedGeneration"],
        "isDeleted": object["metadata"].get("deletionTimestamp").is_some(),
        "suspend": object["spec"]["suspend"],
        "conditions": conditions,
    })
}
