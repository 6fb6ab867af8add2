//! Changes at the worst moment: one after another at once, and while the monitor is being made, changed or deleted, at each call that
//! changes AWS.

use std::collections::BTreeMap;
use std::future::Future;

use anyhow::{Context, Result, ensure};
use devenv::{Gate, ProxiedCall, ProxyFault, Rule};
use serde_json::{Value, json};

use super::changes::{base, made_so, make};
use super::others::Others;
use super::schema::merge;
use crate::life::{changed, changes, full};
use crate::report::{Sweep, is_full};
use crate::side_by_side::side_by_side;
use crate::snapshot::Snapshot;
use crate::world::{DEADLINE, World};

/// Moments of a selection.
const SELECTED: usize = 2;

/// A call that changes AWS: the how manyth of its operation.
#[derive(Clone, Debug)]
struct Moment {
    service: String,
    operation: String,
    earlier: u32,
}

impl Moment {
    /// Every call that changed AWS, or some of them spread over all.
    fn of(calls: &[ProxiedCall]) -> Vec<Self> {
        let mut earlier: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        let mut moments = Vec::new();
        for call in calls.iter().filter(|call| call.mutating) {
            let count = earlier.entry((&call.service, &call.operation)).or_default();
            moments.push(Self { service: call.service.clone(), operation: call.operation.clone(), earlier: *count });
            *count += 1;
        }
        let step = if is_full() { 1 } else { moments.len().div_ceil(SELECTED) };
        moments.into_iter().step_by(step.max(1)).collect()
    }

    /// Waits for the call, does something while it is held, and lets it go.
    async fn hold(&self, world: &World, meanwhile: impl Future<Output = Result<()>>) -> Result<()> {
        let gate = Gate::new();
        let rule = Rule::of(&self.service, &self.operation, ProxyFault::HoldBefore(gate.clone()));
        world.proxy.add(rule.skip(self.earlier).times(1));
        let held = gate.arrived(DEADLINE).await;
        let done = meanwhile.await;
        gate.open();
        held?;
        done
    }
}

/// Runs a case for every moment, some side by side, and counts them.
fn at_each(
    sweep: &mut Sweep,
    what: &str,
    moments: Vec<Moment>,
    case: impl AsyncFn(String, Moment) -> Result<()> + Sync,
) {
    let reported =
        |moment: &Moment| format!("{what}, at {} {} after {} of it", moment.service, moment.operation, moment.earlier);
    let reported: Vec<String> = moments.iter().map(reported).collect();
    let cases: Vec<_> = moments.into_iter().enumerate().collect();
    let run = async |(number, moment)| case(format!("moments-{what}-{number}"), moment).await;
    for (reported, outcome) in reported.iter().zip(side_by_side(cases, run)) {
        sweep.add_points(1);
        sweep.add_run(reported, outcome);
    }
}

async fn world(name: &str) -> Result<World> {
    let mut world = World::new(name).await?;
    world.start()?;
    Ok(world)
}

/// An undisturbed creation and an undisturbed change: the moments at which each can be disturbed, and the state at its end.
struct Model {
    creation: Vec<Moment>,
    made: Snapshot,
    change: Vec<Moment>,
    changed: Snapshot,
}

async fn model(name: &str) -> Result<Model> {
    let world = world(name).await?;
    let made = make(&world, serde_json::to_value(full(&world.sandbox))?).await?;
    let before = world.proxy.calls();
    world.change(changes(&world.sandbox, &world.cluster.namespace)).await?;
    world.wait_at_rest().await?;
    let change = Moment::of(&world.proxy.calls()[before.len()..]);
    Ok(Model { creation: Moment::of(&before), made, change, changed: Snapshot::take(&world).await? })
}

#[test]
fn a_change_while_the_monitor_is_made_or_changed() {
    let mut sweep = Sweep::start("fields: changes during creation and change");
    let model = side_by_side(vec!["moments-model"], model).remove(0).unwrap();
    at_each(&mut sweep, "creation", model.creation, async |name, moment| {
        let world = world(&name).await?;
        world.create(full(&world.sandbox)).await?;
        let change = world.change(changes(&world.sandbox, &world.cluster.namespace));
        moment.hold(&world, change).await?;
        world.wait_at_rest().await?;
        Snapshot::take(&world).await?.check(&model.changed)
    });
    at_each(&mut sweep, "change", model.change, async |name, moment| {
        let world = world(&name).await?;
        make(&world, serde_json::to_value(full(&world.sandbox))?).await?;
        world.change(changes(&world.sandbox, &world.cluster.namespace)).await?;
        moment.hold(&world, world.change(back(&world)?)).await?;
        world.wait_at_rest().await?;
        Snapshot::take(&world).await?.check_but_for_history(&model.made)
    });
    sweep.finish();
}

/// A merge patch from the changed spec to the one that the monitor was made with.
fn back(world: &World) -> Result<Value> {
    let from = serde_json::to_value(changed(&world.sandbox, &world.cluster.namespace)?)?;
    let mut patch = serde_json::to_value(full(&world.sandbox))?;
    take_out(&from, &mut patch);
    Ok(patch)
}

