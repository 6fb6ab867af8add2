//! Fleets that the API server refuses.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vpc_flow_operator::plan;

use super::Stage;

fn valid() -> Value {
    json!({
        "places": [{"name": "home"}], "selector": {"matchTags": {"env": "prod"}}, "template": {"spec": {"trafficType": "ALL"}},
    })
}

async fn refusal(stage: &Stage, name: &str, spec: Value) -> Option<String> {
    let fleet = json!({
        "apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowFleet", "metadata": {"name": name}, "spec": spec,
    });
    let parameters = PatchParams::apply("test").force().dry_run();
    let offline = plan::read(&fleet.to_string()).errors;
    let refusal =
        stage.fleets.patch(name, &parameters, &Patch::Apply(fleet)).await.err().map(|error| error.to_string());
    assert_eq!(offline.is_empty(), refusal.is_none(), "plan: {offline:?}, server: {refusal:?}");
    refusal
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_with_the_remedy() {
    let stage = Stage::new("fleet-admission").await;
    assert_eq!(refusal(&stage, "prod", valid()).await, None);
    let cases = [
        ("places", json!([]), "should have at least 1 items"),
        ("places", json!([{"name": "A"}]), "small letters, digits and hyphens"),
        ("places", json!([{"name": "a"}, {"name": "a"}]), "each place has a name of its own (a)"),
        ("places", json!([{"name": "a", "regions": ["Ireland"]}]), "a region is named by its code"),
        ("places", json!([{"name": "a", "regions": ["eu-west-1", "eu-west-1"]}]), "each region is named once"),
        ("selector", json!({}), "an empty one would select every VPC"),
        ("selector", json!({"matchTags": {}}), "an empty one would select every VPC"),
        ("selector", json!({"matchTags": {"a": "b"}, "vpcIds": ["vpc-12345678"]}), "vpcIds stand instead of tags"),
        ("selector", json!({"vpcIds": ["vpc-1"]}), "8 or 17 hexadecimal digits"),
        ("selector", json!({"matchExpressions": [{"key": "a", "operator": "In"}]}), "In and NotIn need values"),
        ("template", json!({"spec": {"vpcId": "vpc-12345678"}}), "vpcId is set by the fleet"),
        ("template", json!({"spec": {"region": "eu-west-1"}}), "region is set by the fleet"),
        ("template", json!({"spec": {"assumeRole": {}}}), "assumeRole is set by the fleet"),
        ("template", json!({"spec": {"s3": {"bucketName": "b"}}}), "s3.bucketName names one thing"),
        (
            "template",
            json!({"spec": {"cloudWatchLogs": {"logGroupName": "b"}}}),
            "cloudWatchLogs.logGroupName names one thing",
        ),
        ("template", json!({"spec": {"analytics": {"database": "b"}}}), "analytics.database names one thing"),
        ("template", json!({"metadata": {"labels": {"vpcflow.dev/fleet": "x"}}}), "are the operator's own"),
        ("overrides", json!([{"spec": {"vpcId": "vpc-12345678"}}]), "vpcId is set by the fleet"),
        ("rollout", json!({"waves": [1, "50%"]}), "the last wave is 100%"),
        ("rollout", json!({"waves": ["1", "100%"]}), "a part of them 0% to 100%"),
        ("rollout", json!({"waves": ["101%", "100%"]}), "a part of them 0% to 100%"),
        ("rollout", json!({"waves": [-1, "100%"]}), "a part of them 0% to 100%"),
        ("rollout", json!({"soakSeconds": 86401}), "less than or equal to 86400"),
        ("prune", json!({"afterSeconds": 60}), "greater than or equal to 3600"),
        ("maxMonitors", json!(1001), "less than or equal to 1000"),
        ("discoverySeconds", json!(10), "greater than or equal to 60"),
    ];
    for (field, value, expected) in cases {
        let mut spec = valid();
        spec[field] = value.clone();
        let text = refusal(&stage, "prod", spec).await.unwrap_or_else(|| panic!("{field}: {value} is accepted"));
        assert!(text.contains(expected), "{field}: {value}: {text}");
    }
    let text = refusal(&stage, &"n".repeat(46), valid()).await.unwrap();
    assert!(text.contains("metadata.name has at most 45 characters"), "{text}");
}

#[tokio::test]
async fn a_new_fleet_is_in_progress_and_has_its_defaults() {
    let stage = Stage::new("fleet-defaults").await;
    let fleet = stage.apply("prod", json!({"rollout": {}})).await;
    assert_eq!(fleet.status.unwrap().observed_generation, Some(-1));
    let stored = serde_json::to_value(&fleet.spec).unwrap();
    assert_eq!(stored["rollout"], json!({"waves": [1, "10%", "100%"], "maxUnready": 0, "soakSeconds": 600}));
    assert_eq!(stored["prune"], json!({"policy": "Keep", "afterSeconds": 86400, "maxAtOnce": 1}));
    assert_eq!((&stored["maxMonitors"], &stored["discoverySeconds"]), (&json!(50), &json!(600)));
}
