//! The status of an overview as a pure function of what a pass found.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::ObjectMeta;

use super::Overview;
use super::forwarding::patterns;
use super::links::sink_for;
use super::member::Member;
use super::pass::{Part, Stage, TaskResult};
use super::place::{PlaceKey, WantedPlace};
use crate::api::conditions::{READY, RECONCILING, Reason, STALLED, Statement, summary_statements};
use crate::api::overview::VpcFlowOverviewStatus;
use crate::api::overview::status::{OverviewPlace, SelectedMonitors};
use crate::api::requested_pass;
use crate::engine::{Failure, in_brief};
use crate::monitor::Monitor;
use crate::numbered::numbered;
use crate::resources::dashboard::link;

/// The input for a status.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput<'a> {
    /// The metadata of the overview.
    pub metadata: &'a ObjectMeta,
    /// The overview at home.
    pub overview: &'a Overview,
    /// The selected monitors.
    pub members: &'a [Member],
    /// Selected monitors above the limit.
    pub left_out: usize,
    /// Their places.
    pub wanted: &'a BTreeMap<PlaceKey, WantedPlace>,
    /// The results of the pass.
    pub results: &'a [TaskResult],
    /// The status so far.
    pub previous: &'a VpcFlowOverviewStatus,
    /// For conditions that change.
    pub now: Timestamp,
}

/// The places that must be in the status before a pass changes anything: all in which it may make something.
#[must_use]
pub fn planned_places(
    overview: &Overview,
    wanted: &BTreeMap<PlaceKey, WantedPlace>,
    previous: &[OverviewPlace],
) -> Vec<OverviewPlace> {
    let mut places: BTreeMap<PlaceKey, OverviewPlace> =
        previous.iter().map(|place| (PlaceKey::of(place), place.clone())).collect();
    for place in places.values_mut() {
        place.monitors = 0;
    }
    for (key, WantedPlace { assume_role, monitors }) in wanted {
        let former = places.get(key);
        let place = OverviewPlace {
            account_id: key.account.clone(),
            region: key.region.clone(),
            role_arn: assume_role.as_ref().map(|role| role.role_arn.clone()),
            external_id: assume_role.as_ref().and_then(|role| role.external_id.clone()),
            monitors: u32::try_from(monitors.len()).unwrap_or(u32::MAX),
            rules: rules_needed(overview, monitors).max(former.map_or(0, |former| former.rules)),
            linked: needs_link(overview, key) || former.is_some_and(|former| former.linked),
            message: former.and_then(|former| former.message.clone()),
        };
        places.insert(key.clone(), place);
    }
    places.into_values().collect()
}

/// The number of event rules that the alarms and findings of these monitors need.
fn rules_needed(overview: &Overview, monitors: &[Monitor]) -> u32 {
    let alerts = &overview.spec.alerts;
    let needed = if alerts.enabled { patterns(monitors, alerts).len() } else { 0 };
    u32::try_from(needed).unwrap_or(u32::MAX)
}

fn needs_link(overview: &Overview, key: &PlaceKey) -> bool {
    sink_for(overview, &key.account, &key.region).is_some()
}

/// The selected monitors in numbers. `left_out`: those above the limit.
#[must_use]
pub fn counts(members: &[Member], left_out: usize) -> SelectedMonitors {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    SelectedMonitors {
        selected: count(members.len() + left_out),
        ready: count(members.iter().filter(|member| member.is_ready).count()),
        firing: members.iter().map(|member| member.firing).sum(),
    }
}

/// The status after a pass.
#[must_use]
pub fn status(input: StatusInput<'_>) -> VpcFlowOverviewStatus {
    let StatusInput { metadata, overview, members, previous, .. } = input;
    let statements = statements(input);
    let dated = |statement: Statement| statement.dated(&previous.conditions, metadata.generation, input.now);
    VpcFlowOverviewStatus {
        observed_generation: metadata.generation,
        conditions: statements.into_iter().map(dated).collect(),
        account_id: Some(overview.home.account.clone()),
        region: Some(overview.home.region.clone()),
        owner: Some(overview.owner.clone()),
        monitors: Some(counts(members, input.left_out)),
        places: places(input),
        topic_arn: overview.spec.alerts.enabled.then(|| overview.topic_arn()),
        dashboard: overview.spec.dashboard.enabled.then(|| link(&overview.home, overview.base())),
        last_handled_reconcile_at: requested_pass(metadata).cloned(),
    }
}