/// Sets fields that are only in `from` to null in the patch.
fn take_out(from: &Value, patch: &mut Value) {
    if let (Value::Object(from), Value::Object(fields)) = (from, patch) {
        for (key, value) in from {
            take_out(value, fields.entry(key.clone()).or_insert(Value::Null));
        }
    }
}

#[test]
fn a_change_while_the_monitor_is_deleted() {
    let mut sweep = Sweep::start("fields: changes during deletion");
    let renamed = json!({"s3": {"bucketName": "renamed-at-the-end"}, "cloudWatchLogs": {"logGroupName": "/renamed"}});
    let cases = [
        ("retaindata-to-delete", "RetainData", json!({"deletionPolicy": "Delete"})),
        ("delete-to-retain", "Delete", json!({"deletionPolicy": "Retain"})),
        ("renamed", "Delete", renamed),
    ];
    for (what, policy, change) in cases.into_iter().take(if is_full() { usize::MAX } else { 2 }) {
        let moments = side_by_side(vec![format!("moments-{what}")], async |name: String| deletion(&name, policy).await);
        let moments = moments.into_iter().next().unwrap().unwrap();
        at_each(&mut sweep, what, moments, async |name, moment| {
            let world = world(&name).await?;
            make(&world, spec(&world, policy)).await?;
            world.delete().await?;
            moment.hold(&world, world.change(change.clone())).await?;
            world.wait_gone().await?;
            let left = Snapshot::take(&world).await?;
            ensure!(!left.contains("vpcflow.dev/owner"), "left with an owner: {:?}", left.resources());
            let keeps = change["deletionPolicy"] == "Retain";
            let left: Vec<String> = left.resources().into_iter().filter(|name| !name.starts_with("vpcs/")).collect();
            ensure!(keeps || left.is_empty(), "left: {left:?}");
            Ok(())
        });
    }
    sweep.finish();
}

/// The moments at which a deletion can be disturbed.
async fn deletion(name: &str, policy: &str) -> Result<Vec<Moment>> {
    let world = world(name).await?;
    make(&world, spec(&world, policy)).await?;
    let before = world.proxy.calls().len();
    world.delete().await?;
    world.wait_gone().await?;
    Ok(Moment::of(&world.proxy.calls()[before..]))
}

fn spec(world: &World, policy: &str) -> Value {
    let mut spec = serde_json::to_value(full(&world.sandbox)).unwrap();
    spec["deletionPolicy"] = json!(policy);
    spec
}

/// Several changes of the same field, each before the one before can have had an effect.
#[test]
fn changes_in_quick_succession() {
    let mut sweep = Sweep::start("fields: quick succession");
    let names = |bucket: &str, group: &str, database: &str| {
        json!({
            "s3": {"bucketName": format!("quick-{bucket}")},
            "cloudWatchLogs": {"logGroupName": format!("/quick/{group}")},
            "analytics": {"database": database},
        })
    };
    let fields = |count: usize| {
        let all = ["version", "srcaddr", "dstaddr", "bytes", "action", "log-status", "vpc-id", "region"];
        json!({"cloudWatchLogs": {"fields": all[..count]}, "s3": {"fields": all[..count]}})
    };
    let switches = |on: bool| {
        json!({
            "detector": {"enabled": on}, "analytics": {"enabled": on}, "dashboard": {"enabled": on},
            "detections": {"externalConnections": {"enabled": on}},
        })
    };
    let cases = [
        ("names-back", vec![names("a", "a", "a"), names("b", "b", "b"), names("a", "a", "a")]),
        ("fields", vec![fields(8), fields(6), fields(7)]),
        ("switches", vec![switches(false), switches(true), switches(false)]),
        ("names", vec![names("a", "a", "a"), names("b", "b", "b"), names("c", "c", "c")]),
        ("switches-back", vec![switches(false), switches(true)]),
    ];
    let cases: Vec<_> = cases.into_iter().take(if is_full() { usize::MAX } else { 3 }).collect();
    let names: Vec<_> = cases.iter().map(|(what, _)| *what).collect();
    let outcomes = side_by_side(cases, async |(what, patches)| quickly(what, patches).await);
    for (what, outcome) in names.iter().zip(outcomes) {
        sweep.add_points(1);
        sweep.add_run(what, outcome);
    }
    sweep.finish();
}

async fn quickly(what: &str, patches: Vec<Value>) -> Result<()> {
    // A bucket's name is taken in every account.
    let own = |patch: &Value, account: &str| {
        let mut patch = patch.clone();
        if let Some(name) = patch["s3"]["bucketName"].as_str() {
            patch["s3"]["bucketName"] = json!(format!("{name}-{account}"));
        }
        patch
    };
    let world = world(&format!("quick-{what}")).await?;
    // As in the other world.
    Others::new(&world.sandbox).await;
    make(&world, base(&world)).await?;
    for patch in &patches {
        world.change(own(patch, &world.sandbox.account)).await?;
    }
    world.wait_at_rest().await?;
    let patches = |others: &Others| {
        let mut all = json!({});
        for patch in &patches {
            merge(&mut all, &own(patch, &others.account));
        }
        vec![all]
    };
    let made = made_so(&format!("quick-{what}-made"), patches).await?;
    Snapshot::take(&world).await?.check_but_for_history(&made).context("all changes at once")
}
