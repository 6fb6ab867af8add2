//! Lives in which the operator is killed, and the one in which it is not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::select_all;
use futures::{FutureExt, future};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::points::{Calls, Moment, Point};
use super::trap::Trap;
use crate::life::{Phase, strangers};
use crate::snapshot::Snapshot;
use crate::world::World;

/// A pass at rest takes about 60 calls, one that makes a monitor about 200.
const A_FEW_CALLS: u32 = 150;

const KILLS_IN_A_PHASE: usize = 6;

/// The calls of each phase of an undisturbed life, and the state at its end.
pub type Undisturbed = BTreeMap<Phase, (Calls, Snapshot)>;

/// A world with resources of others and a running operator. AWS has these modes there.
async fn inhabited(name: &str, modes: &Value) -> Result<World> {
    let mut world = World::new(name).await?;
    world.sandbox.emulator.set_modes(&world.sandbox.account, modes.clone()).await?;
    strangers(&world).await?;
    start(&mut world)?;
    Ok(world)
}

/// Nothing may depend on a resync: it comes too late for any phase.
fn start(world: &mut World) -> Result<()> {
    world.start_with(|options| options.resync = Duration::from_mins(10))
}

/// Lives a whole life in which nothing happens to the operator.
pub async fn undisturbed(name: &str) -> Result<Undisturbed> {
    let mut since = Instant::now();
    let world = inhabited(name, &json!({})).await?;
    let strangers = Snapshot::take(&world).await?;
    let mut phases = Undisturbed::new();
    for phase in Phase::ALL {
        phase.begin(&world).await?;
        phase.reach(&world).await?;
        let reached = Instant::now();
        phase.end(&world).await?;
        let calls = world.proxy.calls();
        // Calls that only show that everything is at rest are no part of the phase.
        let last_write = calls.iter().rev().find(|call| call.mutating).context("no call changed anything")?.at;
        let calls = Calls::between(&calls, &world.kube.calls(), since, reached.max(last_write));
        phases.insert(phase, (calls, Snapshot::take(&world).await?));
        since = Instant::now();
    }
    let snapshot = |phase| phases.get(&phase).map(|(_, snapshot)| snapshot).context("a phase");
    snapshot(Phase::Repair)?.check_aws(snapshot(Phase::Change)?).context("repaired")?;
    snapshot(Phase::TakeBackAll)?.check_aws(snapshot(Phase::Repair)?).context("taken back")?;
    snapshot(Phase::DeleteAll)?.check(&strangers).context("deleted")?;
    ensure!(world.proxy.unknown_requests().is_empty(), "{:?}", world.proxy.unknown_requests());
    Ok(phases)
}

/// The first phase of a life in which nothing happens to the operator, under these modes of AWS.
pub async fn undisturbed_creation(name: &str, modes: &Value) -> Result<Undisturbed> {
    let since = Instant::now();
    let world = inhabited(name, modes).await?;
    Phase::Create.begin(&world).await?;
    Phase::Create.end(&world).await?;
    let calls = Calls::between(&world.proxy.calls(), &world.kube.calls(), since, Instant::now());
    Ok(Undisturbed::from([(Phase::Create, (calls, Snapshot::take(&world).await?))]))
}

/// The result of one life.
#[derive(Default)]
pub struct Story {
    pub passed: Vec<Point>,
    pub not_reached: Vec<Point>,
    pub failed: Option<(Vec<Point>, anyhow::Error)>,
    pub not_tried: Vec<Point>,
    /// More than points passed if it was killed while it recovered.
    pub kills: usize,
}

/// Lives until the last of these points, and is killed at each. `again` may set a trap for the recovery.
pub async fn killed_at(
    name: &str,
    mut points: BTreeMap<Phase, Vec<Point>>,
    mut again: impl FnMut(&World) -> Option<Trap>,
    undisturbed: &Undisturbed,
) -> Result<Story> {
    let mut world = inhabited(name, &json!({})).await?;
    let mut story = Story::default();
    for phase in Phase::ALL {
        if points.is_empty() {
            break;
        }
        let here = points.remove(&phase).unwrap_or_default();
        let traps = here.iter().map(|point| (Trap::set(&world, point), Some(point.clone()))).collect();
        match go_through(&mut world, phase, traps, &mut again, undisturbed).await {
            Ok(kills) => {
                story.kills += kills.len();
                story.passed.extend(kills.into_iter().flatten());
                story.not_reached.extend(here.into_iter().filter(|point| !story.passed.contains(point)));
            }
            Err(error) if here.is_empty() => return Err(error.context(format!("{phase:?}, not disturbed"))),
            Err(error) => {
                story.failed = Some((here, error));
                story.not_tried = points.into_values().flatten().collect();
                break;
            }
        }
    }
    Ok(story)
}

