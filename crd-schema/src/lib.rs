//! Checks values by the schema of a CRD and its rules, as the API server does. `plan` and `flow-log-analyze` share it.

mod rules;
mod schema;

pub use rules::{BrokenRule, RulesError, broken, broken_at};
pub use schema::{Violation, defaulted, prune_nulls, shown, similar, violations};

/// The path of a field of the object at `path`, which is empty for the root.
fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The schema of a whole monitor.
#[cfg(test)]
fn root() -> serde_json::Value {
    root_of("vpcflowmonitors")
}

/// The schema of the whole object in the CRD of a kind.
#[cfg(test)]
fn root_of(plural: &str) -> serde_json::Value {
    let path = format!("{}/../crds/vpcflow.dev_{plural}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut crd: serde_json::Value = serde_yaml_ng::from_str(&text).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
}
