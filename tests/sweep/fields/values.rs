//! A valid other value for every property: derived from its schema, or given by hand where it depends on the world.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::others::Others;
use super::rules::{custom_detection, custom_rule, excluded_range, quiet_time, suppression};
use super::schema::Property;

/// The change that a property allows.
#[derive(Clone, Debug)]
pub enum Other {
    /// It may have any of these values instead.
    Values(Vec<Value>),
    /// It cannot be changed, not even to this valid value.
    Immutable(Value),
    /// It stops all work, so it has no state of its own to converge to.
    Suspends,
}

/// Valid entries of the lists whose entries are objects, for a property of theirs to be put into.
pub fn entry(list: &str) -> Value {
    match list {
        "notifications.subscriptions" => json!({"protocol": "email", "endpoint": "soc@example.com"}),
        "detector.customRules" => custom_rule(),
        "detector.customRules[].tests" | "detections.custom[].tests" => json!({"name": "t", "matches": true}),
        "detector.suppress" => suppression(),
        "notifications.quietTimes" => quiet_time(),
        _ if list.ends_with(".anomaly.excludedRanges") => excluded_range(),
        "detections.custom" => custom_detection(),
        _ => json!({}),
    }
}

/// Properties that leave no trace in AWS while the monitor lives: they say what may be done, and what happens at the end.
pub const WITHOUT_TRACE: [&str; 2] = ["adoptionPolicy", "deletionPolicy"];

fn somebodys_role(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/somebody")
}

/// Lists of subscriptions. None is by e-mail: a subscription that is not confirmed cannot be removed either.
pub fn subscriptions(account: &str) -> Other {
    Other::Values(vec![
        json!([
            {"protocol": "sms", "endpoint": "+491701234567"},
            {"protocol": "sqs", "endpoint": format!("arn:aws:sqs:eu-west-1:{account}:queue")},
        ]),
        json!([{
            "protocol": "firehose",
            "endpoint": format!("arn:aws:firehose:eu-west-1:{account}:deliverystream/s"),
            "subscriptionRoleArn": somebodys_role(account),
        }]),
    ])
}

fn by_hand(path: &str, others: &Others) -> Option<Other> {
    let account = &others.account;
    let one = |value: Value| Some(Other::Values(vec![value]));
    match path {
        "vpcId" => Some(Other::Immutable(json!("vpc-0123456789abcdef1"))),
        "region" => Some(Other::Immutable(json!("eu-west-2"))),
        "assumeRole.roleArn" => Some(Other::Immutable(json!(somebodys_role(account)))),
        "assumeRole.externalId" => Some(Other::Immutable(json!("secret"))),
        "cloudWatchLogs.logGroupClass" => Some(Other::Immutable(json!("INFREQUENT_ACCESS"))),
        "suspend" => Some(Other::Suspends),
        "cloudWatchLogs.logGroupName" => one(json!("/sweep/records")),
        "cloudWatchLogs.kmsKeyArn" | "s3.kmsKeyArn" | "notifications.kmsKeyArn" => one(json!(others.key_arn)),
        "s3.bucketName" => one(json!(format!("sweep-{account}"))),
        // ACCEPT alone leaves the detection of rejected connections without records: a rule refuses it.
        "trafficType" | "cloudWatchLogs.trafficType" => one(json!("REJECT")),
        "s3.lifecycle.expireAfterDays" => one(json!(400)),
        "analytics.database" => one(json!("sweep")),
        "notifications.topicArn" => one(json!(others.topic_arn)),
        "notifications.subscriptions" => Some(subscriptions(account)),
        "detections.externalConnections.trustedCidrs" => one(json!(["203.0.113.0/24", "2001:db8::/32"])),
        "detector.renotifyAfter" => one(json!("2h")),
        "detector.memoryMb" => one(json!(384)),
        "detector.timeoutSeconds" => one(json!(90)),
        // Any number of periods allows 1.
        _ if path.ends_with(".datapointsToAlarm") => one(json!(1)),
        "detector.customRules" => {
            Some(Other::Values(vec![json!([custom_rule()]), json!([with(custom_rule(), "minRecords", json!(7))])]))
        }
        "detections.custom" => Some(Other::Values(vec![
            json!([custom_detection()]),
            json!([with(custom_detection(), "threshold", json!(7.0))]),
        ])),
        "detector.suppress" => Some(Other::Values(vec![
            json!([suppression()]),
            json!([with(suppression(), "rules", json!(["portScan"]))]),
        ])),
        "notifications.quietTimes" => Some(Other::Values(vec![
            json!([quiet_time()]),
            json!([with(quiet_time(), "detections", json!(["rejectedConnections"]))]),
        ])),
        _ if path.ends_with(".anomaly.excludedRanges") => one(json!([excluded_range()])),
        _ if path.ends_with(".anomaly.timezone") => one(json!("Europe/Berlin")),
        // Below excludes mode Both.
        _ if path.ends_with(".anomaly.direction") => one(json!("Outside")),
        "tags" => one(json!({"team": "network"})),
        _ => None,
    }
}

