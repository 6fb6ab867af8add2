use serde_json::json;

use super::*;
use crate::{defaulted, prune_nulls, root};

/// The specs with which the sweep breaks every rule on an API server.
#[path = "../../../tests/sweep/fields/rules.rs"]
mod of_sweep;

/// The module of the sweep that `of_sweep` uses.
mod schema {
    pub fn spec() -> serde_json::Value {
        crate::root()["properties"]["spec"].clone()
    }
}

fn object(mut spec: Value) -> Value {
    if spec.get("vpcId").is_none() {
        spec["vpcId"] = json!("vpc-0123456789abcdef0");
    }
    let schema = schema::spec();
    prune_nulls(&mut spec, &schema);
    defaulted(&mut spec, &schema);
    json!({"metadata": {"name": "m"}, "spec": spec})
}

fn broken_by(spec: Value) -> Vec<BrokenRule> {
    broken(&object(spec), None, &root()).unwrap()
}

#[test]
fn every_rule_is_broken_by_its_example_and_the_field_is_named() {
    let mut unbroken = of_sweep::rules();
    for (spec, field) in of_sweep::violations() {
        let found = broken_by(spec.clone());
        assert!(!found.iter().any(|rule| rule.message.contains("cannot be evaluated")), "{spec}: {found:?}");
        // The path without the indexes of lists and the keys of maps.
        let without_index =
            |field: &str| field.split('[').map(|part| part.rsplit(']').next().unwrap()).collect::<String>();
        assert!(found.iter().any(|rule| without_index(&rule.field) == format!("spec.{field}")), "{spec}: {found:?}");
        unbroken.retain(|message| !found.iter().any(|rule| rule.message.contains(message)));
    }
    assert_eq!(unbroken, Vec::<String>::new(), "no example breaks them");
}

#[test]
fn no_rule_is_broken_by_what_the_api_server_accepts() {
    let off = json!({"enabled": false});
    for spec in [
        json!({}),
        json!({"tags": {"team": "network", "Kostenstelle/Ü": "7 @ x"}}),
        json!({"s3": {"lifecycle": {"intelligentTiering": true, "expireAfterDays": 30}}}),
        json!({"detections": {"externalConnections": {"trustedCidrs": ["203.0.113.0/24", "2001:db8::/32"]}}}),
        json!({"detections": {"highDataTransfer": {"threshold": 5, "periodSeconds": 600.0}}}),
        json!({"region": "eu-west-1", "notifications": {"topicArn": "arn:aws:sns:eu-west-1:123456789012:alerts"}}),
        json!({"region": null, "notifications": {"topicArn": "arn:aws:sns:eu-west-1:123456789012:alerts"}}),
        json!({"cloudWatchLogs": {"logGroupClass": "INFREQUENT_ACCESS"}, "detector": off, "detections":
            {"rejectedConnections": off, "highDataTransfer": off, "externalConnections": off}}),
        json!({"detector": {"customRules": [of_sweep::custom_rule()], "suppress": [of_sweep::suppression()]}}),
        json!({"notifications": {"subscriptions": [{"protocol": "sqs", "endpoint": "arn:aws:sqs:eu-west-1:123456789012:queue"}]}}),
    ] {
        assert_eq!(broken_by(spec.clone()), [], "{spec}");
    }
}

#[test]
fn a_change_of_an_immutable_field_is_judged_once_the_object_before_is_known() {
    let before = object(json!({"region": "eu-west-1"}));
    for (after, field) in [
        (json!({"region": "eu-west-2"}), "spec.region"),
        (json!({}), "spec.region"),
        (json!({"region": "eu-west-1", "vpcId": "vpc-0123456789abcdef1"}), "spec.vpcId"),
        (
            json!({"region": "eu-west-1", "assumeRole": {"roleArn": "arn:aws:iam::123456789012:role/r"}}),
            "spec.assumeRole",
        ),
    ] {
        let after = object(after);
        assert_eq!(broken(&after, None, &root()).unwrap(), []);
        let found = broken(&after, Some(&before), &root()).unwrap();
        assert!(found.len() == 1 && found[0].field == field && found[0].message.contains("immutable"), "{found:?}");
    }
    assert_eq!(broken(&before, Some(&before), &root()).unwrap(), []);
}

#[test]
fn the_rule_about_the_name_is_judged_too() {
    let mut object = object(json!({}));
    object["metadata"]["name"] = json!("n".repeat(64));
    let found = broken(&object, None, &root()).unwrap();
    assert!(found.len() == 1 && found[0].message.starts_with("metadata.name has at most 63 characters"), "{found:?}");
}

#[test]
fn messages_are_computed_where_a_rule_says_so() {
    let schema = json!({"type": "integer", "x-kubernetes-validations":
        [{"rule": "self > 5", "message": "too small", "messageExpression": "string(self) + ' is not more than 5'"}]});
    let found = broken(&json!(3), None, &schema).unwrap();
    assert_eq!(found[0].message, "3: 3 is not more than 5");
    let plain = json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self > 5", "message": "too small"}]});
    assert_eq!(broken(&json!(3), None, &plain).unwrap()[0].message, "3: too small");
}

#[test]
fn the_password_of_a_misplaced_url_is_not_shown() {
    for protocol in ["email", "sms", "sqs", "application"] {
        let of = |endpoint: &str| {
            let subscriptions = json!([{"protocol": protocol, "endpoint": endpoint}]);
            let broken = broken_by(json!({"notifications": {"subscriptions": subscriptions}}));
            broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let message = of("https://user:secret@example/");
        assert!(message.ends_with(" (a URL)") && !message.contains("secret"), "{message}");
        assert!(of("wrong").ends_with(" (wrong)"), "{}", of("wrong"));
    }
}
