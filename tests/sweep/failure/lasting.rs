//! One operation fails and goes on failing: the reports, the work that goes on, and the number of attempts.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use devenv::wait_for;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::api::ListParams;
use vpc_flow_operator::api::{Component, VpcFlowMonitor};
use vpc_flow_operator::resources::SYSTEMS;

use super::kinds::Kind;
use super::lives::{end, inhabited};
use super::operation::{FailingOperation, every_operation};
use crate::crash::lives::Undisturbed;
use crate::life::Phase;
use crate::world::{DEADLINE, NAME, World};

/// An operation that fails during all of a phase of a monitor's life.
pub type Lasting = FailingOperation<Phase>;

/// The number of calls of the failing operation, and of passes.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub calls: usize,
    pub passes: usize,
}

impl Rate {
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    pub fn per_pass(self) -> f64 {
        self.calls as f64 / self.passes as f64
    }
}

/// Passes over which the failure is watched, once it is reported.
const PASSES: usize = 4;

/// The most windows of so many passes until nothing is reported or changed any more.
const WINDOWS: usize = 4;

impl Lasting {
    /// Runs it in a world of its own in which nothing else happens.
    pub async fn run(&self, name: &str, undisturbed: &Undisturbed) -> Result<Rate> {
        let world = inhabited(name).await?;
        // The phase DeleteAll does not need the earlier phases that leave resources behind and take them back.
        let before = if self.phase == Phase::DeleteAll { Phase::Repair } else { self.phase };
        for phase in Phase::ALL.iter().take_while(|phase| **phase < before) {
            phase.begin(&world).await?;
            phase.end(&world).await?;
        }
        world.proxy.add(self.rule());
        self.phase.begin(&world).await?;
        if self.phase == Phase::Repair {
            world.request_pass().await?;
        }
        self.wait_until_reported(&world).await.with_context(|| format!("{self}: not reported"))?;
        let rate = self.watch(&world).await?;
        self.check_others(&world).await?;
        self.check_events(&world).await?;
        world.proxy.clear();
        end(&world, self.phase, undisturbed).await.with_context(|| format!("{self}: after it"))?;
        Ok(rate)
    }

    async fn wait_until_reported(&self, world: &World) -> Result<()> {
        world
            .wait("the failure to be reported, and all else to be done", |monitor| {
                conditions(monitor).any(|condition| self.is_named_by(condition)) && self.only_waiting(monitor).is_ok()
            })
            .await
    }

    /// Checks that nothing is written while nothing new happens, and that the operation is not called more often than the passes need.
    async fn watch(&self, world: &World) -> Result<Rate> {
        let passes = || world.kube.count("get", "vpcflowmonitors");
        let hits = || self.hits(&world.proxy);
        let writes = || {
            let calls = world.proxy.calls();
            let others = calls.iter().filter(|call| call.mutating && !self.is(call));
            others.map(|call| call.operation.clone()).collect::<Vec<_>>()
        };
        // Other work, such as a function that becomes active, may still be reported; it comes to an end.
        let mut noise = String::new();
        for _ in 0..WINDOWS {
            let (calls, begun, written) = (hits(), passes(), writes().len());
            let reported = world.kube.count("patch", "vpcflowmonitors/status");
            let events = || world.kube.calls().iter().filter(|(_, call)| call.resource == "events").count();
            let events_before = events();
            wait_for("more passes", DEADLINE, async || Ok((passes() >= begun + PASSES).then_some(()))).await?;
            let rate = Rate { calls: hits() - calls, passes: passes() - begun };
            ensure!(rate.calls <= self.most_in(rate.passes), "{self}: {} calls in {} passes", rate.calls, rate.passes);
            let reported_since = world.kube.count("patch", "vpcflowmonitors/status") - reported;
            let (events_since, written) = (events() - events_before, writes().split_off(written));
            if reported_since == 0 && events_since == 0 && written.is_empty() {
                return Ok(rate);
            }
            noise = format!("{reported_since} status writes, {events_since} events, written to AWS: {written:?}");
        }
        bail!("{self}: passes that find nothing new do not come to rest: in the last {PASSES} {noise}")
    }

