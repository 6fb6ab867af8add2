//! A pass over one monitor: fetch → read → connect → observe → record names → apply → report.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff::Timestamp;
use kube::api::DynamicObject;
use kube::runtime::controller::Action as Requeue;
use kube::{Api, ResourceExt};
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::{instrument, warn};

use super::connect::connect;
use super::context::Context;
use super::events;
use super::finalizer::{is_kept, release, under_finalizer};
use super::mode::Mode;
use super::pass_end::{Error, Next, PassEnd};
use super::read::{Unreadable, WatchedMonitor, read};
use super::retry::jittered;
use super::status::{StatusInput, StatusWriter, status, unreachable};
use crate::api::status::{ResourceState, ResourceStatus, VpcFlowMonitorStatus};
use crate::api::{Component, VpcFlowMonitor};
use crate::aws::{Aws, limits};
use crate::engine::{self, AnySystem, Assessed, Change, Direction, Failure, Outcome};
use crate::metrics::PassResult;
use crate::monitor::Monitor;
use crate::resources::SYSTEMS;

/// Time until the next pass after one that has removed something which other systems took into account.
const SOON: Duration = Duration::from_secs(1);

/// The most rounds of one pass. A further one follows if a change of one system may have altered a resource of another.
const MAX_ROUNDS: usize = 3;

/// Reconciles one monitor, as soon as there is room for it.
#[instrument(skip_all, fields(namespace = watched.namespace(), monitor = watched.name_any()))]
pub async fn reconcile(watched: Arc<WatchedMonitor>, context: Arc<Context>) -> Result<Requeue, Infallible> {
    let uid = watched.uid().unwrap_or_default();
    let lane = context.with_memory(&uid, |memory| memory.lane());
    let pass = async {
        if context.stopping.is_cancelled() {
            return Requeue::await_change();
        }
        let start = Instant::now();
        context.health.pass_begins(&uid);
        let next = Box::pin(pass_over(&watched, &context)).await.unwrap_or_else(|error| {
            warn!(%error, "reconcile failed");
            let options = &context.options;
            let wait = context.with_memory(&uid, |memory| memory.back_off(false, options.resync, options.backoff));
            Next { wait: Some(jittered(wait)), result: PassResult::Error }
        });
        context.metrics.reconcile(next.result, start.elapsed());
        context.health.pass_ends(&uid, next.wait);
        next.wait.map_or_else(Requeue::await_change, Requeue::requeue)
    };
    Ok(context.concurrency.run(lane, Box::pin(pass)).await)
}

/// Passes deal with their errors themselves.
#[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, reason = "the controller passes them so")]
pub fn on_error(_watched: Arc<WatchedMonitor>, error: &Infallible, _context: Arc<Context>) -> Requeue {
    match *error {}
}

async fn pass_over(watched: &WatchedMonitor, context: &Context) -> Result<Next, Error> {
    let objects = context.objects(&watched.namespace().unwrap_or_default());
    let Some(object) = fetch(&objects, watched).await? else {
        context.forget(&watched.uid().unwrap_or_default());
        return Ok(Next::never());
    };
    match read(object) {
        Ok(monitor) => {
            let pass = |mode| Pass::new(context, &objects, &monitor, mode).run().boxed();
            under_finalizer::<VpcFlowMonitor>(context, &objects, &monitor.metadata, monitor.spec.suspend, pass).await
        }
        Err(unreadable) => report_unreadable(context, &objects, *unreadable).await,
    }
}

/// The object as it is now: the watched one may be older than the status of the latest pass. One of the same name that was created since
/// has a pass of its own.
async fn fetch(objects: &Api<DynamicObject>, watched: &WatchedMonitor) -> kube::Result<Option<DynamicObject>> {
    let latest = objects.get_opt(&watched.name_any()).await?;
    Ok(latest.filter(|latest| latest.metadata.uid == watched.metadata.uid))
}

