//! Rules of the API server that concern several parts of the spec.

use crate::api::cel::{Validation, rule_at};

/// Shortest period of an alarm on a metric that the detector counts: S3 gets a file of records each five minutes.
const LEAST_PERIOD_SECONDS: u32 = 300;

const DETECTIONS: [&str; 3] = ["rejectedConnections", "highDataTransfer", "externalConnections"];

/// The rules, in the order in which the API server reports them.
pub(super) fn validations() -> Vec<Validation> {
    let mut rules = vec![
        rule_at(
            ".region",
            "has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",
            "region is immutable: create another VpcFlowMonitor for another region",
        ),
        rule_at(
            ".assumeRole",
            "has(self.assumeRole) == has(oldSelf.assumeRole) && (!has(self.assumeRole) || self.assumeRole == oldSelf.assumeRole)",
            "assumeRole is immutable: create another VpcFlowMonitor for another account",
        ),
        rule_at(
            ".cloudWatchLogs",
            &format!(
                "!self.cloudWatchLogs.enabled || self.cloudWatchLogs.logGroupClass == 'STANDARD' || !(self.detector.enabled && self.detector.source == 'CloudWatchLogs' || {})",
                any_detection()
            ),
            "log class INFREQUENT_ACCESS has neither metric filters nor subscriptions: set cloudWatchLogs.logGroupClass to STANDARD, or disable all detections, and disable the detector or set its source to S3",
        ),
        rule_at(
            ".notifications",
            "!has(self.notifications.topicArn) || !has(self.region) || self.notifications.topicArn.split(':')[3] == self.region",
            "the topic must be in the monitor's region: CloudWatch alarms cannot notify a topic in another",
        )
        .showing(
            "the topic is in %s, the monitor in %s",
            &["self.notifications.topicArn.split(':')[3]", "self.region"],
        ),
        rule_at(
            ".detector",
            "self.cloudWatchLogs.enabled || !self.detector.enabled || self.detector.source == 'S3'",
            "without the log group the detector reads the bucket: set detector.source to S3, or detector.enabled to false",
        ),
        rule_at(
            ".integrations.events",
            "!has(self.integrations) || !self.integrations.events.enabled || self.detector.enabled",
            "the detector sends the events: set detector.enabled to true, or integrations.events.enabled to false",
        ),
        rule_at(
            ".detections",
            &format!("self.cloudWatchLogs.enabled || self.detector.enabled || !({})", any_detection()),
            "without the log group the detector counts for the alarms: set detector.enabled to true and detector.source to S3, or disable all detections",
        ),
    ];
    rules.extend(DETECTIONS.map(least_period));
    rules.push(rule_at(
        ".detections.custom",
        &format!("self.cloudWatchLogs.enabled || !has(self.detections.custom) || self.detections.custom.all(own, own.periodSeconds >= {LEAST_PERIOD_SECONDS})"),
        &least_period_message(),
    ));
    for destination in [
        Destination { field: "cloudWatchLogs", counts: "self.cloudWatchLogs.enabled" },
        Destination { field: "s3", counts: "!self.cloudWatchLogs.enabled" },
    ] {
        rules.push(destination.has_rejected_traffic());
        rules.push(destination.has_field(DETECTIONS[0], &["action"]));
        rules.push(destination.has_field(DETECTIONS[1], &["bytes"]));
        rules.push(destination.has_field(DETECTIONS[2], &["pkt-srcaddr", "srcaddr"]));
    }
    rules.push(named_detections());
    rules.extend(["cloudWatchLogs", "s3", "notifications"].map(key_in_region));
    rules
}

fn any_detection() -> String {
    let built_in = DETECTIONS.map(|detection| format!("self.detections.{detection}.enabled")).join(" || ");
    format!("{built_in} || has(self.detections.custom) && self.detections.custom.size() > 0")
}

/// A quiet time that names no detection would keep nothing quiet.
fn named_detections() -> Validation {
    let built_in = DETECTIONS.map(|detection| format!("'{detection}'")).join(", ");
    let is_known = format!(
        "name in [{built_in}] || has(self.detections.custom) && self.detections.custom.exists(own, own.name == name)"
    );
    let wrong = format!(
        "self.notifications.quietTimes.filter(quiet, has(quiet.detections) && !quiet.detections.all(name, {is_known}))[0]"
    );
    rule_at(
        ".notifications.quietTimes",
        &format!(
            "!has(self.notifications.quietTimes) || self.notifications.quietTimes.all(quiet, !has(quiet.detections) || quiet.detections.all(name, {is_known}))"
        ),
        "a quiet time names detections of this monitor: rejectedConnections, highDataTransfer, externalConnections, or a name of detections.custom",
    )
    .showing(
        "%s in the quiet time %s",
        &[&format!("{wrong}.detections.filter(name, !({is_known}))[0]"), &format!("{wrong}.name")],
    )
}

fn least_period(detection: &str) -> Validation {
    let field = format!("self.detections.{detection}");
    rule_at(
        &format!(".detections.{detection}.periodSeconds"),
        &format!("self.cloudWatchLogs.enabled || !{field}.enabled || {field}.periodSeconds >= {LEAST_PERIOD_SECONDS}"),
        &least_period_message(),
    )
    .showing("periodSeconds is %s", &[&format!("{field}.periodSeconds")])
}

fn least_period_message() -> String {
    format!(
        "without the log group periodSeconds must be at least {LEAST_PERIOD_SECONDS}: the bucket gets records each five minutes"
    )
}

/// The destination whose records are counted for the alarms.
struct Destination {
    field: &'static str,
    /// The condition under which they are.
    counts: &'static str,
}

impl Destination {
    fn has_rejected_traffic(&self) -> Validation {
        let Self { field, counts } = self;
        rule_at(
            &format!(".{field}"),
            &format!(
                "!({counts}) || !self.detections.rejectedConnections.enabled || (has(self.{field}.trafficType) ? self.{field}.trafficType : self.trafficType) != 'ACCEPT'"
            ),
            &format!(
                "rejectedConnections needs rejected traffic: set {field}.trafficType to ALL or REJECT, or disable the detection"
            ),
        )
    }

    fn has_field(&self, detection: &str, fields: &[&str]) -> Validation {
        let Self { field, counts } = self;
        let has = fields.iter().map(|name| format!("'{name}' in self.{field}.fields")).collect::<Vec<_>>().join(" || ");
        let them = if fields.len() == 1 { "it" } else { "one" };
        rule_at(
            &format!(".{field}"),
            &format!("!({counts}) || !self.detections.{detection}.enabled || {has}"),
            &format!(
                "{detection} counts by the field {}: add {them} to {field}.fields, or disable the detection",
                fields.join(" or ")
            ),
        )
    }
}

/// A rule about the KMS key of a part of the spec.
fn key_in_region(part: &str) -> Validation {
    let region = format!("self.{part}.kmsKeyArn.split(':')[3]");
    rule_at(
        &format!(".{part}"),
        &format!("!has(self.region) || !has(self.{part}.kmsKeyArn) || {region} == self.region"),
        "kmsKeyArn must be a key in the monitor's region",
    )
    .showing("the key is in %s, the monitor in %s", &[&region, "self.region"])
}
