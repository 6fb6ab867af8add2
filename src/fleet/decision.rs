//! The decision about a fleet: the changes of its monitors that are due now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::present::{Health, OtherMonitor, PresentMonitor};
use super::selection::selects;
use super::vpc::{FoundVpc, Reading};
use super::wanted::{DesiredMonitor, FleetIdentity};
use super::waves::{Has, Member, Progress, Wait, progress, wave_of_each};
use crate::api::fleet::status::{MonitorCounts, SkipReason, SkippedVpc};
use crate::api::fleet::{PrunePolicy, VpcFlowFleetSpec};

/// The input for a decision.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The fleet.
    pub fleet: &'a FleetIdentity,
    /// Its spec.
    pub spec: &'a VpcFlowFleetSpec,
    /// The latest answers of all places, in the order of the spec.
    pub readings: &'a [Reading],
    /// Its monitors.
    pub present: &'a [PresentMonitor],
    /// All other monitors that the operator knows. They matter only if one is to be created.
    pub others: &'a [OtherMonitor],
    /// The monitors that the API server has refused: by name, the hash of the template and the message.
    pub refused: &'a BTreeMap<String, (String, String)>,
    /// The present time.
    pub now: Timestamp,
}

/// A change of one monitor.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Creates it.
    Create(DesiredMonitor),
    /// Gives it the present template.
    Update(DesiredMonitor),
    /// Puts back what somebody else has changed.
    Restore(DesiredMonitor, Timestamp),
    /// Records that its VPC is no longer selected.
    MarkOrphaned(String),
    /// Records that its VPC is selected again.
    UnmarkOrphaned(String),
    /// Deletes it.
    Delete {
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    },
}

/// A decision about a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The changes that are due. None while the fleet is suspended.
    pub actions: Vec<Action>,
    /// The monitors in numbers.
    pub counts: MonitorCounts,
    /// The wave that is under way, and all waves.
    pub wave: (usize, usize),
    /// The reason for which the next wave does not begin.
    pub(super) waits: Option<Wait>,
    /// Selected VPCs that get no monitor.
    pub skipped: Vec<SkippedVpc>,
    /// The monitors of the selected VPCs, in the order of the rollout.
    pub wanted: Vec<WantedMonitor>,
    /// The names of the monitors whose VPC is no longer selected.
    pub orphans: Vec<String>,
    /// The different monitors that the template makes, but for their VPCs. There is at least one.
    pub variants: Vec<DesiredMonitor>,
    /// VPCs that are selected, without those of places that cannot be read.
    pub selected: usize,
    /// VPCs that are selected, by place in the order of the readings; `None` if it cannot be read.
    pub selected_by_place: Vec<Option<u32>>,
    /// The monitors that are not Ready.
    pub(super) unready: Vec<(String, Health)>,
    /// The time at which a further change is due.
    pub next: Option<Timestamp>,
}

/// A monitor that the fleet wants.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedMonitor {
    /// The monitor as the template has it.
    pub desired: DesiredMonitor,
    /// The wave in which it gets the template, from 1. `None` while no change of the template is under way.
    pub wave: Option<usize>,
}

/// A selected VPC.
struct Selected<'a> {
    desired: DesiredMonitor,
    monitor: Option<&'a PresentMonitor>,
}