/// Reports a monitor that cannot be read. Nothing is done to AWS, because the declared state is not known. The monitor cannot be deleted
/// either unless nothing was ever made for it.
async fn report_unreadable(
    context: &Context,
    objects: &Api<DynamicObject>,
    unreadable: Unreadable,
) -> Result<Next, Error> {
    let Unreadable { metadata, status, problem } = unreadable;
    if status.has_made_nothing() && is_kept(&metadata) {
        return release::<VpcFlowMonitor>(context, &metadata).await;
    }
    let failure = problem.failure(is_kept(&metadata));
    warn!(%failure, "cannot work on the monitor");
    let now = unreachable(&failure, metadata.generation, &status, Timestamp::now());
    StatusWriter::new(context, objects, &metadata, Some(status)).finish(now).await?;
    Ok(Next { wait: Some(jittered(context.options.resync)), result: PassResult::Error })
}

/// A pass over a monitor that can be read.
struct Pass<'a> {
    context: &'a Context,
    objects: &'a Api<DynamicObject>,
    object: &'a VpcFlowMonitor,
    mode: Mode,
    writer: StatusWriter<'a>,
    /// The latest outcome of every system.
    outcomes: Vec<Outcome>,
}

impl<'a> Pass<'a> {
    fn new(context: &'a Context, objects: &'a Api<DynamicObject>, object: &'a VpcFlowMonitor, mode: Mode) -> Self {
        let writer = StatusWriter::new(context, objects, &object.metadata, object.status.clone());
        Self { context, objects, object, mode, writer, outcomes: Vec::new() }
    }

    async fn run(mut self) -> Result<PassEnd, Error> {
        let (aws, monitor) = match connect(self.context, self.object).await {
            Ok(connected) => connected,
            // The account is recorded before anything is made: without one, there is nothing to remove.
            Err(_) if self.mode == Mode::Delete && self.writer.before().has_made_nothing() => {
                return Ok(PassEnd { wait: Duration::ZERO, settled: true, result: PassResult::Success });
            }
            Err(failure) => return self.report_unreachable(&failure).await,
        };
        let mut assessed = self.observe(SYSTEMS.iter(), &aws, &monitor).await;
        for _ in 0..MAX_ROUNDS {
            self.learn(engine::plan(&assessed));
            let nothing_to_do = assessed.iter().all(|assessed| assessed.changes().next().is_none());
            if self.mode.is_suspended() || nothing_to_do {
                break;
            }
            self.record_names(&monitor).await?;
            let changed = self.apply(assessed, &aws, &monitor).await?;
            let again = if self.direction() == Direction::Build { to_read_again(&changed) } else { Vec::new() };
            if again.is_empty() || self.context.stopping.is_cancelled() {
                break;
            }
            let read_again = self.observe(again, &aws, &monitor).await;
            assessed = read_again.into_iter().map(|assessed| assessed.after(&self.outcomes)).collect();
        }
        self.report(&monitor).await
    }

    /// Puts later outcomes in the place of earlier ones.
    fn learn(&mut self, later: Vec<Outcome>) {
        for outcome in later {
            match self.outcomes.iter_mut().find(|known| known.component == outcome.component) {
                Some(known) => *known = outcome,
                None => self.outcomes.push(outcome),
            }
        }
    }

    fn direction(&self) -> Direction {
        match self.mode {
            Mode::Keep | Mode::Suspended => Direction::Build,
            Mode::Delete | Mode::DeleteSuspended => Direction::TearDown,
        }
    }

    async fn observe(
        &self,
        systems: impl IntoIterator<Item = &AnySystem>,
        aws: &Aws,
        monitor: &Monitor,
    ) -> Vec<Assessed> {
        let assessing = engine::assess(systems, aws, monitor, self.direction());
        match self.direction() {
            Direction::Build => assessing.await,
            Direction::TearDown => limits::urgently(assessing).await,
        }
    }

    /// Names go into the status before anything is made under them, so that nothing is lost if the operator ends here. So does everything
    /// that AWS may overwrite.
    async fn record_names(&mut self, monitor: &Monitor) -> Result<(), Error> {
        let planned = self.status(monitor);
        if !self.writer.written().records(&planned) {
            self.writer.write(planned).await?;
        }
        Ok(())
    }