/// The places that have something of the overview, or should have.
fn places(input: StatusInput<'_>) -> Vec<OverviewPlace> {
    let StatusInput { overview, wanted, results, .. } = input;
    let planned = planned_places(overview, wanted, &input.previous.places);
    let done = |mut place: OverviewPlace| {
        let key = PlaceKey::of(&place);
        let of_place = || results.iter().filter(|result| result.at == key && result.stage.is_of_place());
        let is_settled = |stage: Stage| of_place().filter(|result| result.stage == stage).all(TaskResult::is_settled);
        // The role of an account goes after the rules of all its regions.
        let role_is_settled = results
            .iter()
            .filter(|result| result.stage == Stage::Role && result.at.account == key.account)
            .all(TaskResult::is_settled);
        let was_read = of_place().next().is_some();
        if was_read && is_settled(Stage::Rules) {
            place.rules = wanted.get(&key).map_or(0, |wanted| rules_needed(overview, &wanted.monitors));
        }
        if was_read && is_settled(Stage::Links) {
            place.linked = wanted.contains_key(&key) && needs_link(overview, &key);
        }
        place.message = of_place().find_map(|result| result.failure.as_ref()).map(ToString::to_string);
        let is_over =
            was_read && !wanted.contains_key(&key) && of_place().all(TaskResult::is_settled) && role_is_settled;
        (!is_over).then_some(place)
    };
    planned.into_iter().filter_map(done).collect()
}

/// The status of an overview over which no pass is possible. The figures of the last one stay.
#[must_use]
pub fn failed(
    failure: &Failure,
    generation: Option<i64>,
    previous: &VpcFlowOverviewStatus,
    now: Timestamp,
) -> VpcFlowOverviewStatus {
    let statement = |type_, status| Statement { type_, status, reason: failure.reason, message: failure.to_string() };
    let mut statements = vec![statement(READY, false)];
    statements.push(if failure.reason.is_terminal() { statement(STALLED, true) } else { statement(RECONCILING, true) });
    let dated = statements.into_iter().map(|it| it.dated(&previous.conditions, generation, now));
    let of_parts = previous.conditions.iter().filter(|it| Part::ALL.iter().any(|part| part.condition() == it.type_));
    VpcFlowOverviewStatus {
        observed_generation: generation,
        conditions: dated.chain(of_parts.cloned()).collect::<Vec<Condition>>(),
        ..previous.clone()
    }
}

fn statements(input: StatusInput<'_>) -> Vec<Statement> {
    let parts: Vec<_> = Part::ALL.into_iter().filter_map(|part| part_statement(input, part)).collect();
    let (reason, message) = summary(input, &parts);
    // A suspended overview is Ready if nothing is to be changed, like a suspended monitor.
    let is_ready = reason == Reason::Reconciled
        || reason == Reason::Suspended && !is_deleting(input.metadata) && parts.iter().all(|part| part.status);
    let statements = summary_statements(reason, &message, is_ready, reason.is_terminal());
    statements.into_iter().chain(parts).collect()
}

const fn is_deleting(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some()
}

fn summary(input: StatusInput<'_>, parts: &[Statement]) -> (Reason, String) {
    let trouble = parts.iter().find(|part| !part.status && part.reason.is_trouble());
    if let Some(part) = trouble {
        return (part.reason, format!("{}: {}", part.type_, part.message));
    }
    if input.overview.spec.suspend {
        return (Reason::Suspended, "spec.suspend is set: the operator changes nothing in AWS".to_owned());
    }
    if is_deleting(input.metadata) {
        return (Reason::Deleting, "its resources are being removed from AWS".to_owned());
    }
    if input.left_out > 0 {
        return (Reason::LimitExceeded, above_limit(input.members.len(), input.left_out));
    }
    if let Some(part) = parts.iter().find(|part| !part.status) {
        return (part.reason, format!("{}: {}", part.type_, part.message));
    }
    let monitors: usize = input.wanted.values().map(|place| place.monitors.len()).sum();
    (Reason::Reconciled, in_places(monitors, input.wanted.len()))
}

/// So many monitors in so many places.
#[must_use]
pub fn in_places(monitors: usize, places: usize) -> String {
    let places = numbered(places, "account and region", "accounts and regions");
    format!("{} in {places}", numbered(monitors, "monitor", "monitors"))
}

/// The message on monitors above the limit.
#[must_use]
pub fn above_limit(shown: usize, left_out: usize) -> String {
    format!(
        "{} monitors are selected, and an overview has at most {shown}: the last {left_out} by name are left out; narrow spec.monitorSelector",
        shown + left_out
    )
}

