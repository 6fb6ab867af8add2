//! A pass over one monitor: fetch → validate → desired → observe → diff → apply → report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::finalizer::{self, Event, finalizer};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;
use thiserror::Error;
use tokio::sync::mpsc;
use tracing::{info, instrument, warn};

use super::context::{Context, Stopping};
use super::events;
use super::retry::jittered;
use super::status::{Findings, Mode, status, unreachable};
use crate::api::Component;
use crate::api::conditions::Reason;
use crate::api::status::{ResourceState, ResourceStatus, VpcFlowMonitorStatus};
use crate::api::{FINALIZER, RECONCILE_REQUESTED_AT, VpcFlowMonitor};
use crate::aws::{Aws, ConnectError, Place};
use crate::engine::{self, Failure, Outcome, Overseer};
use crate::monitor::Monitor;
use crate::resources::SYSTEMS;

/// Who writes the status, for server-side apply.
const FIELD_MANAGER: &str = "vpc-flow-operator";

/// How soon the next pass follows one after which less is to be taken into account.
const SOON: Duration = Duration::from_secs(1);

/// Rounds of one pass: what one system changes may undo what another has, as `CreateFlowLogs` does to the bucket policy.
const ROUNDS: usize = 3;

/// Why a pass did not end.
#[derive(Debug, Error)]
pub enum Error {
    /// Kubernetes did not answer as it should.
    #[error("Kubernetes: {0}")]
    Kubernetes(#[from] kube::Error),
    /// There is still something to remove before the finalizer may go.
    #[error("not all is removed yet")]
    StillDeleting(Duration),
    /// Adding or removing the finalizer failed, or the work under it.
    #[error(transparent)]
    Finalizer(#[from] Box<finalizer::Error<Error>>),
}

/// Reconciles one monitor.
#[instrument(skip_all, fields(namespace = monitor.namespace(), monitor = monitor.name_any()))]
pub async fn reconcile(monitor: Arc<VpcFlowMonitor>, context: Arc<Context>) -> Result<Action, Error> {
    let namespace = monitor.namespace().unwrap_or_default();
    let api: Api<VpcFlowMonitor> = Api::namespaced(context.client.clone(), &namespace);
    // What the watch holds may be older than the status of the latest pass.
    let Some(monitor) = api.get_opt(&monitor.name_any()).await? else {
        context.forget(&monitor.uid().unwrap_or_default());
        return Ok(Action::await_change());
    };
    let result = Box::pin(finalizer(&api, FINALIZER, Arc::new(monitor), async |event| match event {
        Event::Apply(monitor) => {
            let mode = if monitor.spec.suspend { Mode::Suspended } else { Mode::Keep };
            let wait = Box::pin(Pass::new(&context, &api, &monitor, mode).run()).await?.0;
            Ok(Action::requeue(wait))
        }
        Event::Cleanup(monitor) => {
            let mode = if monitor.spec.suspend { Mode::DeleteSuspended } else { Mode::Delete };
            let (wait, done) = Box::pin(Pass::new(&context, &api, &monitor, mode).run()).await?;
            if !done {
                return Err(Error::StillDeleting(wait));
            }
            // What the spec has come to say in the meantime, such as another deletion policy, still counts.
            let now = api.get_opt(&monitor.name_any()).await?;
            if now.is_some_and(|now| now.metadata.generation != monitor.metadata.generation) {
                return Err(Error::StillDeleting(Duration::ZERO));
            }
            context.forget(&monitor.uid().unwrap_or_default());
            Ok(Action::await_change())
        }
    }))
    .await
    .map_err(Box::new);
    let goes_on = |error| still_deleting(error).is_some();
    context.metrics.reconcile(result.as_ref().map_or_else(|error| goes_on(error), |_| true));
    Ok(result?)
}

/// Deletion that goes on is told as an error to what guards the finalizer, but is none.
const fn still_deleting(error: &finalizer::Error<Error>) -> Option<Duration> {
    match error {
        finalizer::Error::CleanupFailed(Error::StillDeleting(wait)) => Some(*wait),
        _ => None,
    }
}

/// When to come back after an error.
#[allow(clippy::needless_pass_by_value, reason = "the controller passes them so")]
pub fn on_error(monitor: Arc<VpcFlowMonitor>, error: &Error, context: Arc<Context>) -> Action {
    if let Error::Finalizer(inner) = error
        && let Some(wait) = still_deleting(inner)
    {
        return Action::requeue(wait);
    }
    warn!(namespace = monitor.namespace(), name = monitor.name_any(), %error, "reconcile failed");
    let uid = monitor.uid().unwrap_or_default();
    Action::requeue(jittered(
        context.with_memory(&uid, |memory| memory.back_off(false, context.options.resync, context.options.backoff)),
    ))
}

/// The engine's way back to a pass.
struct Course<'a> {
    outcomes: mpsc::UnboundedSender<Outcome>,
    stopping: &'a Stopping,
}

impl Overseer for Course<'_> {
    fn may_begin_step(&self) -> bool {
        !self.stopping.has_begun()
    }

