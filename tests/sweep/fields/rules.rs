//! The rules of the schema that look at more than one value, and specs that break them.

use serde_json::{Value, json};

use super::schema::spec;

/// The message of every rule, but of those about a change: what is immutable is tried where it is changed.
pub fn rules() -> Vec<String> {
    let mut messages = Vec::new();
    collect(&spec(), &mut messages);
    messages.sort_unstable();
    messages.dedup();
    messages
}

fn collect(schema: &Value, messages: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for rule in fields.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                if !rule["rule"].as_str().unwrap().contains("oldSelf") {
                    messages.push(rule["message"].as_str().unwrap().to_owned());
                }
            }
            fields.values().for_each(|value| collect(value, messages));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, messages)),
        _ => {}
    }
}

/// A valid entry of `detector.customRules`.
pub fn custom_rule() -> Value {
    json!({
        "name": "database", "severity": "HIGH", "when": "dstport == 5432", "description": "PostgreSQL",
        "tests": [
            {"name": "hit", "matches": true, "record": {"dstport": 5432}},
            {"name": "miss", "matches": false, "record": {"dstport": "5433"}},
        ],
    })
}

/// A valid entry of `detector.suppress`.
pub fn suppression() -> Value {
    json!({"name": "scanner", "when": "dstport == 22", "until": "2020-01-01T00:00:00Z", "reason": "ours"})
}

/// A valid entry of `notifications.quietTimes`.
pub fn quiet_time() -> Value {
    json!({"name": "backup", "schedule": "cron(0 2 * * SUN)", "duration": "PT1H", "timezone": "UTC"})
}

/// A valid entry of `detections.*.anomaly.excludedRanges`.
pub fn excluded_range() -> Value {
    json!({"start": "2026-11-27T00:00:00Z", "end": "2026-11-30T00:00:00Z"})
}

/// A valid entry of `detections.custom`.
pub fn custom_detection() -> Value {
    json!({
        "name": "smb-out", "when": "dstport == 445", "threshold": 5.0,
        "tests": [
            {"name": "hit", "matches": true, "record": {"dstport": 445}},
            {"name": "miss", "matches": false, "record": {"dstport": "446"}},
        ],
    })
}

/// Specs that break a rule about the source of the records.
fn violations_of_sources() -> Vec<(Value, &'static str)> {
    let files_only = |mut spec: Value| {
        spec["cloudWatchLogs"] = json!({"enabled": false});
        spec["detector"] = json!({"source": "S3"});
        spec
    };
    let fields_of_files = |fields: &[&str]| files_only(json!({"s3": {"fields": fields}}));
    vec![
        (json!({"trafficType": "ACCEPT"}), "cloudWatchLogs"),
        (fields_of_files(&["srcaddr", "bytes"]), "s3"),
        (fields_of_files(&["srcaddr", "action"]), "s3"),
        (fields_of_files(&["bytes", "action"]), "s3"),
        (files_only(json!({"trafficType": "ACCEPT"})), "s3"),
        (
            files_only(json!({"detections": {"highDataTransfer": {"periodSeconds": 60}}})),
            "detections.highDataTransfer.periodSeconds",
        ),
        (json!({"cloudWatchLogs": {"enabled": false}}), "detector"),
        (json!({"cloudWatchLogs": {"enabled": false}, "detector": {"enabled": false}}), "detections"),
        (json!({"integrations": {"events": {"enabled": true}}, "detector": {"enabled": false}}), "integrations.events"),
        (json!({"detector": {"source": "S3", "memoryMb": 128}}), "detector.memoryMb"),
    ]
}

