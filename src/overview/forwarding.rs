//! The way of alarms and findings to the topic: event rules in each account and region, the role that they use, and the rule on the event bus.

use detector::finding_events::{DETAIL_TYPE, SOURCE};
use serde_json::{Value, json};

use super::Overview;
use super::member::alarm_names;
use crate::api::overview::Alerts;
use crate::monitor::{Monitor, Owner};
use crate::resources::common::event_rule::{EventRule, Target};
use crate::resources::common::role::{Role, service_trust};

/// The longest event pattern without a raised quota, in characters: "Amazon `EventBridge` quotas". (`PutRule` takes twice as many.)
const PATTERN_CHARS: usize = 2048;

/// Id of the target of each rule.
const TARGET_ID: &str = "overview";

/// The event of an alarm whose state changes: "Alarm events and `EventBridge`" in the `CloudWatch` user guide. A new alarm that becomes OK
/// is no recovery.
fn pattern(names: &[Value], notify_on_recovery: bool) -> Value {
    let mut detail = if notify_on_recovery {
        let recovery = json!({"state": {"value": ["OK"]}, "previousState": {"value": ["ALARM"]}});
        json!({"$or": [{"state": {"value": ["ALARM"]}}, recovery]})
    } else {
        // `$or` needs several alternatives.
        json!({"state": {"value": ["ALARM"]}})
    };
    detail["alarmName"] = json!(names);
    json!({"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": detail})
}

/// The event of a finding of these owners: `docs/integrations.md`.
fn findings_pattern(owners: &[Value]) -> Value {
    json!({"source": [SOURCE], "detail-type": [DETAIL_TYPE], "detail": {"owner": owners}})
}

/// The patterns for the alarms and findings of these monitors: as many as their length needs.
pub fn patterns(monitors: &[Monitor], alerts: &Alerts) -> Vec<Value> {
    let of_alarms = |names: &[Value]| pattern(names, alerts.notify_on_recovery);
    let senders = monitors.iter().filter(|monitor| alerts.findings && monitor.spec.sends_events());
    let owners = senders.map(|monitor| json!(monitor.owner));
    let mut patterns = packed(monitors.iter().flat_map(alarm_names), of_alarms);
    patterns.extend(packed(owners, findings_pattern));
    patterns
}

/// The patterns with all these matchers, each with as many as it may have.
fn packed(matchers: impl Iterator<Item = Value>, pattern: impl Fn(&[Value]) -> Value) -> Vec<Value> {
    let empty = pattern(&[]).to_string().len();
    let (mut groups, mut length): (Vec<Vec<Value>>, usize) = (Vec::new(), empty);
    for name in matchers {
        let more = name.to_string().len();
        if let Some(group) = groups.last_mut().filter(|_| length + ",".len() + more <= PATTERN_CHARS) {
            length += ",".len() + more;
            group.push(name);
        } else {
            length = empty + more;
            groups.push(vec![name]);
        }
    }
    groups.iter().map(|group| pattern(group)).collect()
}

/// The rules that send the alarms and findings of these monitors to the event bus: all in the account and region of `overview`.
pub fn forward_rules(overview: &Overview, monitors: &[Monitor]) -> Vec<EventRule> {
    let Overview { namespace, name, .. } = overview;
    let patterns = patterns(monitors, &overview.spec.alerts).into_iter().zip(1..);
    let rule = |(event_pattern, number)| EventRule {
        name: overview.forward_rule(number),
        bus: None,
        description: format!("Alarms for VpcFlowOverview {namespace}/{name}"),
        event_pattern,
        target_id: TARGET_ID,
        target: Target { arn: overview.bus_arn(), role_arn: Some(overview.forward_role_arn()), ..Target::default() },
        is_dated: false,
    };
    patterns.map(rule).collect()
}

