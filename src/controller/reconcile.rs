//! A pass over one monitor: fetch → validate → desired → observe → diff → apply → report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::DynamicObject;
use kube::runtime::finalizer;
use kube::{Api, ResourceExt};
use thiserror::Error;
use tokio::sync::mpsc;
use tracing::warn;

use super::context::Context;
use super::course::Course;
use super::events;
use super::retry::jittered;
use super::status::{Findings, Mode, status, unreachable};
use super::teller::Teller;
use crate::api::conditions::Reason;
use crate::api::status::{ResourceState, ResourceStatus, VpcFlowMonitorStatus};
use crate::api::{Component, RECONCILE_REQUESTED_AT, VpcFlowMonitor};
use crate::aws::{Aws, ConnectError, limits};
use crate::engine::{self, Failure, Outcome};
use crate::metrics::PassResult;
use crate::monitor::Monitor;
use crate::preconditions::{LivesElsewhere, RoleNotAllowed, check_account_region, check_role};
use crate::resources::SYSTEMS;

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
    StillDeleting,
    /// Adding or removing the finalizer failed, or the work under it.
    #[error(transparent)]
    Finalizer(#[from] Box<finalizer::Error<Error>>),
}

/// How a pass went.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// When to come back.
    pub wait: Duration,
    /// Whether AWS is where it shall be.
    pub settled: bool,
    /// For the metrics.
    pub result: PassResult,
}

fn nothing_was_made(status: &VpcFlowMonitorStatus) -> bool {
    status.account_id.is_none() && status.resources.is_empty()
}

/// One pass.
pub struct Pass<'a> {
    context: &'a Context,
    api: &'a Api<DynamicObject>,
    object: &'a VpcFlowMonitor,
    mode: Mode,
    teller: Teller<'a>,
}

impl<'a> Pass<'a> {
    /// A pass over the monitor `object`.
    pub fn new(context: &'a Context, api: &'a Api<DynamicObject>, object: &'a VpcFlowMonitor, mode: Mode) -> Self {
        let teller = Teller::new(context, api, &object.metadata, object.status.clone());
        Self { context, api, object, mode, teller }
    }

    /// Brings AWS closer to what the spec asks for, or all the way, and tells.
    pub async fn run(mut self) -> Result<Verdict, Error> {
        let (aws, monitor) = match self.connect().await {
            Ok(connected) => connected,
            // The account is told before anything is made: without one, there is nothing to remove.
            Err(_) if self.mode == Mode::Delete && nothing_was_made(self.teller.before()) => {
                return Ok(Verdict { wait: Duration::ZERO, settled: true, result: PassResult::Success });
            }
            Err(failure) => return self.give_up(&failure).await,
        };
        let removes = matches!(self.mode, Mode::Delete | Mode::DeleteSuspended);
        let removal = removes.then(|| monitor.removal());
        if let Some(outcomes) = self.glance(&aws, &monitor).await {
            return self.report(&monitor, outcomes).await;
        }
        let mut outcomes = Vec::new();
        for _ in 0..ROUNDS {
            let assessing = engine::assess(&SYSTEMS, &aws, &monitor, removal);
            let assessed = if removes { limits::urgently(assessing).await } else { assessing.await };
            let nothing_to_do = assessed.iter().all(|assessed| assessed.changes().next().is_none());
            if self.mode.is_suspended() || nothing_to_do {
                outcomes = engine::plan(&assessed);
                break;
            }
            // Names go into the status before anything is made under them, so that nothing is lost if we stop here; and so does what AWS may
            // overwrite.
            let planned = self.reported(&monitor, &engine::plan(&assessed));
            let others = |status: &VpcFlowMonitorStatus| status.others_bucket_policy.clone();
            if self.names_are_new(&planned) || others(&planned) != others(self.teller.written()) {
                self.teller.write(planned).await?;
            }
            outcomes = self.apply(assessed, &aws, &monitor, removal).await?;
            if self.context.stopping.has_begun() || !outcomes.iter().all(Outcome::is_settled) {
                break;
            }
        }
        self.report(&monitor, outcomes).await
    }