    fn hear(&self, outcome: &Outcome) {
        // The work goes on whether or not it can still be told of.
        let _ = self.outcomes.send(outcome.clone());
    }
}

struct Pass<'a> {
    context: &'a Context,
    api: &'a Api<VpcFlowMonitor>,
    object: &'a VpcFlowMonitor,
    mode: Mode,
    /// The status as last written.
    written: VpcFlowMonitorStatus,
}

impl<'a> Pass<'a> {
    fn new(context: &'a Context, api: &'a Api<VpcFlowMonitor>, object: &'a VpcFlowMonitor, mode: Mode) -> Self {
        Self { context, api, object, mode, written: object.status.clone().unwrap_or_default() }
    }

    /// Returns when to come back, and whether AWS is where it shall be.
    async fn run(mut self) -> Result<(Duration, bool), Error> {
        let before = self.written.clone();
        let (aws, monitor) = match self.connect().await {
            Ok(connected) => connected,
            // The account is told before anything is made: without one, there is nothing to remove.
            Err(_) if self.mode == Mode::Delete && before.account_id.is_none() => return Ok((Duration::ZERO, true)),
            Err(failure) => return self.give_up(&before, &failure).await,
        };
        let removes = matches!(self.mode, Mode::Delete | Mode::DeleteSuspended);
        let removal = removes.then(|| monitor.removal());
        let mut outcomes = Vec::new();
        for _ in 0..ROUNDS {
            let assessed = engine::assess(&SYSTEMS, &aws, &monitor, removal).await;
            let nothing_to_do = assessed.iter().all(|assessed| assessed.changes().next().is_none());
            if self.mode.is_suspended() || nothing_to_do {
                outcomes = engine::plan(&assessed);
                break;
            }
            // Names go into the status before anything is made under them, so that nothing is lost if we stop here.
            let planned = self.told(&monitor, &engine::plan(&assessed));
            if self.names_are_new(&planned) {
                self.write(planned).await?;
            }
            outcomes = self.apply(assessed, &aws, &monitor, removal).await?;
            if self.context.stopping.has_begun() || !outcomes.iter().all(Outcome::is_settled) {
                break;
            }
        }
        self.report(&before, &monitor, outcomes).await
    }

    /// Validates what no schema can, and finds the account and region.
    async fn connect(&self) -> Result<(Arc<Aws>, Monitor), Failure> {
        let namespace = self.object.namespace().unwrap_or_default();
        let spec = &self.object.spec;
        if let Some(role) = &spec.assume_role {
            self.context.options.allowed_roles.check(&namespace, role)?;
        }
        let aws = self.context.aws.get(spec.region.as_deref(), spec.assume_role.as_ref()).await?;
        self.check_place(&aws.place)?;
        let monitor = Monitor::new(
            &namespace,
            &self.object.name_any(),
            spec.clone(),
            self.object.status.as_ref(),
            aws.place.clone(),
            self.context.options.settings.clone(),
        );
        Ok((aws, monitor))
    }

    /// Other credentials or another default region must not build a monitor a second time and forget the first.
    fn check_place(&self, place: &Place) -> Result<(), Failure> {
        let Some(status) = &self.object.status else { return Ok(()) };
        let (account, region) = (status.account_id.as_ref(), status.region.as_ref());
        if account.is_none_or(|known| *known == place.account) && region.is_none_or(|known| *known == place.region) {
            return Ok(());
        }
        let known = |part: Option<&String>| part.cloned().unwrap_or_default();
        Err(Failure::new(
            Reason::Conflict,
            format!(
                "the monitor lives in account {}, region {}, but the operator now works in account {}, region {}; \
                 give the operator the credentials and region it had, or delete the monitor there first",
                known(account),
                known(region),
                place.account,
                place.region
            ),
        ))
    }

    /// Carries the changes out, and tells of each system as soon as it is done.
    async fn apply(
        &mut self,
        assessed: Vec<engine::Assessed>,
        aws: &Aws,
        monitor: &Monitor,
        removal: Option<engine::Removal>,
    ) -> Result<Vec<Outcome>, Error> {
        let mut so_far = engine::plan(&assessed);
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let course = Course { outcomes: sender, stopping: &self.context.stopping };
        let applying = engine::apply(assessed, aws, monitor, removal, course);
        let telling = async {
            while let Some(outcome) = receiver.recv().await {
                let changed = !outcome.applied.is_empty();
                for change in &outcome.applied {
                    self.context.metrics.change(change);
                }
                let reference = self.object.object_ref(&());
                let events = events::of_changes(&outcome, removal.is_none() && self.was_as_declared(outcome.component));
                events::publish(&self.context.recorder, &reference, events).await;
                if let Some(known) = so_far.iter_mut().find(|known| known.component == outcome.component) {
                    *known = outcome;
                }
                // A pass that gets nowhere leaves the status as it is until its end, which mostly says the same.
                if changed {
                    self.write(self.told(monitor, &so_far)).await?;
                }
            }
            Ok(())
        };
        let (outcomes, told): (_, Result<(), Error>) = tokio::join!(applying, telling);
        told?;
        Ok(outcomes)
    }

