//! Events: changes in AWS with their reason, and failures once each; a bounded number for each monitor.

use std::collections::BTreeMap;
use std::time::Instant;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Client;
use kube::runtime::events::{Event, EventType, Reporter};

use crate::api::conditions::{READY, RECONCILING, Reason, STALLED};
use crate::api::status::VpcFlowMonitorStatus;
use crate::engine::{Action, Change, Outcome, in_brief};
use crate::token_bucket::TokenBucket;

/// Kubernetes refuses longer notes.
const NOTE_BYTES: usize = 1024;

/// Events about the changes of one system, one for each kind of action. `repaired`: the spec has not changed, so AWS has, but for changes
/// that are due by time.
#[must_use]
pub fn of_changes(outcome: &Outcome, repaired: bool) -> Vec<Event> {
    let mut changes: BTreeMap<(Action, bool), Vec<&Change>> = BTreeMap::new();
    for change in &outcome.applied {
        changes.entry((change.action, change.by_time)).or_default().push(change);
    }
    changes
        .into_iter()
        .map(|((action, by_time), changes)| {
            let mends = matches!(action, Action::Create | Action::Update | Action::Replace);
            let repairs = repaired && mends && !by_time;
            let reason = if repairs { "Repaired" } else { action.past() };
            event(EventType::Normal, reason, outcome.component.condition(), &in_brief(changes))
        })
        .collect()
}

/// Events about new kinds of trouble: of systems, or of the whole monitor where no system could be read. The former trouble comes from the
/// stored status, so a restart repeats nothing.
#[must_use]
pub fn of_troubles(previous: &[Condition], current: &[Condition]) -> Vec<Event> {
    let known = |condition: &Condition| {
        previous
            .iter()
            .any(|old| old.type_ == condition.type_ && old.status == condition.status && old.reason == condition.reason)
    };
    let (summaries, systems): (Vec<_>, Vec<_>) = current
        .iter()
        .filter(|condition| is_trouble(condition))
        .partition(|condition| [READY, RECONCILING, STALLED].contains(&condition.type_.as_str()));
    // The summary repeats the message of a system.
    let reported = |summary: &&&Condition| systems.iter().any(|system| summary.message.contains(&system.message));
    let of_all = summaries.iter().filter(|summary| summary.type_ == READY).filter(|summary| !reported(summary));
    systems
        .iter()
        .chain(of_all)
        .filter(|condition| !known(condition))
        .map(|condition| event(EventType::Warning, &condition.reason, &condition.type_, &condition.message))
        .collect()
}

/// Events about new notices. The former ones come from the stored status.
#[must_use]
pub fn of_notices(previous: &VpcFlowMonitorStatus, current: &VpcFlowMonitorStatus) -> Vec<Event> {
    let new = current.notices.iter().filter(|notice| !previous.notices.contains(notice));
    new.map(|notice| event(EventType::Warning, notice.reason.as_str(), notice.component.condition(), &notice.message))
        .collect()
}

fn is_trouble(condition: &Condition) -> bool {
    condition.status == "False" && Reason::parse(&condition.reason).is_none_or(Reason::is_trouble)
}

/// An event; its note is cut to the length that Kubernetes takes.
pub fn event(type_: EventType, reason: &str, action: &str, note: &str) -> Event {
    let mut note = note.to_owned();
    if note.len() > NOTE_BYTES {
        note.truncate(note.floor_char_boundary(NOTE_BYTES - '…'.len_utf8()));
        note.push('…');
    }
    Event { type_, reason: reason.to_owned(), note: Some(note), action: action.to_owned(), secondary: None }
}

/// Publishes events.
#[derive(Clone)]
pub struct Recorder {
    client: Client,
    reporter: Reporter,
    /// Counts repeats of one kind of trouble instead of publishing each.
    of_troubles: kube::runtime::events::Recorder,
}

impl Recorder {
    pub fn new(client: Client) -> Self {
        let reporter =
            Reporter { controller: "vpc-flow-operator".to_owned(), instance: std::env::var("HOSTNAME").ok() };
        let of_troubles = kube::runtime::events::Recorder::new(client.clone(), reporter.clone());
        Self { client, reporter, of_troubles }
    }

    /// Publishes an event. A failure is only logged: it must not stop the work that the event reports.
    pub async fn publish(&self, event: Event, reference: &ObjectReference) {
        let published = match event.type_ {
            EventType::Warning => self.of_troubles.publish(&event, reference).await,
            // Each change has an event of its own: a recorder that has published one would only count the next.
            EventType::Normal => {
                let recorder = kube::runtime::events::Recorder::new(self.client.clone(), self.reporter.clone());
                recorder.publish(&event, reference).await
            }
        };
        if let Err(error) = published {
            tracing::warn!(%error, reason = event.reason, "could not publish an event");
        }
    }
}

/// Limit of a monitor's events: many at once, as for a whole life, then one a minute.
#[derive(Debug)]
pub struct Allowance(TokenBucket);

const AT_ONCE: f64 = 100.0;
const PER_SECOND: f64 = 1.0 / 60.0;

