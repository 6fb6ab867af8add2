//! The specs that the API server accepts, and its messages for those that it refuses.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::{Api, CustomResourceExt, Resource};
use serde_json::{Value, json};
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowMonitorSpec};
use vpc_flow_operator::plan;

use testkit::cluster::Cluster;

const VPC: &str = "vpc-0123456789abcdef0";

/// A server's answer to a spec, without storing it.
pub async fn submit(cluster: &Cluster, name: &str, mut spec: Value) -> Result<DynamicObject, String> {
    if spec.get("vpcId").is_none() {
        spec["vpcId"] = json!(VPC);
    }
    let resource = VpcFlowMonitor::api_resource();
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
    let mut object = DynamicObject::new(name, &resource);
    object.data = json!({"spec": spec});
    // Strict, as kubectl is: an unknown field is an error.
    let parameters = PatchParams {
        dry_run: true,
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::apply("test")
    };
    api.patch(name, &parameters, &Patch::Apply(object)).await.map_err(|error| error.to_string())
}

/// The verdict of `plan` without a server.
pub fn offline(mut spec: Value) -> Result<(), String> {
    if spec.get("vpcId").is_none() {
        spec["vpcId"] = json!(VPC);
    }
    let resource = VpcFlowMonitor::api_resource();
    let object =
        json!({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "m"}, "spec": spec});
    let errors = plan::read(&object.to_string()).errors;
    if errors.is_empty() {
        return Ok(());
    }
    Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

#[tokio::test]
async fn null_is_the_same_for_plan_as_for_the_server() {
    let cluster = Cluster::new("admission-null").await;
    let topic = "arn:aws:sns:eu-west-1:123456789012:alerts";
    for spec in [
        json!({"region": null}),
        json!({"region": null, "notifications": {"topicArn": topic}}),
        json!({"region": "eu-west-1", "notifications": {"topicArn": null}}),
        json!({"region": "eu-west-1", "s3": {"kmsKeyArn": null}}),
        json!({"cloudWatchLogs": {"trafficType": null}}),
        json!({"s3": {"lifecycle": {"expireAfterDays": null}}}),
        json!({"detector": null, "tags": null}),
    ] {
        let (server, plan) = (submit(&cluster, "m", spec.clone()).await.map(|_| ()), offline(spec.clone()));
        assert_eq!(server.is_ok(), plan.is_ok(), "{spec}: {server:?} {plan:?}");
    }
}

#[tokio::test]
async fn defaults_are_those_of_the_code() {
    let cluster = Cluster::new("admission-defaults").await;
    let object = submit(&cluster, "m", json!({})).await.unwrap();
    let spec: VpcFlowMonitorSpec = serde_json::from_value(object.data["spec"].clone()).unwrap();
    assert_eq!(spec, VpcFlowMonitorSpec::new(VPC));
}

fn rule(name: &str, field: &str, value: impl Into<Value>) -> Value {
    json!({"detector": {"rules": {name: {field: value.into()}}}})
}

fn protocols(protocols: impl Into<Value>) -> Value {
    rule("unusualProtocol", "expectedProtocols", protocols)
}

fn ports(ports: impl Into<Value>) -> Value {
    json!({"detector": {"sensitivePorts": ports.into()}})
}

/// A rule of the user with these changes.
pub fn custom_rule(changes: &Value) -> Value {
    let mut rule = json!({
        "name": "database_from_elsewhere",
        "severity": "HIGH",
        "when": "action == \"ACCEPT\" && dstport == 5432\n&& !in_networks(source, ['10.0.7.0/24'])",
        "description": "Only the bastion may open PostgreSQL; see SEC-7 (Ü).",
        "tests": [
            {"name": "from the application", "matches": true, "record": {"action": "ACCEPT", "dstport": 5432, "srcaddr": "10.0.3.4"}},
            {"name": "from the bastion", "matches": false, "line": "2 123456789012 eni-1 10.0.7.4 10.0.9.9 50000 5432 6 1 40 1 2 ACCEPT OK"},
        ],
    });
    merge(&mut rule, changes);
    json!({"detector": {"customRules": [rule]}})
}