/// Lives through the phases, and is killed in each the first time that anything is changed in a way of its own: at every operation that
/// writes. Returns how often.
pub async fn killed_at_first_writes(
    name: &str,
    modes: &Value,
    moment: Moment,
    undisturbed: &Undisturbed,
) -> Result<usize> {
    let mut world = inhabited(name, modes).await?;
    let mut kills = 0;
    for (phase, (calls, _)) in undisturbed {
        let points = calls.writes().into_iter().map(|call| Point { phase: *phase, call: call.clone(), nth: 1, moment });
        let traps = points.map(|point| (Trap::set(&world, &point), None)).collect();
        let outcome = go_through(&mut world, *phase, traps, |_| None, undisturbed).await;
        kills += outcome.with_context(|| format!("{phase:?}, {moment:?} the first of each write"))?.len();
    }
    Ok(kills)
}

/// Lives a whole life, and is killed again and again, whatever it does just then, a few times in each phase. Returns how often.
pub async fn killed_again_and_again(name: &str, seed: u64, undisturbed: &Undisturbed) -> Result<usize> {
    let mut world = inhabited(name, &json!({})).await?;
    let (mut random, mut kills) = (StdRng::seed_from_u64(seed), 0);
    for phase in Phase::ALL {
        let mut left = KILLS_IN_A_PHASE;
        let mut again = |world: &World| {
            left -= 1;
            (left > 0).then(|| random_trap(world, &mut random))
        };
        let traps = again(&world).map(|trap| (trap, None)).into_iter().collect();
        let outcome = go_through(&mut world, phase, traps, again, undisturbed).await;
        kills += outcome.with_context(|| format!("seed {seed}, {phase:?}"))?.len();
    }
    Ok(kills)
}

/// A trap at one of the next calls.
pub fn random_trap(world: &World, random: &mut StdRng) -> Trap {
    let moment = if random.random() { Moment::Before } else { Moment::After };
    Trap::set_after(world, random.random_range(0..A_FEW_CALLS), moment)
}

/// Goes through a phase, and kills the operator at each trap it gets into: those set, and those that `again` sets when it has been killed.
/// Returns a point for each kill, if it has one.
async fn go_through(
    world: &mut World,
    phase: Phase,
    mut traps: Vec<(Trap, Option<Point>)>,
    mut again: impl FnMut(&World) -> Option<Trap>,
    undisturbed: &Undisturbed,
) -> Result<Vec<Option<Point>>> {
    phase.begin(world).await?;
    let mut kills = Vec::new();
    loop {
        let ended = tokio::select! {
            biased;
            () = any_sprung(&traps) => None,
            ended = phase.end(world) => Some(ended),
        };
        // The last call of a phase may be held after the phase has come to its end.
        for (trap, _) in &traps {
            trap.settled().await;
        }
        if traps.iter().any(|(trap, _)| trap.is_sprung()) {
            world.kill().await?;
            // Those that are sprung meanwhile, too.
            for (trap, point) in traps.extract_if(.., |(trap, _)| trap.is_sprung()) {
                trap.remove();
                kills.push(point);
            }
            traps.extend(again(world).map(|trap| (trap, None)));
            start(world)?;
        }
        if let Some(ended) = ended {
            ended?;
            break;
        }
    }
    world.proxy.clear();
    world.kube.clear();
    let should = &undisturbed.get(&phase).context("a phase of the undisturbed life")?.1;
    Snapshot::take(world).await?.check(should)?;
    Ok(kills)
}

async fn any_sprung(traps: &[(Trap, Option<Point>)]) {
    if traps.is_empty() {
        future::pending::<()>().await;
    }
    select_all(traps.iter().map(|(trap, _)| trap.sprung().boxed_local())).await;
}
