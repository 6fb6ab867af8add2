//! Monitors from a YAML file, as `kubectl apply` would send them.

use kube::{CustomResourceExt, Resource};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::schema::{self, Violation};
use crate::api::{GROUP, VpcFlowMonitor};

/// Why a file cannot be planned.
#[derive(Debug, Error)]
pub enum FileError {
    /// Not YAML.
    #[error("document {document}: {source}")]
    Unreadable {
        /// Counted from 1.
        document: usize,
        /// Why.
        source: serde_yaml_ng::Error,
    },
    /// A field is misspelt, or in the wrong place.
    #[error(
        "document {document}: {field} is no field of a VpcFlowMonitor: `kubectl explain vpcflowmonitor --recursive` lists them"
    )]
    UnknownField {
        /// Counted from 1.
        document: usize,
        /// Its path.
        field: String,
    },
    /// A field has a value that it cannot have.
    #[error("document {document}: {field}: {problem}")]
    InvalidField {
        /// Counted from 1.
        document: usize,
        /// Its path.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// It has no name.
    #[error("document {document}: metadata.name is missing")]
    Nameless {
        /// Counted from 1.
        document: usize,
    },
    /// There is nothing to plan.
    #[error("there is no VpcFlowMonitor in it")]
    NoMonitor,
}

/// The monitors among the documents of a YAML file and the lists in it; other kinds are passed over. What only the API server checks, the
/// rules between fields, is not checked here.
pub fn read(text: &str) -> Result<Vec<VpcFlowMonitor>, FileError> {
    let mut monitors: Vec<VpcFlowMonitor> = Vec::new();
    // Some editors put a byte-order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (yaml, document) in serde_yaml_ng::Deserializer::from_str(text).zip(1..) {
        for value in flattened(yaml).map_err(|source| FileError::Unreadable { document, source })? {
            if !is_monitor(&value, document)? {
                continue;
            }
            monitors.push(monitor(value, document)?);
        }
    }
    if monitors.is_empty() { Err(FileError::NoMonitor) } else { Ok(monitors) }
}

/// The objects of a document: itself, or what it lists.
fn flattened(document: serde_yaml_ng::Deserializer) -> Result<Vec<Value>, serde_yaml_ng::Error> {
    // Unlike JSON's, its mappings do not take a key twice.
    let mut yaml = serde_yaml_ng::Value::deserialize(document)?;
    yaml.apply_merge()?;
    let mut value: Value = serde_yaml_ng::from_value(yaml)?;
    let is_list = matches!(value["kind"].as_str(), Some("List" | "VpcFlowMonitorList"));
    match value.get_mut("items").filter(|_| is_list) {
        Some(Value::Array(items)) => Ok(std::mem::take(items)),
        _ => Ok(vec![value]),
    }
}

/// An error if it is one of another version, which the API server does not know.
fn is_monitor(value: &Value, document: usize) -> Result<bool, FileError> {
    let version = value["apiVersion"].as_str().unwrap_or_default();
    if value["kind"] != VpcFlowMonitor::kind(&()).as_ref() || version.split('/').next() != Some(GROUP) {
        return Ok(false);
    }
    let expected = VpcFlowMonitor::api_version(&());
    if version == expected {
        Ok(true)
    } else {
        let problem = format!("{version} is not served: write {expected}");
        Err(FileError::InvalidField { document, field: "apiVersion".to_owned(), problem })
    }
}

/// What `kubectl get -o yaml` prints, too.
const TOP_LEVEL: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// As the CRD's rule has it; a tag's value holds it.
const NAME_CHARS: usize = 63;

fn monitor(mut value: Value, document: usize) -> Result<VpcFlowMonitor, FileError> {
    let invalid = |field: &str, problem: &str| {
        Err(FileError::InvalidField { document, field: field.to_owned(), problem: problem.to_owned() })
    };
    let mut top_level = value.as_object().into_iter().flat_map(serde_json::Map::keys);
    if let Some(unknown) = top_level.find(|name| !TOP_LEVEL.contains(&name.as_str())) {
        return Err(FileError::UnknownField { document, field: unknown.clone() });
    }
    if let Some(status) = value.get_mut("status") {
        *status = Value::Null;
    }
    let crd = serde_json::to_value(VpcFlowMonitor::crd()).unwrap_or_default();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    if !value["spec"].is_object() {
        return invalid("spec", "is missing");
    }
    schema::prune_nulls(&mut value["spec"], schema);
    schema::check(&value["spec"], schema, "spec").map_err(|violation| match violation {
        Violation::UnknownField(field) => FileError::UnknownField { document, field },
        Violation::Invalid(field, problem) => FileError::InvalidField { document, field, problem },
    })?;
    let monitor: VpcFlowMonitor = serde_path_to_error::deserialize(value).map_err(|error| FileError::InvalidField {
        document,
        field: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })?;
    let metadata = &monitor.metadata;
    let Some(name) = &metadata.name else { return Err(FileError::Nameless { document }) };
    if name.len() > NAME_CHARS || !name.split('.').all(is_label) {
        return invalid("metadata.name", "1 to 63 lower-case letters, digits, `-` or `.`");
    }
    if !metadata.namespace.as_deref().is_none_or(is_label) {
        return invalid("metadata.namespace", "1 to 63 lower-case letters, digits or `-`");
    }
    Ok(monitor)
}

