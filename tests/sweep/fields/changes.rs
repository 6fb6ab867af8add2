//! Every field, changed on a monitor at rest: it comes to the very state of a monitor made so, and back to the one before.

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::others::Others;
use super::schema::{Property, merge, properties};
use super::values::{Other, WITHOUT_TRACE, along_with, other, rank};
use crate::report::{Sweep, is_full};
use crate::side_by_side::side_by_side;
use crate::snapshot::Snapshot;
use crate::world::{NAME, World};

/// A field and another value for it.
#[derive(Clone, Debug)]
pub struct Change {
    pub path: String,
    /// A merge patch of the spec.
    pub there: Value,
    /// A merge patch that takes the change back.
    pub back: Value,
}

/// Changes of every field that can be changed, to each other value or to one, such that none hides a later one.
pub fn changes(others: &Others) -> Vec<Change> {
    let mut changes = Vec::new();
    for property in properties().iter().filter(|property| property.is_leaf()) {
        if let Other::Values(values) = other(property, others) {
            let values = values.into_iter().take(if is_full() { usize::MAX } else { 1 });
            changes.extend(values.map(|value| change(property, value)));
        }
    }
    changes.sort_by_key(|change| rank(&change.path));
    changes
}

fn change(property: &Property, value: Value) -> Change {
    let at = |value| property.patch(value, |_| json!({}));
    let mut there = along_with(&property.path);
    let mut back = with_null_leaves(&there);
    merge_keeping_nulls(&mut there, at(value));
    merge_keeping_nulls(&mut back, at(Value::Null));
    Change { path: property.path.clone(), there, back }
}

fn with_null_leaves(patch: &Value) -> Value {
    match patch {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), with_null_leaves(field))).collect(),
        _ => Value::Null,
    }
}

fn merge_keeping_nulls(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                merge_keeping_nulls(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}

/// The spec before all changes. Its policy leaves no resources behind when their names change.
pub fn base(world: &World) -> Value {
    json!({"vpcId": world.sandbox.vpc_id, "deletionPolicy": "Delete"})
}

/// Makes the monitor, and waits until it is at rest.
pub async fn make(world: &World, spec: Value) -> Result<Snapshot> {
    world.create(serde_json::from_value(spec)?).await?;
    world.wait_at_rest().await?;
    Snapshot::take(world).await
}

/// The state of a monitor made with this spec in a world of its own.
pub async fn made_so(name: &str, patches: impl Fn(&Others) -> Vec<Value>) -> Result<Snapshot> {
    let mut world = World::new(name).await?;
    let others = Others::new(&world.sandbox).await;
    world.start()?;
    let mut spec = base(&world);
    for patch in patches(&others) {
        merge(&mut spec, &patch);
    }
    let snapshot = make(&world, spec).await?;
    world.stop().await?;
    Ok(snapshot)
}

/// The parts of the spec that are changed side by side.
const LIVES: [(&str, &[&str]); 4] = [
    ("s3", &["s3", "analytics"]),
    ("detector", &["detector"]),
    ("detections", &["detections", "notifications", "dashboard"]),
    ("rest", &[]),
];

fn life_of(path: &str) -> &'static str {
    let top = path.split('.').next().unwrap_or_default();
    LIVES.iter().find(|(_, tops)| tops.contains(&top)).map_or("rest", |(life, _)| life)
}

fn changes_of(life: &str, others: &Others) -> Vec<Change> {
    changes(others).into_iter().filter(|change| life_of(&change.path) == life).collect()
}

#[test]
fn every_field_comes_to_the_state_of_a_monitor_made_so_and_back() {
    let mut sweep = Sweep::start("fields: changes");
    let outcomes = side_by_side(LIVES.to_vec(), async |(life, _)| {
        if is_full() { Box::pin(one_by_one(life)).await } else { Box::pin(one_after_the_other(life)).await }
    });
    for ((life, _), outcome) in LIVES.iter().zip(outcomes) {
        if let Some(points) = sweep.add_run(life, outcome) {
            sweep.add_points(points);
        }
    }
    sweep.finish();
}

/// The number of changes that are made at once, unless each is made by itself.
const AT_ONCE: usize = 6;

/// All changes on top of each other, some at once, compared before those that hide others and at the end, and taken back in the opposite
/// order.
async fn one_after_the_other(life: &str) -> Result<usize> {
    let name = format!("fields-{life}");
    let mut world = World::new(&name).await?;
    let changes = changes_of(life, &Others::new(&world.sandbox).await);
    world.start()?;
    let first = make(&world, base(&world)).await?;
    let (mut steps, mut count) = (Vec::new(), 0);
    for equals in changes.chunk_by(|left, right| rank(&left.path) == rank(&right.path)) {
        for step in equals.chunks(AT_ONCE).map(together) {
            apply(&world, &step).await?;
            steps.push(step);
        }
        count += equals.len();
        world.wait_at_rest().await?;
        let there = Snapshot::take(&world).await?;
        let so_far = |others: &Others| {
            let changes = changes_of(life, others).into_iter().take(count);
            changes.map(|change| change.there).collect()
        };
        let made = made_so(&format!("{name}-made-{count}"), so_far).await?;
        there.check_but_for_history(&made).with_context(|| format!("{count} changes together"))?;
    }
    for step in steps.iter().rev() {
        take_back(&world, step).await?;
        world.wait_ready().await.with_context(|| format!("{} back", step.path))?;
    }
    world.wait_at_rest().await?;
    Snapshot::take(&world).await?.check_but_for_history(&first).context("all changes taken back")?;
    world.stop().await?;
    Ok(2 * count)
}

