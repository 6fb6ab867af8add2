//! One operation fails and goes on failing: a condition names it, and the operator does not try it too often. Then it recovers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};
use devenv::{Rule, Treatment, wait_for};
use vpc_flow_operator::api::VpcFlowOverview;

use super::phase::Phase;
use super::state::state;
use super::world::{NAME, World, has_condition};
use crate::crash::points::{Call, Calls};
use crate::failure::Kind;
use crate::snapshot::check_same;
use crate::world::DEADLINE;

/// Passes over which the failure is watched, once it is reported.
const PASSES: usize = 2;

/// The most windows of so many passes until nothing is reported any more.
const WINDOWS: usize = 4;

/// An operation that fails during all of a phase.
#[derive(Clone, Debug)]
pub struct Lasting {
    phase: Phase,
    service: String,
    operation: String,
    kind: Kind,
    /// The number of its calls in the phase if nothing fails.
    usual: u32,
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} {} {}", self.phase, self.service, self.operation, self.kind)
    }
}

/// Every operation in the phase in which it comes first, in these ways.
pub fn every_operation(calls: &BTreeMap<Phase, Calls>, kinds: impl Fn(usize, bool) -> Vec<Kind>) -> Vec<Lasting> {
    let (mut known, mut lasting) = (BTreeSet::new(), Vec::new());
    for phase in [Phase::Create, Phase::Delete, Phase::Change] {
        let numbered: Vec<_> = calls[&phase].numbered().collect();
        for (call, _) in numbered.iter().filter(|(_, nth)| *nth == 1) {
            let Call::Aws { service, operation, writes } = call else { continue };
            if !known.insert((*call).clone()) {
                continue;
            }
            let usual = numbered.iter().filter(|(other, _)| other == call).map(|(_, nth)| *nth).max().unwrap_or(1);
            for kind in kinds(known.len(), *writes) {
                let (service, operation) = (service.clone(), operation.clone());
                lasting.push(Lasting { phase, service, operation, kind, usual });
            }
        }
    }
    lasting
}

impl Lasting {
    /// Lives a life in which nothing else fails.
    pub async fn run(&self, world: &World) -> Result<usize> {
        let undisturbed = world.undisturbed().await?;
        for phase in Phase::ALL {
            if phase == self.phase {
                world.proxy.add(Rule::of(&self.service, &self.operation, self.kind.fault()));
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
        let named = conditions.filter(|it| {
            it.status == "False"
                && it.observed_generation == overview.metadata.generation
                && Some(it.reason.as_str()) == self.kind.reason()
                && it.message.contains(&format!(" {}: ", self.operation))
        });
        let named: Vec<_> = named.map(|it| it.type_.as_str()).collect();
        named.contains(&"Ready") && named.len() > 1
    }

    /// Checks that passes which find nothing new write and report nothing, and do not call the operation more often than they need.
    async fn watch_passes(&self, world: &World) -> Result<()> {
        let hits = || {
            let is_it = |call: &&devenv::ProxiedCall| {
                (&call.service, &call.operation) == (&self.service, &self.operation)
                    && call.treatment != Treatment::Passed
            };
            world.proxy.calls().iter().filter(is_it).count()
        };
        let passes = || world.count("get", "vpcflowoverviews");
        let reports = || {
            world.count("patch", "vpcflowoverviews/status")
                + world.count("create", "events")
                + world.count("patch", "events")
        };
        let mut noise = 0;
        for _ in 0..WINDOWS {
            let (calls, begun, reported) = (hits(), passes(), reports());
            wait_for("more passes", DEADLINE, async || Ok((passes() >= begun + PASSES).then_some(()))).await?;
            let (calls, done) = (hits() - calls, passes() - begun);
            let most = 2 * self.usual as usize * (done + 1);
            ensure!(calls <= most, "{calls} calls in {done} passes");
            noise = reports() - reported;
            if noise == 0 {
                return Ok(());
            }
        }
        bail!("passes that find nothing new do not come to rest: {noise} reports in the last {PASSES}")
    }
}
