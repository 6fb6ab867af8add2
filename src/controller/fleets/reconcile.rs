//! A pass over one fleet: fetch → read places → list monitors → decide → try the template → act → report.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::runtime::controller::Action as Requeue;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tracing::instrument;

use super::super::paced::{FormerPass, PACE, paced};
use super::super::pass_end::Error;
use super::super::read::read_fleet;
use super::super::retry::Memory;
use super::super::status::store_changed;
use super::context::{FleetContext, FleetMemory};
use super::monitors::{self, Answer, is_denied};
use super::{WatchedFleet, places};
use crate::api::conditions::Reason;
use crate::api::fleet::{VpcFlowFleet, VpcFlowFleetStatus};
use crate::api::requested_pass;
use crate::fleet::{Action, Decision, FleetIdentity, Input, PresentMonitor, StatusInput, decide, failed, status};
use crate::kubernetes::message;

/// Time between two attempts to put fields of the template back in the same monitor.
const RESTORE_INTERVAL: Duration = Duration::from_mins(1);

/// Reconciles one fleet.
#[instrument(skip_all, fields(namespace = watched.namespace(), fleet = watched.name_any()))]
pub async fn reconcile(watched: Arc<WatchedFleet>, fleets: Arc<FleetContext>) -> Result<Requeue, Infallible> {
    let uid = watched.uid().unwrap_or_default();
    let former = fleets.memories.get(&uid).former;
    Ok(paced(&fleets.context, &uid, former, Box::pin(pass_over(&watched, &fleets))).await)
}

/// The time until the next pass; `None` if only a change leads to one.
async fn pass_over(watched: &WatchedFleet, fleets: &FleetContext) -> Result<Option<Duration>, Error> {
    let context = &fleets.context;
    let namespace = watched.namespace().unwrap_or_default();
    let resource = ApiResource::erase::<VpcFlowFleet>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let uid = watched.uid().unwrap_or_default();
    let latest =
        objects.get_opt(&watched.name_any()).await?.filter(|latest| latest.metadata.uid == watched.metadata.uid);
    let Some(object) = latest.filter(|latest| latest.metadata.deletion_timestamp.is_none()) else {
        // Its monitors are deleted by Kubernetes, because it owns them.
        fleets.forget(&uid);
        return Ok(None);
    };
    let fleet = match read_fleet(object.clone()) {
        Ok(fleet) => fleet,
        Err(problem) => {
            report_failed(fleets, &objects, &object, Reason::InvalidSpec, &problem.to_string()).await?;
            return Ok(Some(context.options.resync));
        }
    };
    let mut pass = Pass {
        fleets,
        identity: FleetIdentity { namespace, name: fleet.name_any(), uid: uid.clone() },
        memory: fleets.memories.get(&uid),
        now: Timestamp::now(),
        fleet,
    };
    let decision = pass.run(&objects).await;
    let monitors = decision.as_ref().map_or(0, |decision| decision.wanted.len());
    pass.memory.former = Some(FormerPass::ends(monitors));
    let wait = decision.as_ref().ok().map(|decision| pass.wait(decision));
    fleets.memories.keep(&uid, pass.memory);
    if let Err(Error::Kubernetes(error)) = &decision
        && is_denied(error)
    {
        let problem = format!("Kubernetes: {}; the value fleets.enabled of the chart gives the rights", message(error));
        report_failed(fleets, &objects, &object, Reason::AccessDenied, &problem).await?;
    }
    decision?;
    context.with_memory(&uid, Memory::succeeds);
    Ok(wait)
}

/// Reports a fleet over which no pass is possible. Its monitors go on as they are.
async fn report_failed(
    fleets: &FleetContext,
    objects: &Api<DynamicObject>,
    object: &DynamicObject,
    reason: Reason,
    problem: &str,
) -> Result<(), Error> {
    let stored = &object.data["status"];
    let previous: VpcFlowFleetStatus = serde_json::from_value(stored.clone()).unwrap_or_default();
    let new = failed(reason, problem, object.metadata.generation, &previous, Timestamp::now());
    store(fleets, objects, &object.metadata, stored, &previous, new).await
}

/// Stores a status if it differs from the former one, and publishes new kinds of trouble.
async fn store(
    fleets: &FleetContext,
    objects: &Api<DynamicObject>,
    metadata: &ObjectMeta,
    stored: &Value,
    previous: &VpcFlowFleetStatus,
    new: VpcFlowFleetStatus,
) -> Result<(), Error> {
    fleets.context.metrics.fleets().learn(metadata, &new);
    let (before, after) = ((previous, &previous.conditions[..]), (&new, &new.conditions[..]));
    store_changed::<VpcFlowFleet, _>(&fleets.context, objects, metadata, stored, before, after).await?;
    Ok(())
}

/// A pass over a fleet that can be read.
struct Pass<'a> {
    fleets: &'a FleetContext,
    fleet: VpcFlowFleet,
    identity: FleetIdentity,
    memory: FleetMemory,
    now: Timestamp,
}

