//! A pass over the resources of an overview: observe all, then apply the differences stage by stage.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::Overview;
use super::bus::{self, EventBus};
use super::dashboard::dashboard;
use super::forwarding::{alarms_rule, forward_role, forward_rules};
use super::links::{self, Link};
use super::place::{PlaceKey, WantedPlace};
use super::site::Site;
use super::topic::own_topic;
use crate::api::ResourceKind;
use crate::api::conditions::Reason;
use crate::aws::{About, Aws, AwsError, limits};
use crate::engine::{AnyCall, Call, Change, Diff, Direction, Failure, Goal, Removal, ownership};
use crate::monitor::Monitor;
use crate::resources::common::event_rule::{self, EventRule};
use crate::resources::common::role;
use crate::resources::dashboard as dashboards;
use crate::resources::notifications;

/// A group of resources that are in order together, in the order in which they are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The topic and its subscriptions.
    Topic,
    /// The event bus.
    Bus,
    /// The rule on the event bus.
    AlarmsRule,
    /// The role of an account.
    Role,
    /// The rules of an account and region.
    Rules,
    /// The links of an account and region.
    Links,
    /// The dashboard.
    Dashboard,
}

/// The stages that one condition of the status reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Part {
    /// The topic.
    Notifications,
    /// The way of the alarms to the topic.
    Forwarding,
    /// The dashboard.
    Dashboard,
    /// The links.
    Links,
}

impl Part {
    /// All parts, in the order of the status.
    pub const ALL: [Self; 4] = [Self::Notifications, Self::Forwarding, Self::Dashboard, Self::Links];

    /// The type of its condition.
    #[must_use]
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Notifications => "NotificationsReady",
            Self::Forwarding => "ForwardingReady",
            Self::Dashboard => "DashboardReady",
            Self::Links => "LinksReady",
        }
    }
}

impl Stage {
    /// The part that reports it.
    #[must_use]
    pub const fn part(self) -> Part {
        match self {
            Self::Topic => Part::Notifications,
            Self::Bus | Self::AlarmsRule | Self::Role | Self::Rules => Part::Forwarding,
            Self::Links => Part::Links,
            Self::Dashboard => Part::Dashboard,
        }
    }

    /// True if it is about one account and region with monitors.
    #[must_use]
    pub const fn is_of_place(self) -> bool {
        matches!(self, Self::Rules | Self::Links)
    }
}

/// The result of a pass for one stage in one place.
#[derive(Debug)]
pub struct TaskResult {
    /// The stage.
    pub stage: Stage,
    /// The account and region.
    pub at: PlaceKey,
    /// False if the spec asks for nothing here.
    pub is_wanted: bool,
    /// The changes made.
    pub applied: Vec<Change>,
    /// The changes still to be made.
    pub remaining: Vec<Change>,
    /// The reason for which it is not as declared.
    pub failure: Option<Failure>,
}

impl TaskResult {
    /// True if AWS was found as the goal wants it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.failure.is_none() && self.remaining.is_empty() && self.applied.is_empty()
    }
}

struct Task {
    stage: Stage,
    at: PlaceKey,
    is_wanted: bool,
    aws: Option<Arc<Aws>>,
    overview: Overview,
    diff: Result<Diff<AnyCall<Overview>>, Failure>,
}

/// The input of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The overview at home.
    pub overview: &'a Overview,
    /// The clients at home.
    pub home: &'a Arc<Aws>,
    /// The places with selected monitors.
    pub wanted: &'a BTreeMap<PlaceKey, WantedPlace>,
    /// These, and those in which something may be left.
    pub sites: &'a [Site],
    /// The direction.
    pub direction: Direction,
}

