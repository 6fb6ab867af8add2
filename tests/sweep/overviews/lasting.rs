//! One operation fails and goes on failing: a condition names it, and the operator does not try it too often. Then it recovers.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use devenv::wait_for;
use vpc_flow_operator::api::VpcFlowOverview;

use super::phase::Phase;
use super::state::state;
use super::world::{NAME, World, has_condition};
use crate::crash::points::Calls;
use crate::failure::{FailingOperation, Kind, every_operation};
use crate::snapshot::check_same;
use crate::world::DEADLINE;

/// Passes over which the failure is watched, once it is reported.
const PASSES: usize = 2;

/// The most windows of so many passes until nothing is reported any more.
const WINDOWS: usize = 4;

/// An operation that fails during all of a phase of an overview's life.
pub type Lasting = FailingOperation<Phase>;

/// Every operation in the phase in which it comes first, in these ways.
pub fn in_first_phase(calls: &BTreeMap<Phase, Calls>, kinds: impl Fn(usize, bool) -> Vec<Kind>) -> Vec<Lasting> {
    every_operation([Phase::Create, Phase::Delete, Phase::Change].map(|phase| (phase, &calls[&phase])), kinds)
}

impl Lasting {
    /// Lives a life in which nothing else fails.
    pub async fn run(&self, world: &World) -> Result<usize> {
        let undisturbed = world.undisturbed().await?;
        for phase in Phase::ALL {
            if phase == self.phase {
                world.proxy.add(self.rule());
                phase.begin(world).await?;
                let watched = self.watch(world).await;
                world.proxy.clear();
                watched?;
            } else {
                phase.begin(world).await?;
            }
            phase.end(world).await.with_context(|| format!("{phase:?}"))?;
            check_same(&undisturbed.ends[&phase], &state(world).await?).with_context(|| format!("{phase:?}"))?;
        }
        Ok(1)
    }

    async fn watch(&self, world: &World) -> Result<()> {
        let mut latest = None;
        let reported = wait_for("a condition that names the failure", DEADLINE, async || {
            latest = self.latest(world).await?;
            Ok(latest.as_ref().filter(|overview| self.is_reported(overview)).map(|_| ()))
        });
        reported.await.with_context(|| format!("{:#?}", latest.and_then(|it| it.status)))?;
        if self.kind == Kind::AccessDenied {
            // Tried again only after a resync, because only a person helps.
            let stalled = wait_for("the condition Stalled", DEADLINE, async || {
                Ok(self.latest(world).await?.is_some_and(|it| has_condition(&it, "Stalled")).then_some(()))
            });
            return stalled.await;
        }
        self.watch_passes(world).await
    }

    async fn latest(&self, world: &World) -> Result<Option<VpcFlowOverview>> {
        let overview = world.stage.overviews.get_opt(NAME).await?;
        ensure!(overview.is_some() || self.phase != Phase::Delete, "the overview is gone while {self}");
        Ok(overview)
    }

    /// True if the condition of a part and Ready name the operation, and have the reason of the failure.
    fn is_reported(&self, overview: &VpcFlowOverview) -> bool {
        let conditions = overview.status.iter().flat_map(|status| &status.conditions);
        let named =
            conditions.filter(|it| self.is_named_by(it) && it.observed_generation == overview.metadata.generation);
        let named: Vec<_> = named.map(|it| it.type_.as_str()).collect();
        named.contains(&"Ready") && named.len() > 1
    }

    /// Checks that passes which find nothing new write and report nothing, and do not call the operation more often than they need.
    async fn watch_passes(&self, world: &World) -> Result<()> {
        let hits = || self.hits(&world.proxy);
        let passes = || world.kube.count("get", "vpcflowoverviews");
        let reports = || {
            let writes = [("patch", "vpcflowoverviews/status"), ("create", "events"), ("patch", "events")];
            writes.into_iter().map(|(verb, resource)| world.kube.count(verb, resource)).sum::<usize>()
        };
        let mut noise = 0;
        for _ in 0..WINDOWS {
            let (calls, begun, reported) = (hits(), passes(), reports());
            wait_for("more passes", DEADLINE, async || Ok((passes() >= begun + PASSES).then_some(()))).await?;
            let (calls, done) = (hits() - calls, passes() - begun);
            ensure!(calls <= self.most_in(done), "{calls} calls in {done} passes");
            noise = reports() - reported;
            if noise == 0 {
                return Ok(());
            }
        }
        bail!("passes that find nothing new do not come to rest: {noise} reports in the last {PASSES}")
    }
}
