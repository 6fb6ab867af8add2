//! Writes the status of an object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{DynamicObject, ObjectMeta, Patch, PatchParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::super::context::Context;
use super::super::events::of_troubles;

/// The field manager of the status.
const FIELD_MANAGER: &str = "vpc-flow-operator";

/// The parameters of every write of a status.
pub fn patch_params() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// Replaces the status `written`, which the object has, by `new`.
pub async fn replace_status(
    api: &Api<DynamicObject>,
    metadata: &ObjectMeta,
    written: &Value,
    new: Value,
) -> kube::Result<()> {
    let patch = json!({
        // An object deleted and made anew in the meantime must not get this one's status.
        "metadata": {"uid": metadata.uid},
        "status": replacement(written, new.clone()),
    });
    let name = metadata.name.as_deref().unwrap_or_default();
    let stored = api.patch_status(name, &patch_params(), &Patch::Merge(patch)).await?;
    info!("status written");
    let dropped = dropped(&new, &stored.data["status"]);
    if !dropped.is_empty() {
        warn!(
            ?dropped,
            "the installed CRD does not know these fields of the status: apply the CRD of this version, crds/ has it"
        );
    }
    Ok(())
}

/// Stores the status of a fleet or an overview if it has changed, and publishes new kinds of trouble. `before` and `after`: the statuses with
/// their conditions.
pub async fn store_changed<K, S>(
    context: &Context,
    api: &Api<DynamicObject>,
    metadata: &ObjectMeta,
    written: &Value,
    (before, former_conditions): (&S, &[Condition]),
    (after, conditions): (&S, &[Condition]),
) -> kube::Result<()>
where
    K: Resource<DynamicType = ()>,
    S: PartialEq + Serialize,
{
    if after == before {
        return Ok(());
    }
    replace_status(api, metadata, written, json!(after)).await?;
    context.publish::<K>(metadata, of_troubles(former_conditions, conditions)).await;
    Ok(())
}

/// A merge patch (RFC 7386) that makes `new` of `old`. Server-side apply would keep fields that somebody else has written into the status.
fn replacement(old: &Value, new: Value) -> Value {
    match (old, new) {
        (Value::Object(old), Value::Object(mut new)) => {
            for (key, old) in old {
                let value = new.remove(key).map_or(Value::Null, |new| replacement(old, new));
                new.insert(key.clone(), value);
            }
            Value::Object(new)
        }
        (_, new) => new,
    }
}

/// The fields that were sent and are not stored: the API server leaves out what the CRD does not have.
fn dropped(sent: &Value, stored: &Value) -> Vec<String> {
    let fields = sent.as_object().into_iter().flatten();
    fields.filter(|(key, _)| stored.get(key.as_str()).is_none()).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_takes_out_what_is_no_more() {
        let (old, new) = (json!({"a": 1, "b": {"c": 1, "d": 2}}), json!({"b": {"d": 3}, "e": [1]}));
        assert_eq!(replacement(&old, new), json!({"a": null, "b": {"c": null, "d": 3}, "e": [1]}));
    }

    #[test]
    fn what_an_old_crd_drops_is_noticed() {
        assert_eq!(dropped(&json!({"a": 1, "b": 2}), &json!({"a": 1})), ["b"]);
        assert!(dropped(&json!({"a": 1}), &json!({"a": 1, "b": 2})).is_empty());
    }
}
