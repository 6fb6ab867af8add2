//! The status of a fleet as a pure function of what was found and decided.

use jiff::Timestamp;
use kube::api::ObjectMeta;

use super::decision::Decision;
use super::present::Health;
use super::vpc::Reading;
use super::waves::Wait;
use crate::api::conditions::{DISCOVERED, READY, Reason, STALLED, Statement, summary_statements};
use crate::api::fleet::status::{PlaceStatus, RolloutStatus, SkipReason};
use crate::api::fleet::{VpcFlowFleetSpec, VpcFlowFleetStatus};
use crate::api::requested_pass;
use crate::engine::Failure;
use crate::shortened::listed;

/// The most VPCs that the status lists as skipped.
const SKIPPED: usize = 50;
/// The most monitors, places or VPCs that a message names.
const NAMED: usize = 3;

/// The input for a status.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput<'a> {
    /// The metadata of the fleet.
    pub metadata: &'a ObjectMeta,
    /// Its spec.
    pub spec: &'a VpcFlowFleetSpec,
    /// The answers of the places.
    pub readings: &'a [Reading],
    /// The decision.
    pub decision: &'a Decision,
    /// The reason for which no monitor can have the template.
    pub template_problem: Option<&'a str>,
    /// The status so far.
    pub previous: &'a VpcFlowFleetStatus,
    /// For conditions that change.
    pub now: Timestamp,
}

/// The status of a fleet.
#[must_use]
pub fn status(input: StatusInput<'_>) -> VpcFlowFleetStatus {
    let StatusInput { metadata, readings, decision, previous, .. } = input;
    let statements = statements(input);
    let dated = |statement: Statement| statement.dated(&previous.conditions, metadata.generation, input.now);
    VpcFlowFleetStatus {
        observed_generation: metadata.generation,
        conditions: statements.into_iter().map(dated).collect(),
        monitors: Some(decision.counts),
        rollout: Some(RolloutStatus {
            wave: format!("{}/{}", decision.wave.0, decision.wave.1),
            message: decision.rollout_message().unwrap_or_default(),
        }),
        places: readings
            .iter()
            .zip(&decision.selected_by_place)
            .map(|(reading, vpcs)| place(reading, *vpcs, previous))
            .collect(),
        skipped: decision.skipped.iter().take(SKIPPED).cloned().collect(),
        last_handled_reconcile_at: requested_pass(metadata).cloned(),
    }
}

impl Decision {
    /// The reason for which the next wave does not begin.
    #[must_use]
    pub fn rollout_message(&self) -> Option<String> {
        self.waits.as_ref().map(|wait| in_words(wait, self.wave))
    }
}

/// The status of a fleet over which no pass is possible. The figures of the last one stay.
#[must_use]
pub fn failed(
    reason: Reason,
    problem: &str,
    generation: Option<i64>,
    previous: &VpcFlowFleetStatus,
    now: Timestamp,
) -> VpcFlowFleetStatus {
    let statements = [
        Statement { type_: READY, status: false, reason, message: problem.to_owned() },
        Statement { type_: STALLED, status: true, reason, message: problem.to_owned() },
    ];
    VpcFlowFleetStatus {
        observed_generation: generation,
        conditions: statements.map(|it| it.dated(&previous.conditions, generation, now)).to_vec(),
        ..previous.clone()
    }
}

fn place(reading: &Reading, vpcs: Option<u32>, previous: &VpcFlowFleetStatus) -> PlaceStatus {
    let region = reading.region().unwrap_or_default().to_owned();
    let former = previous.places.iter().find(|old| old.name == reading.at.place && old.region == region);
    PlaceStatus {
        name: reading.at.place.clone(),
        account_id: reading
            .account_region
            .as_ref()
            .map(|(account, _)| account.clone())
            .or_else(|| former?.account_id.clone()),
        // The number of the last answer stays while the place cannot be read.
        vpcs: vpcs.or_else(|| former?.vpcs),
        message: reading.vpcs.as_ref().err().map(|failure| failure.message.clone()),
        region,
    }
}

/// The state of a fleet as a whole.
struct Summary {
    reason: Reason,
    message: String,
    /// True if it is as declared.
    ready: bool,
    /// True if only a person helps.
    stalled: bool,
}

impl Summary {
    fn of(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), ready: false, stalled: reason.is_terminal() }
    }
}

fn statements(input: StatusInput<'_>) -> Vec<Statement> {
    let Summary { reason, message, ready, stalled } = summary(input);
    let mut statements = summary_statements(reason, &message, ready, stalled);
    statements.insert(1, discovered(input));
    statements
}

fn discovered(input: StatusInput<'_>) -> Statement {
    let unread = unread(input.readings);
    let (reason, message) = match unread.first() {
        Some((_, failure)) => (failure.reason, unread_in_words(&unread)),
        None => {
            (Reason::Reconciled, format!("{} {} selected", vpcs(input.decision.selected), are(input.decision.selected)))
        }
    };
    Statement { type_: DISCOVERED, status: unread.is_empty(), reason, message }
}

