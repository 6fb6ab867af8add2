//! The summary of a fleet for people.

use jiff::Timestamp;

use super::fleet::{FleetMonitor, FleetSummary, PlaceSummary, RolloutSummary, SkippedSummary};
use super::member_text::{Listing, in_brief, listing_of, member};
use super::text::{ready, section};
use super::wrap::{printable, wrap};
use crate::api::fleet::status::MonitorCounts;
use crate::elapsed::span;

/// Cells of the progress bar.
const CELLS: usize = 10;

/// The summary of one fleet in 80 columns.
#[must_use]
pub fn render_fleet(summary: &FleetSummary, listing: Listing, now: Timestamp) -> String {
    let mut text = heading(summary);
    text += &ready(summary.ready.as_ref(), |message| unlisted(message, summary), now);
    for note in &summary.notes {
        text += &wrap("Note: ", note);
    }
    text += &rollout(summary);
    section(&mut text, "Places that cannot be read", summary.places.iter().filter_map(unread));
    section(&mut text, "Skipped VPCs", skipped(&summary.skipped).into_iter());
    let number: usize = summary.places.iter().map(|place| place.monitors.len()).sum();
    let listing = listing_of(listing, number);
    section(&mut text, "Monitors", summary.places.iter().map(|it| place(it, &summary.fleet, listing, now)));
    printable(&text)
}

fn heading(summary: &FleetSummary) -> String {
    let counts = summary.counts.map(|MonitorCounts { wanted, ready, updated, orphaned, .. }| {
        format!(": {wanted} wanted, {ready} ready, {updated} updated, {orphaned} orphaned")
    });
    wrap("", &format!("Fleet {}{}", summary.fleet, counts.unwrap_or_default()))
}

/// The part of a message that the lists of places, VPCs and monitors lack.
fn unlisted(message: &str, summary: &FleetSummary) -> String {
    let of_places = summary.places.iter().filter_map(|place| place.message.as_ref());
    let of_vpcs = summary.skipped.iter().map(|skipped| &skipped.message);
    let of_monitors =
        summary.places.iter().flat_map(|place| &place.monitors).filter_map(|it| it.member.why_not_ready.as_ref());
    let listed = of_places.chain(of_vpcs).map(|why| (why, format!(": {why}")));
    let listed = listed.chain(of_monitors.map(|why| (why, format!(" ({why})"))));
    listed.filter(|(why, _)| !why.is_empty()).fold(message.to_owned(), |rest, (_, listed)| rest.replace(&listed, ""))
}

fn rollout(summary: &FleetSummary) -> String {
    let (Some(counts), Some(RolloutSummary { wave, waves, message })) = (&summary.counts, &summary.rollout) else {
        return String::new();
    };
    let MonitorCounts { wanted, updated, .. } = *counts;
    let have = if wanted == 1 { "monitor has" } else { "monitors have" };
    let progress = format!("{updated} of {wanted} {have} the present template, wave {wave} of {waves}");
    let is_in_ready = summary.ready.as_ref().is_some_and(|ready| ready.message.contains(message.as_str()));
    let is_printed = message.is_empty() || is_in_ready;
    let waits = if is_printed { String::new() } else { wrap("  ", &unlisted(message, summary)) };
    wrap(&bar(updated, wanted), &progress) + &waits
}

/// `[###-------] `
fn bar(done: u32, all: u32) -> String {
    let cells = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let full = (cells(done).saturating_mul(CELLS)).checked_div(cells(all)).unwrap_or(CELLS).min(CELLS);
    format!("[{}{}] ", "#".repeat(full), "-".repeat(CELLS - full))
}

fn unread(place: &PlaceSummary) -> Option<String> {
    let message = place.message.as_ref()?;
    Some(wrap("  ", &name(place)) + &wrap("    ", message))
}

/// Name, account and region of a place.
fn name(PlaceSummary { place, account_id, region, .. }: &PlaceSummary) -> String {
    let account = account_id.as_ref().map(|account| format!("account {account}"));
    let at: Vec<_> = account.into_iter().chain(region.clone()).collect();
    if at.is_empty() { place.clone() } else { format!("{place} in {}", at.join(", ")) }
}

/// The reasons, each once with all VPCs that have it.
fn skipped(skipped: &[SkippedSummary]) -> Vec<String> {
    let mut groups: Vec<Vec<&SkippedSummary>> = Vec::new();
    for vpc in skipped {
        let is_same = |group: &&mut Vec<&SkippedSummary>| {
            group.iter().all(|other| (&other.reason, &other.message) == (&vpc.reason, &vpc.message))
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(vpc),
            None => groups.push(vec![vpc]),
        }
    }
    let text = |group: &Vec<&SkippedSummary>| {
        let first = group.first()?;
        let vpcs: Vec<_> = group.iter().map(|it| it.vpc_id.as_str()).collect();
        Some(wrap("  ", &format!("{}: {}", first.reason, vpcs.join(", "))) + &wrap("    ", &first.message))
    };
    groups.iter().filter_map(text).collect()
}

/// A place and its monitors.
fn place(place: &PlaceSummary, fleet: &str, listing: Listing, now: Timestamp) -> String {
    let remark = match place {
        PlaceSummary { message: Some(_), .. } => ": cannot be read",
        PlaceSummary { monitors, .. } if !monitors.is_empty() => "",
        PlaceSummary { vpcs: None, .. } => ": not read yet",
        PlaceSummary { vpcs: Some(0), .. } => ": no VPC is selected",
        PlaceSummary { .. } => ": no monitor yet",
    };
    let lines = match listing {
        Listing::All => place.monitors.iter().map(|it| monitor(it, now)).collect(),
        Listing::Brief => brief(&place.monitors, fleet, now),
    };
    wrap("  ", &format!("{}{remark}", name(place))) + &lines
}

/// The monitors that need attention, and the number of the others.
fn brief(monitors: &[FleetMonitor], fleet: &str, now: Timestamp) -> String {
    let (quiet, others): (Vec<_>, Vec<_>) = monitors.iter().partition(|it| is_quiet(it));
    let others: Vec<_> = others.into_iter().map(|it| monitor(it, now)).collect();
    let former = quiet.iter().filter(|it| it.has_present_template == Some(false)).count();
    let remark = if former == 0 { String::new() } else { format!(", {former} with a former template") };
    let name = fleet.rsplit('/').next().unwrap_or(fleet);
    in_brief(&others, quiet.len(), &format!("vff/{name}"), &remark)
}

/// True if the monitor is Ready, still selected, and has nothing to report.
const fn is_quiet(monitor: &FleetMonitor) -> bool {
    monitor.member.is_quiet() && monitor.orphaned_since.is_none()
}

fn monitor(monitor: &FleetMonitor, now: Timestamp) -> String {
    let remarks = [
        monitor.orphaned_since.as_ref().map(|since| format!("orphaned for {}", span(now.duration_since(since.0)))),
        (monitor.has_present_template == Some(false)).then(|| "former template".to_owned()),
    ];
    member(&monitor.member, remarks.into_iter().flatten())
}
