//! Monitors from a YAML file, as `kubectl apply` would send them.

use crd_schema::{BrokenRule, RulesError, Violation};
use kube::{CustomResourceExt, Resource};
use serde_json::{Value, json};
use thiserror::Error;

use super::document_problem::DocumentProblem;
use super::yaml;
use crate::api::{GROUP, VpcFlowMonitor};

/// A failure to read monitors from a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// A document has a problem.
    #[error("document {document}: {problem}")]
    Document {
        /// Counted from 1.
        document: usize,
        /// One of its problems.
        problem: DocumentProblem,
    },
    /// There is nothing to plan.
    #[error("there is no VpcFlowMonitor in it")]
    NoMonitor,
}

/// The monitors of a file, and every problem of the other documents.
#[derive(Debug, Default)]
pub struct FileContent {
    /// The monitors without a problem, in the order of the file.
    pub monitors: Vec<VpcFlowMonitor>,
    /// The problems, in the order of the file.
    pub errors: Vec<FileError>,
}

/// A change that the API server refuses for the monitor in the cluster.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// Rules about the change are broken.
    #[error("{}", listed(.0))]
    BrokenRules(Vec<BrokenRule>),
    /// The rules cannot be evaluated.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// One of the two is no JSON.
    #[error("the monitors cannot be compared: {0}")]
    Json(#[from] serde_json::Error),
}