fn with(mut entry: Value, name: &str, value: Value) -> Value {
    entry[name] = value;
    entry
}

/// Other values of a leaf. A property that is new and whose value cannot be derived must be given one by hand.
pub fn other(property: &Property, others: &Others) -> Other {
    by_hand(&property.path, others).or_else(|| derived(&property.schema).map(Other::Values)).unwrap_or_else(|| {
        panic!(
            "no other value for spec.{} follows from its schema: give it one in by_hand() of tests/sweep/fields/values.rs, or say there \
             that it is immutable",
            property.path
        )
    })
}

/// The rank of a field in the order of changes; fields of the same rank may change at once. Switches come later, since they hide the fields
/// that they switch off. Policies come last, since they decide about resources with former names.
pub fn rank(path: &str) -> u8 {
    match path {
        "adoptionPolicy" | "deletionPolicy" => 2,
        _ if path.ends_with(".enabled") && !path.contains(".rules.") => 1,
        "s3.lifecycle.intelligentTiering" | "notifications.topicArn" => 1,
        _ => 0,
    }
}

/// A merge patch with the other changes that a change of the property needs to keep the spec valid.
pub fn along_with(path: &str) -> Value {
    match path {
        "notifications.topicArn" => json!({"notifications": {"subscriptions": null}}),
        "cloudWatchLogs.enabled" => json!({"detector": {"source": "S3"}}),
        // Without events, their settings leave no trace.
        "integrations.events.minSeverity" => json!({"integrations": {"events": {"enabled": true}}}),
        // With one period, one of them is all of them.
        "detections.highDataTransfer.datapointsToAlarm" => {
            json!({"detections": {"highDataTransfer": {"evaluationPeriods": 3}}})
        }
        // Without a band, its settings leave no trace.
        _ if path.contains(".anomaly.") && path.rsplit('.').next() != Some("mode") => {
            let detection = path.split('.').nth(1).unwrap_or_default();
            json!({"detections": {detection: {"anomaly": {"mode": "Both"}}}})
        }
        _ => json!({}),
    }
}

/// Other values that follow from the schema of a property.
pub fn derived(schema: &Value) -> Option<Vec<Value>> {
    let default = &schema["default"];
    if let Some(values) = schema["enum"].as_array() {
        // The last is the one most unlike the first, which mostly is the default.
        let mut others: Vec<Value> = values.iter().rev().filter(|value| *value != default).cloned().collect();
        others.truncate(2);
        return (!others.is_empty()).then_some(others);
    }
    match schema["type"].as_str()? {
        "boolean" => Some(vec![json!(!default.as_bool()?)]),
        "integer" | "number" => Some(vec![number(schema, default.as_f64()?)?]),
        "array" => {
            let mut entries = default.as_array()?.clone();
            let item = &schema["items"];
            let unused = |value: &Value| !entries.contains(value);
            let added = match item["enum"].as_array() {
                Some(values) => values.iter().rev().find(|value| unused(value))?.clone(),
                None => typed(item, item["maximum"].as_f64()?),
            };
            entries.push(added);
            let reordered = entries.iter().rev().cloned().collect();
            Some(vec![Value::Array(reordered)])
        }
        "string" => {
            let pattern = super::schema::pattern(schema)?;
            let value = format!("{}_2", default.as_str()?);
            pattern.is_match(&value).then(|| vec![json!(value)])
        }
        _ => None,
    }
}

fn number(schema: &Value, default: f64) -> Option<Value> {
    let step = schema["multipleOf"].as_f64().unwrap_or(1.0);
    let fits = |value: &f64| {
        let within = |limit: &Value, wrong: Ordering| {
            limit.as_f64().is_none_or(|limit| value.partial_cmp(&limit) != Some(wrong))
        };
        within(&schema["minimum"], Ordering::Less) && within(&schema["maximum"], Ordering::Greater)
    };
    let value = [default + step, default - step].into_iter().find(fits)?;
    Some(typed(schema, value))
}

/// A number as the schema has it.
#[allow(clippy::cast_possible_truncation, reason = "the limits of the schema's integers are exact in an f64")]
pub fn typed(schema: &Value, value: f64) -> Value {
    if schema["type"] == "integer" { json!(value as i64) } else { json!(value) }
}
