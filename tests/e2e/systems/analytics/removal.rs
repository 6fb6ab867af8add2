//! The removal of analytics: after a rename, and with the monitor.

use serde_json::json;
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::engine::Action;

use crate::systems::analytics::{ANALYTICS, QUERIES, database, reported, table, workgroup};
use testkit::sandbox::{Sandbox, record};

#[tokio::test]
async fn after_a_rename_the_former_ones_go() {
    let sandbox = Sandbox::new("analytics_removal::rename").await;
    let mut spec = sandbox.spec();
    let former = sandbox.monitor(spec.clone());
    sandbox.converge(&former, ANALYTICS).await;

    spec.analytics.table = "flows".into();
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ANALYTICS).await;
    let tables = &database(&sandbox.inventory().await, &monitor)["tables"];
    assert_eq!(tables.as_object().unwrap().keys().collect::<Vec<_>>(), ["flows"]);

    spec.analytics.database = Some("records".into());
    let mut monitor = sandbox.monitor(spec);
    record(&mut monitor, Component::Analytics, ResourceKind::Database, &former.names.database);
    sandbox.converge(&monitor, ANALYTICS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["databases"].as_object().unwrap().keys().collect::<Vec<_>>(), ["records"]);
    let queries = &workgroup(&inventory, &monitor)["namedQueries"];
    assert!(QUERIES.iter().all(|name| queries[name]["database"] == "records"), "{queries:#}");
    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    let listed = athena.list_named_queries().work_group(monitor.names.workgroup()).send().await.unwrap();
    assert_eq!(listed.named_query_ids().len(), QUERIES.len(), "the former ones are gone");
    assert!(queries["Top talkers"]["query"].as_str().unwrap().contains("FROM \"flows\""));
    sandbox.assert_at_rest(&monitor, ANALYTICS).await;
}

#[tokio::test]
async fn goes_on_delete_and_stays_marked_on_retain() {
    let sandbox = Sandbox::new("analytics_removal::delete").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let retaining = sandbox.monitor(spec.clone());
    sandbox.converge(&retaining, ANALYTICS).await;
    let before = sandbox.inventory().await;
    sandbox.remove(&retaining, ANALYTICS).await;
    let inventory = sandbox.inventory().await;
    for tags in [&workgroup(&inventory, &retaining)["tags"], &database(&inventory, &retaining)["tags"]] {
        assert_eq!(tags["vpcflow.dev/retained-by"], "test/network/production");
        assert!(tags.get("vpcflow.dev/owner").is_none());
    }
    let parameters = table(&inventory, &retaining)["parameters"].clone();
    assert_eq!(parameters["vpcflow.dev/retained-by"], "test/network/production");
    assert!(parameters.get("vpcflow.dev/owner").is_none());

    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        spec.deletion_policy = Some(policy);
        let again = sandbox.monitor(spec.clone());
        let changes = sandbox.converge(&again, ANALYTICS).await;
        if policy == DeletionPolicy::Delete {
            let taken_back = [ResourceKind::Workgroup, ResourceKind::Database, ResourceKind::Table];
            let taken_back = taken_back.map(|kind| (Action::Update, kind));
            assert_eq!(reported(&changes), taken_back, "by their tags alone: {changes:#?}");
        }
        assert_eq!(sandbox.inventory().await, before);
        sandbox.remove(&again, ANALYTICS).await;
        let inventory = sandbox.inventory().await;
        assert_eq!((&inventory["workgroups"], &inventory["databases"]), (&json!({}), &json!({})), "{policy:?}");
    }
}
