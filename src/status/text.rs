//! The summary for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::events::ReportedEvent;
use super::summary::{ConditionSummary, MonitorSummary, Notice};
use super::wrap::{printable, wrap};
use crate::api::anomaly_mode::EffectiveMode;
use crate::api::status::{AlarmStatus, DetectionStatus, FlowLogStatus};
use crate::elapsed::span;
use crate::shortened::shortened;

/// Most characters of an event's message: two lines.
const EVENT_CHARS: usize = 130;

/// The summary of one monitor in 80 columns.
#[must_use]
pub fn render(summary: &MonitorSummary, now: Timestamp) -> String {
    let mut text = heading(summary);
    text += &ready(summary.ready.as_ref(), |message| unlisted(message, summary), now);
    for note in &summary.notes {
        text += &wrap("Note: ", note);
    }
    section(&mut text, "Not as declared", not_as_declared(&summary.not_as_declared, now).into_iter());
    section(&mut text, "Notices", summary.notices.iter().map(notice));
    text += &alarms(&summary.alarms, now);
    section(&mut text, "Detections with a band", summary.detections.iter().map(detection));
    section(&mut text, "Flow logs", summary.flow_logs.iter().map(flow_log));
    links(&mut text, &summary.links);
    section(&mut text, "Spec (all other fields are defaults)", spec(summary).into_iter());
    section(&mut text, "Latest events", summary.events.iter().map(|it| event(it, now)));
    printable(&text)
}

/// Adds the lines under their heading, if there are any.
pub(super) fn section(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.collect();
    if !lines.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{heading}\n{lines}");
    }
}

/// Adds the links, in a column of their own.
pub(super) fn links(text: &mut String, links: &BTreeMap<String, String>) {
    let wide = links.keys().map(String::len).max().unwrap_or_default();
    section(text, "Links", links.iter().map(|(name, url)| format!("  {name:wide$}  {url}\n")));
}

fn heading(summary: &MonitorSummary) -> String {
    let place = place(summary.account_id.as_ref(), summary.region.as_ref());
    wrap("", &format!("{}: {}{place}", summary.monitor, summary.vpc_id))
}

/// The account and region of an object, once the operator knows them.
pub(super) fn place(account: Option<&String>, region: Option<&String>) -> String {
    account.zip(region).map(|(account, region)| format!(" in account {account}, {region}")).unwrap_or_default()
}

/// The condition `Ready`. `unlisted` gives the part of its message that is printed nowhere else.
pub(super) fn ready(ready: Option<&ConditionSummary>, unlisted: impl Fn(&str) -> String, now: Timestamp) -> String {
    let Some(ConditionSummary { status, reason, message, since, .. }) = ready else {
        return "Not ready\n".to_owned();
    };
    let ready_or_not = if status == "True" { "Ready" } else { "Not ready" };
    let first = format!("{ready_or_not} for {}, {reason}", span(now.duration_since(since.0)));
    let message = unlisted(message);
    wrap("", &if message.is_empty() { first } else { format!("{first}: {message}") })
}

/// The part of the message of `Ready` that the lists of systems and of notices lack.
fn unlisted(message: &str, summary: &MonitorSummary) -> String {
    let rest = without_causes(message, &summary.not_as_declared);
    summary.notices.iter().fold(rest.to_owned(), |rest, notice| rest.replace(&format!("; {}", notice.message), ""))
}

/// The part of the message of `Ready` that the list of the causes lacks.
pub(super) fn without_causes<'m>(message: &'m str, causes: &[ConditionSummary]) -> &'m str {
    let of_cause = |cause: &ConditionSummary| message.strip_prefix(&format!("{}: {}", cause.condition, cause.message));
    causes.iter().find_map(of_cause).map_or(message, without_others)
}

/// The rest after the message of the first system, without the names of the others.
fn without_others(rest: &str) -> &str {
    let others = rest.strip_prefix(" (also: ").and_then(|others| others.split_once(')'));
    others.map_or(rest, |(_, rest)| rest).trim_start_matches("; ")
}

/// The causes, each once with all systems that have it, and a line with the systems that wait for others.
pub(super) fn not_as_declared(conditions: &[ConditionSummary], now: Timestamp) -> Vec<String> {
    let (waiting, causes): (Vec<_>, Vec<_>) = conditions.iter().partition(|state| state.is_waiting());
    let mut groups: Vec<Vec<&ConditionSummary>> = Vec::new();
    for state in causes {
        let is_same = |group: &&mut Vec<&ConditionSummary>| {
            group.iter().all(|other| (&other.reason, &other.message) == (&state.reason, &state.message))
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(state),
            None => groups.push(vec![state]),
        }
    }
    let mut texts: Vec<_> = groups.iter().filter_map(|group| cause(group, now)).collect();
    if !waiting.is_empty() {
        texts.push(wrap("  waiting: ", &names(&waiting)));
    }
    texts
}