fn unread(readings: &[Reading]) -> Vec<(String, &Failure)> {
    let failing = readings.iter().filter_map(|reading| Some((reading, reading.vpcs.as_ref().err()?)));
    failing.map(|(reading, failure)| (format!("place {}", reading.in_words()), failure)).collect()
}

fn unread_in_words(unread: &[(String, &Failure)]) -> String {
    let texts: Vec<_> = unread.iter().map(|(place, failure)| format!("{place} cannot be read: {failure}")).collect();
    format!("{}; its monitors stay as they are", listed(&texts, NAMED, "; "))
}

fn summary(input: StatusInput<'_>) -> Summary {
    let StatusInput { spec, readings, decision, template_problem, .. } = input;
    if let Some(problem) = template_problem {
        return Summary::of(Reason::InvalidSpec, problem);
    }
    if spec.suspend {
        let message = "the fleet changes no monitor while spec.suspend is true";
        let ready = decision.counts.ready == decision.counts.wanted;
        return Summary { ready, stalled: false, ..Summary::of(Reason::Suspended, message) };
    }
    let unread = unread(readings);
    if let Some((_, failure)) = unread.first() {
        return Summary::of(failure.reason, unread_in_words(&unread));
    }
    if let Some(wait @ Wait::Stopped(_)) = &decision.waits {
        return Summary::of(Reason::RolloutStopped, in_words(wait, decision.wave));
    }
    if let Some(summary) = skipped(decision) {
        return summary;
    }
    let in_trouble: Vec<_> =
        decision.unready.iter().filter(|(_, health)| !matches!(health, Health::Progressing(_))).collect();
    if !in_trouble.is_empty() {
        let stalled = in_trouble.iter().any(|(_, health)| matches!(health, Health::Stalled(_)));
        let message = not_ready(decision, &in_trouble);
        return Summary { stalled, ..Summary::of(Reason::MonitorsNotReady, message) };
    }
    let counts = decision.counts;
    if let Some(wait) = &decision.waits {
        return Summary::of(Reason::Progressing, in_words(wait, decision.wave));
    }
    if counts.updated < counts.wanted {
        let message = format!("{} of {} have the present template", counts.updated, monitors(counts.wanted));
        return Summary::of(Reason::Progressing, message);
    }
    if counts.ready < counts.wanted {
        let unready: Vec<_> = decision.unready.iter().collect();
        return Summary::of(Reason::Progressing, not_ready(decision, &unready));
    }
    let mut message = format!("{} {} Ready", monitors(counts.wanted), if counts.wanted == 1 { "is" } else { "are" });
    let elsewhere = decision.skipped.iter().filter(|it| it.reason == SkipReason::AlreadyMonitored).count();
    if elsewhere > 0 {
        message = format!("{message}; other monitors watch {}", vpcs(elsewhere));
    }
    if counts.orphaned > 0 {
        message = format!("{message}; the VPCs of {} are no longer selected", monitors(counts.orphaned));
    }
    Summary { ready: true, stalled: false, ..Summary::of(Reason::Reconciled, message) }
}

/// The gravest reason for which selected VPCs get no monitor.
fn skipped(decision: &Decision) -> Option<Summary> {
    let reason = |skip: SkipReason| match skip {
        SkipReason::Refused | SkipReason::NotFound | SkipReason::NotOwned => Some(Reason::Rejected),
        SkipReason::NameTaken => Some(Reason::Conflict),
        SkipReason::Limit => Some(Reason::LimitExceeded),
        // It is watched, as the fleet wants it.
        SkipReason::AlreadyMonitored => None,
    };
    let first =
        decision.skipped.iter().filter_map(|it| Some((it.reason, reason(it.reason)?))).min_by_key(|(skip, _)| *skip)?;
    let of_kind = decision.skipped.iter().filter(|it| it.reason == first.0);
    if first.0 == SkipReason::Limit {
        let number = of_kind.clone().count();
        let message = of_kind.map(|it| it.message.as_str()).next().unwrap_or_default();
        return Some(Summary::of(first.1, format!("{} {} without a monitor: {message}", vpcs(number), are(number))));
    }
    let texts: Vec<_> = of_kind.map(|it| format!("{}: {}", it.vpc_id, it.message)).collect();
    Some(Summary::of(first.1, listed(&texts, NAMED, "; ")))
}

fn not_ready(decision: &Decision, unready: &[&(String, Health)]) -> String {
    let texts: Vec<_> = unready
        .iter()
        .map(|(name, health)| match health {
            Health::Progressing(why) | Health::Failing(why) | Health::Stalled(why) => format!("{name} ({why})"),
            Health::Ready { .. } => name.clone(),
        })
        .collect();
    let number = texts.len();
    let all = monitors(decision.counts.wanted);
    format!("{number} of {all} {} not Ready: {}", are(number), listed(&texts, NAMED, ", "))
}