/// Specs that break a rule, and the field that must be named.
pub fn violations() -> Vec<(Value, &'static str)> {
    let key = "arn:aws:kms:eu-west-1:123456789012:key/0";
    let topic = "arn:aws:sns:eu-west-1:123456789012:alerts";
    let lifecycle = |lifecycle: Value| json!({"s3": {"lifecycle": lifecycle}});
    let cidrs = |cidr: &str| json!({"detections": {"externalConnections": {"trustedCidrs": [cidr]}}});
    let subscriptions = |entries: Value| json!({"notifications": {"subscriptions": entries}});
    let subscription =
        |protocol: &str, endpoint: &str| subscriptions(json!([{"protocol": protocol, "endpoint": endpoint}]));
    let long_span =
        |detection: &str| json!({"detections": {detection: {"periodSeconds": 600, "evaluationPeriods": 145}}});
    let datapoints =
        |detection: &str| json!({"detections": {detection: {"evaluationPeriods": 2, "datapointsToAlarm": 3}}});
    let elsewhere = |section: &str| json!({"region": "us-east-1", section: {"kmsKeyArn": key}});
    let fields = |fields: &[&str]| json!({"cloudWatchLogs": {"fields": fields}});
    let endpoint = "notifications.subscriptions.endpoint";
    let mut violations =
        [violations_of_lists(), violations_of_sources(), violations_of_bands(), violations_of_quiet_times()].concat();
    violations.extend([
        (json!({"vpcId": "vpc-1"}), "vpcId"),
        (json!({"region": "Ireland"}), "region"),
        (json!({"s3": {"bucketName": "UPPER"}}), "s3.bucketName"),
        (json!({"s3": {"kmsKeyArn": "alias/aws/s3"}}), "s3.kmsKeyArn"),
        (json!({"s3": {"prefix": "/logs/"}}), "s3.prefix"),
        (json!({"assumeRole": {"roleArn": "flow-logs"}}), "assumeRole.roleArn"),
        (
            json!({"assumeRole": {"roleArn": "arn:aws:iam::123456789012:role/r", "externalId": "a b"}}),
            "assumeRole.externalId",
        ),
        (json!({"cloudWatchLogs": {"logGroupName": "a b"}}), "cloudWatchLogs.logGroupName"),
        (json!({"detections": {"namespace": "a b"}}), "detections.namespace"),
        (json!({"notifications": {"topicArn": "alerts"}}), "notifications.topicArn"),
        (json!({"analytics": {"database": "my-db"}}), "analytics.database"),
        (json!({"cloudWatchLogs": {"logGroupClass": "INFREQUENT_ACCESS"}}), "cloudWatchLogs"),
        (json!({"cloudWatchLogs": {"logGroupName": "aws/mine"}}), "cloudWatchLogs.logGroupName"),
        (json!({"cloudWatchLogs": {"logGroupName": "/aws/lambda/theirs"}}), "cloudWatchLogs.logGroupName"),
        (fields(&["start", "start"]), "cloudWatchLogs.fields"),
        (fields(&["srcaddr", "bytes"]), "cloudWatchLogs"),
        (fields(&["srcaddr", "action"]), "cloudWatchLogs"),
        (fields(&["bytes", "action"]), "cloudWatchLogs"),
        (elsewhere("cloudWatchLogs"), "cloudWatchLogs"),
        (json!({"s3": {"fields": ["start", "start"]}}), "s3.fields"),
        (json!({"s3": {"bucketName": "a..b"}}), "s3.bucketName"),
        (json!({"s3": {"prefix": "a/AWSLogs"}}), "s3.prefix"),
        (json!({"s3": {"prefix": "athena-results/a"}}), "s3.prefix"),
        (json!({"s3": {"prefix": "detector-state"}}), "s3.prefix"),
        (json!({"detector": {"renotifyAfter": "6d"}}), "detector.renotifyAfter"),
        (json!({"s3": {"prefix": "a/.."}}), "s3.prefix"),
        (json!({"s3": {"prefix": "a/layout-parquet-hive-daily"}}), "s3.prefix"),
        (elsewhere("s3"), "s3"),
        (lifecycle(json!({"standardIaAfterDays": 29})), "s3.lifecycle.standardIaAfterDays"),
        (lifecycle(json!({"glacierAfterDays": 59})), "s3.lifecycle.glacierAfterDays"),
        (lifecycle(json!({"glacierAfterDays": 0, "deepArchiveAfterDays": 59})), "s3.lifecycle.deepArchiveAfterDays"),
        (lifecycle(json!({"deepArchiveAfterDays": 179})), "s3.lifecycle.deepArchiveAfterDays"),
        (lifecycle(json!({"expireAfterDays": 365})), "s3.lifecycle.expireAfterDays"),
        (json!({"detections": {"namespace": "AWS/Logs"}}), "detections.namespace"),
        (long_span("rejectedConnections"), "detections.rejectedConnections"),
        (datapoints("rejectedConnections"), "detections.rejectedConnections.datapointsToAlarm"),
        (datapoints("highDataTransfer"), "detections.highDataTransfer.datapointsToAlarm"),
        (datapoints("externalConnections"), "detections.externalConnections.datapointsToAlarm"),
        (long_span("highDataTransfer"), "detections.highDataTransfer"),
        (long_span("externalConnections"), "detections.externalConnections"),
        (cidrs("10.0.0.0"), "detections.externalConnections.trustedCidrs"),
        (cidrs("10.0.0.1/8"), "detections.externalConnections.trustedCidrs"),
        (
            json!({"detections": {"externalConnections": {"trustedCidrs": ["203.0.113.0/24", "203.0.113.0/24"]}}}),
            "detections.externalConnections.trustedCidrs",
        ),
        (json!({"region": "us-east-1", "notifications": {"topicArn": topic}}), "notifications"),
        (
            json!({"notifications": {"topicArn": topic, "subscriptions": [{"protocol": "email", "endpoint": "a@b.c"}]}}),
            "notifications.subscriptions",
        ),
        (elsewhere("notifications"), "notifications"),
        (
            subscriptions(
                json!([{"protocol": "email", "endpoint": "a@b.c"}, {"protocol": "email", "endpoint": "a@b.c"}]),
            ),
            "notifications.subscriptions",
        ),
        (subscription("email", "nobody"), endpoint),
        (subscription("sms", "0170"), endpoint),
        (subscription("https", "http://example.com"), endpoint),
        (subscription("http", "https://example.com"), endpoint),
        (subscription("sqs", "queue"), endpoint),
        (subscription("https", "https://example.com/a b"), endpoint),
        (subscription("application", "app"), endpoint),
        (
            subscription("firehose", "arn:aws:firehose:eu-west-1:123456789012:deliverystream/s"),
            "notifications.subscriptions.subscriptionRoleArn",
        ),
        (json!({"detector": {"sensitivePorts": [22, 22]}}), "detector.sensitivePorts"),
        (
            json!({"detector": {"rules": {"unusualProtocol": {"expectedProtocols": [6, 6]}}}}),
            "detector.rules.unusualProtocol.expectedProtocols",
        ),
        (json!({"tags": {"Team": "a", "team": "b"}}), "tags"),
        (json!({"tags": {"aws:x": "1"}}), "tags"),
        (json!({"tags": {"a?": "1"}}), "tags"),
        (json!({"tags": {"a": "?"}}), "tags"),
    ]);
    violations
}

