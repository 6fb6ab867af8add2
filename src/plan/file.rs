//! Monitors from a YAML file, as `kubectl apply` would send them.

use kube::{CustomResourceExt, Resource};
use serde_json::{Value, json};
use thiserror::Error;

use super::rules::{self, BrokenRule};
use super::schema::{self, Violation};
use super::yaml::{self, YamlError};
use crate::api::{GROUP, VpcFlowMonitor};

/// A failure to read monitors from a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// Neither YAML nor JSON.
    #[error("document {document}: {source}")]
    Unreadable {
        /// Counted from 1.
        document: usize,
        /// The reason.
        source: YamlError,
    },
    /// kubectl takes only objects with a kind.
    #[error("document {document}: kind is missing")]
    Kindless {
        /// Counted from 1.
        document: usize,
    },
    /// A field is misspelt, or in the wrong place.
    #[error("document {document}: {field}: unknown field; {}", remedy(similar.as_ref()))]
    UnknownField {
        /// Counted from 1.
        document: usize,
        /// Its path.
        field: String,
        /// The name of the field that is probably meant.
        similar: Option<String>,
    },
    /// A field has a value that it cannot have.
    #[error("document {document}: {field}: {problem}")]
    InvalidField {
        /// Counted from 1.
        document: usize,
        /// Its path.
        field: String,
        /// The problem of the value.
        problem: String,
    },
    /// Rules between fields are broken.
    #[error("document {document}: {}", listed(.broken))]
    BrokenRules {
        /// Counted from 1.
        document: usize,
        /// The rules.
        broken: Vec<BrokenRule>,
    },
    /// The rules cannot be evaluated.
    #[error("document {document}: the rules of the CRD cannot be evaluated: {source}")]
    Rules {
        /// Counted from 1.
        document: usize,
        /// The reason.
        source: cel::DeclarationError,
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

fn remedy(similar: Option<&String>) -> String {
    match similar {
        Some(name) => format!("did you mean {name}?"),
        None => "`kubectl explain vpcflowmonitor --recursive` lists all fields".to_owned(),
    }
}

/// A change that the API server refuses for the monitor in the cluster.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// Rules about the change are broken.
    #[error("{}", listed(.0))]
    BrokenRules(Vec<BrokenRule>),
    /// The rules cannot be evaluated.
    #[error("the rules of the CRD cannot be evaluated: {0}")]
    Rules(#[from] cel::DeclarationError),
    /// One of the two is no JSON.
    #[error("the monitors cannot be compared: {0}")]
    Json(#[from] serde_json::Error),
}

fn listed(broken: &[BrokenRule]) -> String {
    broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Refuses a change of the monitor in the cluster that breaks a rule, such as one of an immutable field.
pub fn check_change(live: &VpcFlowMonitor, declared: &VpcFlowMonitor) -> Result<(), ChangeError> {
    let of_spec =
        |monitor: &VpcFlowMonitor| Ok::<_, serde_json::Error>(json!({"spec": serde_json::to_value(&monitor.spec)?}));
    let schema = root_schema();
    let schema = json!({"properties": {"spec": schema["properties"]["spec"]}});
    let broken = rules::broken(&of_spec(declared)?, Some(&of_spec(live)?), &schema)?;
    if broken.is_empty() { Ok(()) } else { Err(ChangeError::BrokenRules(broken)) }
}

/// The schema of the whole object.
fn root_schema() -> Value {
    let crd = serde_json::to_value(VpcFlowMonitor::crd()).unwrap_or_default();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// The text of a file: UTF-8, or UTF-16 if it begins with a byte-order mark of it, as Windows writes it.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, _) = bytes.as_chunks();
        String::from_utf16_lossy(&units.iter().map(|pair| unit(*pair)).collect::<Vec<_>>())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8_lossy(rest).into_owned(),
    }
}

/// The monitors among the documents of a YAML file and the lists in it; other kinds are passed over. All rules of the CRD are checked but
/// those about a change, see [`check_change`].
pub fn read(text: &str) -> Result<Vec<VpcFlowMonitor>, FileError> {
    let mut monitors: Vec<VpcFlowMonitor> = Vec::new();
    for (document, object) in yaml::objects(text) {
        let object = object.map_err(|source| FileError::Unreadable { document, source })?;
        for value in flattened(object) {
            if value["kind"].as_str().is_none_or(str::is_empty) {
                return Err(FileError::Kindless { document });
            }
            if !is_monitor(&value, document)? {
                continue;
            }
            monitors.push(monitor(value, document)?);
        }
    }
    if monitors.is_empty() { Err(FileError::NoMonitor) } else { Ok(monitors) }
}

/// The objects of a document: itself, or the items of its list.
fn flattened(mut value: Value) -> Vec<Value> {
    let is_list = matches!(value["kind"].as_str(), Some("List" | "VpcFlowMonitorList"));
    match value.get_mut("items").filter(|_| is_list) {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => vec![value],
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

/// The fields of an object that `kubectl get -o yaml` prints.
const TOP_LEVEL: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Longest name by the CRD's rule; the name is part of a tag's value.
const NAME_CHARS: usize = 63;

fn monitor(mut value: Value, document: usize) -> Result<VpcFlowMonitor, FileError> {
    let invalid = |field: &str, problem: &str| {
        Err(FileError::InvalidField { document, field: field.to_owned(), problem: problem.to_owned() })
    };
    let mut top_level = value.as_object().into_iter().flat_map(serde_json::Map::keys);
    if let Some(unknown) = top_level.find(|name| !TOP_LEVEL.contains(&name.as_str())) {
        let similar = schema::similar(unknown, TOP_LEVEL, |name| value.get(name).is_none());
        return Err(FileError::UnknownField { document, field: unknown.clone(), similar });
    }
    if let Some(status) = value.get_mut("status") {
        *status = Value::Null;
    }
    let root = root_schema();
    let schema = &root["properties"]["spec"];
    if !value["spec"].is_object() {
        return invalid("spec", "is missing");
    }
    schema::prune_nulls(&mut value["spec"], schema);
    schema::check(&value["spec"], schema, "spec").map_err(|violation| match violation {
        Violation::UnknownField(field, similar) => FileError::UnknownField { document, field, similar },
        Violation::Invalid(field, problem) => FileError::InvalidField { document, field, problem },
    })?;
    schema::defaulted(&mut value["spec"], schema);
    let with_defaults = value.clone();
    let monitor: VpcFlowMonitor = serde_path_to_error::deserialize(value).map_err(|error| FileError::InvalidField {
        document,
        field: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })?;
    let metadata = &monitor.metadata;
    let Some(name) = &metadata.name else { return Err(FileError::Nameless { document }) };
    if !is_name(name) {
        return invalid("metadata.name", "1 to 63 lower-case letters, digits, `-` or `.`");
    }
    if !metadata.namespace.as_deref().is_none_or(is_label) {
        return invalid("metadata.namespace", "1 to 63 lower-case letters, digits or `-`");
    }
    let broken = rules::broken(&with_defaults, None, &root).map_err(|source| FileError::Rules { document, source })?;
    if broken.is_empty() { Ok(monitor) } else { Err(FileError::BrokenRules { document, broken }) }
}

/// The name of a monitor: by the CRD's rule, and as Kubernetes requires it for names of objects.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_CHARS && text.split('.').all(is_label)
}

/// A DNS label of RFC 1123, as Kubernetes requires it for the name of a namespace.
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
    fn lists_are_taken_apart() {
        let item = |name: &str| {
            format!(
                "- {{apiVersion: vpcflow.dev/v1alpha1, kind: VpcFlowMonitor, metadata: {{name: {name}}}, spec: {{vpcId: vpc-12345678}}}}\n"
            )
        };
        let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item("a"), item("b"));
        let names = |text: &str| {
            read(text).unwrap().into_iter().map(|monitor| monitor.metadata.name.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(&list), ["a", "b"]);
    }

    #[test]
    fn a_change_of_an_immutable_field_is_refused() {
        let declared = |vpc: &str| read(&format!("{HEAD}spec: {{vpcId: {vpc}}}\n")).unwrap().remove(0);
        let (live, other) = (declared("vpc-12345678"), declared("vpc-87654321"));
        assert!(check_change(&live, &live).is_ok());
        let refused = check_change(&live, &other).unwrap_err().to_string();
        assert!(refused.starts_with("spec.vpcId: `vpc-87654321`: vpcId is immutable"), "{refused}");
    }

    #[test]
    fn files_of_windows_are_decoded() {
        let text = "a: ä";
        let utf16 = |first: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            first.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<_>>()
        };
        assert_eq!(decode(&utf16([0xff, 0xfe], u16::to_le_bytes)), text);
        assert_eq!(decode(&utf16([0xfe, 0xff], u16::to_be_bytes)), text);
        assert_eq!(decode("\u{feff}a: ä".as_bytes()), text);
        assert_eq!(decode(text.as_bytes()), text);
    }

    #[test]
    fn values_are_those_that_kubectl_sends() {
        let spec = |text: &str| read(&format!("{HEAD}spec: {{vpcId: vpc-12345678, {text}}}\n")).unwrap().remove(0).spec;
        assert!(!spec("dashboard: {enabled: no}").dashboard.enabled);
        assert_eq!(spec("detector: {memoryMb: 0400}").detector.memory_mb, 256);
        assert_eq!(spec("detector: {timeoutSeconds: 6e1}").detector.timeout_seconds, 60);
        assert_eq!(spec("aggregationInterval: 600.0").aggregation_interval, 600);
        assert!(spec("tags: {on: \"yes\"}").tags.contains_key("true"));
        assert_eq!(spec("vpcId: vpc-87654321").vpc_id, "vpc-87654321", "the last of two equal keys counts");
        assert!(problem("{vpcId: vpc-12345678, tags: {a: yes}}").contains("spec.tags.a: must be of type string"));
        assert!(
            problem("{vpcId: vpc-12345678, dashboard: {on: true}}")
                .contains("spec.dashboard.true: unknown field; `kubectl explain")
        );
        assert_eq!(read("a: 1").unwrap_err().to_string(), "document 1: kind is missing");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(
            problem("{vpcId: vpc-12345678, s3: {bucketname: x}}")
                .starts_with("document 1: spec.s3.bucketname: unknown field; did you mean bucketName?")
        );
        let nested =
            "{vpcId: vpc-12345678, notifications: {subscriptions: [{protocol: email, endpoint: a@b, filter: {}}]}}";
        assert!(
            problem(nested).contains("spec.notifications.subscriptions[0].filter: unknown field; `kubectl explain")
        );
        assert!(
            problem("{vpcId: vpc-12345678, trafficType: SOME}")
                .starts_with("document 1: spec.trafficType: `SOME` is not one of")
        );
        assert_eq!(problem("{}"), "document 1: spec.vpcId: is missing");
        assert_eq!(problem("{vpcid: vpc-12345678}"), "document 1: spec.vpcid: unknown field; did you mean vpcId?");
        assert_eq!(problem("null"), "document 1: spec: is missing");
        assert!(
            problem("{vpcId: vpc-XYZ}")
                .starts_with("document 1: spec.vpcId: `vpc-XYZ`: the id of a VPC is vpc- with 8 or")
        );
        assert!(problem("{vpcId: vpc-12345678, s3: {lifecycle: {expireAfterDays: -1}}}").contains("is less than"));
        assert!(
            problem("{vpcId: vpc-12345678, s3: {lifecycle: {glacierAfterDays: 30}}}")
                .starts_with("document 1: spec.s3.lifecycle.glacierAfterDays: ")
        );
        let other = |text: &str, with: &str| {
            read(&format!("{HEAD}spec: {{vpcId: vpc-12345678}}\n").replace(text, with)).unwrap_err().to_string()
        };
        assert!(other("v1alpha1", "v1beta1").contains("apiVersion: vpcflow.dev/v1beta1 is not served: write"));
        assert!(other("spec:", "spce:").contains("spce: unknown field; did you mean spec?"));
        assert!(other("name: m", "name: A_B").contains("metadata.name: 1 to 63"));
        assert!(other("name: m", "name: m, namespace: -a").contains("metadata.namespace: 1 to 63"));
        assert!(read("a: [").unwrap_err().to_string().starts_with("document 1: "));
        let nameless =
            "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {}\nspec: {vpcId: vpc-12345678}\n";
        assert_eq!(read(nameless).unwrap_err().to_string(), "document 1: metadata.name is missing");
    }
}