/// Reads AWS, and carries out the differences unless `changes_nothing`. A place that fails holds up none of the others.
pub async fn run(input: Input<'_>, changes_nothing: bool, stop: &CancellationToken) -> Vec<TaskResult> {
    let observing = Box::pin(observe(input));
    let mut tasks = match input.direction {
        Direction::Build => observing.await,
        Direction::TearDown => limits::urgently(observing).await,
    };
    // Wanted resources are built in the order of the stages. Then the others are removed in the reverse order.
    tasks.sort_by_key(|task| if task.is_wanted { (false, Ok(task.stage)) } else { (true, Err(Reverse(task.stage))) });
    let mut results = Vec::new();
    let mut failed: BTreeSet<(Stage, PlaceKey)> = BTreeSet::new();
    // Stage by stage; the places of a stage at once.
    while !tasks.is_empty() {
        let (stage, is_wanted) = (tasks[0].stage, tasks[0].is_wanted);
        let is_other = |task: &Task| task.stage != stage || task.is_wanted != is_wanted;
        let end = tasks.iter().position(is_other).unwrap_or(tasks.len());
        let of_stage: Vec<_> = tasks.drain(..end).collect();
        let applying = of_stage.into_iter().map(|task| {
            let waits = if is_wanted { waits_for(&task, &failed) } else { is_in_use(&task, &failed) };
            apply(task, changes_nothing || waits, stop)
        });
        let done = limits::urgently(join_all(applying)).await;
        let unsettled = done.iter().filter(|result| result.failure.is_some() || !result.remaining.is_empty());
        failed.extend(unsettled.map(|result| (result.stage, result.at.clone())));
        results.extend(done);
    }
    results
}

/// True if the rules of a place cannot be made yet: the bus or the role of the account is missing.
fn waits_for(task: &Task, failed: &BTreeSet<(Stage, PlaceKey)>) -> bool {
    let lacks = |(stage, at): &(Stage, PlaceKey)| match stage {
        Stage::Bus => true,
        Stage::Role => at.account == task.at.account,
        _ => false,
    };
    match task.stage {
        Stage::AlarmsRule => failed.iter().any(|(stage, _)| *stage == Stage::Bus),
        Stage::Rules => failed.iter().any(lacks),
        _ => false,
    }
}

/// True if a role or the event bus must stay: a rule of the account uses the role, or the bus has a rule.
fn is_in_use(task: &Task, failed: &BTreeSet<(Stage, PlaceKey)>) -> bool {
    let uses = |(stage, at): &(Stage, PlaceKey)| match task.stage {
        Stage::Role => *stage == Stage::Rules && at.account == task.at.account,
        Stage::Bus => *stage == Stage::AlarmsRule,
        _ => false,
    };
    failed.iter().any(uses)
}

async fn apply(task: Task, changes_nothing: bool, stop: &CancellationToken) -> TaskResult {
    let Task { stage, at, is_wanted, aws, overview, diff } = task;
    let mut result = TaskResult { stage, at, is_wanted, applied: Vec::new(), remaining: Vec::new(), failure: None };
    let diff = match diff {
        Ok(diff) => diff,
        Err(failure) => return TaskResult { failure: Some(failure), ..result },
    };
    let conflict = diff.conflicts.first().map(|conflict| Failure::new(Reason::Conflict, conflict.to_string()));
    result.failure = conflict.or_else(|| diff.invalid.first().cloned().map(Failure::from));
    let mut steps = diff.steps.into_iter();
    for step in steps.by_ref() {
        let Some(aws) = aws.as_ref().filter(|_| !changes_nothing && !stop.is_cancelled()) else {
            result.remaining.push(step.change);
            break;
        };
        match step.op.run(aws, &overview).await {
            Ok(_) => {
                tracing::info!(change = %step.change, "changed AWS");
                result.applied.push(step.change);
            }
            Err(error) => {
                result.failure = Some(Failure::from(error).about(step.change.kind, &step.change.name));
                result.remaining.push(step.change);
                break;
            }
        }
    }
    result.remaining.extend(steps.map(|step| step.change));
    result
}

type Found = Result<Diff<AnyCall<Overview>>, AwsError>;

/// The goal of a resource: present if it is wanted.
const fn goal<T>(wanted: Option<&T>, direction: Direction) -> Goal<&T> {
    match (wanted, direction) {
        (Some(wanted), Direction::Build) => Goal::Present(wanted),
        (None, Direction::Build) => Goal::Absent(Removal::SwitchedOff),
        (_, Direction::TearDown) => Goal::Absent(Removal::OwnerDeleted),
    }
}

