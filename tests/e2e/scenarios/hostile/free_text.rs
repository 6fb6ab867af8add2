//! Text that means something to JSON, SQL, a filter pattern, a policy, a shell or a reader's eye: the API server takes none of it where it
//! could end up in one.

use serde_json::{Value, json};

use crate::install::admission::{custom_rule, submit, suppression};
use testkit::cluster::Cluster;

/// Texts that a field with a format of its own never accepts.
const TRICKS: [&str; 22] = [
    "a'b; DROP TABLE x; --",
    "a\"b",
    "a\\",
    "{a}",
    "${aws:username}",
    "$.x = *",
    "{{ a }}",
    "a`b`",
    "<script>",
    "a b",
    " a",
    "a\n",
    "a\r\nb",
    "a\tb",
    "a\u{0}b",
    "a\u{202e}b",
    "a\u{200b}b",
    "a\u{feff}b",
    "аdmin", // Cyrillic.
    "a😀",
    "a*",
    "%2e%2e",
];

/// A field, and a spec that has a trick in it.
type Field = (&'static str, fn(&str) -> Value);

fn fields() -> Vec<Field> {
    vec![
        ("spec.vpcId", |text| json!({"vpcId": format!("vpc-01234567{text}")})),
        ("spec.region", |text| json!({"region": format!("eu-west-1{text}")})),
        (
            "spec.assumeRole.roleArn",
            |text| json!({"assumeRole": {"roleArn": format!("arn:aws:iam::123456789012:role/{text}")}}),
        ),
        (
            "spec.assumeRole.externalId",
            |text| json!({"assumeRole": {"roleArn": "arn:aws:iam::123456789012:role/r", "externalId": format!("id{text}")}}),
        ),
        ("spec.cloudWatchLogs.logGroupName", |text| json!({"cloudWatchLogs": {"logGroupName": text}})),
        (
            "spec.cloudWatchLogs.kmsKeyArn",
            |text| json!({"cloudWatchLogs": {"kmsKeyArn": format!("arn:aws:kms:eu-west-1:123456789012:key/{text}")}}),
        ),
        ("spec.cloudWatchLogs.fields[0]", |text| json!({"cloudWatchLogs": {"fields": [format!("srcaddr{text}")]}})),
        ("spec.s3.bucketName", |text| json!({"s3": {"bucketName": format!("bucket{text}")}})),
        ("spec.s3.prefix", |text| json!({"s3": {"prefix": format!("logs/{text}")}})),
        ("spec.s3.fields[0]", |text| json!({"s3": {"fields": [format!("srcaddr{text}")]}})),
        ("spec.detections.namespace", |text| json!({"detections": {"namespace": text}})),
        (
            "spec.detections.externalConnections.trustedCidrs",
            |text| json!({"detections": {"externalConnections": {"trustedCidrs": [format!("10.0.0.0/8{text}")]}}}),
        ),
        (
            "spec.notifications.topicArn",
            |text| json!({"notifications": {"topicArn": format!("arn:aws:sns:eu-west-1:123456789012:{text}")}}),
        ),
        ("spec.notifications.subscriptions[0].subscriptionRoleArn", |text| {
            json!({"notifications": {"subscriptions": [{"protocol": "firehose",
                "endpoint": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/s",
                "subscriptionRoleArn": format!("arn:aws:iam::123456789012:role/{text}")}]}})
        }),
        ("spec.analytics.database", |text| json!({"analytics": {"database": text}})),
        ("spec.analytics.table", |text| json!({"analytics": {"table": text}})),
        ("spec.detector.customRules[0].name", |text| custom_rule(&json!({"name": format!("rule{text}")}))),
        ("spec.detector.customRules[0].runbook", |text| {
            custom_rule(&json!({"runbook": format!("https://example.com/{text}\"")}))
        }),
        ("spec.detector.customRules[0].mitre", |text| custom_rule(&json!({"mitre": [format!("T1046{text}")]}))),
        ("spec.detector.customRules[0].groupBy[0]", |text| custom_rule(&json!({"groupBy": [format!("source{text}")]}))),
        ("spec.detector.suppress[0].name", |text| suppression(&json!({"name": format!("name{text}")}))),
        ("spec.detector.suppress[0].rules[0]", |text| suppression(&json!({"rules": [format!("portScan{text}")]}))),
        ("spec.detector.suppress[0].until", |text| {
            suppression(&json!({"until": format!("2027-03-01T00:00:00Z{text}")}))
        }),
        ("metadata.name", |_| Value::Null),
    ]
}

#[tokio::test]
async fn nothing_that_could_break_out_of_where_it_is_put_is_accepted() {
    let cluster = Cluster::new("hostile-text").await;
    for (field, spec) in fields() {
        for trick in TRICKS {
            let refused = match spec(trick) {
                Value::Null => submit(&cluster, trick, json!({})).await,
                spec => submit(&cluster, "m", spec).await,
            };
            // A name goes into the URL, where some of these are refused before they are a name.
            let named = |error: &String| field == "metadata.name" || error.contains(field);
            assert!(refused.as_ref().is_err_and(named), "{field} {trick:?}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn what_people_read_cannot_lie_to_them() {
    let cluster = Cluster::new("hostile-endpoints").await;
    for (protocol, start) in [
        ("email", "soc@example.com"),
        ("https", "https://example.com/"),
        ("sqs", "arn:aws:sqs:eu-west-1:123456789012:queue"),
    ] {
        for trick in ["a b", "\n", "\t", "\u{0}", "\u{202e}moc.live", "\u{200b}", "\u{feff}", "\u{a0}", "\u{2028}"] {
            let subscriptions = json!([{"protocol": protocol, "endpoint": format!("{start}{trick}")}]);
            let refused = submit(&cluster, "m", json!({"notifications": {"subscriptions": subscriptions}})).await;
            assert!(
                refused.as_ref().is_err_and(|error| error.contains("endpoint")),
                "{protocol} {trick:?}: {refused:?}"
            );
        }
    }
}

fn test_of_rule(name: &str, line: &str) -> Value {
    custom_rule(&json!({"tests": [{"name": name, "matches": true, "line": line}]}))
}

#[tokio::test]
async fn texts_of_rules_and_suppressions_have_no_characters_that_cannot_be_seen() {
    let cluster = Cluster::new("hostile-rules").await;
    let fields: [Field; 6] = [
        ("spec.detector.customRules[0].description", |text| custom_rule(&json!({"description": text}))),
        ("spec.detector.customRules[0].when", |text| custom_rule(&json!({"when": text}))),
        ("spec.detector.customRules[0].tests[0].name", |text| test_of_rule(text, "1")),
        ("spec.detector.customRules[0].tests[0].line", |text| test_of_rule("t", text)),
        ("spec.detector.suppress[0].when", |text| suppression(&json!({"when": text}))),
        ("spec.detector.suppress[0].reason", |text| suppression(&json!({"reason": text}))),
    ];
    for (field, spec) in fields {
        for trick in
            ["", " ", "a\r\nb", "a\u{0}b", "a\u{1b}[2Jb", "a\u{202e}b", "a\u{200b}b", "a\u{feff}b", "a\u{2028}b"]
        {
            let refused = submit(&cluster, "m", spec(trick)).await;
            assert!(refused.as_ref().is_err_and(|error| error.contains(field)), "{field} {trick:?}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn tags_that_aws_or_the_operator_keeps_for_itself_are_refused() {
    let cluster = Cluster::new("hostile-tags").await;
    let many: serde_json::Map<_, _> = (0..41).map(|number| (format!("key{number}"), json!("x"))).collect();
    let mut cases: Vec<(Value, &str)> = vec![
        (json!(many), "spec.tags"),
        (json!({"k".repeat(128): "x"}), "1 to 127"),
        (json!({"": "x"}), "1 to 127"),
        (json!({"key": "v".repeat(257)}), "spec.tags"),
        (json!({"Owner": "a", "OWNER": "b"}), "must differ by more than case"),
    ];
    for key in
        ["aws:x", "AWS:x", "Aws:x", "vpcflow.dev/owner", "VPCFlow.dev/Owner", "vpcflow.dev/", "vpcflow.dev/adopted"]
    {
        cases.push((json!({key: "x"}), "reserved"));
    }
    for trick in TRICKS.into_iter().filter(|trick| !["a b", " a", "аdmin"].contains(trick)) {
        cases.push((json!({"key": trick}), "a tag value has"));
        cases.push((json!({trick: "x"}), "a tag key has"));
    }
    for (tags, expected) in cases {
        let refused = submit(&cluster, "m", json!({"tags": tags})).await;
        assert!(refused.as_ref().is_err_and(|error| error.contains(expected)), "{tags} {expected}: {refused:?}");
    }
}

#[tokio::test]
async fn names_that_would_reach_into_what_aws_keeps_are_refused() {
    let cluster = Cluster::new("hostile-reserved").await;
    for (spec, expected) in [
        (json!({"cloudWatchLogs": {"logGroupName": "/aws/lambda/payments"}}), "AWS's own services"),
        (json!({"cloudWatchLogs": {"logGroupName": "/aws/eks/prod/cluster"}}), "AWS's own services"),
        (json!({"s3": {"prefix": ".."}}), "must not contain the folders . or .."),
        (json!({"s3": {"prefix": "logs/./x"}}), "must not contain the folders . or .."),
        (json!({"s3": {"prefix": "AWSLogs"}}), "AWSLogs is reserved"),
        (json!({"s3": {"prefix": "athena-results/x"}}), "athena-results is reserved"),
        (json!({"detections": {"namespace": "AWS/EC2"}}), "reserved"),
    ] {
        let refused = submit(&cluster, "m", spec.clone()).await;
        assert!(refused.as_ref().is_err_and(|error| error.contains(expected)), "{spec}: {refused:?}");
    }
    for name in ["/aws/vpc/flowlogs/mine", "/aws/vpc-flow-logs", "/awesome", "mine"] {
        submit(&cluster, "m", json!({"cloudWatchLogs": {"logGroupName": name}})).await.unwrap();
    }
}