/// Specs whose bands break a rule.
fn violations_of_bands() -> Vec<(Value, &'static str)> {
    let anomaly = |anomaly: Value| json!({"detections": {"highDataTransfer": {"anomaly": anomaly}}});
    let range = |name: &str, value: &str| {
        let mut range = excluded_range();
        range[name] = json!(value);
        anomaly(json!({"excludedRanges": [range]}))
    };
    let week = |detection: &str| json!({"detections": {detection: {"evaluationPeriods": 1, "periodSeconds": 604_800, "anomaly": {"mode": "Both"}}}});
    vec![
        (anomaly(json!({"band": 0})), "detections.highDataTransfer.anomaly.band"),
        (anomaly(json!({"band": -1})), "detections.highDataTransfer.anomaly.band"),
        (anomaly(json!({"mode": "Both", "direction": "Below"})), "detections.highDataTransfer.anomaly.direction"),
        (anomaly(json!({"timezone": "+01:00"})), "detections.highDataTransfer.anomaly.timezone"),
        (range("start", "yesterday"), "detections.highDataTransfer.anomaly.excludedRanges.start"),
        (range("end", "2026-11-30"), "detections.highDataTransfer.anomaly.excludedRanges.end"),
        (range("end", "2026-11-26T00:00:00Z"), "detections.highDataTransfer.anomaly.excludedRanges"),
        (
            anomaly(json!({"excludedRanges": [excluded_range(), excluded_range()]})),
            "detections.highDataTransfer.anomaly.excludedRanges",
        ),
        (week("rejectedConnections"), "detections.rejectedConnections.anomaly.mode"),
        (week("highDataTransfer"), "detections.highDataTransfer.anomaly.mode"),
        (week("externalConnections"), "detections.externalConnections.anomaly.mode"),
    ]
}

