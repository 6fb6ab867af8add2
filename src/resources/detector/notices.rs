//! Rules and suppressions that are valid and do nothing: nobody would miss their findings until they are needed.

use std::time::SystemTime;

use detector::rules::{Rule, Severity};

use super::own_rules::OwnRules;
use super::rules::is_enabled;
use super::severity::severity;
use crate::api::status::{Notice, NoticeReason};
use crate::api::{Component, VpcFlowMonitorSpec};
use crate::resources::common::counted::counted;

/// The notices on the rules and suppressions of a spec. An invalid entry has a condition of its own.
pub(super) fn of_spec(spec: &VpcFlowMonitorSpec, now: SystemTime) -> Vec<Notice> {
    let Ok(own) = OwnRules::read(spec, now) else { return Vec::new() };
    let notice = |reason, message| Notice { component: Component::Detector, reason, message };
    let idle = idle(spec, &own).map(|message| notice(NoticeReason::RuleIdle, message));
    let expired = expired(&own, now).map(|message| notice(NoticeReason::SuppressionExpired, message));
    idle.into_iter().chain(expired).collect()
}

/// The rules and suppressions that need a field which the format lacks.
fn idle(spec: &VpcFlowMonitorSpec, own: &OwnRules) -> Option<String> {
    let built_in = Rule::ALL.into_iter().filter(|rule| is_enabled(*rule, &spec.detector.rules));
    let built_in = built_in.filter_map(|rule| Some((rule.name().to_owned(), rule.lacks(&own.format)?)));
    let rules = own.rules.iter().filter_map(|(_, rule)| rule.as_ref().ok()).filter(|rule| rule.rule.enabled);
    let rules = rules.filter_map(|rule| Some((rule.rule.name.clone(), rule.missing?)));
    let suppressions = own.suppressions.iter().filter_map(|(_, read)| read.as_ref().ok());
    let suppressions =
        suppressions.filter_map(|it| Some((format!("the suppression {}", it.name), it.when.lacks(&own.format)?)));
    let idle = built_in.chain(rules).chain(suppressions);
    let idle: Vec<_> = idle.map(|(name, field)| format!("{name} needs {}", field.name())).collect();
    let fields = spec.detector_fields_path();
    counted(
        &idle,
        ("rule is idle", &format!(", missing in {fields}; add the field, or switch it off")),
        ("rules are idle", &format!(", missing in {fields}; add the fields, or switch them off")),
    )
}

/// The suppressions that have no effect any more.
fn expired(own: &OwnRules, now: SystemTime) -> Option<String> {
    let read = own.suppressions.iter().filter(|(_, read)| read.as_ref().is_ok_and(|it| it.is_expired(now)));
    let expired: Vec<_> = read.map(|(declared, _)| format!("{} at {}", declared.name, declared.until)).collect();
    counted(
        &expired,
        ("suppression has ended", "; set a later time, or remove it"),
        ("suppressions have ended", "; set a later time, or remove them"),
    )
}

/// The note on rules of users whose findings no message has, since they are below `minSeverity`.
#[must_use]
pub fn counted_only(spec: &VpcFlowMonitorSpec) -> Option<String> {
    let least = severity(spec.detector.min_severity);
    let rules = spec.detector.custom_rules.iter().filter(|rule| rule.enabled);
    let rules = rules.map(|rule| (rule, severity(rule.severity))).filter(|(_, severity)| *severity < least);
    let rules: Vec<_> = rules.map(|(rule, severity): (_, Severity)| format!("{} is {severity}", rule.name)).collect();
    (spec.detector.enabled && !rules.is_empty()).then(|| {
        format!("{}, below minSeverity {least}: their findings are counted, never published", rules.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    /// 2026-11-30T00:00:00Z
    const NOW: Duration = Duration::from_hours(498_888);

    fn spec(detector: &Value) -> VpcFlowMonitorSpec {
        serde_json::from_value(json!({"vpcId": "vpc-0123456789abcdef0", "detector": detector})).unwrap()
    }

    fn messages(spec: &VpcFlowMonitorSpec) -> Vec<String> {
        let notices = of_spec(spec, SystemTime::UNIX_EPOCH + NOW);
        notices.into_iter().map(|notice| format!("{}: {}", notice.reason.as_str(), notice.message)).collect()
    }

    fn rule(name: &str, when: &str, severity: &str) -> Value {
        json!({"name": name, "severity": severity, "when": when, "description": "d", "tests": []})
    }

    fn suppression(name: &str, when: &str, until: &str) -> Value {
        json!({"name": name, "when": when, "until": until, "reason": "r"})
    }

    #[test]
    fn a_rule_or_suppression_that_lacks_its_field_is_named_with_it() {
        assert!(messages(&spec(&json!({}))).is_empty());
        let mut off = rule("off", "syn", "HIGH");
        off["enabled"] = json!(false);
        let one =
            spec(&json!({"customRules": [rule("scan", "syn", "HIGH"), rule("port", "dstport == 1", "HIGH"), off]}));
        let expected = "RuleIdle: 1 rule is idle: scan needs tcp-flags, missing in cloudWatchLogs.fields; add the field, or \
            switch it off";
        assert_eq!(messages(&one), [expected]);
        let mut several = spec(&json!({
            "rules": {"unusualProtocol": {"enabled": false}},
            "suppress": [suppression("inside", "flow_direction == \"ingress\"", "2027-01-01T00:00:00Z")],
        }));
        several.cloud_watch_logs.fields.retain(|field| field.name() != "bytes" && field.name() != "protocol");
        let expected = "RuleIdle: 4 rules are idle: highDataTransfer needs bytes, largeEgress needs bytes, rejectedTcp needs protocol, \
            the suppression inside needs flow-direction, missing in cloudWatchLogs.fields; add the fields, or switch them off";
        assert_eq!(messages(&several), [expected]);
    }

    #[test]
    fn a_suppression_that_has_ended_is_named_with_its_time() {
        let ended = [
            suppression("old", "dstport == 1", "2026-02-01T00:00:00Z"),
            suppression("current", "dstport == 1", "2026-11-30T00:00:01Z"),
        ];
        let expected =
            "SuppressionExpired: 1 suppression has ended: old at 2026-02-01T00:00:00Z; set a later time, or remove it";
        assert_eq!(messages(&spec(&json!({"suppress": ended}))), [expected]);
        let both = [
            suppression("old", "dstport == 1", "2026-02-01T00:00:00Z"),
            suppression("now", "dstport == 1", "2026-11-30T00:00:00Z"),
        ];
        let message = messages(&spec(&json!({"suppress": both}))).remove(0);
        assert!(message.contains("2 suppressions have ended: old at 2026-02-01T00:00:00Z, now at"), "{message}");
    }

    #[test]
    fn rules_below_the_least_severity_are_named() {
        let rules = [rule("low_rule", "dstport == 1", "LOW"), rule("high_rule", "dstport == 1", "HIGH")];
        let note = |extra: Value| {
            let mut detector = json!({"customRules": rules});
            detector.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            counted_only(&spec(&detector))
        };
        let expected = "low_rule is LOW, below minSeverity MEDIUM: their findings are counted, never published";
        assert_eq!(note(json!({})).as_deref(), Some(expected));
        assert_eq!(note(json!({"minSeverity": "LOW"})), None);
        assert_eq!(note(json!({"enabled": false})), None);
    }
}
