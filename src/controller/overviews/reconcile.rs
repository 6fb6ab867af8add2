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
use tracing::instrument;

use super::super::connect::aws_clients;
use super::super::context::Context;
use super::super::finalizer::{is_kept, release, under_finalizer};
use super::super::mode::Mode;
use super::super::paced::{FormerPass, paced};
use super::super::pass_end::{Error, Next, PassEnd};
use super::super::read::{UnreadableOverview, read_overview};
use super::super::retry::Memory;
use super::super::status::{replace_status, store_changed};
use super::context::{OverviewContext, OverviewMemory};
use super::{WatchedOverview, events, members};
use crate::api::spec::AssumeRole;
use crate::api::{VpcFlowOverview, VpcFlowOverviewStatus, requested_pass};
use crate::aws::Aws;
use crate::engine::{Direction, Failure};
use crate::metrics::PassResult;
use crate::monitor::Owner;
use crate::overview::{
    self, Input, Member, Overview, PlaceKey, StatusInput, TaskResult, WantedPlace, check_arns, counts, failed,
    planned_places, sites, status, wanted_places,
};
use crate::preconditions::{check_account_region, check_owner};

/// Time until AWS is read again after changes.
const SOON: Duration = Duration::from_secs(1);

/// Reconciles one overview.
#[instrument(skip_all, fields(namespace = watched.namespace(), overview = watched.name_any()))]
pub async fn reconcile(watched: Arc<WatchedOverview>, overviews: Arc<OverviewContext>) -> Result<Requeue, Infallible> {
    let uid = watched.uid().unwrap_or_default();
    let former = overviews.memories.get(&uid).former;
    Ok(paced(&overviews.context, &uid, former, Box::pin(pass_over(&watched, &overviews))).await)
}

/// The time until the next pass; `None` if only a change leads to one.
async fn pass_over(watched: &WatchedOverview, overviews: &OverviewContext) -> Result<Option<Duration>, Error> {
    let context = &overviews.context;
    let namespace = watched.namespace().unwrap_or_default();
    let resource = ApiResource::erase::<VpcFlowOverview>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let uid = watched.uid().unwrap_or_default();
    let latest = objects.get_opt(&watched.name_any()).await?;
    let Some(object) = latest.filter(|latest| latest.metadata.uid == watched.metadata.uid) else {
        overviews.forget(&uid);
        return Ok(None);
    };
    let metadata = object.metadata.clone();
    let next = match read_overview(object) {
        Ok(object) => {
            let pass = |mode| Pass { overviews, objects: &objects, object: &object, mode }.run().boxed();
            let is_suspended = object.spec.suspend;
            let next = under_finalizer::<VpcFlowOverview>(context, &objects, &metadata, is_suspended, pass).await?;
            overviews.memories.change(&uid, |memory| memory.former = Some(FormerPass::ends(memory.monitors)));
            next
        }
        Err(unreadable) => report_unreadable(overviews, &objects, metadata, *unreadable).await?,
    };
    if next.wait.is_none() {
        overviews.forget(&uid);
    }
    Ok(next.wait)
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
    if stored.has_made_nothing() && is_kept(&metadata) {
        return release::<VpcFlowOverview>(context, &metadata).await;
    }
    let failure = problem.failure(is_kept(&metadata));
    let new = failed(&failure, metadata.generation, &stored, Timestamp::now());
    store(context, objects, &metadata, &stored, new).await?;
    Ok(Next { wait: Some(context.options.resync), result: PassResult::Error })
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
    let (before, after) = ((stored, &stored.conditions[..]), (&new, &new.conditions[..]));
    store_changed::<VpcFlowOverview, _>(context, objects, metadata, &json!(stored), before, after).await?;
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
        self.overviews.memories.change(&uid, |memory| memory.monitors = members.len());
        let declared = self.hash(&overview, &wanted, left_out);
        if let Some(rest) = self.time_left(&self.overviews.memories.get(&uid), declared) {
            let new = VpcFlowOverviewStatus { monitors: Some(counts(&members, left_out)), ..stored.clone() };
            store(context, self.objects, &self.object.metadata, &stored, new).await?;
            return Ok(PassEnd { wait: rest, settled: true, result: PassResult::Success });
        }
        let recorded = self.record(&overview, &wanted, stored).await?;
        let namespace = &overview.namespace;
        let connect = |region: String, role: Option<AssumeRole>| async move {
            aws_clients(context, namespace, Some(&region), role.as_ref()).await
        };
        let sites = sites(&recorded.places, connect).await;
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
        let settled = is_settled.then(|| (declared, Instant::now()));
        self.overviews.memories.change(&uid, |memory| memory.settled = settled);
        Ok(self.end(is_settled, worst(&results)))
    }

    async fn connect(&self, stored: &VpcFlowOverviewStatus) -> Result<(Arc<Aws>, Overview), Failure> {
        let (context, spec) = (&self.overviews.context, &self.object.spec);
        let namespace = self.object.namespace().unwrap_or_default();
        let home = aws_clients(context, &namespace, spec.region.as_deref(), spec.assume_role.as_ref()).await?;
        let (account, region) = (stored.account_id.as_ref(), stored.region.as_ref());
        check_account_region(Overview::NOUN, account, region, &home.account_region)?;
        let (at, settings) = (home.account_region.clone(), context.options.settings.clone());
        let overview = Overview::new(&namespace, &self.object.name_any(), spec.clone(), at, settings);
        check_owner(stored.owner.as_ref(), &overview)?;
        if !self.mode.is_deletion() {
            check_arns(&overview)?;
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
        let request = requested_pass(&self.object.metadata);
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
        PassEnd { wait, settled, result }
    }
}

/// If something has failed: true if only a person helps.
fn worst(results: &[TaskResult]) -> Option<bool> {
    let mut failures = results.iter().filter_map(|result| result.failure.as_ref()).peekable();
    failures.peek()?;
    Some(failures.all(|failure| failure.reason.is_terminal()))
}
