//! Every field, changed on an overview at rest: it comes to the very state of an overview made so, and back to the one before.

use std::fmt;

use anyhow::{Context as _, Result, ensure};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use testkit::cluster::Cluster;
use vpc_flow_operator::api::VpcFlowOverview;

use super::state::state;
use super::values::{Others, WITHOUT_TRACE, hides, other};
use super::world::{NAME, World};
use super::worlds::in_worlds;
use crate::fields::{Other, Property, merge, properties_of};
use crate::report::{Sweep, is_full};
use crate::snapshot::check_same;

/// Fields that change together, each with the number of its value.
#[derive(Clone, Debug)]
struct Fields(Vec<(Property, usize)>);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.0.iter().map(|(field, number)| format!("spec.{} ({number})", field.path)).collect();
        f.write_str(&paths.join(", "))
    }
}

impl Fields {
    /// The spec before the change, and after it.
    fn specs(&self, others: &Others) -> (Value, Value) {
        let before = json!({"monitorSelector": {"matchLabels": {"team": "network"}}});
        let mut after = before.clone();
        for (field, number) in &self.0 {
            if let Other::Values(values) = other(field, others) {
                merge(&mut after, &field.patch(values[*number].clone(), |_| json!({})));
            }
        }
        (before, after)
    }

    async fn run(&self, world: &World) -> Result<usize> {
        let (before, after) = self.specs(&Others::of(world));
        let first = apply(world, &before).await?;
        let calls = world.proxy.calls().len();
        let changed = apply(world, &after).await?;
        let traces = world.proxy.calls().iter().skip(calls).any(|call| call.mutating);
        let leaves_none = self.0.iter().all(|(field, _)| WITHOUT_TRACE.contains(&field.path.as_str()));
        ensure!(
            traces != leaves_none,
            "writes to AWS: {traces} (see WITHOUT_TRACE of tests/sweep/overviews/values.rs)"
        );
        check_same(&first, &apply(world, &before).await?).context("and back")?;
        delete(world).await?;
        let made = apply(world, &after).await?;
        check_same(&made, &changed).context("compared with an overview made so")?;
        delete(world).await?;
        Ok(2 * self.0.len())
    }
}

async fn apply(world: &World, spec: &Value) -> Result<Value> {
    world.stage.apply(NAME, spec.clone()).await;
    world.wait_ready().await?;
    state(world).await
}

/// Deletes it with everything, whatever its policy says.
async fn delete(world: &World) -> Result<()> {
    let policy = Patch::Merge(json!({"spec": {"deletionPolicy": "Delete"}}));
    world.stage.overviews.patch(NAME, &PatchParams::default(), &policy).await?;
    world.stage.overviews.delete(NAME, &DeleteParams::default()).await?;
    world.wait_gone().await?;
    check_same(&world.empty, &state(world).await?).context("deleted")
}

#[test]
fn every_field_comes_to_the_state_of_an_overview_made_so_and_back() {
    let mut sweep = Sweep::start("overviews: fields");
    let leaves = properties_of::<VpcFlowOverview>().into_iter().filter(Property::is_leaf);
    let changes = leaves.flat_map(|field| match other(&field, &Others::default()) {
        Other::Values(values) => (0..values.len()).map(|number| (field.clone(), number)).collect(),
        Other::Immutable(_) | Other::Suspends => Vec::new(),
    });
    let jobs = if is_full() {
        changes.map(|change| Fields(vec![change])).collect()
    } else {
        vec![Fields(changes.filter(|(field, number)| *number == 0 && !hides(&field.path)).collect())]
    };
    in_worlds(&mut sweep, "overview-fields", jobs, async |world, fields: &Fields| fields.run(world).await);
    sweep.finish();
}

#[tokio::test]
async fn what_is_immutable_stays_and_the_field_is_named() {
    let mut sweep = Sweep::start("overviews: immutable");
    let cluster = Cluster::new("overview-fields-immutable").await;
    let overviews: Api<VpcFlowOverview> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let manifest = json!({
        "apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowOverview", "metadata": {"name": NAME},
        "spec": {"monitorSelector": {}},
    });
    overviews.create(&kube::api::PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
    for field in properties_of::<VpcFlowOverview>().into_iter().filter(Property::is_leaf) {
        let Other::Immutable(value) = other(&field, &Others::default()) else { continue };
        sweep.add_points(1);
        let mut spec = field.patch(value, |_| json!({}));
        if field.path == "assumeRole.externalId" {
            spec["assumeRole"]["roleArn"] = json!("arn:aws:iam::111122223333:role/somebody");
        }
        let answer = overviews.patch(NAME, &PatchParams::default(), &Patch::Merge(json!({ "spec": spec }))).await;
        let top = field.path.split('.').next().unwrap_or_default();
        let refused = match answer.map_err(|error| error.to_string()) {
            Err(answer) if answer.contains(&format!("spec.{top}")) && answer.contains("is immutable") => Ok(()),
            other => Err(anyhow::anyhow!("{other:?}")),
        };
        sweep.add_run(&field.path, refused);
    }
    sweep.finish();
}
