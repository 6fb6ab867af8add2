//! Specs that the API server refuses.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowOverview;

use super::Stage;

#[tokio::test]
async fn invalid_specs_are_refused_with_the_field_and_the_remedy() {
    let stage = Stage::new("overview-admission").await;
    let refusal = async |spec: Value| {
        let object = json!({"apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowOverview", "metadata": {"name": "bad"}, "spec": spec});
        let overview: VpcFlowOverview = serde_json::from_value(object).unwrap();
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        stage.overviews.create(&dry, &overview).await.unwrap_err().to_string()
    };
    let topic = "arn:aws:sns:eu-west-1:111122223333:alerts";
    for (part, expected) in [
        (json!({"alerts": {"topicArn": "alerts"}}), "a topic is named by its ARN"),
        (
            json!({"alerts": {"topicArn": topic, "subscriptions": [{"protocol": "email", "endpoint": "a@example.com"}]}}),
            "subscriptions are kept only on the overview's own topic",
        ),
        (json!({"crossAccount": {"sinkArns": ["sink"]}}), "a sink is named by its ARN"),
        (json!({"region": "Ireland"}), "a region is named by its code"),
        (json!({"tags": {"aws:a": "b"}}), "tag keys beginning with aws:"),
        (
            json!({"monitorSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
            "In and NotIn need values",
        ),
    ] {
        let mut spec = json!({"monitorSelector": {}});
        for (key, value) in part.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let refused = refusal(spec).await;
        assert!(refused.contains(expected), "{refused}");
    }
}

#[tokio::test]
async fn the_home_of_an_overview_is_immutable() {
    let stage = Stage::new("overview-immutable").await;
    stage.apply("all", json!({"region": "eu-west-1"})).await;
    let change = Patch::Merge(json!({"spec": {"region": "us-east-1"}}));
    let refused = stage.overviews.patch("all", &PatchParams::default(), &change).await.unwrap_err().to_string();
    assert!(refused.contains("region is immutable: create another VpcFlowOverview"), "{refused}");
}
