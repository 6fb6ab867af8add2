//! A pass over one overview: fetch → read → connect → select monitors → record places → apply → report.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::runtime::controller::Action as Requeue;
use kube::{Api, ResourceExt};
use serde_json::json;
use tracing::{instrument, warn};

use super::super::context::Context;
use super::super::events::of_troubles;
use super::super::finalizer::{release, under_finalizer};
use super::super::mode::Mode;
use super::super::pass_end::{Error, Next, PassEnd};
use super::super::read::{UnreadableOverview, read_overview};
use super::super::retry::{Memory, jittered};
use super::super::status::replace_status;
use super::context::{OverviewContext, OverviewMemory};
use super::sites::{connect, sites};
use super::{WatchedOverview, events, members};
use crate::api::conditions::Reason;
use crate::api::overview::status::SelectedMonitors;
use crate::api::{FINALIZER, RECONCILE_REQUESTED_AT, VpcFlowOverview, VpcFlowOverviewStatus};
use crate::aws::Aws;
use crate::engine::{Direction, Failure};
use crate::metrics::PassResult;
use crate::monitor::Owner;
use crate::overview::{
    self, Input, Member, Overview, PlaceKey, StatusInput, TaskResult, WantedPlace, check_sinks, failed, planned_places,
    status, wanted_places,
};
use crate::preconditions::{check_account_region, check_owner};

/// Time between the end of a pass and the next one: monitors report often while they are made.
const PACE: Duration = Duration::from_secs(2);

/// Time until AWS is read again after changes.
const SOON: Duration = Duration::from_secs(1);

/// Reconciles one overview.
#[instrument(skip_all, fields(namespace = watched.namespace(), overview = watched.name_any()))]
pub async fn reconcile(watched: Arc<WatchedOverview>, overviews: Arc<OverviewContext>) -> Result<Requeue, Infallible> {
    let uid = watched.uid().unwrap_or_default();
    let context = &overviews.context;
    if let Some(ended_at) = overviews.memory(&uid).ended_at {
        tokio::time::sleep(PACE.saturating_sub(ended_at.elapsed())).await;
    }
    if context.stopping.is_cancelled() {
        return Ok(Requeue::await_change());
    }
    context.health.pass_begins(&uid);
    let next = Box::pin(pass_over(&watched, &overviews)).await.unwrap_or_else(|error| {
        warn!(%error, "reconcile of the overview failed");
        let options = &context.options;
        let wait = context.with_memory(&uid, |memory| memory.back_off(false, options.resync, options.backoff));
        Next { wait: Some(jittered(wait)), result: PassResult::Error }
    });
    context.health.pass_ends(&uid, next.wait);
    Ok(next.wait.map_or_else(Requeue::await_change, Requeue::requeue))
}

async fn pass_over(watched: &WatchedOverview, overviews: &OverviewContext) -> Result<Next, Error> {
    let context = &overviews.context;
    let namespace = watched.namespace().unwrap_or_default();
    let resource = ApiResource::erase::<VpcFlowOverview>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let uid = watched.uid().unwrap_or_default();
    let latest = objects.get_opt(&watched.name_any()).await?;
    let Some(object) = latest.filter(|latest| latest.metadata.uid == watched.metadata.uid) else {
        overviews.forget(&uid);
        return Ok(Next::never());
    };
    let metadata = object.metadata.clone();
    let next = match read_overview(object) {
        Ok(object) => {
            let pass = |mode| Pass { overviews, objects: &objects, object: &object, mode }.run().boxed();
            let is_suspended = object.spec.suspend;
            under_finalizer::<VpcFlowOverview>(context, &objects, &metadata, is_suspended, pass).await?
        }
        Err(unreadable) => report_unreadable(overviews, &objects, metadata, *unreadable).await?,
    };
    if next.wait.is_none() {
        overviews.forget(&uid);
    }
    Ok(next)
}

/// Reports an overview that cannot be read. Its resources stay as they are.
async fn report_unreadable(
    overviews: &OverviewContext,
    objects: &Api<DynamicObject>,
    metadata: ObjectMeta,
    unreadable: UnreadableOverview,
) -> Result<Next, Error> {
    let context = &overviews.context;
    let UnreadableOverview { status: stored, problem } = unreadable;
    let mut failure = Failure::from(&problem);
    let is_finalized = metadata.finalizers.iter().flatten().any(|known| known == FINALIZER);
    if metadata.deletion_timestamp.is_some() && is_finalized {
        if stored.has_made_nothing() {
            return release::<VpcFlowOverview>(context, &metadata).await;
        }
        failure.message = format!(
            "{}; deletion waits until it does, or until the finalizer {FINALIZER} is removed by hand, which leaves everything in AWS as it is",
            failure.message
        );
    }
    let new = failed(&failure, metadata.generation, &stored, Timestamp::now());
    store(context, objects, &metadata, &stored, new).await?;
    Ok(Next { wait: Some(jittered(context.options.resync)), result: PassResult::Error })
}