fn part_statement(input: StatusInput<'_>, part: Part) -> Option<Statement> {
    let type_ = part.condition();
    let of_part = || input.results.iter().filter(move |result| result.stage.part() == part);
    if of_part().all(|result| !result.is_wanted && result.is_settled()) {
        return None;
    }
    let failures: Vec<_> = of_part().filter_map(|result| Some((result, result.failure.as_ref()?))).collect();
    // A failure that only a person can mend is the first to be named.
    let first = failures.iter().find(|(_, failure)| failure.reason.is_terminal()).or(failures.first());
    if let Some((result, failure)) = first {
        let others = match failures.len() {
            1 => String::new(),
            many => format!(" ({} more failures: see status.places)", many - 1),
        };
        let message = format!("{} {}: {failure}{others}", result.at.account, result.at.region);
        return Some(Statement { type_, status: false, reason: failure.reason, message });
    }
    let changes: Vec<_> = of_part().flat_map(|result| result.remaining.iter().chain(&result.applied)).collect();
    if changes.is_empty() {
        return Some(Statement { type_, status: true, reason: Reason::Reconciled, message: "as declared".to_owned() });
    }
    let reason = if input.overview.spec.suspend { Reason::Suspended } else { Reason::Progressing };
    Some(Statement { type_, status: false, reason, message: in_brief(changes) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ResourceKind;
    use crate::engine::{Action, Change};
    use crate::overview::fixtures::{monitors, overview, with_spec};
    use crate::overview::place::wanted_places;

    fn members(count: usize) -> Vec<Member> {
        let member = |monitor| Member { monitor: Some(monitor), assume_role: None, is_ready: true, firing: 1 };
        monitors(count).into_iter().map(member).collect()
    }

    fn home() -> PlaceKey {
        PlaceKey { account: "123456789012".to_owned(), region: "eu-west-1".to_owned() }
    }

    fn settled(stage: Stage, at: PlaceKey) -> TaskResult {
        TaskResult { stage, at, is_wanted: true, applied: Vec::new(), remaining: Vec::new(), failure: None }
    }

    fn of(
        overview: &Overview,
        members: &[Member],
        left_out: usize,
        results: &[TaskResult],
        previous: &VpcFlowOverviewStatus,
    ) -> VpcFlowOverviewStatus {
        let (metadata, wanted) = (ObjectMeta::default(), wanted_places(members));
        let now = Timestamp::UNIX_EPOCH;
        status(StatusInput {
            metadata: &metadata,
            overview,
            members,
            left_out,
            wanted: &wanted,
            results,
            previous,
            now,
        })
    }

    fn ready(status: &VpcFlowOverviewStatus) -> (&str, &str, &str) {
        let ready = status.conditions.iter().find(|it| it.type_ == READY).unwrap();
        (&ready.status, &ready.reason, &ready.message)
    }

    #[test]
    fn monitors_above_the_limit_are_counted_and_reported() {
        let status = of(&overview(), &members(2), 1, &[], &VpcFlowOverviewStatus::default());
        let (is_ready, reason, message) = ready(&status);
        assert_eq!((is_ready, reason), ("False", "LimitExceeded"));
        assert!(message.starts_with("3 monitors are selected, and an overview has at most 2"), "{message}");
        let counts = status.monitors.unwrap();
        assert_eq!((counts.selected, counts.ready, counts.firing), (3, 2, 2));
    }

    #[test]
    fn a_place_without_monitors_stays_until_nothing_is_left_there() {
        let overview = overview();
        let there = PlaceKey { account: "444455556666".to_owned(), region: "us-east-1".to_owned() };
        let place = OverviewPlace {
            account_id: there.account.clone(),
            region: there.region.clone(),
            role_arn: None,
            external_id: None,
            monitors: 3,
            rules: 2,
            linked: false,
            message: None,
        };
        let previous = VpcFlowOverviewStatus { places: vec![place], ..VpcFlowOverviewStatus::default() };
        let places = |results: &[TaskResult]| of(&overview, &[], 0, results, &previous).places;
        // Not read: nothing is known.
        assert_eq!(places(&[]).iter().map(|it| (it.monitors, it.rules)).collect::<Vec<_>>(), [(0, 2)]);
        let rules = || settled(Stage::Rules, there.clone());
        let deleted = Change::new(Action::Delete, ResourceKind::EventRule, "r");
        assert_eq!(places(&[TaskResult { applied: vec![deleted], ..rules() }]).len(), 1);
        let role = TaskResult {
            remaining: vec![Change::new(Action::Delete, ResourceKind::Role, "r")],
            ..settled(Stage::Role, there.clone())
        };
        assert_eq!(places(&[rules(), role]).len(), 1, "the role of the account is left");
        assert_eq!(places(&[rules(), settled(Stage::Role, there.clone())]), []);
    }

    #[test]
    fn rules_that_may_exist_are_recorded_before_and_after() {
        let overview = overview();
        let wanted = wanted_places(&members(70));
        let planned = planned_places(&overview, &wanted, &[]);
        assert_eq!((planned.len(), planned[0].monitors, planned[0].rules), (1, 70, 2));
        let fewer = planned_places(&overview, &wanted_places(&members(2)), &planned);
        assert_eq!((fewer[0].monitors, fewer[0].rules), (2, 2), "the second one is still there");
        let previous = VpcFlowOverviewStatus { places: fewer, ..VpcFlowOverviewStatus::default() };
        let status = of(&overview, &members(2), 0, &[settled(Stage::Rules, home())], &previous);
        assert_eq!(status.places[0].rules, 1);
    }

    #[test]
    fn a_suspended_overview_is_ready_if_nothing_is_to_be_changed() {
        let overview = with_spec("{monitorSelector: {}, suspend: true}");
        let none = VpcFlowOverviewStatus::default();
        let as_declared = of(&overview, &members(1), 0, &[settled(Stage::Rules, home())], &none);
        assert_eq!((ready(&as_declared).0, ready(&as_declared).1), ("True", "Suspended"));
        let remaining = vec![Change::new(Action::Create, ResourceKind::EventRule, "r")];
        let different = TaskResult { remaining, ..settled(Stage::Rules, home()) };
        let status = of(&overview, &members(1), 0, &[different], &none);
        assert_eq!((ready(&status).0, ready(&status).1), ("False", "Suspended"));
    }
}