impl Pass<'_> {
    async fn run(&mut self, objects: &Api<DynamicObject>) -> Result<Decision, Error> {
        self.read_places().await;
        let mut present = monitors::of_fleet(&self.fleets.context, &self.identity).await?;
        let mut decision = self.decide(&present).await?;
        let template_problem = self.template_problem(&decision).await?;
        if template_problem.is_none() && !decision.actions.is_empty() {
            self.act(&mut decision).await?;
            present = monitors::of_fleet(&self.fleets.context, &self.identity).await?;
            decision = self.decide(&present).await?;
        }
        self.report(objects, &decision, template_problem.as_deref()).await?;
        Ok(decision)
    }

    /// Reads the places if it is time, or if the spec has changed or somebody asks for it.
    async fn read_places(&mut self) {
        let metadata = &self.fleet.metadata;
        let request = requested_pass(metadata).cloned();
        let read_for = (metadata.generation, request);
        let is_recent = self.memory.read_at.is_some_and(|read_at| read_at.elapsed() < self.discovery_interval());
        if is_recent && self.memory.read_for == read_for {
            return;
        }
        self.memory.readings = places::read(&self.fleets.context, &self.identity.namespace, &self.fleet.spec).await;
        self.memory.read_at = Some(Instant::now());
        self.memory.read_for = read_for;
        // The API server may accept now what it refused.
        self.memory.refused.clear();
        self.memory.accepted.clear();
    }

    fn discovery_interval(&self) -> Duration {
        let all_read = self.memory.readings.iter().all(|reading| reading.vpcs.is_ok());
        let interval = Duration::from_secs(self.fleet.spec.discovery_seconds.into());
        // A place that could not be read is tried again sooner.
        if all_read { interval } else { interval.min(self.fleets.context.options.backoff.longest) }
    }

    async fn decide(&self, present: &[PresentMonitor]) -> Result<Decision, Error> {
        let mut input = Input {
            fleet: &self.identity,
            spec: &self.fleet.spec,
            readings: &self.memory.readings,
            present,
            others: &[],
            refused: &self.memory.refused,
            now: self.now,
        };
        let decision = decide(input);
        if !decision.actions.iter().any(|action| matches!(action, Action::Create(_))) {
            return Ok(decision);
        }
        let others = monitors::others(&self.fleets.context, &self.identity).await?;
        input.others = &others;
        Ok(decide(input))
    }

    /// The reason for which the API server accepts no monitor of the template.
    async fn template_problem(&mut self, decision: &Decision) -> Result<Option<String>, Error> {
        for variant in &decision.variants {
            if self.memory.accepted.contains(&variant.hash) {
                continue;
            }
            match monitors::try_out(&self.fleets.context, &self.identity, variant, self.now).await? {
                Answer::Accepted => _ = self.memory.accepted.insert(variant.hash.clone()),
                Answer::Refused(why) => return Ok(Some(why)),
            }
        }
        Ok(None)
    }

    /// Makes the changes of a decision, and publishes them.
    async fn act(&mut self, decision: &mut Decision) -> Result<(), Error> {
        let context = &self.fleets.context;
        let _creating;
        if decision.actions.iter().any(|action| matches!(action, Action::Create(_))) {
            _creating = self.fleets.creating.lock().await;
            // Another fleet may have created one of these since.
            let present = monitors::of_fleet(context, &self.identity).await?;
            *decision = self.decide(&present).await?;
        }
        let (mut made, mut result) = (Vec::new(), Ok(()));
        for action in &decision.actions {
            if context.stopping.is_cancelled() {
                break;
            }
            if self.restores_again(action) {
                continue;
            }
            match (monitors::make(context, &self.identity, action, self.now).await, action) {
                (Ok(Answer::Accepted), _) => made.push(action.clone()),
                (
                    Ok(Answer::Refused(why)),
                    Action::Create(desired) | Action::Update(desired) | Action::Restore(desired, _),
                ) => {
                    self.memory.refused.insert(desired.name.clone(), (desired.hash.clone(), why));
                }
                (Ok(Answer::Refused(_)), _) => {}
                (Err(error), _) => {
                    result = Err(error.into());
                    break;
                }
            }
        }
        context.publish::<VpcFlowFleet>(&self.fleet.metadata, super::events::of_actions(&made)).await;
        result
    }

    /// True if the action would put fields back shortly after the last time: somebody else, such as a webhook, sets them again and again.
    fn restores_again(&mut self, action: &Action) -> bool {
        let Action::Restore(desired, _) = action else { return false };
        if self.memory.restored_at.get(&desired.name).is_some_and(|at| at.elapsed() < RESTORE_INTERVAL) {
            return true;
        }
        self.memory.restored_at.insert(desired.name.clone(), Instant::now());
        false
    }

    async fn report(
        &self,
        objects: &Api<DynamicObject>,
        decision: &Decision,
        template_problem: Option<&str>,
    ) -> Result<(), Error> {
        let previous = self.fleet.status.clone().unwrap_or_default();
        let new: VpcFlowFleetStatus = status(StatusInput {
            metadata: &self.fleet.metadata,
            spec: &self.fleet.spec,
            readings: &self.memory.readings,
            decision,
            template_problem,
            previous: &previous,
            now: Timestamp::now(),
        });
        store(self.fleets, objects, &self.fleet.metadata, &json!(previous), &previous, new).await
    }

    /// The time until the next pass: the next search for VPCs, or a change that is due before.
    fn wait(&self, decision: &Decision) -> Duration {
        let since = self.memory.read_at.map_or(Duration::ZERO, |read_at| read_at.elapsed());
        let search = self.discovery_interval().saturating_sub(since);
        let due =
            decision.next.map(|next| Duration::try_from(next.duration_since(Timestamp::now())).unwrap_or_default());
        let restore =
            decision.actions.iter().any(|action| matches!(action, Action::Restore(..))).then_some(RESTORE_INTERVAL);
        [due, restore].into_iter().flatten().fold(search, Duration::min).max(PACE)
    }
}
