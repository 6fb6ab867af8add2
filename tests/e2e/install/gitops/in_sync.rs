//! The differences that a GitOps tool would show between a manifest and the cluster.

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use serde_json::{Value, json};

/// As Argo CD applies with `ServerSideApply=true`.
const MANAGER: &str = "argocd-controller";

/// Applies a manifest; fields that the schema does not have are refused.
pub async fn apply(api: &Api<DynamicObject>, manifest: &Value) -> DynamicObject {
    patch(api, manifest, false).await
}

async fn patch(api: &Api<DynamicObject>, manifest: &Value, dry_run: bool) -> DynamicObject {
    let parameters = PatchParams {
        dry_run,
        force: true,
        field_manager: Some(MANAGER.to_owned()),
        field_validation: Some(ValidationDirective::Strict),
    };
    let name = manifest["metadata"]["name"].as_str().unwrap();
    api.patch(name, &parameters, &Patch::Apply(manifest)).await.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Checks that neither way of comparing finds a difference, and that the spec has no other field manager.
pub async fn assert_in_sync(api: &Api<DynamicObject>, manifest: &Value) {
    let name = manifest["metadata"]["name"].as_str().unwrap();
    let live = json!(api.get(name).await.unwrap());
    assert_eq!(differences(manifest, &live), Vec::<String>::new(), "{name}");

    let predicted = json!(patch(api, manifest, true).await);
    assert_eq!(comparable(predicted), comparable(live.clone()), "{name}: another apply would change it");

    let owners = live["metadata"]["managedFields"].as_array().unwrap();
    let owners: Vec<_> = owners.iter().filter(|entry| entry["fieldsV1"].get("f:spec").is_some()).collect();
    assert!(owners.iter().all(|entry| entry["manager"] == MANAGER), "{name}: {owners:#?}");
}

/// The fields of a manifest that differ in the cluster. Fields that the manifest does not set are not compared.
pub fn differences(wanted: &Value, live: &Value) -> Vec<String> {
    let mut different: Vec<String> = Vec::new();
    compare("", wanted, live, &mut different);
    different
}

fn compare(path: &str, wanted: &Value, live: &Value, different: &mut Vec<String>) {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(_)) => {
            for (key, wanted) in wanted {
                compare(&format!("{path}.{key}"), wanted, &live[key], different);
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), wanted, found, different);
            }
        }
        _ if wanted == live => {}
        _ => different.push(format!("{path}: {wanted} wanted, {live} found")),
    }
}

/// Without the API server's own bookkeeping, which GitOps tools leave out too.
fn comparable(mut object: Value) -> Value {
    for field in ["managedFields", "resourceVersion"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    object
}

#[test]
fn a_difference_is_found() {
    let (wanted, live) =
        (json!({"a": {"b": [1, {"c": 2}], "d": "x"}}), json!({"a": {"b": [1, {"c": 3, "e": 4}], "f": 5}}));
    assert_eq!(differences(&wanted, &live), [".a.b[1].c: 2 wanted, 3 found", r#".a.d: "x" wanted, null found"#]);
}