impl Default for Allowance {
    fn default() -> Self {
        Self(TokenBucket::new(PER_SECOND, AT_ONCE, Instant::now()))
    }
}

impl Allowance {
    /// True if there may be another event at `now`, which is then counted.
    pub fn allows(&mut self, now: Instant) -> bool {
        self.0.take(now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::api::status::{Notice, NoticeReason};
    use crate::api::{Component, ResourceKind};

    fn condition(type_: &str, reason: &str) -> Condition {
        Condition {
            type_: type_.into(),
            status: "False".into(),
            reason: reason.into(),
            message: "m".repeat(2000),
            last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
            observed_generation: None,
        }
    }

    #[test]
    fn the_event_of_a_created_system_is_short() {
        let long = |prefix: &str| format!("{prefix}-{}", "n".repeat(60));
        let mut outcome = Outcome::new(Component::Analytics);
        let kinds = [(ResourceKind::Workgroup, 1), (ResourceKind::Database, 1), (ResourceKind::Table, 1)];
        for (kind, count) in
            kinds.into_iter().chain([(ResourceKind::NamedQuery, 7), (ResourceKind::QueryDefinition, 6)])
        {
            let created = (0..count).map(|number| Change::new(Action::Create, kind, long(&number.to_string())));
            outcome.applied.extend(created);
        }
        let events = of_changes(&outcome, false);
        let note = events[0].note.as_deref().unwrap();
        assert_eq!((events.len(), events[0].reason.as_str()), (1, "Created"));
        assert!(note.ends_with(", 7 saved queries and 6 saved Insights queries"), "{note}");
        assert!(note.len() < 300, "{note}");
    }

    #[test]
    fn trouble_is_reported_once() {
        let before = VpcFlowMonitorStatus::default();
        let conditions = vec![
            condition("Ready", "AccessDenied"),
            condition("DeliveryRoleReady", "AccessDenied"),
            condition("FlowLogsReady", "WaitingForDependency"),
        ];
        let now = VpcFlowMonitorStatus { conditions, ..before.clone() };
        let events = of_troubles(&before.conditions, &now.conditions);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].reason, "AccessDenied");
        assert!(events[0].note.as_ref().is_some_and(|note| note.len() <= NOTE_BYTES && note.ends_with('…')));
        assert!(of_troubles(&now.conditions, &now.conditions).is_empty());
    }

    #[test]
    fn trouble_of_the_whole_monitor_is_reported_where_no_system_reports_it() {
        let mut unreachable = condition("Ready", "AccessDenied");
        unreachable.message = "the role cannot be assumed".into();
        // The conditions of systems stay as they were reported.
        let conditions = vec![condition("DeliveryRoleReady", "AwsError")];
        let before = VpcFlowMonitorStatus { conditions, ..VpcFlowMonitorStatus::default() };
        let conditions = vec![unreachable, condition("DeliveryRoleReady", "AwsError")];
        let now = VpcFlowMonitorStatus { conditions, ..before.clone() };
        let events = of_troubles(&before.conditions, &now.conditions);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].note.as_deref(), Some("the role cannot be assumed"));
        assert!(of_troubles(&now.conditions, &now.conditions).is_empty());
    }

    #[test]
    fn a_notice_is_reported_once() {
        let notice = Notice {
            component: Component::Notifications,
            reason: NoticeReason::SubscriptionPending,
            message: "1 of 1".to_owned(),
        };
        let before = VpcFlowMonitorStatus::default();
        let now = VpcFlowMonitorStatus { notices: vec![notice], ..before.clone() };
        let events = of_notices(&before, &now);
        assert_eq!((events.len(), events[0].reason.as_str()), (1, "SubscriptionPending"));
        assert!(matches!(events[0].type_, EventType::Warning));
        assert!(of_notices(&now, &now).is_empty());
    }

    #[test]
    fn a_change_that_is_due_by_time_repairs_nothing() {
        let change = |name: &str| Change::new(Action::Update, ResourceKind::CompositeAlarm, name);
        let mut outcome = Outcome::new(Component::Alarms);
        outcome.applied = vec![change("a").because("the band has learnt").by_time(), change("b")];
        let events = of_changes(&outcome, true);
        let reported: Vec<_> =
            events.iter().map(|it| (it.reason.as_str(), it.note.as_deref().unwrap_or_default())).collect();
        assert_eq!(
            reported,
            [("Repaired", "composite alarm b"), ("Updated", "composite alarm a: the band has learnt")]
        );
    }

    #[test]
    fn events_are_bounded() {
        let mut allowance = Allowance::default();
        let start = Instant::now();
        let allowed = |allowance: &mut Allowance, now| (0..1000).filter(|_| allowance.allows(now)).count();
        assert_eq!(allowed(&mut allowance, start), 100);
        assert_eq!(allowed(&mut allowance, start + Duration::from_secs(59)), 0);
        assert_eq!(allowed(&mut allowance, start + Duration::from_secs(150)), 2);
        assert_eq!(allowed(&mut allowance, start + Duration::from_mins(3)), 1, "half a minute was left over");
        assert_eq!(allowed(&mut allowance, start + Duration::from_hours(24)), 100);
    }
}
