//! Links between accounts.

use serde_json::{Value, json};
use testkit::sandbox::Sandbox;

use super::{Stage, THERE, has, in_region, sink};

async fn links(sandbox: &Sandbox) -> Value {
    sandbox.emulator.inventory(&sandbox.account, THERE).await.unwrap()["oamLinks"].clone()
}

#[tokio::test]
async fn a_link_is_made_only_when_asked_for_and_goes_when_it_is_not() {
    let stage = Stage::new("overview-links").await;
    let operator = stage.start();
    stage.monitor_there("far").await;
    let sink = sink(&stage).await;
    stage.apply("all", json!({})).await;
    stage.wait_ready("all", 1).await;
    assert_eq!(links(&stage.there).await, json!({}));
    stage.apply("all", json!({"crossAccount": {"sinkArns": [sink]}})).await;
    let is_linked =
        |overview: &vpc_flow_operator::api::VpcFlowOverview| has(overview, "LinksReady", "True", "Reconciled");
    stage.wait("all", "the link", is_linked).await;
    let made = links(&stage.there).await;
    let filter = made[&sink]["LinkConfiguration"]["MetricConfiguration"]["Filter"].as_str().unwrap();
    assert_eq!(filter, "Namespace IN ('AWS/Events', 'AWS/Logs', 'VPC/FlowLogs')");
    stage.apply("all", json!({})).await;
    let now = stage
        .wait("all", "no link", |it| {
            has(it, "Ready", "True", "Reconciled") && !it.status.as_ref().unwrap().places[0].linked
        })
        .await;
    assert_eq!(links(&stage.there).await, json!({}), "{now:#?}");
    stage.delete("all").await;
    operator.stop().await;
}

#[tokio::test]
async fn a_link_of_others_is_used_and_stays_as_it_is() {
    let stage = Stage::new("overview-links-of-others").await;
    let operator = stage.start();
    stage.monitor_there("far").await;
    let sink = sink(&stage).await;
    let oam = aws_sdk_oam::Client::new(&in_region(&stage.there.config, THERE));
    let link = oam.create_link().label_template("$AccountName").sink_identifier(&sink);
    link.resource_types(aws_sdk_oam::types::ResourceType::AwsCloudwatchMetric).send().await.unwrap();
    let before = links(&stage.there).await;
    stage.apply("all", json!({"crossAccount": {"sinkArns": [sink]}})).await;
    let is_linked =
        |overview: &vpc_flow_operator::api::VpcFlowOverview| has(overview, "LinksReady", "True", "Reconciled");
    stage.wait("all", "the link", is_linked).await;
    assert_eq!(links(&stage.there).await, before);
    stage.delete("all").await;
    assert_eq!(links(&stage.there).await, before);
    operator.stop().await;
}