/// Decides which changes of the monitors are due.
#[must_use]
pub fn decide(input: Input<'_>) -> Decision {
    let Found { mut selected, mut skipped, by_place } = found(input);
    let number = selected.len();
    let (kept, orphans): (Vec<_>, Vec<_>) = input
        .present
        .iter()
        .filter(|monitor| !selected.iter().any(|it| it.desired.name == monitor.name))
        .filter(|monitor| !skipped.iter().any(|it| it.vpc_id == monitor.vpc_id && it.reason == SkipReason::NotOwned))
        .partition(|monitor| is_unread(monitor, input.readings));
    skip_taken(input, &mut selected, &mut skipped);
    skip_beyond_limit(input, kept.len(), number, &mut selected, &mut skipped);
    // A new VPC must not take the place of a monitor in the first wave.
    selected.sort_by_key(|it| it.monitor.is_none());

    let refused = selected.iter().filter_map(|it| Some((it, refusal(it, input.refused)?)));
    skipped.extend(refused.map(|(it, why)| SkippedVpc {
        vpc_id: it.desired.vpc_id.clone(),
        reason: SkipReason::Refused,
        message: why.to_owned(),
    }));

    let members: Vec<Member<'_>> =
        selected.iter().map(|it| Member { name: &it.desired.name, has: has(it, input.refused) }).collect();
    let Progress { open, admits_new, wave, waves, waits } = progress(&input.spec.rollout, &members, input.now);
    let waves_of_wanted = wave_of_each(&input.spec.rollout, &members);
    let mut actions = Vec::new();
    for (index, it) in selected.iter().enumerate() {
        actions.extend(due(it, input, index < open, admits_new));
    }
    let (of_orphans, next_prune) = prune(input, &orphans);
    actions.extend(of_orphans);
    if input.spec.suspend {
        actions.clear();
    }
    let soaks = match waits {
        Some(Wait::Soak(ends)) => Some(ends),
        _ => None,
    };
    let monitors = || selected.iter().filter_map(|it| it.monitor).chain(kept.iter().copied());
    let alive = || monitors().filter(|monitor| !monitor.is_deleting);
    let is_updated = |it: &&Selected<'_>| it.monitor.is_some_and(|monitor| monitor.hash == it.desired.hash);
    Decision {
        counts: MonitorCounts {
            wanted: count(selected.len() + kept.len()),
            present: count(alive().count()),
            ready: count(alive().filter(|monitor| monitor.is_ready()).count()),
            updated: count(selected.iter().filter(is_updated).count()),
            orphaned: count(orphans.len()),
        },
        wave: (wave, waves),
        waits,
        skipped,
        wanted: selected
            .iter()
            .zip(waves_of_wanted)
            .map(|(it, wave)| WantedMonitor { desired: it.desired.clone(), wave })
            .collect(),
        orphans: orphans.iter().map(|monitor| monitor.name.clone()).collect(),
        variants: variants(input, &selected),
        selected: number,
        selected_by_place: by_place,
        unready: alive()
            .filter(|monitor| !monitor.is_ready())
            .map(|monitor| (monitor.name.clone(), monitor.health.clone()))
            .collect(),
        next: soaks.into_iter().chain(next_prune).min(),
        actions,
    }
}

/// One desired monitor of each kind: those that differ in more than their VPC. Without a VPC it is that of the first place.
fn variants(input: Input<'_>, selected: &[Selected<'_>]) -> Vec<DesiredMonitor> {
    let mut seen = BTreeSet::new();
    let mut variants: Vec<_> =
        selected.iter().map(|it| it.desired.without_vpc()).filter(|it| seen.insert(it.hash.clone())).collect();
    if variants.is_empty() {
        variants.extend(input.readings.first().map(|reading| {
            let none = FoundVpc { id: String::new(), tags: BTreeMap::new(), is_default: false, owner: None };
            let region = reading.region().unwrap_or(ANY_REGION);
            DesiredMonitor::new(input.fleet, input.spec, &none, &reading.at, region).without_vpc()
        }));
    }
    variants
}

/// A region for the check of a template while no place could be reached.
const ANY_REGION: &str = "us-east-1";

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

struct Found<'a> {
    selected: Vec<Selected<'a>>,
    skipped: Vec<SkippedVpc>,
    by_place: Vec<Option<u32>>,
}

