//! The state of an overview and of everything in AWS that it could have changed. States of the same world can be compared.

use anyhow::Result;
use futures::future::try_join_all;
use serde_json::{Map, Value, json};
use testkit::overviews::THERE;
use testkit::sandbox::REGION;

use super::world::{NAME, World};

const KINDS: [&str; 6] = ["eventBuses", "eventRules", "topics", "dashboards", "roles", "oamLinks"];

pub async fn state(world: &World) -> Result<Value> {
    let (here, there) = (&world.stage.here, &world.stage.there);
    let places = [("here", here, REGION), ("here", here, THERE), ("there", there, REGION), ("there", there, THERE)];
    let read = places.map(|(name, sandbox, region)| async move {
        let inventory = sandbox.emulator.inventory(&sandbox.account, region).await?;
        let kinds: Map<_, _> = KINDS.map(|kind| (kind.to_owned(), inventory[kind].clone())).into_iter().collect();
        anyhow::Ok((format!("{name} {region}"), Value::Object(kinds)))
    });
    let aws: Map<_, _> = try_join_all(read).await?.into_iter().collect();
    Ok(json!({"aws": aws, "overview": overview(world).await?}))
}

/// Spec, status and finalizers, without times and requests.
async fn overview(world: &World) -> Result<Value> {
    let Some(overview) = world.stage.overviews.get_opt(NAME).await? else { return Ok(Value::Null) };
    let mut status = serde_json::to_value(&overview.status)?;
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"] = Value::Null;
        condition["observedGeneration"] = Value::Null;
    }
    status["lastHandledReconcileAt"] = Value::Null;
    status["observedGeneration"] = Value::Null;
    Ok(json!({"spec": overview.spec, "status": status, "finalizers": overview.metadata.finalizers}))
}