fn cause(group: &[&ConditionSummary], now: Timestamp) -> Option<String> {
    let first = group.iter().min_by_key(|state| state.since.0)?;
    let heading = format!("{}: {} for {}", names(group), first.reason, span(now.duration_since(first.since.0)));
    Some(wrap("  ", &heading) + &wrap("    ", &first.message))
}

fn names(states: &[&ConditionSummary]) -> String {
    states.iter().map(|state| state.condition.as_str()).collect::<Vec<_>>().join(", ")
}

fn notice(notice: &Notice) -> String {
    format!("  {}\n{}", notice.reason, wrap("    ", &notice.message))
}

fn alarms(alarms: &[AlarmStatus], now: Timestamp) -> String {
    let firing: Vec<_> = alarms.iter().filter(|alarm| alarm.fires()).collect();
    match (alarms.len(), firing.len()) {
        (0, _) => String::new(),
        (all, 0) => format!("\nAlarms: none of {all} fires\n"),
        (all, count) => {
            let lines: String = firing.into_iter().map(|firing| alarm(firing, now)).collect();
            format!("\nAlarms: {count} of {all} firing\n{lines}")
        }
    }
}

fn alarm(alarm: &AlarmStatus, now: Timestamp) -> String {
    let since = alarm.since.as_ref().map(|since| format!(" for {}", span(now.duration_since(since.0))));
    format!("  {}{}\n", alarm.name, since.unwrap_or_default())
}

fn detection(detection: &DetectionStatus) -> String {
    let decides = match detection.effective {
        EffectiveMode::Static => "the threshold decides",
        EffectiveMode::Either => "the threshold or the band decides",
        EffectiveMode::Both => "the threshold and the band decide",
        EffectiveMode::Band => "the band decides",
    };
    let why = detection.message.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let from = detection.full_from.as_ref().filter(|_| detection.effective == EffectiveMode::Static);
    let from = from.map(|from| format!("; the band may decide from {:.0}", from.0)).unwrap_or_default();
    wrap(&format!("  {:19}  ", detection.name), &format!("{decides}{why}{from}"))
}

fn flow_log(flow_log: &FlowLogStatus) -> String {
    let delivery = match (flow_log.delivery_status.as_deref(), flow_log.delivery_error.as_deref()) {
        (_, Some(error)) => format!("does not deliver: {error}"),
        (Some("SUCCESS"), None) => "delivers".to_owned(),
        (Some(other), None) => format!("delivery {other}"),
        (None, None) => "has delivered nothing yet".to_owned(),
    };
    wrap(&format!("  {:16}  {}  ", flow_log.destination, flow_log.id), &format!("{}, {delivery}", flow_log.status))
}

/// The fields as YAML, as in the file that they were applied from.
fn spec(summary: &MonitorSummary) -> Vec<String> {
    let yaml = serde_yaml_ng::to_string(&summary.spec).unwrap_or_default();
    yaml.lines().filter(|line| *line != "{}").map(|line| format!("  {line}\n")).collect()
}

