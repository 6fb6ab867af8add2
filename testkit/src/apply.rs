//! Objects applied as users apply them.

use std::fmt::Debug;

use kube::api::{Patch, PatchParams};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Applies an object with this metadata and spec.
pub async fn apply<K>(objects: &Api<K>, metadata: &Value, spec: &Value) -> K
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let (api_version, kind) = (K::api_version(&()), K::kind(&()));
    let manifest = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
    let parameters = PatchParams::apply("test").force();
    objects.patch(metadata["name"].as_str().unwrap(), &parameters, &Patch::Apply(manifest)).await.unwrap()
}

/// Replaces the parts of a spec that `changes` has.
pub fn replace_parts(spec: &mut Value, changes: &Value) {
    for (key, value) in changes.as_object().unwrap() {
        spec[key] = value.clone();
    }
}
