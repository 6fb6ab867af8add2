//! An object checked by the schema of its CRD and its rules, as the API server checks it.

use std::fmt::Debug;

use crd_schema::{BrokenRule, RulesError, Violation};
use kube::core::NamespaceResourceScope;
use kube::core::object::HasSpec;
use kube::{CustomResourceExt, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

use super::document_problem::DocumentProblem;

/// An object that users write for the operator.
pub trait CustomObject:
    CustomResourceExt
    + Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + HasSpec<Spec: Clone + Serialize>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
{
}

impl<K> CustomObject for K where
    K: CustomResourceExt
        + Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + HasSpec<Spec: Clone + Serialize>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
{
}

/// A change that the API server refuses for the object in the cluster.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// Rules about the change are broken.
    #[error("{}", listed(.0))]
    BrokenRules(Vec<BrokenRule>),
    /// The rules cannot be evaluated.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// One of the two is no JSON.
    #[error("the two objects cannot be compared: {0}")]
    Json(#[from] serde_json::Error),
}

fn listed(broken: &[BrokenRule]) -> String {
    broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Refuses a change of the object in the cluster that breaks a rule, such as one of an immutable field.
pub fn check_change<K: CustomObject>(live: &K, declared: &K) -> Result<(), ChangeError> {
    let spec_only = |object: &K| Ok::<_, serde_json::Error>(json!({"spec": serde_json::to_value(object.spec())?}));
    let broken = crd_schema::broken(&spec_only(declared)?, Some(&spec_only(live)?), &of_spec(&root_schema::<K>()))?;
    if broken.is_empty() { Ok(()) } else { Err(ChangeError::BrokenRules(broken)) }
}

/// The schema of the whole object.
fn root_schema<K: CustomObject>() -> Value {
    let crd = serde_json::to_value(K::crd()).unwrap_or_default();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// The schema without its rules about the name.
fn of_spec(root: &Value) -> Value {
    json!({"properties": {"spec": root["properties"]["spec"]}})
}

/// The fields of an object that `kubectl get -o yaml` prints.
const TOP_LEVEL: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Longest name by the rule of a monitor's CRD, where the name is part of a tag's value. That of a fleet is shorter.
const NAME_CHARS: usize = 63;

/// The object with its defaults and without a status, or all its problems. All rules of the CRD are checked but those about a change, see
/// [`check_change`].
pub fn checked<K: CustomObject>(mut value: Value) -> Result<K, Vec<DocumentProblem>> {
    let kind = K::kind(&());
    let mut problems = of_metadata(&value["metadata"]);
    let is_named = problems.is_empty();
    problems.extend(of_top_level(&value, &kind));
    if let Some(status) = value.get_mut("status") {
        *status = Value::Null;
    }
    let root = root_schema::<K>();
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
    problems.extend(violations.into_iter().map(|violation| DocumentProblem::of_violation(violation, &kind)));
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

fn of_top_level(value: &Value, kind: &str) -> Vec<DocumentProblem> {
    let names = value.as_object().into_iter().flat_map(serde_json::Map::keys);
    let unknown = names.filter(|name| !TOP_LEVEL.contains(&name.as_str()));
    let problem = |name: &String| DocumentProblem::UnknownField {
        field: name.clone(),
        similar: crd_schema::similar(name, TOP_LEVEL, |name| value.get(name).is_none()),
        kind: kind.to_owned(),
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

/// The name of an object: by the rule of the CRD, and as Kubernetes requires it for names of objects.
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
