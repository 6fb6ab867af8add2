//! The plan of a fleet for people.

use std::fmt::Write as _;

use super::super::palette::Palette;
use super::{FleetPlan, MonitorChange, Orphan, OrphanFate, PlannedRollout, is_problem, name_of};
use crate::api::fleet::status::PlaceStatus;
use crate::numbered::numbered;

const CHANGES: [(MonitorChange, &str); 5] = [
    (MonitorChange::Create, "to create"),
    (MonitorChange::Update, "to update"),
    (MonitorChange::Restore, "to restore"),
    (MonitorChange::Delete, "to delete"),
    (MonitorChange::Unchanged, "unchanged"),
];

/// The fleet with its places, the waves of its monitors, and the VPCs without a monitor. Problems come first: they need a person.
#[must_use]
pub fn render(fleet: &FleetPlan, palette: &Palette) -> String {
    let (heading, problem) = (palette.heading, palette.problem);
    let what = if fleet.destroy { "deletion of " } else { "" };
    // Writing to a String cannot fail.
    let mut text = format!("{heading}{what}fleet {}: {}{heading:#}\n", fleet.fleet, sum(fleet));
    if fleet.suspended {
        let _ = writeln!(
            text,
            "Suspended: the operator creates, changes and deletes no monitor while spec.suspend is true."
        );
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{heading}{title}{heading:#}\n{}", lines.join("\n"));
        }
    };
    let marked = |line: String| format!("{problem}  ! {line}{problem:#}");
    let problems = fleet.problems.iter().map(|it| marked(format!("{:?}: {}", it.reason, it.message)));
    section("Problems", problems.collect());
    section("Places", fleet.places.iter().map(place).collect());
    section("Monitors", monitors(fleet));
    section("Orphaned", fleet.orphans.iter().map(orphan).collect());
    let skipped = fleet.skipped.iter().map(|it| {
        let line = format!("{}: {:?}: {}", it.vpc_id, it.reason, it.message);
        if is_problem(it) { marked(line) } else { format!("  {line}") }
    });
    section("Without a monitor", skipped.collect());
    if !fleet.notes.is_empty() || fleet.cost.is_some() {
        text.push('\n');
    }
    for note in &fleet.notes {
        let _ = writeln!(text, "Note: {note}");
    }
    if let Some(cost) = &fleet.cost {
        let _ = writeln!(
            text,
            "{heading}Cost a month at {} GB of records a day of each monitor, {}: {:.2} for {}{heading:#}",
            cost.gb_per_day_of_each_monitor,
            cost.currency,
            cost.per_month,
            numbered(cost.monitors, "monitor", "monitors")
        );
    }
    text
}

fn sum(fleet: &FleetPlan) -> String {
    let counts = CHANGES.map(|(change, label)| (fleet.count(change), label));
    let counts: Vec<_> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, label)| format!("{count} {label}")).collect();
    let mut sum = match &counts[..] {
        [] => "no monitors planned".to_owned(),
        counts => format!("{} ({})", numbered(fleet.monitors.len(), "monitor", "monitors"), counts.join(", ")),
    };
    if !fleet.orphans.is_empty() {
        let _ = write!(sum, "; {} orphaned", fleet.orphans.len());
    }
    if !fleet.skipped.is_empty() {
        let _ = write!(sum, "; {} without a monitor", numbered(fleet.skipped.len(), "VPC", "VPCs"));
    }
    sum
}

fn place(place: &PlaceStatus) -> String {
    let region = if place.region.is_empty() { String::new() } else { format!(" in {}", place.region) };
    let account = place.account_id.as_ref().map(|account| format!(", account {account}")).unwrap_or_default();
    let found = place
        .vpcs
        .map_or("cannot be read".to_owned(), |vpcs| format!("{vpcs} {}", if vpcs == 1 { "VPC" } else { "VPCs" }));
    format!("  {}{region}{account}: {found}", place.name)
}

/// A line for each wave and kind of change. Monitors without a change are named only while a change of the template is under way.
fn monitors(fleet: &FleetPlan) -> Vec<String> {
    let mut waves: Vec<Option<usize>> = fleet.monitors.iter().map(|monitor| monitor.wave).collect();
    waves.sort_unstable();
    waves.dedup();
    let mut lines = Vec::new();
    for wave in waves {
        for (change, label) in CHANGES {
            let is_named = wave.is_some() || change != MonitorChange::Unchanged;
            let of_kind = fleet.monitors.iter().filter(|it| it.wave == wave && it.change == change && is_named);
            let names: Vec<_> = of_kind.map(|it| name_of(&it.monitor)).collect();
            if !names.is_empty() {
                lines.push(format!("  {}: {} {label}: {}", when(wave, fleet), names.len(), names.join(", ")));
            }
        }
    }
    lines
}

fn when(wave: Option<usize>, fleet: &FleetPlan) -> String {
    match (wave, fleet.rollout) {
        (Some(wave), Some(PlannedRollout { wave: under_way, waves })) => {
            let state = if wave == under_way { ", under way" } else { "" };
            format!("wave {wave} of {waves}{state}")
        }
        _ if fleet.suspended => "after the suspension".to_owned(),
        _ => "at once".to_owned(),
    }
}

fn orphan(orphan: &Orphan) -> String {
    let fate = match (orphan.fate, &orphan.deleted_from) {
        (OrphanFate::Delete, _) => "is deleted".to_owned(),
        (OrphanFate::DeleteLater, Some(from)) => {
            format!("is deleted from {from} on, at most prune.maxAtOnce at a time")
        }
        _ => "stays, because prune.policy is Keep".to_owned(),
    };
    format!("  {} ({}): {fate}", orphan.monitor, orphan.vpc_id)
}