async fn observe(input: Input<'_>) -> Vec<Task> {
    let (at_home, of_accounts, of_sites) = futures::join!(
        home_tasks(input),
        join_all(accounts(input).into_iter().map(|(site, is_wanted)| role_task(input, site, is_wanted))),
        join_all(input.sites.iter().map(|site| site_tasks(input, site)))
    );
    at_home.into_iter().chain(of_accounts).chain(of_sites.into_iter().flatten()).collect()
}

impl<'a> Input<'a> {
    fn is_forwarding(self) -> bool {
        self.direction == Direction::Build && self.overview.spec.alerts.enabled
    }

    fn task(
        self,
        stage: Stage,
        is_wanted: bool,
        at: &PlaceKey,
        aws: Option<&Arc<Aws>>,
        diff: Result<Diff<AnyCall<Overview>>, Failure>,
    ) -> Task {
        let overview = aws.map_or_else(|| self.overview.clone(), |aws| self.overview.at(&aws.account_region));
        Task { stage, at: at.clone(), is_wanted, aws: aws.cloned(), overview, diff }
    }

    /// A task in a site: `work` reads AWS there, if it can be reached.
    async fn task_in(
        self,
        stage: Stage,
        is_wanted: bool,
        site: &Site,
        work: impl AsyncFnOnce(&Aws, &Overview) -> Found,
    ) -> Task {
        match &site.aws {
            Ok(aws) => {
                let found = work(aws, &self.overview.at(&aws.account_region)).await;
                self.task(stage, is_wanted, &site.key, Some(aws), found.map_err(Failure::from))
            }
            Err(failure) => self.task(stage, is_wanted, &site.key, None, Err(failure.clone())),
        }
    }

    fn monitors(self, key: &PlaceKey) -> &'a [Monitor] {
        self.wanted.get(key).map_or(&[], |place| &place.monitors)
    }
}

async fn home_tasks(input: Input<'_>) -> Vec<Task> {
    let Input { overview, home, direction, .. } = input;
    let forwards = input.is_forwarding();
    let has_topic = forwards && overview.spec.alerts.topic_arn.is_none();
    let wants_dashboard = direction == Direction::Build && overview.spec.dashboard.enabled;
    let accounts = input.wanted.keys().map(|key| key.account.as_str()).collect();
    let (topic, bus, rule) = (own_topic(overview), EventBus::new(overview, &accounts), alarms_rule(overview));
    let dashboard = wants_dashboard.then(|| dashboard(overview, input.wanted));
    let (found_topic, found_bus, found_rule, found_dashboard) = futures::join!(
        notifications::observe(home, overview),
        bus::observe(home, overview),
        event_rule::observe(home, rule.bus.as_deref(), &rule.name),
        dashboards::observe(home, overview.base()),
    );
    let topic_diff = found_topic.about(ResourceKind::Topic, &topic.name).map(|found| {
        let goal = goal(has_topic.then_some(&topic), direction);
        notifications::diff_of_own(overview, goal, &topic.name, found.as_ref())
    });
    let bus_diff = found_bus.about(ResourceKind::EventBus, overview.base()).map(|found| {
        let goal = goal(forwards.then_some(&bus), direction);
        ownership::diff(overview, goal, overview.base(), found.as_ref()).erase()
    });
    let rule_diff = found_rule.about(ResourceKind::EventRule, &rule.name).map(|found| {
        let goal = goal(forwards.then_some(&rule), direction);
        ownership::diff(overview, goal, &rule.full_name(), found.as_ref()).erase()
    });
    let dashboard_diff = found_dashboard.map(|found| {
        ownership::diff(overview, goal(dashboard.as_ref(), direction), overview.base(), found.as_ref()).erase()
    });
    let at = PlaceKey { account: overview.home.account.clone(), region: overview.home.region.clone() };
    [
        (Stage::Topic, forwards, topic_diff),
        (Stage::Bus, forwards, bus_diff),
        (Stage::AlarmsRule, forwards, rule_diff),
        (Stage::Dashboard, wants_dashboard, dashboard_diff),
    ]
    .map(|(stage, is_wanted, found)| input.task(stage, is_wanted, &at, Some(home), found.map_err(Failure::from)))
    .into()
}