    /// Carries the changes out, and reports what is done while it works.
    async fn apply(&mut self, assessed: Vec<Assessed>, aws: &Aws, monitor: &Monitor) -> Result<Vec<Outcome>, Error> {
        let (stop, direction) = (self.context.stopping.child_token(), self.direction());
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let applying = async {
            let sender = sender;
            // A change is read again, to see that AWS has it: that is as urgent.
            limits::urgently(engine::apply(assessed, aws, monitor, direction, &stop, &sender)).await
        };
        let calling_off = cancel_when_called_off(self.context, self.objects, self.object, &stop);
        let reporting = async {
            let mut is_due = false;
            loop {
                let due = self.writer.progress_due();
                let later = async { if is_due { sleep_until(due.into()).await } else { pending().await } };
                tokio::select! {
                    outcome = receiver.recv() => match outcome {
                        Some(outcome) => is_due |= self.report_changes(outcome).await,
                        // The status at the end of the pass follows.
                        None => return Ok(()),
                    },
                    () = later => {
                        let status = self.status(monitor);
                        self.writer.write(status).await?;
                        is_due = false;
                    }
                }
            }
        };
        let (outcomes, reported): (_, Result<(), Error>) = tokio::select! {
            biased;
            never = calling_off => match never {},
            done = async { tokio::join!(applying, reporting) } => done,
        };
        reported?;
        Ok(outcomes)
    }

    /// Counts the changes of a system, and publishes them as events. True if there are any: then the status has changed.
    async fn report_changes(&mut self, outcome: Outcome) -> bool {
        for change in &outcome.applied {
            self.context.metrics.change(change.action.past(), change.kind);
        }
        let repaired = self.direction() == Direction::Build && self.was_as_declared(outcome.component);
        self.writer.publish(events::of_changes(&outcome, repaired)).await;
        // A pass without changes leaves the status as it is until its end: the final status is usually the same.
        let changed = !outcome.applied.is_empty();
        self.learn(vec![outcome]);
        changed
    }

    /// True if the system was as this very spec declares when last read: then AWS has changed, not the spec. A pass that takes in what the pass
    /// before has removed repairs nothing.
    fn was_as_declared(&self, component: Component) -> bool {
        if self.context.with_memory(&self.object.uid().unwrap_or_default(), |memory| memory.follows_removal) {
            return false;
        }
        let conditions = self.object.status.iter().flat_map(|status| &status.conditions);
        conditions
            .filter(|known| known.type_ == component.condition())
            .any(|known| known.status == "True" && known.observed_generation == self.object.metadata.generation)
    }

    /// Writes the final status and events, and returns the time until the next pass.
    async fn report(mut self, monitor: &Monitor) -> Result<PassEnd, Error> {
        let (uid, options) = (self.object.uid().unwrap_or_default(), &self.context.options);
        let wait = self.context.with_memory(&uid, |memory| {
            memory.report_overdue(&mut self.outcomes, Instant::now());
            memory.next_pass(self.mode, &self.outcomes, options.resync, options.backoff)
        });
        let settled = self.outcomes.iter().all(Outcome::is_settled);
        let follows_removal = settled && has_lost_a_name(monitor, &self.outcomes);
        self.context.with_memory(&uid, |memory| memory.follows_removal = follows_removal);
        let wait = if follows_removal { wait.min(SOON) } else { wait };
        let status = self.status(monitor);
        self.writer.finish(status).await?;
        self.context.alarm_states.learn(self.object, self.writer.written(), self.writer.has_written());
        let failed = |outcome: &Outcome| !outcome.failures.is_empty() || !outcome.conflicts.is_empty();
        let result = match settled {
            true => PassResult::Success,
            false if self.outcomes.iter().any(failed) => PassResult::Error,
            false => PassResult::Unfinished,
        };
        Ok(PassEnd { wait: jittered(wait), settled, result })
    }

