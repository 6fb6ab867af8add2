//! Monitors from a YAML file, as `kubectl apply` would send them.

use kube::CustomResourceExt;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

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

/// The monitors among the documents of a YAML file; other kinds are passed over. What only the API server checks, such as the rules between
/// fields, is not checked here.
pub fn read(text: &str) -> Result<Vec<VpcFlowMonitor>, FileError> {
    let mut monitors = Vec::new();
    for (document, number) in serde_yaml_ng::Deserializer::from_str(text).zip(1..) {
        let value =
            Value::deserialize(document).map_err(|source| FileError::Unreadable { document: number, source })?;
        let group = value["apiVersion"].as_str().and_then(|version| version.split('/').next());
        if value["kind"].as_str() == Some("VpcFlowMonitor") && group == Some(GROUP) {
            monitors.push(monitor(value, number)?);
        }
    }
    if monitors.is_empty() { Err(FileError::NoMonitor) } else { Ok(monitors) }
}

fn monitor(value: Value, document: usize) -> Result<VpcFlowMonitor, FileError> {
    let schema = serde_json::to_value(VpcFlowMonitor::crd()).unwrap_or_default();
    let schema = &schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    if let Some(field) = unknown_field(&value["spec"], schema, "spec") {
        return Err(FileError::UnknownField { document, field });
    }
    let monitor: VpcFlowMonitor = serde_path_to_error::deserialize(value).map_err(|error| FileError::InvalidField {
        document,
        field: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })?;
    if monitor.metadata.name.is_none() { Err(FileError::Nameless { document }) } else { Ok(monitor) }
}

/// The first field that the schema does not have, which the API server would drop.
fn unknown_field(value: &Value, schema: &Value, path: &str) -> Option<String> {
    match value {
        Value::Object(fields) => {
            let properties = schema["properties"].as_object()?;
            fields.iter().find_map(|(name, value)| {
                let path = format!("{path}.{name}");
                match properties.get(name) {
                    Some(schema) => unknown_field(value, schema, &path),
                    None => Some(path),
                }
            })
        }
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| unknown_field(item, &schema["items"], &format!("{path}[{index}]")))
        }
        _ => None,
    }
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
        let text =
            format!("kind: ConfigMap\napiVersion: v1\n---\n{HEAD}spec: {{vpcId: vpc-1, tags: {{any: thing}}}}\n");
        let monitors = read(&text).unwrap();
        assert_eq!((monitors.len(), monitors[0].spec.s3.prefix.as_str()), (1, "vpc-flow-logs"));
        assert_eq!(
            read("kind: VpcFlowMonitor\napiVersion: other.dev/v1\n").unwrap_err().to_string(),
            FileError::NoMonitor.to_string()
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(
            problem("{vpcId: vpc-1, s3: {bucketname: x}}").starts_with("document 1: spec.s3.bucketname is no field")
        );
        let nested = "{vpcId: vpc-1, notifications: {subscriptions: [{protocol: email, endpoint: a@b, filter: {}}]}}";
        assert!(problem(nested).contains("spec.notifications.subscriptions[0].filter is no field"));
        assert!(
            problem("{vpcId: vpc-1, trafficType: SOME}").starts_with("document 1: spec.trafficType: unknown variant")
        );
        assert!(problem("{}").contains("missing field `vpcId`"));
        assert!(read("a: [").unwrap_err().to_string().starts_with("document 1: "));
        let nameless = "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {}\nspec: {vpcId: vpc-1}\n";
        assert_eq!(read(nameless).unwrap_err().to_string(), "document 1: metadata.name is missing");
    }
}
