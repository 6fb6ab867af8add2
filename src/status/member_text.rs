//! The lines of a monitor in the summary of a fleet or an overview.

use super::member::MemberSummary;
use super::wrap::wrap;
use crate::numbered::numbered;
use crate::shortened::shortened;

/// The most monitors of an object that get a line each without being asked for.
pub const LISTED: usize = 20;

/// The most characters of a monitor's message: two lines. The monitor's own summary has all of it.
const MESSAGE_CHARS: usize = 140;

/// The monitors that get a line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// All of them.
    All,
    /// All of a few. Of more than 20, those that are Ready and have nothing to report are summed up.
    Brief,
}

/// The listing of so many monitors.
pub const fn listing_of(asked: Listing, number: usize) -> Listing {
    if number > LISTED { asked } else { Listing::All }
}

/// The monitor with the remarks on it, the reason for which it is not Ready, and its alarms that fire.
pub fn member(member: &MemberSummary, remarks: impl IntoIterator<Item = String>) -> String {
    let mark = if member.is_ready { "    ok  " } else { "    !!  " };
    let name = member.monitor.rsplit('/').next().unwrap_or(&member.monitor);
    let deleting = member.is_deleting.then(|| "is being deleted".to_owned());
    let about = [format!("{name}: {}", member.vpc_id)].into_iter().chain(deleting).chain(remarks);
    let about = about.collect::<Vec<_>>().join(", ");
    let why = member.why_not_ready.as_ref().map(|why| wrap("        ", &shortened(why, MESSAGE_CHARS)));
    let firing = member.firing.join(", ");
    let firing = if firing.is_empty() { String::new() } else { wrap("        ", &format!("fires: {firing}")) };
    wrap(mark, &about) + &why.unwrap_or_default() + &firing
}

/// The lines of the first monitors that need attention, and the numbers of the others. `lists_all` names the object, as in `vff/prod`.
pub fn in_brief(others: &[String], quiet: usize, lists_all: &str, remark: &str) -> String {
    let mut lines: String = others.iter().take(LISTED).map(String::as_str).collect();
    let more = others.len().saturating_sub(LISTED);
    if more > 0 {
        lines += &wrap("    ..  ", &format!("{more} more of this kind: status {lists_all} lists all"));
    }
    if quiet > 0 {
        let are = numbered(quiet, "monitor is", "monitors are");
        lines += &wrap("    ok  ", &format!("{are} Ready{remark}"));
    }
    lines
}