fn together(changes: &[Change]) -> Change {
    let mut all = Change { path: String::new(), there: json!({}), back: json!({}) };
    for change in changes {
        all.path = [&all.path, " ", &change.path].concat().trim_start().into();
        merge_keeping_nulls(&mut all.there, change.there.clone());
        merge_keeping_nulls(&mut all.back, change.back.clone());
    }
    all
}

/// Takes a change back, to the policy that the monitor was made with.
async fn take_back(world: &World, change: &Change) -> Result<()> {
    let mut back = change.back.clone();
    merge_keeping_nulls(&mut back, json!({"deletionPolicy": "Delete"}));
    world.change(back).await
}

/// Changes a field, and waits until the change has taken effect. Checks that AWS has changed, unless the field leaves no trace there.
async fn apply(world: &World, change: &Change) -> Result<()> {
    let before = world.sandbox.latest_call().await;
    world.change(change.there.clone()).await.with_context(|| change.there.to_string())?;
    world.wait_ready().await.with_context(|| format!("spec.{}: {}", change.path, change.there))?;
    let traces = !world.sandbox.writes_since(before).await.is_empty();
    ensure!(
        traces != change.path.split(' ').all(|path| WITHOUT_TRACE.contains(&path)),
        "spec.{} {} (see WITHOUT_TRACE of tests/sweep/fields/values.rs)",
        change.path,
        if traces { "changes AWS" } else { "changes nothing in AWS" }
    );
    Ok(())
}

/// Each change by itself, compared with a monitor made so.
async fn one_by_one(life: &str) -> Result<usize> {
    let name = format!("fields-{life}");
    let mut world = World::new(&name).await?;
    let mut twin = World::new(&format!("{name}-made")).await?;
    let there = changes_of(life, &Others::new(&world.sandbox).await);
    let in_twin = changes_of(life, &Others::new(&twin.sandbox).await);
    world.start()?;
    twin.start()?;
    let first = make(&world, base(&world)).await?;
    for (change, same) in there.iter().zip(&in_twin) {
        let what = || format!("spec.{}: {}", change.path, change.there);
        let changed = async {
            apply(&world, change).await?;
            world.wait_at_rest().await?;
            Snapshot::take(&world).await
        };
        let made = async {
            let mut spec = base(&twin);
            merge(&mut spec, &same.there);
            make(&twin, spec).await
        };
        let (changed, made) = futures::try_join!(changed, made).with_context(what)?;
        changed.check_but_for_history(&made).with_context(what)?;
        let back = async {
            take_back(&world, change).await?;
            world.wait_at_rest().await?;
            Snapshot::take(&world).await?.check_but_for_history(&first)
        };
        let gone = async {
            twin.change(json!({"deletionPolicy": "Delete"})).await?;
            twin.delete().await?;
            twin.wait_gone().await
        };
        futures::try_join!(back, gone).with_context(|| format!("{} and back", what()))?;
    }
    world.stop().await?;
    twin.stop().await?;
    Ok(2 * there.len())
}

#[tokio::test]
async fn what_is_immutable_stays_and_the_field_is_named() {
    let mut sweep = Sweep::start("fields: immutable");
    let world = World::new("fields-immutable").await.unwrap();
    let others = Others::new(&world.sandbox).await;
    world.create(serde_json::from_value(base(&world)).unwrap()).await.unwrap();
    for property in properties() {
        if let Some(Other::Immutable(value)) = property.is_leaf().then(|| other(&property, &others)) {
            sweep.add_points(1);
            let entry = |_: &str| json!({});
            let mut spec = property.patch(value, entry);
            if property.path == "assumeRole.externalId" {
                spec["assumeRole"]["roleArn"] = json!(format!("arn:aws:iam::{}:role/somebody", others.account));
            }
            let patch = Patch::Merge(json!({ "spec": spec }));
            let answer = world.cluster.monitors.patch(NAME, &PatchParams::default(), &patch).await;
            let refused = match answer.map_err(|error| error.to_string()) {
                Ok(_) => Err(anyhow::anyhow!("accepted")),
                Err(answer) => {
                    let top = property.path.split('.').next().unwrap_or_default();
                    let named = answer.contains(&format!("spec.{top}")) && answer.contains("is immutable");
                    if named { Ok(()) } else { Err(anyhow::anyhow!(answer)) }
                }
            };
            sweep.add_run(&property.path, refused);
        }
    }
    sweep.finish();
}