    /// True if the system was as this very spec declares when last looked at: then AWS has changed, not the spec.
    fn was_as_declared(&self, component: Component) -> bool {
        let conditions = self.object.status.iter().flat_map(|status| &status.conditions);
        conditions
            .filter(|known| known.type_ == component.condition())
            .any(|known| known.status == "True" && known.observed_generation == self.object.metadata.generation)
    }

    fn names_are_new(&self, planned: &VpcFlowMonitorStatus) -> bool {
        let known = |new: &ResourceStatus| {
            self.written.resources.iter().any(|old| (old.kind, &old.name) == (new.kind, &new.name))
        };
        !planned.resources.iter().all(known) || planned.tag_keys.iter().any(|key| !self.written.tag_keys.contains(key))
    }

    /// Writes the final status and events, and decides when to come back.
    async fn report(
        mut self,
        before: &VpcFlowMonitorStatus,
        monitor: &Monitor,
        mut outcomes: Vec<Outcome>,
    ) -> Result<(Duration, bool), Error> {
        let (uid, options) = (self.object.uid().unwrap_or_default(), &self.context.options);
        let wait = self.context.with_memory(&uid, |memory| {
            memory.lose_patience(&mut outcomes, Instant::now());
            memory.next_pass(self.mode, &outcomes, options.resync, options.backoff)
        });
        let settled = outcomes.iter().all(Outcome::is_settled);
        let gone = |old: &ResourceStatus| {
            let reports = outcomes.iter().filter_map(|outcome| outcome.report.as_ref());
            let mut kept = reports.flat_map(|report| &report.resources).filter(|now| !now.retained);
            old.state != ResourceState::Retained && !kept.any(|now| (now.kind, &now.name) == (old.kind, &old.name))
        };
        // What is gone or left behind may have been taken into account elsewhere, as a former log group is in a role's policy.
        let wait = if settled && monitor.recorded.iter().any(gone) { wait.min(SOON) } else { wait };
        let mut status = self.told(monitor, &outcomes);
        status.last_handled_reconcile_at = self.object.annotations().get(RECONCILE_REQUESTED_AT).cloned();
        self.finish(before, status).await?;
        Ok((jittered(wait), settled))
    }

    /// Tells that the account cannot be reached.
    async fn give_up(mut self, before: &VpcFlowMonitorStatus, failure: &Failure) -> Result<(Duration, bool), Error> {
        warn!(%failure, "cannot work on the monitor");
        let status = unreachable(failure, self.object.metadata.generation, &self.written, Timestamp::now());
        self.finish(before, status).await?;
        let (uid, options) = (self.object.uid().unwrap_or_default(), &self.context.options);
        let terminal = failure.reason.is_terminal();
        let wait = self.context.with_memory(&uid, |memory| memory.back_off(terminal, options.resync, options.backoff));
        Ok((jittered(wait), false))
    }

    async fn finish(&mut self, before: &VpcFlowMonitorStatus, status: VpcFlowMonitorStatus) -> Result<(), Error> {
        let events = events::of_troubles(before, &status);
        self.write(status).await?;
        let reference: ObjectReference = self.object.object_ref(&());
        events::publish(&self.context.recorder, &reference, events).await;
        Ok(())
    }

    fn told(&self, monitor: &Monitor, outcomes: &[Outcome]) -> VpcFlowMonitorStatus {
        status(Findings {
            mode: self.mode,
            monitor,
            generation: self.object.metadata.generation,
            outcomes,
            previous: &self.written,
            now: Timestamp::now(),
        })
    }

    /// Writes the status if it differs from what was last written.
    async fn write(&mut self, status: VpcFlowMonitorStatus) -> Result<(), Error> {
        if status == self.written {
            return Ok(());
        }
        let patch = json!({
            "apiVersion": VpcFlowMonitor::api_version(&()),
            "kind": VpcFlowMonitor::kind(&()),
            // A monitor deleted and made anew in the meantime must not get this one's status.
            "metadata": {"uid": self.object.uid()},
            "status": status,
        });
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        self.api.patch_status(&self.object.name_any(), &parameters, &Patch::Apply(patch)).await?;
        info!("status written");
        self.written = status;
        Ok(())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Identity(error) => error.into(),
            ConnectError::Role { ref source, .. } => Self { message: error.to_string(), ..Self::from(source.clone()) },
            error @ (ConnectError::NoRegion | ConnectError::UnexpectedCaller(_)) => {
                Self::new(Reason::InvalidSpec, error.to_string())
            }
        }
    }
}
