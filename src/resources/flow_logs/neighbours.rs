//! The flow logs of others on the same VPC: what they cost, and what fills the VPC's quota.

use std::collections::BTreeSet;

use super::{Found, Observed};
use crate::api::Component;
use crate::api::status::{Notice, NoticeReason};
use crate::monitor::{Monitor, OWNER};

/// The most flow logs that a message names.
const NAMED: usize = 10;

/// The most monitors that a message names.
const NAMED_MONITORS: usize = 3;

/// The notice of other monitors that watch the same VPC.
#[must_use]
pub fn notice(monitor: &Monitor, observed: &Observed) -> Option<Notice> {
    let owners = observed.flow_logs.iter().filter_map(|found| found.tags.get(OWNER));
    let others: BTreeSet<&str> = owners.map(String::as_str).filter(|owner| *owner != monitor.owner).collect();
    (!others.is_empty()).then(|| Notice {
        component: Component::FlowLogs,
        reason: NoticeReason::VpcWatchedTwice,
        message: watched_twice(&monitor.spec.vpc_id, others),
    })
}

/// The text about a VPC that other monitors watch too.
#[must_use]
pub fn watched_twice<'a>(vpc_id: &str, others: impl IntoIterator<Item = &'a str>) -> String {
    let others: Vec<_> = others.into_iter().collect();
    let named = others[..others.len().min(NAMED_MONITORS)].join(", ");
    let more = match others.len().saturating_sub(NAMED_MONITORS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "VPC {vpc_id} is also watched by VpcFlowMonitor {named}{more}: AWS delivers and bills every record once more for each; delete one unless \
         that is intended"
    )
}

/// True if a text of [`watched_twice`] names the monitor, or counts monitors that it does not name.
#[must_use]
pub fn mentions(text: &str, owner: &str) -> bool {
    // Neither of the marks is in a name.
    text.contains(" is also watched by ")
        && (text.contains(" more: ") || text.split([' ', ',', ':']).any(|word| word == owner))
}

/// The remedy for a VPC that can have no more flow logs.
#[must_use]
pub fn full(observed: &Observed) -> String {
    // AWS promises no order, and the message must not change with it.
    let mut flow_logs: Vec<_> = observed.flow_logs.iter().collect();
    flow_logs.sort_by_key(|found| &found.id);
    let named: Vec<_> = flow_logs.into_iter().take(NAMED).map(described).collect();
    let more = match observed.flow_logs.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let known = if named.is_empty() { String::new() } else { format!("; it has {}{more}", named.join(", ")) };
    format!("ask AWS for a higher quota of flow logs per resource, or delete a flow log of the VPC{known}")
}

fn described(found: &Found) -> String {
    let owner =
        found.tags.get(OWNER).map_or_else(|| "no monitor".to_owned(), |owner| format!("VpcFlowMonitor {owner}"));
    format!("{} of {owner} to {}", found.id, found.flow_log.destination_arn())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::flow_log::wanted;
    use super::*;
    use crate::monitor::{Tags, fixtures};

    fn observed(owners: &[Option<&str>]) -> Observed {
        let flow_log = wanted(&fixtures::monitor()).remove(0);
        let found = |(number, owner): (usize, Option<&str>)| Found {
            id: format!("fl-{number}"),
            flow_log: flow_log.clone(),
            tags: owner.iter().map(|owner| (OWNER.to_owned(), (*owner).to_owned())).collect::<Tags>(),
            status: "ACTIVE".into(),
            delivery_status: None,
            delivery_error: None,
            created_at: None,
        };
        Observed { read_at: SystemTime::UNIX_EPOCH, flow_logs: owners.iter().copied().enumerate().map(found).collect() }
    }

    #[test]
    fn another_monitor_of_the_vpc_is_named_once() {
        let monitor = fixtures::monitor();
        assert_eq!(notice(&monitor, &observed(&[Some(&monitor.owner), None])), None);
        let seen = observed(&[Some("c/other/x"), Some(&monitor.owner), Some("c/other/x")]);
        let Notice { reason, message, .. } = notice(&monitor, &seen).unwrap();
        assert_eq!(reason, NoticeReason::VpcWatchedTwice);
        assert!(message.contains("is also watched by VpcFlowMonitor c/other/x: AWS delivers and bills"), "{message}");
    }

    #[test]
    fn many_monitors_are_counted() {
        let text = watched_twice("vpc-1", ["a", "b", "c", "d", "e"]);
        assert!(text.starts_with("VPC vpc-1 is also watched by VpcFlowMonitor a, b, c and 2 more: AWS"), "{text}");
    }

    #[test]
    fn a_full_vpc_is_described_by_what_fills_it() {
        let text = full(&observed(&[Some("c/other/x"), None]));
        assert!(text.contains("it has fl-0 of VpcFlowMonitor c/other/x to arn:"), "{text}");
        assert!(text.contains("fl-1 of no monitor to arn:"), "{text}");
        assert!(full(&observed(&[None; 12])).ends_with(" and 2 more"));
        assert!(full(&observed(&[])).ends_with("a flow log of the VPC"));
        let mut turned = observed(&[Some("c/other/x"), None]);
        turned.flow_logs.reverse();
        assert_eq!(full(&turned), text);
    }
}