    /// Reports that the account cannot be reached.
    async fn report_unreachable(mut self, failure: &Failure) -> Result<PassEnd, Error> {
        warn!(%failure, "cannot work on the monitor");
        let status = unreachable(failure, self.object.metadata.generation, self.writer.before(), Timestamp::now());
        self.writer.finish(status).await?;
        let (uid, options) = (self.object.uid().unwrap_or_default(), &self.context.options);
        let terminal = failure.reason.is_terminal();
        let wait = self.context.with_memory(&uid, |memory| memory.back_off(terminal, options.resync, options.backoff));
        Ok(PassEnd { wait: jittered(wait), settled: false, result: PassResult::Error })
    }

    fn status(&self, monitor: &Monitor) -> VpcFlowMonitorStatus {
        status(StatusInput {
            mode: self.mode,
            monitor,
            generation: self.object.metadata.generation,
            outcomes: &self.outcomes,
            previous: self.writer.written(),
            now: Timestamp::now(),
        })
    }
}

/// The systems whose resources the changes of other systems may have altered after they were last read, once nothing fails.
fn to_read_again(changed: &[Outcome]) -> Vec<&'static AnySystem> {
    if !changed.iter().all(Outcome::is_settled) {
        return Vec::new();
    }
    let applied = |component: Component| {
        changed.iter().filter(move |outcome| outcome.component == component).flat_map(|outcome| &outcome.applied)
    };
    // A system acts after those that it needs, and is read after it has acted. Only superseded resources are removed later.
    let read_since = |system: &AnySystem, other: &AnySystem| {
        system.needs.contains(&other.component)
            && applied(system.component).next().is_some()
            && !applied(other.component).any(Change::clears_away)
    };
    let touched = |system: &&AnySystem| {
        let mut acted = SYSTEMS.iter().filter(|other| applied(other.component).next().is_some());
        acted.any(|other| other.touches.contains(&system.component) && !read_since(system, other))
    };
    SYSTEMS.iter().filter(touched).collect()
}

/// True if a recorded resource is gone or left behind: another system may have taken it into account, as a role's policy does with a former
/// log group.
fn has_lost_a_name(monitor: &Monitor, outcomes: &[Outcome]) -> bool {
    let gone = |old: &ResourceStatus| {
        let reports = outcomes.iter().filter_map(|outcome| outcome.report.as_ref());
        let mut kept = reports.flat_map(|report| &report.resources).filter(|now| !now.retained);
        old.state != ResourceState::Retained && !kept.any(|now| (now.kind, &now.name) == (old.kind, &old.name))
    };
    monitor.recorded.iter().any(gone)
}

/// Cancels `stop` once the monitor is no longer to be worked on as it was when the pass began: it is suspended, to be deleted, or gone. Any
/// other change waits for the next pass, or a spec that changes often would never be carried out.
async fn cancel_when_called_off(
    context: &Context,
    objects: &Api<DynamicObject>,
    object: &VpcFlowMonitor,
    stop: &CancellationToken,
) -> Infallible {
    let metadata = &object.metadata;
    let mut seen = metadata.generation;
    let mut generations =
        context.with_memory(metadata.uid.as_deref().unwrap_or_default(), |memory| memory.generation.subscribe());
    loop {
        // The sender lives as long as the monitor is remembered.
        let latest = generations.wait_for(|latest| *latest > seen).await.map(|latest| *latest);
        let Ok(latest) = latest else { return pending().await };
        seen = latest;
        let called_off = match objects.get_opt(metadata.name.as_deref().unwrap_or_default()).await {
            Ok(Some(now)) if now.metadata.uid == metadata.uid => {
                let suspended = now.data["spec"]["suspend"].as_bool().unwrap_or(false);
                suspended || (now.metadata.deletion_timestamp.is_some() && metadata.deletion_timestamp.is_none())
            }
            // Somebody has taken the finalizer off.
            Ok(_) => true,
            // Without an answer the pass goes on: the next one sees it.
            Err(_) => false,
        };
        if called_off {
            stop.cancel();
        }
    }
}