/// The reason for which the next wave does not begin.
fn in_words(wait: &Wait, (wave, waves): (usize, usize)) -> String {
    match wait {
        Wait::Unready(monitors) => format!("wave {wave} of {waves} waits for {monitors}"),
        Wait::Soak(ends) => format!("wave {wave} of {waves} is Ready and observed until {ends:.0}"),
        Wait::Stopped(monitors) => format!(
            "the rollout stopped in wave {wave} of {waves}: {monitors}; correct the template or the cause, or raise rollout.maxUnready"
        ),
    }
}

fn monitors(count: u32) -> String {
    if count == 1 { "1 monitor".to_owned() } else { format!("{count} monitors") }
}

fn vpcs(count: usize) -> String {
    if count == 1 { "1 VPC".to_owned() } else { format!("{count} VPCs") }
}

/// The verb of a subject that is so many.
const fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fleet::decision::{Input, decide};
    use crate::fleet::fixtures::{fleet_spec, identity, place, prod, reading, ready};
    use crate::fleet::present::PresentMonitor;

    const NOW: &str = "2026-11-30T12:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn status_of(spec: &VpcFlowFleetSpec, readings: &[Reading], present: &[PresentMonitor]) -> VpcFlowFleetStatus {
        let refused = BTreeMap::new();
        let decision =
            decide(Input { fleet: &identity(), spec, readings, present, others: &[], refused: &refused, now: now() });
        let metadata = ObjectMeta { generation: Some(3), ..ObjectMeta::default() };
        status(StatusInput {
            metadata: &metadata,
            spec,
            readings,
            decision: &decision,
            template_problem: None,
            previous: &VpcFlowFleetStatus::default(),
            now: now(),
        })
    }

    fn shown(status: &VpcFlowFleetStatus) -> Vec<String> {
        status.conditions.iter().map(|it| format!("{} {} {}: {}", it.type_, it.status, it.reason, it.message)).collect()
    }

    #[test]
    fn a_fleet_whose_monitors_are_ready_is_ready() {
        let spec = fleet_spec("{}");
        let monitors = [1, 2].map(|number| ready(&spec, &prod(number), "2026-11-30T00:00:00Z"));
        let status = status_of(&spec, &[reading("payments", vec![prod(1), prod(2)])], &monitors);
        assert_eq!(
            shown(&status),
            ["Ready True Reconciled: 2 monitors are Ready", "Discovered True Reconciled: 2 VPCs are selected"]
        );
        assert_eq!(status.rollout.unwrap().wave, "3/3");
        assert_eq!(status.places[0].vpcs, Some(2));
    }

    #[test]
    fn a_place_that_cannot_be_read_is_named() {
        let spec = fleet_spec("{}");
        let unread = Reading {
            at: place("payments"),
            account_region: None,
            vpcs: Err(Failure::new(Reason::AccessDenied, "no")),
        };
        let monitors = [ready(&spec, &prod(1), "2026-11-30T00:00:00Z")];
        let status = status_of(&spec, &[unread], &monitors);
        let text = "place payments in eu-west-1 cannot be read: no; its monitors stay as they are";
        assert_eq!(
            shown(&status)[..2],
            [format!("Ready False AccessDenied: {text}"), format!("Discovered False AccessDenied: {text}")]
        );
        let counts = status.monitors.unwrap();
        assert_eq!((counts.wanted, counts.present, counts.orphaned), (1, 1, 0));
        assert!(shown(&status)[2].starts_with("Stalled True AccessDenied: "), "{status:?}");
    }

    #[test]
    fn a_limit_is_a_reason_to_act() {
        let spec = fleet_spec("maxMonitors: 1");
        let status = status_of(&spec, &[reading("payments", vec![prod(1), prod(2)])], &[]);
        assert_eq!(
            shown(&status)[0],
            "Ready False LimitExceeded: 1 VPC is without a monitor: 2 VPCs are selected and maxMonitors is 1: narrow the selector, or raise maxMonitors"
        );
    }

    #[test]
    fn the_message_says_what_a_rollout_waits_for() {
        let before = fleet_spec("{}");
        let spec = fleet_spec("template: {spec: {trafficType: REJECT}}");
        let readings = [reading("payments", vec![prod(1), prod(2)])];
        let former = |number| ready(&before, &prod(number), "2026-11-30T00:00:00Z");
        let first = ready(&spec, &prod(1), "2026-11-30T11:55:00Z");
        let observed = status_of(&spec, &readings, &[first.clone(), former(2)]);
        assert_eq!(
            shown(&observed)[0],
            "Ready False Progressing: wave 1 of 3 is Ready and observed until 2026-11-30T12:05:00Z"
        );
        let stalled = PresentMonitor { health: Health::Stalled("AccessDenied: m".into()), ..first };
        let stopped = status_of(&spec, &readings, &[stalled, former(2)]);
        assert!(shown(&stopped)[0].starts_with(
            "Ready False RolloutStopped: the rollout stopped in wave 1 of 3: prod-00000000000000001 (AccessDenied: m)"
        ), "{stopped:?}");
        assert!(shown(&stopped)[2].starts_with("Stalled True RolloutStopped"));
    }
}