/// A DNS label of RFC 1123: what Kubernetes takes for the name of a namespace.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(valid) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {name: m}\n";

    fn problem(spec: &str) -> String {
        read(&format!("{HEAD}spec: {spec}\n")).unwrap_err().to_string()
    }

    #[test]
    fn monitors_are_found_among_other_documents_and_get_their_defaults() {
        let text = format!(
            "kind: ConfigMap\napiVersion: v1\n---\n{HEAD}spec: {{vpcId: vpc-12345678, s3: null, tags: {{any: thing}}}}\nstatus: {{region: x}}\n"
        );
        let monitors = read(&text).unwrap();
        assert_eq!((monitors.len(), monitors[0].spec.s3.prefix.as_str()), (1, "vpc-flow-logs"));
        assert_eq!(monitors[0].status, None, "what a file says of it is no witness");
        assert_eq!(
            read("kind: VpcFlowMonitor\napiVersion: other.dev/v1\n").unwrap_err().to_string(),
            FileError::NoMonitor.to_string()
        );
    }

    #[test]
    fn lists_are_taken_apart_and_a_byte_order_mark_is_no_text() {
        let item = |name: &str| {
            format!(
                "- {{apiVersion: vpcflow.dev/v1alpha1, kind: VpcFlowMonitor, metadata: {{name: {name}}}, spec: {{vpcId: vpc-12345678}}}}\n"
            )
        };
        let list = format!("\u{feff}apiVersion: v1\nkind: List\nitems:\n{}{}", item("a"), item("b"));
        let names = |text: &str| {
            read(text).unwrap().into_iter().map(|monitor| monitor.metadata.name.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(&list), ["a", "b"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(
            problem("{vpcId: vpc-12345678, s3: {bucketname: x}}")
                .starts_with("document 1: spec.s3.bucketname is no field")
        );
        let nested =
            "{vpcId: vpc-12345678, notifications: {subscriptions: [{protocol: email, endpoint: a@b, filter: {}}]}}";
        assert!(problem(nested).contains("spec.notifications.subscriptions[0].filter is no field"));
        assert!(
            problem("{vpcId: vpc-12345678, trafficType: SOME}")
                .starts_with("document 1: spec.trafficType: `SOME` is not one of")
        );
        assert_eq!(problem("{}"), "document 1: spec.vpcId: is missing");
        assert!(problem("{vpcid: vpc-12345678}").starts_with("document 1: spec.vpcid is no field"));
        assert_eq!(problem("null"), "document 1: spec: is missing");
        assert!(
            problem("{vpcId: vpc-XYZ}")
                .starts_with("document 1: spec.vpcId: `vpc-XYZ`: the id of a VPC is vpc- with 8 or")
        );
        assert!(problem("{vpcId: vpc-12345678, vpcId: vpc-12345678}").contains("duplicate"));
        assert!(problem("{vpcId: vpc-12345678, s3: {lifecycle: {expireAfterDays: -1}}}").contains("is less than"));
        let other = |text: &str, with: &str| {
            read(&format!("{HEAD}spec: {{vpcId: vpc-12345678}}\n").replace(text, with)).unwrap_err().to_string()
        };
        assert!(other("v1alpha1", "v1beta1").contains("apiVersion: vpcflow.dev/v1beta1 is not served: write"));
        assert!(other("spec:", "spce:").contains("spce is no field"));
        assert!(other("name: m", "name: A_B").contains("metadata.name: 1 to 63"));
        assert!(other("name: m", "name: m, namespace: -a").contains("metadata.namespace: 1 to 63"));
        assert!(read("a: [").unwrap_err().to_string().starts_with("document 1: "));
        let nameless =
            "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {}\nspec: {vpcId: vpc-12345678}\n";
        assert_eq!(read(nameless).unwrap_err().to_string(), "document 1: metadata.name is missing");
    }
}