/// The selected VPCs in the order of the places, their regions and the ids.
fn found(input: Input<'_>) -> Found<'_> {
    let Input { fleet, spec, readings, present, .. } = input;
    let monitors: BTreeMap<&str, &PresentMonitor> = present.iter().map(|it| (it.name.as_str(), it)).collect();
    let mut seen = BTreeSet::new();
    let mut found = Found { selected: Vec::new(), skipped: Vec::new(), by_place: Vec::new() };
    for reading in readings {
        let (Ok(vpcs), Some((account, region))) = (&reading.vpcs, &reading.account_region) else {
            found.by_place.push(None);
            continue;
        };
        let mut here: Vec<&FoundVpc> = vpcs.iter().filter(|vpc| selects(&spec.selector, vpc)).collect();
        here.sort_by_key(|vpc| &vpc.id);
        found.by_place.push(Some(count(here.len())));
        for vpc in here {
            // Two places may be the same account and region.
            if !seen.insert(&vpc.id) {
                continue;
            }
            if let Some(owner) = vpc.owner.as_ref().filter(|owner| *owner != account) {
                found.skipped.push(skipped(vpc, SkipReason::NotOwned, format!(
                    "account {owner} owns the VPC and shares it with {account}: only its owner can log it; add a place of that account"
                )));
                continue;
            }
            let desired = DesiredMonitor::new(fleet, spec, vpc, &reading.at, region);
            let monitor = monitors.get(desired.name.as_str()).copied();
            found.selected.push(Selected { desired, monitor });
        }
    }
    if readings.iter().all(|reading| reading.vpcs.is_ok()) {
        let missing = spec.selector.vpc_ids.iter().filter(|id| !seen.contains(id));
        found.skipped.extend(missing.filter(|id| !spec.selector.exclude_vpc_ids.contains(id)).map(|id| SkippedVpc {
            vpc_id: id.clone(),
            reason: SkipReason::NotFound,
            message:
                "no place has this VPC: correct selector.vpcIds, or add its account and region to places".to_owned(),
        }));
    }
    found
}

fn skipped(vpc: &FoundVpc, reason: SkipReason, message: String) -> SkippedVpc {
    SkippedVpc { vpc_id: vpc.id.clone(), reason, message }
}

/// True if the monitor is, or may be, of a place that cannot be read. That must never look like a place without VPCs. A place that the spec
/// no longer has may have another name now.
fn is_unread(monitor: &PresentMonitor, readings: &[Reading]) -> bool {
    let is_known = readings.iter().any(|reading| reading.at.place == monitor.place);
    readings
        .iter()
        .filter(|reading| reading.vpcs.is_err() && (!is_known || reading.at.place == monitor.place))
        .any(|reading| reading.region().is_none_or(|region| region == monitor.region))
}

/// Takes out the VPCs that another monitor has, or whose name it has.
fn skip_taken(input: Input<'_>, selected: &mut Vec<Selected<'_>>, skipped: &mut Vec<SkippedVpc>) {
    selected.retain(|it| {
        if it.monitor.is_some() {
            return true;
        }
        let named = |other: &&OtherMonitor| other.namespace == input.fleet.namespace && other.name == it.desired.name;
        let watches = |other: &&OtherMonitor| other.vpc_id == it.desired.vpc_id;
        let (reason, message) = if let Some(other) = input.others.iter().find(named) {
            let message = format!(
                "VpcFlowMonitor {}/{} exists and is not of this fleet: delete or rename it",
                other.namespace, other.name
            );
            (SkipReason::NameTaken, message)
        } else if let Some(other) = input.others.iter().find(watches) {
            let message = format!(
                "VpcFlowMonitor {}/{} watches the VPC already: a second one would have every record delivered and billed twice",
                other.namespace, other.name
            );
            (SkipReason::AlreadyMonitored, message)
        } else {
            return true;
        };
        skipped.push(SkippedVpc { vpc_id: it.desired.vpc_id.clone(), reason, message });
        false
    });
}

/// Takes out the VPCs without a monitor that are beyond `maxMonitors`.
fn skip_beyond_limit(
    input: Input<'_>,
    kept: usize,
    number: usize,
    selected: &mut Vec<Selected<'_>>,
    skipped: &mut Vec<SkippedVpc>,
) {
    let max = usize::try_from(input.spec.max_monitors).unwrap_or(usize::MAX);
    let present = kept + selected.iter().filter(|it| it.monitor.is_some()).count();
    let mut room = max.saturating_sub(present);
    selected.retain(|it| {
        if it.monitor.is_some() {
            return true;
        }
        if room > 0 {
            room -= 1;
            return true;
        }
        let message =
            format!("{number} VPCs are selected and maxMonitors is {max}: narrow the selector, or raise maxMonitors");
        skipped.push(SkippedVpc { vpc_id: it.desired.vpc_id.clone(), reason: SkipReason::Limit, message });
        false
    });
}

/// The message with which the API server has refused the present template of a monitor.
fn refusal<'a>(it: &Selected<'_>, refused: &'a BTreeMap<String, (String, String)>) -> Option<&'a str> {
    let (hash, why) = refused.get(&it.desired.name)?;
    (*hash == it.desired.hash).then_some(why)
}

fn has<'a>(it: &'a Selected<'_>, refused: &'a BTreeMap<String, (String, String)>) -> Has<'a> {
    match (it.monitor, refusal(it, refused)) {
        (Some(monitor), _) if !monitor.is_deleting && monitor.hash == it.desired.hash => {
            Has::Present { health: &monitor.health, applied_at: monitor.applied_at }
        }
        (monitor, Some(why)) => Has::Refuses { why, is_former: monitor.is_some_and(|monitor| !monitor.is_deleting) },
        (Some(monitor), None) if !monitor.is_deleting => Has::Former,
        _ => Has::Nothing,
    }
}

