//! The summary of an overview for people.

use jiff::Timestamp;

use super::member_text::{Listing, in_brief, listing_of, member};
use super::overview::{OverviewPlaceSummary, OverviewSummary};
use super::text::{links, not_as_declared, place as located, ready, section, without_causes};
use super::wrap::{printable, wrap};
use crate::api::overview::status::SelectedMonitors;
use crate::numbered::numbered;

/// The summary of one overview in 80 columns.
#[must_use]
pub fn render_overview(summary: &OverviewSummary, listing: Listing, now: Timestamp) -> String {
    let causes = &summary.not_as_declared;
    let mut text = heading(summary);
    text += &ready(summary.ready.as_ref(), |message| without_causes(message, causes).to_owned(), now);
    for note in &summary.notes {
        text += &wrap("Note: ", note);
    }
    section(&mut text, "Not as declared", not_as_declared(causes, now).into_iter());
    let number = summary.places.iter().map(|place| place.monitors.len()).sum();
    let listing = listing_of(listing, number);
    section(&mut text, "Monitors", summary.places.iter().map(|it| place(it, summary, listing)));
    links(&mut text, &summary.links);
    printable(&text)
}

fn heading(OverviewSummary { overview, account_id, region, counts, .. }: &OverviewSummary) -> String {
    let counts = counts.map(|SelectedMonitors { selected, ready, firing }| {
        let (monitors, alarms) =
            (numbered(selected, "monitor", "monitors"), numbered(firing, "alarm fires", "alarms fire"));
        format!(": {monitors} selected, {ready} ready, {alarms}")
    });
    let place = located(account_id.as_ref(), region.as_ref());
    wrap("", &format!("Overview {overview}{place}{}", counts.unwrap_or_default()))
}

/// An account and region, with its monitors.
fn place(place: &OverviewPlaceSummary, summary: &OverviewSummary, listing: Listing) -> String {
    let OverviewPlaceSummary { account_id, region, message, monitors } = place;
    let name = match (account_id, region) {
        (Some(account), Some(region)) => format!("account {account}, {region}"),
        _ => "account not known yet".to_owned(),
    };
    let remark = match (message, monitors.is_empty()) {
        (Some(_), _) => ": not as declared",
        (None, true) => ": no monitor is selected, and what is left is being removed",
        (None, false) => "",
    };
    // The condition of a part has the message of the first place.
    let is_told = |message: &String| summary.not_as_declared.iter().any(|it| it.message.contains(message.as_str()));
    let message = message.as_ref().filter(|message| !is_told(message));
    let message = message.map(|message| wrap("    ", message)).unwrap_or_default();
    let lines = match listing {
        Listing::All => monitors.iter().map(|it| member(it, [])).collect(),
        Listing::Brief => {
            let others: Vec<_> = monitors.iter().filter(|it| !it.is_quiet()).map(|it| member(it, [])).collect();
            let name = summary.overview.rsplit('/').next().unwrap_or_default();
            in_brief(&others, monitors.len() - others.len(), &format!("vfo/{name}"), "")
        }
    };
    wrap("  ", &format!("{name}{remark}")) + &message + &lines
}