/// A site of each account, and whether the account has selected monitors. A site that can be reached comes first.
fn accounts(input: Input<'_>) -> Vec<(&Site, bool)> {
    let mut accounts: BTreeMap<&str, &Site> = BTreeMap::new();
    for site in input.sites {
        let known = accounts.entry(&site.key.account).or_insert(site);
        if known.aws.is_err() {
            *known = site;
        }
    }
    let has_monitors = |account: &str| input.wanted.keys().any(|key| key.account == account);
    accounts.into_iter().map(|(account, site)| (site, has_monitors(account))).collect()
}

async fn role_task(input: Input<'_>, site: &Site, has_monitors: bool) -> Task {
    let is_wanted = input.is_forwarding() && has_monitors;
    let work = async |aws: &Aws, overview: &Overview| {
        let role = forward_role(overview);
        let found = role::observe(aws, &role.name).await.about(ResourceKind::Role, &role.name)?;
        let goal = goal(is_wanted.then_some(&role), input.direction);
        Ok(ownership::diff(overview, goal, &role.name, found.as_ref()).erase())
    };
    input.task_in(Stage::Role, is_wanted, site, work).await
}

async fn site_tasks(input: Input<'_>, site: &Site) -> Vec<Task> {
    let monitors = input.monitors(&site.key);
    let is_wanted = input.is_forwarding() && !monitors.is_empty();
    let sink = links::sink_for(input.overview, &site.key.account, &site.key.region)
        .filter(|_| !monitors.is_empty() && input.direction == Direction::Build);
    let rules = async |aws: &Aws, overview: &Overview| {
        let wanted = if is_wanted { forward_rules(overview, monitors) } else { Vec::new() };
        rules_diff(input, aws, overview, &wanted, site.rules).await
    };
    let mut tasks = vec![input.task_in(Stage::Rules, is_wanted, site, rules).await];
    // An overview without sinks needs no permissions for links.
    if sink.is_some() || site.is_linked {
        let links = async |aws: &Aws, overview: &Overview| links_diff(input, aws, overview, sink, monitors).await;
        tasks.push(input.task_in(Stage::Links, sink.is_some(), site, links).await);
    }
    tasks
}

/// The steps to the wanted rules, and away from those with higher numbers up to `known`.
async fn rules_diff(input: Input<'_>, aws: &Aws, overview: &Overview, wanted: &[EventRule], known: u32) -> Found {
    let known = usize::try_from(known).unwrap_or_default().max(wanted.len());
    let names: Vec<_> = (1..=known).map(|number| overview.forward_rule(number)).collect();
    let found =
        names.iter().map(async |name| event_rule::observe(aws, None, name).await.about(ResourceKind::EventRule, name));
    let mut diff = Diff::default();
    for (index, (name, found)) in names.iter().zip(try_join_all(found).await?).enumerate() {
        diff.include(ownership::diff(overview, goal(wanted.get(index), input.direction), name, found.as_ref()));
    }
    Ok(diff)
}

async fn links_diff(
    input: Input<'_>,
    aws: &Aws,
    overview: &Overview,
    sink: Option<&String>,
    monitors: &[Monitor],
) -> Found {
    let found = links::observe(aws, overview, sink.map(String::as_str)).await?;
    let mut diff = Diff::default();
    let wanted = sink.map(|sink| Link::new(sink, monitors));
    if let (Some(sink), Some(link)) = (sink, &wanted) {
        let present = found.iter().find(|(of_sink, _)| of_sink == sink).map(|(_, link)| link);
        // A link of others is used as it is.
        if present.is_none_or(|present| present.is_ours(overview)) {
            diff.include(ownership::diff(overview, Goal::Present(link), sink, present));
        }
    }
    for (of_sink, link) in found.iter().filter(|(of_sink, _)| Some(of_sink) != sink) {
        let absent = goal::<Link>(None, input.direction);
        diff.include(ownership::diff(overview, absent, of_sink, Some(link)));
    }
    Ok(diff)
}