fn event(event: &ReportedEvent, now: Timestamp) -> String {
    let age = event.last_seen.as_ref().map_or_else(|| "-".to_owned(), |seen| span(now.duration_since(seen.0)));
    let message = shortened(&event.message, EVENT_CHARS);
    let mark = if event.type_ == "Warning" { "Warning " } else { "" };
    wrap(&format!("  {age:>3}  "), &format!("{mark}{}: {message}", event.reason))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Event;
    use kube::api::DynamicObject;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::VpcFlowMonitorSpec;

    fn object(spec: &Value, status: &Value) -> DynamicObject {
        let mut all = serde_json::to_value(VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")).unwrap();
        all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "apiVersion": "vpcflow.dev/v1alpha1",
            "kind": "VpcFlowMonitor",
            "metadata": {"namespace": "network", "name": "production", "generation": 2},
            "spec": all,
            "status": status,
        }))
        .unwrap()
    }

    fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({"type": type_, "status": status, "reason": reason, "message": message,
               "lastTransitionTime": "2026-11-23T11:26:00Z"})
    }

    fn now() -> Timestamp {
        "2026-11-23T11:30:00Z".parse().unwrap()
    }

    fn rendered(object: &DynamicObject, events: &[Event]) -> String {
        render(&MonitorSummary::new(object, events).unwrap(), now())
    }

    const DENIED: &str = "CloudWatch Logs CreateLogGroup: AccessDeniedException: User is not authorized to perform \
         logs:CreateLogGroup (missing permissions: logs:CreateLogGroup)";

    const PENDING: &str = "1 of 2 subscriptions not confirmed: soc@example.com";

    fn in_trouble() -> (DynamicObject, Vec<Event>) {
        let status = json!({
            "observedGeneration": 1,
            "accountId": "123456789012",
            "region": "eu-west-1",
            "conditions": [
                condition("Ready", "False", "AccessDenied", &format!("LogGroupReady: {DENIED}")),
                condition("Stalled", "True", "AccessDenied", "not ready: LogGroupReady"),
                condition("BucketReady", "True", "Reconciled", "as declared"),
                condition("DeliveryRoleReady", "False", "WaitingForDependency", "waits for LogGroup"),
                condition("LogGroupReady", "False", "AccessDenied", DENIED),
            ],
            "notices": [
                {"component": "Notifications", "reason": "SubscriptionPending", "message": PENDING},
                {"component": "Later", "reason": "OfALaterVersion", "message": "m"},
            ],
            "alarms": [
                {"name": "vfm-network-production-rejected-connections", "state": "ALARM", "since": "2026-11-23T11:27:00Z"},
                {"name": "vfm-network-production-detector-errors", "state": "ALARM"},
                {"name": "vfm-network-production-high-data-transfer", "state": "OK"},
            ],
            "detections": [
                {"name": "rejectedConnections", "mode": "Either", "effective": "Either", "model": "TRAINED"},
                {"name": "highDataTransfer", "mode": "Both", "effective": "Static", "model": "PENDING_TRAINING",
                 "fullFrom": "2026-12-07T11:26:00Z", "message": "the model is not trained yet"},
            ],
            "flowLogs": [
                {"destination": "cloud-watch-logs", "id": "fl-0123456789abcdef0", "status": "ACTIVE",
                 "deliveryStatus": "FAILED", "deliveryError": "Access error"},
                {"destination": "s3", "id": "fl-0123456789abcdef1", "status": "ACTIVE", "deliveryStatus": "SUCCESS"},
            ],
            "links": {"dashboard": "https://eu-west-1.console.aws.amazon.com/cloudwatch"},
        });
        let subscriptions = json!([{"protocol": "email", "endpoint": "soc@example.com"}]);
        let spec = json!({"notifications": {"subscriptions": subscriptions}, "suspend": true});
        let event = json!({
            "metadata": {}, "involvedObject": {}, "type": "Warning", "reason": "AccessDenied", "message": DENIED,
            "lastTimestamp": "2026-11-23T11:26:00Z",
        });
        (object(&spec, &status), vec![serde_json::from_value(event).unwrap()])
    }

    #[test]
    fn trouble_comes_first_and_defaults_are_left_out() {
        let (object, events) = in_trouble();
        assert_eq!(
            rendered(&object, &events),
            "network/production: vpc-0123456789abcdef0 in account 123456789012, eu-west-1
Not ready for 4m, AccessDenied
Note: spec.suspend is true: the operator changes nothing in AWS, which may
      differ from the spec
Note: the operator has not taken up the latest change of the spec yet
Note: no retry helps before the spec, a permission or AWS is changed (Stalled);
      after a change outside the cluster, set the annotation
      vpcflow.dev/reconcile-requested-at to try again at once

Not as declared
  LogGroupReady: AccessDenied for 4m
    CloudWatch Logs CreateLogGroup: AccessDeniedException: User is not
    authorized to perform logs:CreateLogGroup (missing permissions:
    logs:CreateLogGroup)
  waiting: DeliveryRoleReady

Notices
  SubscriptionPending
    1 of 2 subscriptions not confirmed: soc@example.com
  OfALaterVersion
    m

Alarms: 2 of 3 firing
  vfm-network-production-rejected-connections for 3m
  vfm-network-production-detector-errors

Detections with a band
  rejectedConnections  the threshold or the band decides
  highDataTransfer     the threshold decides: the model is not trained yet; the
                       band may decide from 2026-12-07T11:26:00Z

Flow logs
  cloud-watch-logs  fl-0123456789abcdef0  ACTIVE, does not deliver: Access error
  s3                fl-0123456789abcdef1  ACTIVE, delivers

Links
  dashboard  https://eu-west-1.console.aws.amazon.com/cloudwatch

Spec (all other fields are defaults)
  notifications:
    subscriptions:
    - endpoint: soc@example.com
      protocol: email
  suspend: true

Latest events
   4m  Warning AccessDenied: CloudWatch Logs CreateLogGroup:
       AccessDeniedException: User is not authorized to perform
       logs:CreateLogGroup (missing permissions:…
"
        );
    }

    #[test]
    fn one_cause_of_several_systems_is_printed_once() {
        let sentence = "spec.suspend is true";
        let suspended = |type_: &str| condition(type_, "Unknown", "Suspended", sentence);
        let conditions = [suspended("BucketReady"), suspended("LogGroupReady"), suspended("TablesReady")];
        let status = json!({"observedGeneration": 2, "conditions": conditions});
        let text = rendered(&object(&json!({}), &status), &[]);
        let expected =
            "Not as declared\n  BucketReady, LogGroupReady, TablesReady: Suspended for 4m\n    spec.suspend is true\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_suspended_monitor_is_named_as_such_once() {
        let message = "as declared when last looked at; nothing is changed while spec.suspend is true";
        let status = json!({"observedGeneration": 2, "conditions": [condition("Ready", "True", "Suspended", message)]});
        let text = rendered(&object(&json!({"suspend": true}), &status), &[]);
        assert!(!text.contains("Note: "), "{text}");
        assert_eq!(text.matches("spec.suspend").count(), 1, "{text}");
    }

    #[test]
    fn all_is_well_in_a_few_lines() {
        let status = json!({
            "observedGeneration": 2,
            "conditions": [condition("Ready", "True", "Reconciled", "AWS is as declared")],
            "alarms": [{"name": "a", "state": "OK"}],
        });
        assert_eq!(
            rendered(&object(&json!({}), &status), &[]),
            "network/production: vpc-0123456789abcdef0\nReady for 4m, Reconciled: AWS is as declared\n\nAlarms: none of 1 fires\n"
        );
    }

    #[test]
    fn a_notice_is_printed_once() {
        let ready = condition("Ready", "True", "Reconciled", &format!("AWS is as declared; {PENDING}"));
        let notices = json!([{"component": "Notifications", "reason": "SubscriptionPending", "message": PENDING}]);
        let status = json!({"observedGeneration": 2, "conditions": [ready], "notices": notices});
        let text = rendered(&object(&json!({}), &status), &[]);
        let expected = format!("Reconciled: AWS is as declared\n\nNotices\n  SubscriptionPending\n    {PENDING}\n");
        assert!(text.ends_with(&expected), "{text}");
    }

    #[test]
    fn the_permissions_of_all_systems_are_printed_below_no_list() {
        let all = "missing permissions in all: iam:CreateRole, logs:CreateLogGroup";
        let message = format!("LogGroupReady: {DENIED} (also: DeliveryRoleReady: AccessDenied); {all}");
        let status = json!({"conditions": [
            condition("Ready", "False", "AccessDenied", &message),
            condition("LogGroupReady", "False", "AccessDenied", DENIED),
            condition("DeliveryRoleReady", "False", "AccessDenied", "may not"),
        ]});
        let text = rendered(&object(&json!({}), &status), &[]).replace('\n', " ");
        assert!(text.contains(&format!(" Not ready for 4m, AccessDenied: {all}  Not as declared ")), "{text}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let subscriptions = json!([{"protocol": "https", "endpoint": "https://user:secret@example.com/"}]);
        let role = json!({"roleArn": "arn:aws:iam::111122223333:role/r", "externalId": "secret"});
        let object =
            object(&json!({"notifications": {"subscriptions": subscriptions}, "assumeRole": role}), &json!({}));
        let text = rendered(&object, &[]);
        assert!(!text.contains("secret") && text.contains("https://user:****@example.com/"), "{text}");
        let document = serde_json::to_string(&MonitorSummary::new(&object, &[]).unwrap()).unwrap();
        assert!(!document.contains("secret"), "{document}");
    }

    #[test]
    fn without_a_status_the_operator_is_asked_for() {
        let text = rendered(&object(&json!({}), &json!({"observedGeneration": -1})), &[]);
        assert!(text.contains("\nNot ready\nNote: the operator has reported nothing: is it running"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }

    /// Programs read it, so no name may change.
    #[test]
    fn the_form_for_programs() {
        let (object, events) = in_trouble();
        let document = serde_json::to_value(MonitorSummary::new(&object, &events).unwrap()).unwrap();
        assert_eq!(
            document["ready"],
            json!({"condition": "Ready", "status": "False", "reason": "AccessDenied",
                   "message": format!("LogGroupReady: {DENIED}"), "since": "2026-11-23T11:26:00Z"})
        );
        assert_eq!(document["notAsDeclared"][1]["condition"], "DeliveryRoleReady");
        assert_eq!(document["notices"][0], json!({"reason": "SubscriptionPending", "message": PENDING}));
        assert_eq!(document["alarms"][0]["since"], "2026-11-23T11:27:00Z");
        assert_eq!(document["spec"]["suspend"], true);
        let mut names: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "accountId",
                "alarms",
                "detections",
                "events",
                "flowLogs",
                "links",
                "monitor",
                "notAsDeclared",
                "notes",
                "notices",
                "ready",
                "region",
                "spec",
                "vpcId",
            ]
        );
    }
}