/// The role by which `EventBridge` sends events of this account to the event bus: "Using IAM roles" under "Sending and receiving events
/// between AWS accounts".
pub fn forward_role(overview: &Overview) -> Role {
    let Overview { namespace, name, account_region, .. } = overview;
    let rules =
        format!("arn:{}:events:*:{}:rule/{}-*", account_region.partition, account_region.account, overview.base());
    let trust = service_trust(
        "events.amazonaws.com",
        Some(json!({
            "StringEquals": {"aws:SourceAccount": account_region.account},
            "ArnLike": {"aws:SourceArn": rules},
        })),
    );
    let forward = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": overview.bus_arn()}],
    });
    Role {
        name: overview.forward_role(),
        description: format!("Sends alarms to VpcFlowOverview {namespace}/{name}"),
        trust,
        policies: [("forward".to_owned(), forward)].into(),
        boundary: overview.permissions_boundary(),
    }
}

/// The rule on the event bus that sends everything there to the topic. Only the roles of the overview can put events there.
pub fn alarms_rule(overview: &Overview) -> EventRule {
    let Overview { namespace, name, .. } = overview;
    EventRule {
        name: overview.alarms_rule(),
        bus: Some(overview.base().to_owned()),
        description: format!("Alarms of VpcFlowOverview {namespace}/{name} to its topic"),
        event_pattern: arriving(overview.spec.alerts.findings),
        target_id: TARGET_ID,
        target: Target { arn: overview.topic_arn(), ..Target::default() },
        is_dated: false,
    }
}

/// The events that arrive on the event bus.
fn arriving(findings: bool) -> Value {
    let (mut sources, mut types) = (vec!["aws.cloudwatch"], vec!["CloudWatch Alarm State Change"]);
    if findings {
        sources.push(SOURCE);
        types.push(DETAIL_TYPE);
    }
    json!({"source": sources, "detail-type": types})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::fixtures::{monitors, overview};

    #[test]
    fn each_alarm_is_in_one_pattern_and_no_pattern_is_too_long() {
        let monitors = monitors(70);
        let patterns = patterns(&monitors, &Alerts::default());
        assert!(patterns.iter().all(|pattern| pattern.to_string().len() <= PATTERN_CHARS));
        let names: Vec<_> = patterns.iter().flat_map(|it| it["detail"]["alarmName"].as_array().unwrap()).collect();
        let wanted: Vec<_> = monitors.iter().flat_map(alarm_names).collect();
        assert_eq!(names, wanted.iter().collect::<Vec<_>>());
        assert_eq!(patterns.len(), 2);
        assert_eq!(forward_rules(&overview(), &[]), []);
    }

    #[test]
    fn only_the_rules_of_the_overview_can_use_the_role_and_only_for_its_bus() {
        let role = forward_role(&overview());
        let trust = role.trust.to_string();
        assert!(trust.contains("arn:aws:events:*:123456789012:rule/vfm-o-network-all-"), "{trust}");
        assert!(role.policies["forward"].to_string().contains(&overview().bus_arn()));
    }

    #[test]
    fn findings_are_sent_for_the_monitors_that_make_events_of_them() {
        let mut monitors = monitors(40);
        for monitor in &mut monitors[1..] {
            monitor.spec.integrations.events.enabled = true;
        }
        let of = |findings| {
            let patterns = patterns(&monitors, &Alerts { findings, ..Alerts::default() });
            let of_findings = patterns.into_iter().filter(|pattern| pattern["source"] == json!(["vpcflow.dev"]));
            of_findings.flat_map(|it| it["detail"]["owner"].as_array().unwrap().clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(true), monitors[1..].iter().map(|monitor| json!(monitor.owner)).collect::<Vec<_>>());
        assert!(of(false).is_empty());
        assert_eq!(arriving(false)["source"], json!(["aws.cloudwatch"]));
        assert_eq!(alarms_rule(&overview()).event_pattern["source"], json!(["aws.cloudwatch", "vpcflow.dev"]));
    }

    #[test]
    fn a_recovery_is_sent_only_if_it_is_asked_for() {
        let detail = |recovery| pattern(&[], recovery)["detail"].clone();
        assert_eq!(detail(false), json!({"alarmName": [], "state": {"value": ["ALARM"]}}));
        assert_eq!(detail(true)["$or"].as_array().unwrap().len(), 2);
    }
}