/// The changes of one monitor that are due.
fn due(it: &Selected<'_>, input: Input<'_>, is_open: bool, admits_new: bool) -> Vec<Action> {
    let desired = &it.desired;
    let is_refused = refusal(it, input.refused).is_some();
    let Some(monitor) = it.monitor else {
        return if (is_open || admits_new) && !is_refused { vec![Action::Create(desired.clone())] } else { Vec::new() };
    };
    if monitor.is_deleting {
        return Vec::new();
    }
    let mut actions = Vec::new();
    if monitor.hash != desired.hash {
        if is_open && !is_refused {
            actions.push(Action::Update(desired.clone()));
        }
    } else if !monitor.has(desired) && !is_refused {
        actions.push(Action::Restore(desired.clone(), monitor.applied_at));
    }
    if monitor.orphaned_since.is_some() {
        actions.push(Action::UnmarkOrphaned(monitor.name.clone()));
    }
    actions
}

/// The changes of monitors whose VPC is no longer selected, and the time of the next one.
fn prune(input: Input<'_>, orphans: &[&PresentMonitor]) -> (Vec<Action>, Option<Timestamp>) {
    let prune = input.spec.prune;
    let after = Duration::from_secs(prune.after_seconds.into());
    let mut actions = Vec::new();
    let mut next: Option<Timestamp> = None;
    let deleting = orphans.iter().filter(|monitor| monitor.is_deleting).count();
    let mut room = usize::try_from(prune.max_at_once).unwrap_or(usize::MAX).saturating_sub(deleting);
    for monitor in orphans.iter().filter(|monitor| !monitor.is_deleting) {
        let Some(since) = monitor.orphaned_since else {
            actions.push(Action::MarkOrphaned(monitor.name.clone()));
            continue;
        };
        if prune.policy == PrunePolicy::Keep {
            continue;
        }
        let due = since.checked_add(after).unwrap_or(Timestamp::MAX);
        if due > input.now {
            next = Some(next.map_or(due, |known| known.min(due)));
        } else if room > 0 {
            room -= 1;
            actions.push(Action::Delete { name: monitor.name.clone(), uid: monitor.uid.clone() });
        }
    }
    (actions, next)
}