/// A suppression with these changes.
pub fn suppression(changes: &Value) -> Value {
    let mut suppression = json!({
        "name": "scanner",
        "rules": ["portScan", "hostSweep"],
        "when": "in_networks(source, [\"10.0.8.8/32\"])",
        "until": "2027-03-01T00:00:00Z",
        "reason": "Nessus, ticket SEC-123",
    });
    merge(&mut suppression, changes);
    json!({"detector": {"suppress": [suppression]}})
}

/// Replaces members; `null` takes one out.
fn merge(object: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
}

/// The spec with its only rule, or suppression, this many times, each under a name of its own.
fn repeated(spec: &Value, list: &str, count: usize) -> Value {
    let named = |number: usize| {
        let mut entry = spec["detector"][list][0].clone();
        entry["name"] = json!(format!("name_{number}"));
        entry
    };
    json!({"detector": {list: (0..count).map(named).collect::<Vec<_>>()}})
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn bad_rules_of_users_and_suppressions_are_refused_and_the_field_is_named() {
    let cluster = Cluster::new("admission-rules").await;
    let rule = |name: &str, value: Value| custom_rule(&json!({ name: value }));
    let suppress = |name: &str, value: Value| suppression(&json!({ name: value }));
    let tests = |tests: Value| custom_rule(&json!({ "tests": tests }));
    let record = |record: Value| json!({"name": "t", "matches": true, "record": record});
    let hit = record(json!({"dstport": 1}));
    let twice = |spec: Value, list: &str| json!({"detector": {list: vec![spec["detector"][list][0].clone(); 2]}});
    let cases = [
        (
            rule("name", json!("portScan")),
            "spec.detector.customRules[0].name: Invalid value: \"portScan\": a name has 3 to 40",
        ),
        (rule("name", json!("a".repeat(41))), "spec.detector.customRules[0].name"),
        (rule("severity", json!("CRITICAL")), "spec.detector.customRules[0].severity"),
        (rule("severity", Value::Null), "spec.detector.customRules[0].severity: Required"),
        (rule("when", json!("")), "spec.detector.customRules[0].when"),
        (rule("when", json!("s".repeat(1025))), "spec.detector.customRules[0].when"),
        (rule("when", json!("é")), "a condition has printable ASCII characters, spaces and line breaks"),
        (rule("groupBy", json!(["port"])), "spec.detector.customRules[0].groupBy[0]"),
        (
            rule("groupBy", json!(["dstport", "protocol"])),
            "groupBy has at most one of dstport, protocol and interface_id",
        ),
        (rule("groupBy", json!(["source", "source"])), "take out the repeated one (source)"),
        (rule("minRecords", json!(0)), "spec.detector.customRules[0].minRecords"),
        (rule("minRecords", json!(1_000_001)), "spec.detector.customRules[0].minRecords"),
        (rule("description", json!("a\nb")), "description is one line of characters that can be seen"),
        (rule("description", json!("d".repeat(513))), "spec.detector.customRules[0].description"),
        (rule("runbook", json!("http://example.com")), "a runbook is an address that begins with https://"),
        (rule("mitre", json!(["T1046", "T10"])), "a technique has the form of T1046 or T1021.002 (T10)"),
        (
            rule("mitre", json!((1000..1009).map(|it| format!("T{it}")).collect::<Vec<_>>())),
            "spec.detector.customRules[0].mitre",
        ),
        (rule("tests", Value::Null), "a rule needs a test with matches: true and one with matches: false"),
        (tests(json!([hit])), "a rule needs a test with matches: true and one with matches: false"),
        (
            tests(json!([hit, {"name": "t", "matches": false, "line": "1"}])),
            "the names of a rule's tests must differ (t)",
        ),
        (tests(json!([{"name": "t", "matches": true}])), "a test has either record, with values by field, or line"),
        (tests(json!([{"name": "a\u{202e}b", "matches": true, "line": "1"}])), "the name of a test is one line"),
        (tests(json!([{"name": "t", "matches": true, "line": "1  2"}])), "values with one space between them"),
        (tests(json!([record(json!({"dstport": 1.5}))])), "spec.detector.customRules[0].tests[0].record.dstport"),
        (
            tests(json!([record(json!({"dstport": "1".repeat(65)}))])),
            "spec.detector.customRules[0].tests[0].record.dstport",
        ),
        (rule("title", json!("t")), "field not declared in schema"),
        (
            twice(custom_rule(&json!({})), "customRules"),
            "the names of customRules must differ (database_from_elsewhere)",
        ),
        (repeated(&custom_rule(&json!({})), "customRules", 17), "spec.detector.customRules"),
        (suppress("name", json!("my-scanner")), "spec.detector.suppress[0].name"),
        (suppress("rules", json!(["port_scan"])), "spec.detector.suppress[0].rules[0]"),
        (suppress("rules", json!(["portScan", "portScan"])), "take out the repeated one (portScan)"),
        (suppress("when", json!(" ")), "spec.detector.suppress[0].when"),
        (suppress("until", json!("2027-03-01")), "until is a time in UTC, such as 2027-03-01T00:00:00Z"),
        (suppress("until", json!("2027-13-01T00:00:00Z")), "until is a time in UTC"),
        (suppress("until", Value::Null), "spec.detector.suppress[0].until: Required"),
        (suppress("reason", json!("")), "reason is one line of characters that can be seen"),
        (suppress("reason", json!("r".repeat(257))), "spec.detector.suppress[0].reason"),
        (twice(suppression(&json!({})), "suppress"), "the names of suppress must differ (scanner)"),
        (repeated(&suppression(&json!({})), "suppress", 33), "spec.detector.suppress"),
    ];
    for (spec, expected) in cases {
        assert!(offline(spec.clone()).is_err(), "plan accepts {spec}");
        match submit(&cluster, "m", spec.clone()).await {
            Ok(_) => panic!("accepted: {spec}"),
            Err(error) => assert!(error.contains(expected), "{spec}: {error}"),
        }
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn bad_specs_are_refused_and_the_field_is_named() {
    let cluster = Cluster::new("admission-refused").await;
    let cidrs = |cidrs: &[&str]| json!({"detections": {"externalConnections": {"trustedCidrs": cidrs}}});
    let lifecycle = |lifecycle: Value| json!({"s3": {"lifecycle": lifecycle}});
    let subscription = |protocol: &str, endpoint: &str| json!({"notifications": {"subscriptions": [{"protocol": protocol, "endpoint": endpoint}]}});
    let key = "arn:aws:kms:eu-west-1:123456789012:key/0";
    let topic = "arn:aws:sns:eu-west-1:123456789012:alerts";
    let cases: Vec<(Value, &str)> = vec![
        (json!({"vpcId": "vpc-1"}), "spec.vpcId: Invalid value: \"vpc-1\": the id of a VPC is vpc- with 8 or 17"),
        (json!({"region": "Ireland"}), "spec.region: Invalid value: \"Ireland\": a region is named by its code"),
        (
            json!({"assumeRole": {"roleArn": "flow-logs"}}),
            "spec.assumeRole.roleArn: Invalid value: \"flow-logs\": a role is named by its ARN, such as arn:aws:iam::111122223333:role/NAME",
        ),
        (
            json!({"assumeRole": {"roleArn": "arn:aws:iam::123456789012:role/r", "externalId": "a b"}}),
            "\"a b\": an external id has 2 to 1224 letters, digits and + = , . @ : / _ -",
        ),
        (json!({"trafficType": "SOME"}), "spec.trafficType"),
        (json!({"aggregationInterval": 300}), "spec.aggregationInterval"),
        (json!({"cloudWatchLogs": {"retentionDays": 31}}), "spec.cloudWatchLogs.retentionDays"),
        (
            json!({"cloudWatchLogs": {"logGroupName": "a b"}}),
            "\"a b\": the name of a log group has 1 to 512 letters, digits",
        ),
        (json!({"cloudWatchLogs": {"logGroupClass": "INFREQUENT_ACCESS"}}), "neither metric filters nor subscriptions"),
        (json!({"cloudWatchLogs": {"fields": ["srcadr"]}}), "spec.cloudWatchLogs.fields[0]"),
        (json!({"cloudWatchLogs": {"fields": []}}), "spec.cloudWatchLogs.fields"),
        (
            json!({"s3": {"fields": ["start", "start"]}}),
            "a field may be named once only: take out the repeated one (start)",
        ),
        (json!({"s3": {"bucketName": "UPPER"}}), "\"UPPER\": a bucket name has 3 to 63 lower-case letters"),
        (json!({"s3": {"bucketName": "192.168.0.1"}}), "not a bucket name"),
        (json!({"s3": {"bucketName": "a..b"}}), "not a bucket name"),
        (json!({"s3": {"prefix": "/logs/"}}), "\"/logs/\": a prefix is a folder, or several with a slash between them"),
        (json!({"s3": {"prefix": "a/AWSLogs"}}), "AWSLogs is reserved"),
        (json!({"s3": {"prefix": "a/layout-parquet-hive-daily"}}), "names beginning with layout- are reserved"),
        (json!({"s3": {"fileFormat": "csv"}}), "spec.s3.fileFormat"),
        (
            json!({"s3": {"kmsKeyArn": "alias/aws/s3"}}),
            "spec.s3.kmsKeyArn: Invalid value: \"alias/aws/s3\": a KMS key is named by",
        ),
        (
            json!({"cloudWatchLogs": {"kmsKeyArn": "k"}}),
            "spec.cloudWatchLogs.kmsKeyArn: Invalid value: \"k\": a KMS key is named by",
        ),
        (
            json!({"notifications": {"kmsKeyArn": "k"}}),
            "spec.notifications.kmsKeyArn: Invalid value: \"k\": a KMS key is named by",
        ),
        (
            lifecycle(json!({"standardIaAfterDays": 29})),
            "must be 0 for never, or at least 30, because S3 moves nothing to Standard-IA earlier (it is 29)",
        ),
        (
            lifecycle(json!({"glacierAfterDays": 30})),
            "glacierAfterDays must be at least 30 days after standardIaAfterDays (glacierAfterDays is 30, standardIaAfterDays is \
             30 unless set: set glacierAfterDays to 60 or more, or to 0 for never)",
        ),
        (
            lifecycle(json!({"deepArchiveAfterDays": 179})),
            "deepArchiveAfterDays must be at least 90 days after glacierAfterDays (deepArchiveAfterDays is 179, glacierAfterDays is \
             90 unless set: set deepArchiveAfterDays to 180 or more, or to 0 for never)",
        ),
        (
            lifecycle(json!({"glacierAfterDays": 276})),
            "deepArchiveAfterDays is 365 unless set, glacierAfterDays is 276: set deepArchiveAfterDays to 366",
        ),
        (
            lifecycle(json!({"glacierAfterDays": 0, "deepArchiveAfterDays": 59})),
            "(deepArchiveAfterDays is 59, standardIaAfterDays is 30 unless set: set deepArchiveAfterDays to 60 or more, or to 0 for never)",
        ),
        (
            lifecycle(json!({"expireAfterDays": 365})),
            "expireAfterDays must be later than every transition (it is 365, standardIaAfterDays is 30 unless set, glacierAfterDays is \
             90 unless set, deepArchiveAfterDays is 365 unless set; 0 leaves a transition out)",
        ),
        (json!({"detections": {"namespace": "AWS/Logs"}}), "reserved"),
        (json!({"detections": {"namespace": "a b"}}), "\"a b\": a CloudWatch namespace has 1 to 255 letters, digits"),
        (json!({"detections": {"rejectedConnections": {"periodSeconds": 90}}}), "periodSeconds"),
        (
            json!({"detections": {"rejectedConnections": {"periodSeconds": 600, "evaluationPeriods": 145}}}),
            "must be at most 86400, a day, or 604800 with periods of an hour or more (600 times 145 is 87000)",
        ),
        (json!({"detections": {"highDataTransfer": {"threshold": -1}}}), "threshold"),
        (cidrs(&["203.0.113.0/24", "10.0.0.0"]), "CIDR notation, such as 203.0.113.0/24 (10.0.0.0)"),
        (cidrs(&["10.0.0.1/8"]), "no address bits beyond the prefix length, as in 203.0.113.0/24 (10.0.0.1/8)"),
        (cidrs(&["2001:db8::1/32"]), "no address bits beyond"),
        (
            json!({"notifications": {"topicArn": "alerts"}}),
            "\"alerts\": a topic is named by its ARN, such as arn:aws:sns:",
        ),
        (
            json!({"region": "us-east-1", "notifications": {"topicArn": topic}}),
            "(the topic is in eu-west-1, the monitor in us-east-1)",
        ),
        (
            json!({"notifications": {"topicArn": topic, "subscriptions": [{"protocol": "email", "endpoint": "a@b.c"}]}}),
            "leave out topicArn",
        ),
        (subscription("email", "nobody"), "such as soc@example.com (nobody)"),
        (subscription("sms", "0170"), "E.164"),
        (subscription("https", "http://example.com"), "begins with https://"),
        (subscription("sqs", "queue"), "ARN"),
        (subscription("pager", "x"), "protocol"),
        (subscription("firehose", "arn:aws:firehose:eu-west-1:123456789012:deliverystream/s"), "subscriptionRoleArn"),
        (json!({"detector": {"memoryMb": 64}}), "spec.detector.memoryMb"),
        (json!({"detector": {"timeoutSeconds": 901}}), "spec.detector.timeoutSeconds"),
        (json!({"detector": {"minSeverity": "CRITICAL"}}), "spec.detector.minSeverity"),
        (json!({"detector": {"highTransferBytes": 0}}), "spec.detector.highTransferBytes"),
        (json!({"detector": {"windowSeconds": 59}}), "spec.detector.windowSeconds"),
        (json!({"detector": {"windowSeconds": 3601}}), "spec.detector.windowSeconds"),
        (ports(json!([])), "spec.detector.sensitivePorts"),
        (ports((1..=65).collect::<Vec<_>>()), "spec.detector.sensitivePorts"),
        (ports(vec![0]), "spec.detector.sensitivePorts[0]"),
        (ports(vec![22, 65536]), "spec.detector.sensitivePorts[1]"),
        (ports(vec![22, 80, 22]), "a port may be named once only in sensitivePorts: take out the repeated one (22)"),
        (rule("portScan", "minPorts", 1), "spec.detector.rules.portScan.minPorts"),
        (rule("portScan", "minPorts", 65536), "spec.detector.rules.portScan.minPorts"),
        (rule("hostSweep", "minHosts", 1), "spec.detector.rules.hostSweep.minHosts"),
        (rule("hostSweep", "minHosts", 65536), "spec.detector.rules.hostSweep.minHosts"),
        (rule("largeEgress", "minBytes", 0), "spec.detector.rules.largeEgress.minBytes"),
        (protocols(json!([])), "rules.unusualProtocol.expectedProtocols"),
        (protocols((0..=32).collect::<Vec<_>>()), "rules.unusualProtocol.expectedProtocols"),
        (protocols(vec![-1]), "rules.unusualProtocol.expectedProtocols[0]"),
        (protocols(vec![6, 256]), "rules.unusualProtocol.expectedProtocols[1]"),
        (
            protocols(vec![6, 6]),
            "a protocol may be named once only in expectedProtocols: take out the repeated one (6)",
        ),
        (rule("portScan", "minHosts", 5), "field not declared in schema"),
        (rule("dnsTunnel", "enabled", true), "field not declared in schema"),
        (json!({"analytics": {"database": "my-db"}}), "\"my-db\": a name in Glue has 1 to 128 lower-case letters"),
        (json!({"analytics": {"table": ""}}), "spec.analytics.table: Invalid value: \"\": a name in Glue has 1 to 128"),
        (json!({"analytics": {"bytesScannedCutoff": 1}}), "spec.analytics.bytesScannedCutoff"),
        (json!({"trafficType": "ACCEPT"}), "rejectedConnections needs rejected traffic"),
        (json!({"cloudWatchLogs": {"logGroupName": "aws/mine"}}), "reserved"),
        (json!({"cloudWatchLogs": {"fields": ["srcaddr", "bytes"]}}), "rejectedConnections counts by the field action"),
        (json!({"cloudWatchLogs": {"fields": ["srcaddr", "action"]}}), "highDataTransfer counts by the field bytes"),
        (json!({"cloudWatchLogs": {"fields": ["bytes", "action"]}}), "externalConnections counts by the field"),
        (
            json!({"region": "us-east-1", "s3": {"kmsKeyArn": key}}),
            "a key in the monitor's region (the key is in eu-west-1, the monitor in us-east-1)",
        ),
        (
            json!({"tags": {"Team": "a", "team": "b"}}),
            // Either of the two: the API server reads a map in any order.
            "tag keys must differ by more than case: IAM ignores case (",
        ),
        (json!({"tags": {"a?": "1"}}), "digits, spaces or _ . : / = + - @ (a?)"),
        (json!({"tags": {"a": "?"}}), "digits, spaces or _ . : / = + - @ (that of a has others)"),
        (
            json!({"tags": {"a": "1", "aws:x": "1"}}),
            "tag keys beginning with aws: or vpcflow.dev/ are reserved (aws:x)",
        ),
        (json!({"tags": {"vpcflow.dev/owner": "me"}}), "reserved"),
        (json!({"tags": {"a": "b".repeat(257)}}), "spec.tags"),
        (json!({"deletionPolicy": "Keep"}), "spec.deletionPolicy"),
        (json!({"adoptionPolicy": "Always"}), "spec.adoptionPolicy"),
        (json!({"vpcID": VPC}), "field not declared in schema"),
    ];
    for (spec, expected) in cases {
        assert!(offline(spec.clone()).is_err(), "plan accepts {spec}");
        match submit(&cluster, "m", spec.clone()).await {
            Ok(_) => panic!("accepted: {spec}"),
            Err(error) => assert!(error.contains(expected), "{spec}: {error}"),
        }
    }
    let long = submit(&cluster, &"n".repeat(64), json!({})).await.unwrap_err();
    assert!(long.contains("at most 63 characters"), "{long}");
}

#[tokio::test]
async fn good_specs_are_accepted() {
    let cluster = Cluster::new("admission-accepted").await;
    let off = json!({"enabled": false});
    let cases = [
        json!({"region": "us-gov-west-1", "aggregationInterval": 600, "trafficType": "REJECT"}),
        json!({"cloudWatchLogs": {"logGroupClass": "INFREQUENT_ACCESS"}, "detector": off, "detections":
            {"rejectedConnections": off, "highDataTransfer": off, "externalConnections": off}}),
        json!({"s3": {"prefix": "", "lifecycle": {"standardIaAfterDays": 0, "glacierAfterDays": 0, "deepArchiveAfterDays": 0, "expireAfterDays": 7}}}),
        json!({"s3": {"lifecycle": {"intelligentTiering": true, "expireAfterDays": 30}}}),
        json!({"s3": {"lifecycle": {"deepArchiveAfterDays": 180}}}),
        json!({"s3": {"lifecycle": {"glacierAfterDays": 0, "deepArchiveAfterDays": 60}}}),
        json!({"detections": {"externalConnections": {"trustedCidrs": ["203.0.113.0/24", "2001:db8::/32"], "periodSeconds": 86400, "evaluationPeriods": 7}}}),
        json!({"notifications": {"subscriptions": [
            {"protocol": "email", "endpoint": "soc@example.com"},
            {"protocol": "sms", "endpoint": "+491701234567"},
            {"protocol": "sqs", "endpoint": "arn:aws:sqs:eu-west-1:123456789012:queue"},
            {"protocol": "firehose", "endpoint": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/s",
             "subscriptionRoleArn": "arn:aws:iam::123456789012:role/r"},
        ]}}),
        json!({"detector": {
            "minSeverity": "HIGH", "windowSeconds": 3600, "highTransferBytes": 1, "sensitivePorts": (65472..=65535).collect::<Vec<_>>(),
            "rules": {
                "highDataTransfer": off, "rejectedTcp": off, "sensitivePortAccepted": off, "sensitivePortRejected": off,
                "skippedRecords": off, "portScan": {"minPorts": 65535}, "hostSweep": {"minHosts": 2}, "largeEgress": {"minBytes": 1},
                "unusualProtocol": {"enabled": false, "expectedProtocols": (224..=255).collect::<Vec<_>>()},
            },
        }}),
        json!({"detector": {"minSeverity": "MEDIUM", "windowSeconds": 60, "rules": {"portScan": {"enabled": false, "minPorts": 2}}}}),
        custom_rule(&json!({})),
        custom_rule(&json!({
            "groupBy": ["source", "destination", "interface_id"], "minRecords": 1_000_000, "mitre": ["T1021.002", "T1046"],
            "runbook": "https://wiki.example.com/rules?name=a#b", "when": "w".repeat(1024), "description": "d".repeat(512),
        })),
        custom_rule(&json!({"enabled": false, "tests": null, "groupBy": []})),
        repeated(&custom_rule(&json!({})), "customRules", 16),
        suppression(&json!({"rules": null})),
        repeated(&suppression(&json!({})), "suppress", 32),
        json!({
            "detections": {"custom": [{"name": "smb-out", "when": "dstport == 445", "threshold": 5, "tests": [
                {"name": "hit", "matches": true, "record": {"dstport": 445}},
                {"name": "miss", "matches": false, "record": {"dstport": 446}},
            ]}]},
            "notifications": {"quietTimes": [{"name": "backup", "schedule": "cron(0 2 * * *)", "duration": "PT1H",
                "detections": ["rejectedConnections", "highDataTransfer", "externalConnections", "smb-out"]}]},
        }),
        json!({"tags": {"team": "network", "Kostenstelle/Ü": "7 @ x"}, "deletionPolicy": "Delete"}),
    ];
    for spec in cases {
        if let Err(error) = offline(spec.clone()) {
            panic!("plan: {spec}: {error}");
        }
        if let Err(error) = submit(&cluster, "m", spec.clone()).await {
            panic!("{spec}: {error}");
        }
    }
}

#[tokio::test]
async fn immutable_fields_stay_even_from_unset_to_set() {
    let cluster = Cluster::new("admission-immutable").await;
    let mut spec = VpcFlowMonitorSpec::new(VPC);
    cluster.create("unset", spec.clone()).await;
    spec.region = Some("eu-west-1".into());
    cluster.create("set", spec).await;
    let role = json!({"roleArn": "arn:aws:iam::123456789012:role/r"});
    let cases = [
        ("unset", json!({"vpcId": "vpc-0123456789abcdef1"}), "vpcId is immutable"),
        ("unset", json!({"region": "eu-west-1"}), "region is immutable"),
        ("set", json!({"region": null}), "region is immutable"),
        ("set", json!({"region": "eu-west-2"}), "region is immutable"),
        ("unset", json!({"assumeRole": role}), "assumeRole is immutable"),
        ("unset", json!({"cloudWatchLogs": {"logGroupClass": "INFREQUENT_ACCESS"}}), "logGroupClass is immutable"),
    ];
    for (name, change, expected) in cases {
        let patch = Patch::Merge(json!({"spec": change}));
        let error = cluster.monitors.patch(name, &PatchParams::default(), &patch).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{change}: {error}");
    }
}

#[tokio::test]
async fn every_field_of_the_schema_is_described() {
    fn walk(path: &str, schema: &Value, missing: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if property["description"].as_str().is_none_or(str::is_empty) {
                missing.push(path.clone());
            }
            walk(&path, property, missing);
            walk(&path, &property["items"], missing);
        }
    }
    let crd: CustomResourceDefinition = VpcFlowMonitor::crd();
    assert_eq!(VpcFlowMonitor::plural(&()), "vpcflowmonitors");
    let schema = serde_json::to_value(&crd.spec.versions[0].schema).unwrap();
    let mut missing = Vec::new();
    for part in ["spec", "status"] {
        walk(part, &schema["openAPIV3Schema"]["properties"][part], &mut missing);
    }
    missing.retain(|path| !path.starts_with("status.conditions"));
    assert!(missing.is_empty(), "{missing:#?}");
}
