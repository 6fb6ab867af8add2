//! Random walks: edits, drifts, failures and restarts in any order end in the state of a monitor made with the last spec.
//!
//! A walk follows from its seed, which a failure prints: `SWEEP_SEED=… ` walks it again.

mod drifts;
mod steps;

use anyhow::{Context, Result, bail};
use devenv::{ProxyFault, Rule};
use kube::api::{Patch, PatchParams};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use self::steps::{Failing, Step, walk};
use crate::fields::{Change, Others, base, changes, merge};
use crate::report::{Sweep, is_full, seed};
use crate::side_by_side::side_by_side;
use crate::snapshot::Snapshot;
use crate::world::{NAME, World};

/// Walks that are tried to find the shortest one that fails.
const SHRINKS: usize = 20;

/// The number of walks, and the most steps of a walk.
fn extent() -> (usize, usize) {
    if is_full() { (60, 20) } else { (4, 8) }
}

#[test]
fn every_walk_ends_in_the_state_of_a_monitor_made_with_the_last_spec() {
    let mut sweep = Sweep::start("random walks");
    let ((count, longest), first) = (extent(), seed());
    let seeds: Vec<u64> = (first..).take(count).collect();
    let outcomes = side_by_side(seeds.clone(), async |seed| Box::pin(seeded(seed, longest)).await);
    for (seed, outcome) in seeds.iter().zip(outcomes) {
        if let Some(steps) = sweep.add_run(&format!("SWEEP_SEED={seed}"), outcome) {
            sweep.add_points(steps);
        }
    }
    sweep.finish();
}

/// Walks, and finds the shortest walk that fails if this one does.
async fn seeded(seed: u64, longest: usize) -> Result<usize> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let mut tree = walk(longest, fields()).new_tree(&mut runner).map_err(|reason| anyhow::anyhow!("{reason}"))?;
    let steps = tree.current();
    let Err(error) = along(&format!("walk-{seed}"), &steps).await else { return Ok(steps.len()) };
    let mut shortest = (steps, error);
    for attempt in 0..SHRINKS {
        let goes_on = match along(&format!("walk-{seed}-{attempt}"), &tree.current()).await {
            Err(error) => {
                shortest = (tree.current(), error);
                tree.simplify()
            }
            Ok(()) => tree.complicate(),
        };
        if !goes_on {
            break;
        }
    }
    let steps: Vec<String> = shortest.0.iter().map(ToString::to_string).collect();
    bail!("{:#}\nafter {} steps, the fewest found:\n  {}", shortest.1, steps.len(), steps.join("\n  "))
}

/// The fields that change on a walk. Policies decide about resources with former names, and have a sweep of their own; to be suspended is a
/// step.
fn fields() -> Vec<String> {
    let nobody = Others { account: String::new(), topic_arn: String::new(), key_arn: String::new() };
    let fields = changes(&nobody).into_iter().map(|change| change.path);
    fields.filter(|path| !["deletionPolicy", "adoptionPolicy"].contains(&path.as_str())).collect()
}

/// A monitor on a walk, and the spec it has been given.
struct Walk {
    world: World,
    others: Others,
    changes: Vec<Change>,
    spec: Value,
}

async fn along(name: &str, steps: &[Step]) -> Result<()> {
    let mut world = World::new(name).await?;
    let others = Others::new(&world.sandbox).await;
    let changes = changes(&others);
    let spec = base(&world);
    world.start()?;
    world.create(serde_json::from_value(spec.clone())?).await?;
    let mut walk = Walk { world, others, changes, spec };
    for (number, step) in steps.iter().enumerate() {
        Box::pin(walk.step(step)).await.with_context(|| format!("step {number}, {step}"))?;
    }
    walk.end(&format!("{name}-made")).await
}

impl Walk {
    async fn step(&mut self, step: &Step) -> Result<()> {
        let world = &mut self.world;
        match step {
            Step::Change(field) => {
                let patch = self.of(field)?.there.clone();
                self.change(&patch).await?;
            }
            Step::TakeBack(field) => {
                let patch = self.of(field)?.back.clone();
                self.change(&patch).await?;
            }
            Step::Suspend => self.change(&json!({"suspend": true})).await?,
            Step::Resume => self.change(&json!({"suspend": null})).await?,
            Step::Drift(drift) => drift.happen(world).await,
            Step::Fail { how, skip, times } => world.proxy.add(Rule::all(fault(*how)).skip(*skip).times(*times)),
            Step::Crash => {
                world.kill().await?;
                world.start()?;
            }
            Step::Restart => {
                world.stop().await?;
                world.start()?;
            }
            Step::Recreate => {
                world.proxy.clear();
                self.change(&json!({"suspend": null})).await?;
                self.world.delete().await?;
                self.world.wait_gone().await?;
                self.world.create(serde_json::from_value(self.spec.clone())?).await?;
            }
            Step::Pass => world.pass().await?,
        }
        Ok(())
    }

    fn of(&self, field: &str) -> Result<&Change> {
        self.changes.iter().find(|change| change.path == field).with_context(|| format!("no change of {field}"))
    }

    /// Changes the spec, unless the API server would refuse the result.
    async fn change(&mut self, patch: &Value) -> Result<()> {
        let merge_patch = Patch::Merge(json!({ "spec": patch }));
        match self.world.cluster.monitors.patch(NAME, &PatchParams::default(), &merge_patch).await {
            Ok(_) => merge(&mut self.spec, patch),
            Err(kube::Error::Api(status)) if status.code == 422 => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Everything works again: the monitor must come to the state of one made with its spec.
    async fn end(mut self, made: &str) -> Result<()> {
        self.world.proxy.clear();
        self.change(&json!({"suspend": null})).await?;
        self.world.pass().await?;
        self.world.wait_at_rest().await?;
        let end = Snapshot::take(&self.world).await?;
        let mut twin = World::new(made).await?;
        let others = Others::new(&twin.sandbox).await;
        twin.start()?;
        let spec = self.spec.to_string().replace(&self.others.key_arn, &others.key_arn);
        let spec = spec.replace(&self.world.sandbox.account, &twin.sandbox.account);
        let spec = spec.replace(&self.world.sandbox.vpc_id, &twin.sandbox.vpc_id);
        let made = crate::fields::make(&twin, serde_json::from_str(&spec)?).await?;
        end.check_but_for_history(&made).with_context(|| format!("with {}", self.spec))
    }
}

const fn fault(how: Failing) -> ProxyFault {
    match how {
        Failing::Throttled => ProxyFault::Throttle,
        Failing::ServerError => ProxyFault::ServerError,
        Failing::Denied => ProxyFault::AccessDenied,
        Failing::Closed => ProxyFault::Close,
        Failing::AnswerLost => ProxyFault::LoseAnswer,
    }
}