/// Stores a status if it differs from the stored one, and publishes new kinds of trouble.
async fn store(
    context: &Context,
    objects: &Api<DynamicObject>,
    metadata: &ObjectMeta,
    stored: &VpcFlowOverviewStatus,
    new: VpcFlowOverviewStatus,
) -> Result<(), Error> {
    context.metrics.overviews().learn(metadata, &new);
    if new == *stored {
        return Ok(());
    }
    replace_status(objects, metadata, &json!(stored), json!(new)).await?;
    let troubles = of_troubles(&stored.conditions, &new.conditions);
    context.publish::<VpcFlowOverview>(metadata, troubles).await;
    Ok(())
}

/// A pass over an overview that can be read.
struct Pass<'a> {
    overviews: &'a OverviewContext,
    objects: &'a Api<DynamicObject>,
    object: &'a VpcFlowOverview,
    mode: Mode,
}

impl Pass<'_> {
    async fn run(self) -> Result<PassEnd, Error> {
        let context = &self.overviews.context;
        let stored = self.object.status.clone().unwrap_or_default();
        let uid = self.object.uid().unwrap_or_default();
        let (home, overview) = match self.connect(&stored).await {
            Ok(connected) => connected,
            // The account is recorded before anything is made.
            Err(_) if self.mode == Mode::Delete && stored.has_made_nothing() => {
                return Ok(PassEnd { wait: Duration::ZERO, settled: true, result: PassResult::Success });
            }
            Err(failure) => {
                let new = failed(&failure, self.object.metadata.generation, &stored, Timestamp::now());
                store(context, self.objects, &self.object.metadata, &stored, new).await?;
                return Ok(self.end(false, Some(failure.reason.is_terminal())));
            }
        };
        let (members, left_out) = self.members(&overview).await?;
        let wanted = wanted_places(&members);
        let mut memory = self.overviews.memory(&uid);
        let declared = self.hash(&overview, &wanted, left_out);
        if let Some(rest) = self.time_left(&memory, declared) {
            let new = VpcFlowOverviewStatus { monitors: Some(counts(&members, left_out)), ..stored.clone() };
            store(context, self.objects, &self.object.metadata, &stored, new).await?;
            memory.ended_at = Some(Instant::now());
            self.overviews.keep(&uid, memory);
            return Ok(PassEnd { wait: jittered(rest), settled: true, result: PassResult::Success });
        }
        let recorded = self.record(&overview, &wanted, stored).await?;
        let sites = sites(context, &overview.namespace, &recorded.places).await;
        let direction = match self.mode {
            Mode::Keep | Mode::Suspended => Direction::Build,
            Mode::Delete | Mode::DeleteSuspended => Direction::TearDown,
        };
        let input = Input { overview: &overview, home: &home, wanted: &wanted, sites: &sites, direction };
        let results = Box::pin(overview::run(input, self.mode.is_suspended(), &context.stopping)).await;
        for change in results.iter().flat_map(|result| &result.applied) {
            context.metrics.change(change.action.past(), change.kind);
        }
        context.publish::<VpcFlowOverview>(&self.object.metadata, events::of_changes(&results)).await;
        let new = status(StatusInput {
            metadata: &self.object.metadata,
            overview: &overview,
            members: &members,
            left_out,
            wanted: &wanted,
            results: &results,
            previous: &recorded,
            now: Timestamp::now(),
        });
        store(context, self.objects, &self.object.metadata, &recorded, new).await?;
        let is_settled = results.iter().all(TaskResult::is_settled);
        memory.settled = is_settled.then(|| (declared, Instant::now()));
        memory.ended_at = Some(Instant::now());
        self.overviews.keep(&uid, memory);
        Ok(self.end(is_settled, worst(&results)))
    }

    async fn connect(&self, stored: &VpcFlowOverviewStatus) -> Result<(Arc<Aws>, Overview), Failure> {
        let (context, spec) = (&self.overviews.context, &self.object.spec);
        let namespace = self.object.namespace().unwrap_or_default();
        let home = connect(context, &namespace, spec.region.as_deref(), spec.assume_role.as_ref()).await?;
        let (account, region) = (stored.account_id.as_ref(), stored.region.as_ref());
        check_account_region(Overview::NOUN, account, region, &home.account_region)?;
        let (at, settings) = (home.account_region.clone(), context.options.settings.clone());
        let overview = Overview::new(&namespace, &self.object.name_any(), spec.clone(), at, settings);
        check_owner(stored.owner.as_ref(), &overview)?;
        if !self.mode.is_deletion() {
            check_sinks(&overview)?;
        }
        Ok((home, overview))
    }

    /// The selected monitors; none for an overview that is being deleted.
    async fn members(&self, overview: &Overview) -> Result<(Vec<Member>, usize), Error> {
        if self.mode.is_deletion() {
            return Ok((Vec::new(), 0));
        }
        let selector = &overview.spec.monitor_selector;
        let context = &self.overviews.context;
        Ok(members::selected(context, &overview.namespace, selector, &overview.home.partition).await?)
    }

    /// Records the account and all places before anything is made there, so that nothing is lost if the operator ends here.
    async fn record(
        &self,
        overview: &Overview,
        wanted: &BTreeMap<PlaceKey, WantedPlace>,
        stored: VpcFlowOverviewStatus,
    ) -> Result<VpcFlowOverviewStatus, Error> {
        let planned = VpcFlowOverviewStatus {
            account_id: Some(overview.home.account.clone()),
            region: Some(overview.home.region.clone()),
            owner: Some(overview.owner.clone()),
            places: planned_places(overview, wanted, &stored.places),
            ..stored.clone()
        };
        if !self.mode.is_suspended() && planned != stored {
            replace_status(self.objects, &self.object.metadata, &json!(stored), json!(planned)).await?;
            return Ok(planned);
        }
        Ok(stored)
    }

    /// A hash of all that AWS follows from.
    fn hash(&self, overview: &Overview, wanted: &BTreeMap<PlaceKey, WantedPlace>, left_out: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        let annotations = self.object.metadata.annotations.as_ref();
        let request = annotations.and_then(|annotations| annotations.get(RECONCILE_REQUESTED_AT));
        let monitors = wanted.iter().map(|(key, place)| {
            let specs: Vec<_> = place.monitors.iter().map(|it| (&it.name, json!(it.spec).to_string())).collect();
            (key, place.assume_role.as_ref(), specs)
        });
        (self.object.metadata.generation, request, &overview.home, left_out).hash(&mut hasher);
        monitors.collect::<Vec<_>>().hash(&mut hasher);
        hasher.finish()
    }

    /// The time until AWS is read again, if it was found as declared a short time ago.
    fn time_left(&self, memory: &OverviewMemory, declared: u64) -> Option<Duration> {
        let (settled, at) = memory.settled?;
        let rest = self.overviews.context.options.resync.checked_sub(at.elapsed())?;
        (self.mode == Mode::Keep && settled == declared).then_some(rest)
    }

    /// The end of a pass. `failed`: if something has failed, true if only a person helps.
    fn end(&self, settled: bool, failed: Option<bool>) -> PassEnd {
        let context = &self.overviews.context;
        let (uid, options) = (self.object.uid().unwrap_or_default(), &context.options);
        let (wait, result) = if let Some(only_a_person_helps) = failed {
            let back_off = |memory: &mut Memory| memory.back_off(only_a_person_helps, options.resync, options.backoff);
            (context.with_memory(&uid, back_off), PassResult::Error)
        } else {
            context.with_memory(&uid, Memory::succeeds);
            let wait = if settled || self.mode.is_suspended() { options.resync } else { SOON };
            (wait, if settled { PassResult::Success } else { PassResult::Unfinished })
        };
        PassEnd { wait: jittered(wait), settled, result }
    }
}

/// If something has failed: true if only a person helps.
fn worst(results: &[TaskResult]) -> Option<bool> {
    let mut failures = results.iter().filter_map(|result| result.failure.as_ref()).peekable();
    failures.peek()?;
    Some(failures.all(|failure| failure.reason.is_terminal() && failure.reason != Reason::WaitingForAws))
}

fn counts(members: &[Member], left_out: usize) -> SelectedMonitors {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    SelectedMonitors {
        selected: count(members.len() + left_out),
        ready: count(members.iter().filter(|member| member.is_ready).count()),
        firing: members.iter().map(|member| member.firing).sum(),
    }
}