fn listed(broken: &[BrokenRule]) -> String {
    broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Refuses a change of the monitor in the cluster that breaks a rule, such as one of an immutable field.
pub fn check_change(live: &VpcFlowMonitor, declared: &VpcFlowMonitor) -> Result<(), ChangeError> {
    let spec_only =
        |monitor: &VpcFlowMonitor| Ok::<_, serde_json::Error>(json!({"spec": serde_json::to_value(&monitor.spec)?}));
    let broken = crd_schema::broken(&spec_only(declared)?, Some(&spec_only(live)?), &of_spec(&root_schema()))?;
    if broken.is_empty() { Ok(()) } else { Err(ChangeError::BrokenRules(broken)) }
}

/// The schema of the whole object.
fn root_schema() -> Value {
    let crd = serde_json::to_value(VpcFlowMonitor::crd()).unwrap_or_default();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// The schema without its rules about the name.
fn of_spec(root: &Value) -> Value {
    json!({"properties": {"spec": root["properties"]["spec"]}})
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
#[must_use]
pub fn read(text: &str) -> FileContent {
    let mut content = FileContent::default();
    for (document, object) in yaml::objects(text) {
        let values = match object {
            Ok(object) => flattened(object).into_iter().map(of_value).collect(),
            Err(source) => vec![Err(vec![DocumentProblem::Unreadable(source)])],
        };
        for value in values {
            match value {
                Ok(monitor) => content.monitors.extend(monitor),
                Err(problems) => {
                    content
                        .errors
                        .extend(problems.into_iter().map(|problem| FileError::Document { document, problem }));
                }
            }
        }
    }
    if content.monitors.is_empty() && content.errors.is_empty() {
        content.errors.push(FileError::NoMonitor);
    }
    content
}

/// The monitor, or nothing if it is of another kind.
fn of_value(value: Value) -> Result<Option<VpcFlowMonitor>, Vec<DocumentProblem>> {
    if value["kind"].as_str().is_none_or(str::is_empty) {
        return Err(vec![DocumentProblem::Kindless]);
    }
    match is_monitor(&value) {
        Ok(true) => monitor(value).map(Some),
        Ok(false) => Ok(None),
        Err(problem) => Err(vec![problem]),
    }
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
fn is_monitor(value: &Value) -> Result<bool, DocumentProblem> {
    let version = value["apiVersion"].as_str().unwrap_or_default();
    if value["kind"] != VpcFlowMonitor::kind(&()).as_ref() || version.split('/').next() != Some(GROUP) {
        return Ok(false);
    }
    let expected = VpcFlowMonitor::api_version(&());
    if version == expected {
        Ok(true)
    } else {
        Err(DocumentProblem::invalid("apiVersion", format!("{version} is not served: write {expected}")))
    }
}

/// The fields of an object that `kubectl get -o yaml` prints.
const TOP_LEVEL: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Longest name by the CRD's rule; the name is part of a tag's value.
const NAME_CHARS: usize = 63;

fn monitor(mut value: Value) -> Result<VpcFlowMonitor, Vec<DocumentProblem>> {
    let mut problems = of_metadata(&value["metadata"]);
    let is_named = problems.is_empty();
    problems.extend(of_top_level(&value));
    if let Some(status) = value.get_mut("status") {
        *status = Value::Null;
    }
    let root = root_schema();
    let schema = &root["properties"]["spec"];
    if !value["spec"].is_object() {
        // A misspelt `spec` is reported as that.
        if problems.iter().all(|problem| !problem.means("spec")) {
            problems.push(DocumentProblem::invalid("spec", "is missing"));
        }
        return Err(problems);
    }
    crd_schema::prune_nulls(&mut value["spec"], schema);
    let violations = crd_schema::violations(&value["spec"], schema, "spec");
    let is_malformed = |violation: &Violation| matches!(violation, Violation::Malformed(..) | Violation::Missing(_));
    let is_well_formed = !violations.iter().any(is_malformed);
    problems.extend(violations.into_iter().map(DocumentProblem::from));
    if is_well_formed {
        crd_schema::defaulted(&mut value["spec"], schema);
        // The rule about the name needs a name.
        let of_spec = of_spec(&root);
        match crd_schema::broken(&value, None, if is_named { &root } else { &of_spec }) {
            Ok(broken) => problems.extend(broken.into_iter().map(DocumentProblem::BrokenRule)),
            Err(error) => problems.push(DocumentProblem::Rules(error)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        vec![DocumentProblem::invalid(&field, error.into_inner().to_string())]
    })
}

fn of_top_level(value: &Value) -> Vec<DocumentProblem> {
    let names = value.as_object().into_iter().flat_map(serde_json::Map::keys);
    let unknown = names.filter(|name| !TOP_LEVEL.contains(&name.as_str()));
    let problem = |name: &String| DocumentProblem::UnknownField {
        field: name.clone(),
        similar: crd_schema::similar(name, TOP_LEVEL, |name| value.get(name).is_none()),
    };
    unknown.map(problem).collect()
}

/// The problems of the name and of the namespace; the others are those of its type.
fn of_metadata(metadata: &Value) -> Vec<DocumentProblem> {
    let mut problems = Vec::new();
    match &metadata["name"] {
        Value::Null => problems.push(DocumentProblem::Nameless),
        Value::String(name) if !is_name(name) => {
            problems.push(DocumentProblem::invalid("metadata.name", "1 to 63 lower-case letters, digits, `-` or `.`"));
        }
        Value::String(_) => {}
        _ => problems.push(DocumentProblem::invalid("metadata.name", "must be of type string")),
    }
    if metadata["namespace"].as_str().is_some_and(|namespace| !is_label(namespace)) {
        problems.push(DocumentProblem::invalid("metadata.namespace", "1 to 63 lower-case letters, digits or `-`"));
    }
    problems
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

    /// The problems of a text, in one line.
    fn problems(text: &str) -> String {
        read(text).errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    fn problem(spec: &str) -> String {
        problems(&format!("{HEAD}spec: {spec}\n"))
    }

    fn monitors(text: &str) -> Vec<VpcFlowMonitor> {
        let FileContent { monitors, errors } = read(text);
        assert!(errors.is_empty(), "{errors:?}");
        monitors
    }

    #[test]
    fn every_problem_of_every_document_is_reported_and_the_others_are_read() {
        let named = |name: &str, spec: &str| {
            format!("{}spec: {spec}\n---\n", HEAD.replace("name: m", &format!("name: {name}")))
        };
        let text = [
            named("a", "{vpcId: vpc-12345678}"),
            named("A_B", "{vpcId: vpc-XYZ, trafficType: SOME, s3: {bucketname: x}, aggregationInterval: 61}"),
            "a: [\n---\n".to_owned(),
            named("d", "{vpcid: vpc-12345678, tags: 5}"),
            named("e", "{vpcId: vpc-12345678}"),
        ]
        .concat();
        let content = read(&text);
        let found: Vec<_> = content.monitors.iter().filter_map(|monitor| monitor.metadata.name.as_deref()).collect();
        assert_eq!(found, ["a", "e"]);
        let errors: Vec<_> = content.errors.iter().map(ToString::to_string).collect();
        let beginnings = [
            "document 2: metadata.name: 1 to 63",
            "document 2: spec.aggregationInterval: 61 is not one of",
            "document 2: spec.s3.bucketname: unknown field; did you mean bucketName?",
            "document 2: spec.trafficType: `SOME` is not one of",
            "document 2: spec.vpcId: `vpc-XYZ`: the id of a VPC is",
            "document 3: ",
            "document 4: spec.tags: must be of type object",
            "document 4: spec.vpcid: unknown field; did you mean vpcId?",
        ];
        assert_eq!(errors.len(), beginnings.len(), "{errors:#?}");
        for (error, beginning) in errors.iter().zip(beginnings) {
            assert!(error.starts_with(beginning), "{error}");
        }
    }

    #[test]
    fn monitors_are_found_among_other_documents_and_get_their_defaults() {
        let text = format!(
            "kind: ConfigMap\napiVersion: v1\n---\n{HEAD}spec: {{vpcId: vpc-12345678, s3: null, tags: {{any: thing}}}}\nstatus: {{region: x}}\n"
        );
        let monitors = monitors(&text);
        assert_eq!((monitors.len(), monitors[0].spec.s3.prefix.as_str()), (1, "vpc-flow-logs"));
        assert_eq!(monitors[0].status, None, "what a file says of it is no witness");
        assert_eq!(problems("kind: VpcFlowMonitor\napiVersion: other.dev/v1\n"), FileError::NoMonitor.to_string());
    }

    #[test]
    fn lists_are_taken_apart() {
        let item = |name: &str| {
            format!(
                "- {{apiVersion: vpcflow.dev/v1alpha1, kind: VpcFlowMonitor, metadata: {{name: {name}}}, spec: {{vpcId: vpc-12345678}}}}\n"
            )
        };
        let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item("a"), item("b"));
        let names =
            |text: &str| monitors(text).into_iter().map(|monitor| monitor.metadata.name.unwrap()).collect::<Vec<_>>();
        assert_eq!(names(&list), ["a", "b"]);
    }

    #[test]
    fn a_change_of_an_immutable_field_is_refused() {
        let declared = |vpc: &str| monitors(&format!("{HEAD}spec: {{vpcId: {vpc}}}\n")).remove(0);
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
        let spec = |text: &str| monitors(&format!("{HEAD}spec: {{vpcId: vpc-12345678, {text}}}\n")).remove(0).spec;
        assert!(!spec("dashboard: {enabled: no}").dashboard.enabled);
        assert_eq!(spec("detector: {memoryMb: 0400}").detector.memory_mb, Some(256));
        assert_eq!(spec("detector: {timeoutSeconds: 6e1}").detector.timeout_seconds, Some(60));
        assert_eq!(spec("aggregationInterval: 600.0").aggregation_interval, 600);
        assert!(spec("tags: {on: \"yes\"}").tags.contains_key("true"));
        assert_eq!(spec("vpcId: vpc-87654321").vpc_id, "vpc-87654321", "the last of two equal keys counts");
        assert!(problem("{vpcId: vpc-12345678, tags: {a: yes}}").contains("spec.tags.a: must be of type string"));
        assert!(
            problem("{vpcId: vpc-12345678, dashboard: {on: true}}")
                .contains("spec.dashboard.true: unknown field; `kubectl explain")
        );
        assert_eq!(problems("a: 1"), "document 1: kind is missing");
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
        let other =
            |text: &str, with: &str| problems(&format!("{HEAD}spec: {{vpcId: vpc-12345678}}\n").replace(text, with));
        assert!(other("v1alpha1", "v1beta1").contains("apiVersion: vpcflow.dev/v1beta1 is not served: write"));
        assert!(other("spec:", "spce:").contains("spce: unknown field; did you mean spec?"));
        assert!(other("name: m", "name: A_B").contains("metadata.name: 1 to 63"));
        assert!(other("name: m", "name: m, namespace: -a").contains("metadata.namespace: 1 to 63"));
        assert!(problems("a: [").starts_with("document 1: "));
        let nameless =
            "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {}\nspec: {vpcId: vpc-12345678}\n";
        assert_eq!(problems(nameless), "document 1: metadata.name is missing");
    }
}