/// Specs whose quiet times break a rule.
fn violations_of_quiet_times() -> Vec<(Value, &'static str)> {
    let quiet = |name: &str, value: Value| {
        let mut entry = quiet_time();
        entry[name] = value;
        json!({"notifications": {"quietTimes": [entry]}})
    };
    vec![
        (quiet("name", json!("Backup")), "notifications.quietTimes.name"),
        (quiet("schedule", json!("rate(1 hour)")), "notifications.quietTimes.schedule"),
        (quiet("duration", json!("1 hour")), "notifications.quietTimes.duration"),
        (quiet("timezone", json!("+01:00")), "notifications.quietTimes.timezone"),
        (quiet("detections", json!(["highDataTransfer", "highDataTransfer"])), "notifications.quietTimes.detections"),
        (quiet("detections", json!(["smb-out"])), "notifications.quietTimes"),
        (json!({"notifications": {"quietTimes": [quiet_time(), quiet_time()]}}), "notifications.quietTimes"),
    ]
}

/// Specs whose rules of users and suppressions break a rule.
fn violations_of_lists() -> Vec<(Value, &'static str)> {
    let changed = |list: &str, mut entry: Value, name: &str, value: Value| {
        entry[name] = value;
        json!({"detector": {list: [entry]}})
    };
    let rule = |name: &str, value: Value| changed("customRules", custom_rule(), name, value);
    let tests = |tests: Value| rule("tests", tests);
    let detection = |name: &str, value: Value| {
        let mut entry = custom_detection();
        entry[name] = value;
        json!({"detections": {"custom": [entry]}})
    };
    let same = json!({"name": "t", "matches": true, "line": "1"});
    let suppress = |name: &str, value: Value| changed("suppress", suppression(), name, value);
    vec![
        (rule("name", json!("portScan")), "detector.customRules.name"),
        (rule("when", json!("é")), "detector.customRules.when"),
        (rule("groupBy", json!(["dstport", "protocol"])), "detector.customRules.groupBy"),
        (rule("groupBy", json!(["source", "source"])), "detector.customRules.groupBy"),
        (rule("description", json!("a\nb")), "detector.customRules.description"),
        (rule("runbook", json!("http://example.com")), "detector.customRules.runbook"),
        (rule("mitre", json!(["1046"])), "detector.customRules.mitre"),
        (rule("mitre", json!(["T1046", "T1046"])), "detector.customRules.mitre"),
        (rule("tests", json!([])), "detector.customRules"),
        (tests(json!([{"name": "t", "matches": true}])), "detector.customRules.tests"),
        (tests(json!([{"name": "\n", "matches": true, "line": "1"}])), "detector.customRules.tests.name"),
        (tests(json!([{"name": "t", "matches": true, "line": "\n"}])), "detector.customRules.tests.line"),
        (
            tests(json!([{"name": "t", "matches": true, "line": "1"}, {"name": "t", "matches": false, "line": "1"}])),
            "detector.customRules.tests",
        ),
        (json!({"detector": {"customRules": [custom_rule(), custom_rule()]}}), "detector.customRules"),
        (json!({"detector": {"suppress": [suppression(), suppression()]}}), "detector.suppress"),
        (suppress("rules", json!(["portScan", "portScan"])), "detector.suppress.rules"),
        (suppress("until", json!("tomorrow")), "detector.suppress.until"),
        (suppress("reason", json!("a\nb")), "detector.suppress.reason"),
        (detection("name", json!("Smb")), "detections.custom.name"),
        (detection("when", json!("é")), "detections.custom.when"),
        (detection("evaluationPeriods", json!(289)), "detections.custom"),
        (detection("datapointsToAlarm", json!(2)), "detections.custom.datapointsToAlarm"),
        (detection("tests", json!([same, same])), "detections.custom.tests"),
        (detection("tests", json!([same, {"name": "u", "matches": true, "line": "1"}])), "detections.custom"),
        (json!({"detections": {"custom": [custom_detection(), custom_detection()]}}), "detections.custom"),
    ]
}