    /// A look at a monitor at rest, by what may have been read a little earlier for others. Counts only if there is nothing to do.
    async fn glance(&self, aws: &Aws, monitor: &Monitor) -> Option<Vec<Outcome>> {
        let status = self.object.status.as_ref()?;
        let asked_for =
            self.object.annotations().get(RECONCILE_REQUESTED_AT) != status.last_handled_reconcile_at.as_ref();
        let changed = self.object.metadata.generation != status.observed_generation;
        if self.mode != Mode::Keep || asked_for || changed {
            return None;
        }
        let (uid, resync) = (self.object.uid().unwrap_or_default(), self.context.options.resync);
        let since = self.context.with_memory(&uid, |memory| memory.look_since(Instant::now(), resync))?;
        let assessed = engine::assess(&SYSTEMS, &aws.since(since), monitor, None).await;
        let nothing_to_do = assessed.iter().all(|assessed| assessed.changes().next().is_none());
        let outcomes = engine::plan(&assessed);
        (nothing_to_do && outcomes.iter().all(Outcome::is_settled)).then_some(outcomes)
    }

    /// Validates what no schema can, and finds the account and region.
    async fn connect(&self) -> Result<(Arc<Aws>, Monitor), Failure> {
        let namespace = self.object.namespace().unwrap_or_default();
        let spec = &self.object.spec;
        if let Some(role) = &spec.assume_role {
            check_role(&self.context.options.allowed_roles, &namespace, &role.role_arn)?;
        }
        let aws = self.context.aws.get(spec.region.as_deref(), spec.assume_role.as_ref()).await?;
        check_account_region(self.object.status.as_ref(), &aws.account_region)?;
        let monitor = Monitor::new(
            &namespace,
            &self.object.name_any(),
            spec.clone(),
            self.object.status.as_ref(),
            aws.account_region.clone(),
            self.context.options.settings.clone(),
        );
        Ok((aws, monitor))
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
        let course = Course::new(self.context, self.api, &self.object.metadata, sender);
        // What is repaired or removed is read again, to see that it is: that is as urgent.
        let applying = limits::urgently(engine::apply(assessed, aws, monitor, removal, course));
        let telling = async {
            while let Some(outcome) = receiver.recv().await {
                let changed = !outcome.applied.is_empty();
                for change in &outcome.applied {
                    self.context.metrics.change(change);
                }
                let repaired = removal.is_none() && self.was_as_declared(outcome.component);
                self.teller.publish(events::of_changes(&outcome, repaired)).await;
                if let Some(known) = so_far.iter_mut().find(|known| known.component == outcome.component) {
                    *known = outcome;
                }
                // A pass that gets nowhere leaves the status as it is until its end, which mostly says the same.
                if changed {
                    let status = self.reported(monitor, &so_far);
                    self.teller.write(status).await?;
                }
            }
            Ok(())
        };
        let (outcomes, reported): (_, Result<(), Error>) = tokio::join!(applying, telling);
        reported?;
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
            self.teller.written().resources.iter().any(|old| (old.kind, &old.name) == (new.kind, &new.name))
        };
        !planned.resources.iter().all(known)
    }

    /// Writes the final status and events, and decides when to come back.
    async fn report(mut self, monitor: &Monitor, mut outcomes: Vec<Outcome>) -> Result<Verdict, Error> {
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
        let status = self.reported(monitor, &outcomes);
        self.teller.finish(status).await?;
        let failed = |outcome: &Outcome| !outcome.failures.is_empty() || !outcome.conflicts.is_empty();
        let result = match settled {
            true => PassResult::Success,
            false if outcomes.iter().any(failed) => PassResult::Error,
            false => PassResult::Unfinished,
        };
        Ok(Verdict { wait: jittered(wait), settled, result })
    }

    /// Tells that the account cannot be reached.
    async fn give_up(mut self, failure: &Failure) -> Result<Verdict, Error> {
        warn!(%failure, "cannot work on the monitor");
        let status = unreachable(failure, self.object.metadata.generation, self.teller.before(), Timestamp::now());
        self.teller.finish(status).await?;
        let (uid, options) = (self.object.uid().unwrap_or_default(), &self.context.options);
        let terminal = failure.reason.is_terminal();
        let wait = self.context.with_memory(&uid, |memory| memory.back_off(terminal, options.resync, options.backoff));
        Ok(Verdict { wait: jittered(wait), settled: false, result: PassResult::Error })
    }

    fn reported(&self, monitor: &Monitor, outcomes: &[Outcome]) -> VpcFlowMonitorStatus {
        status(Findings {
            mode: self.mode,
            monitor,
            generation: self.object.metadata.generation,
            outcomes,
            previous: self.teller.written(),
            now: Timestamp::now(),
        })
    }
}

impl From<RoleNotAllowed> for Failure {
    fn from(error: RoleNotAllowed) -> Self {
        Self::new(Reason::AccessDenied, error.to_string())
    }
}

impl From<LivesElsewhere> for Failure {
    fn from(error: LivesElsewhere) -> Self {
        Self::new(Reason::Conflict, error.to_string())
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