    async fn check_others(&self, world: &World) -> Result<()> {
        let monitor = world.cluster.monitors.get(NAME).await?;
        self.only_waiting(&monitor)
    }

    /// Checks that each system without a failure is done, or waits for one that fails.
    fn only_waiting(&self, monitor: &VpcFlowMonitor) -> Result<()> {
        let failing: BTreeSet<&str> =
            conditions(monitor).filter(|it| self.is_named_by(it)).map(|it| &*it.type_).collect();
        for system in SYSTEMS.iter() {
            let Some(condition) = conditions(monitor).find(|it| it.type_ == system.component.condition()) else {
                continue;
            };
            let fine = condition.status == "True"
                || failing.contains(condition.type_.as_str())
                || condition.reason == "WaitingForDependency" && self.may_wait(system.component, &failing)
                // Resources in a log group or bucket that cannot be read yet are reported by that system.
                || monitor.metadata.deletion_timestamp.is_some();
            ensure!(fine, "{self}: {} {}: {}", condition.type_, condition.reason, condition.message);
        }
        Ok(())
    }

    /// True if the system waits for one of the failing systems, or for one that does.
    fn may_wait(&self, component: Component, failing: &BTreeSet<&str>) -> bool {
        self.may_wait_beyond(component, failing, &mut Vec::new())
    }

    /// The same, without the systems `seen` on the way.
    fn may_wait_beyond(&self, component: Component, failing: &BTreeSet<&str>, seen: &mut Vec<Component>) -> bool {
        seen.push(component);
        let Some(system) = SYSTEMS.iter().find(|system| system.component == component) else { return false };
        let clears = if self.phase == Phase::Create { &[][..] } else { system.clears_after };
        let needed_by = SYSTEMS.iter().filter(|other| self.phase != Phase::Create && other.needs.contains(&component));
        let mut holds_up = system.needs.iter().chain(clears).copied().chain(needed_by.map(|other| other.component));
        holds_up.any(|other| {
            failing.contains(other.condition()) || !seen.contains(&other) && self.may_wait_beyond(other, failing, seen)
        })
    }

    /// Checks that each failing system has one event, with the reason of its condition and the operation.
    async fn check_events(&self, world: &World) -> Result<()> {
        let monitor = world.cluster.monitors.get(NAME).await?;
        let api: Api<Event> = Api::namespaced(world.cluster.client.clone(), &world.cluster.namespace);
        let events = api.list(&ListParams::default()).await?.items;
        for condition in conditions(&monitor).filter(|condition| self.is_named_by(condition)) {
            if condition.type_ == "Ready" && conditions(&monitor).filter(|other| self.is_named_by(other)).count() > 1 {
                continue;
            }
            let about = |event: &&Event| {
                event.regarding.as_ref().and_then(|object| object.uid.as_ref()) == monitor.metadata.uid.as_ref()
                    && event.reason.as_deref() == Some(&condition.reason)
                    && event.action.as_deref() == Some(&condition.type_)
            };
            let reported: Vec<&Event> = events.iter().filter(about).collect();
            let times: i32 = reported.iter().map(|event| event.series.as_ref().map_or(1, |series| series.count)).sum();
            ensure!(times == 1, "{self}: {times} events of {} {}", condition.type_, condition.reason);
            let note = reported[0].note.as_deref().unwrap_or_default();
            ensure!(note.contains(&self.operation), "{self}: the event does not name the operation: {note}");
        }
        Ok(())
    }
}

fn conditions(monitor: &VpcFlowMonitor) -> impl Iterator<Item = &Condition> {
    monitor.status.iter().flat_map(|status| &status.conditions)
}

/// Every operation in the phase in which it first comes, `kinds` in turn; with all of them, every kind.
pub fn in_first_phase(undisturbed: &Undisturbed, kinds: impl Fn(usize, bool) -> Vec<Kind>) -> Vec<Lasting> {
    let order = [Phase::Create, Phase::DeleteAll, Phase::Change, Phase::Repair].into_iter().chain(Phase::ALL);
    every_operation(order.filter_map(|phase| Some((phase, &undisturbed.get(&phase)?.0))), kinds)
}
