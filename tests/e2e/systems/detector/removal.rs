use serde_json::json;
use vpc_flow_operator::api::ResourceKind::{Function, LogGroup, Role, SubscriptionFilter};
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::engine::{Action, Outcome};

use super::{DETECTOR, RECORDS, built, kinds, logs, parts};

#[tokio::test]
async fn switched_off_it_is_gone_and_the_records_stay() {
    let (sandbox, _) = built("detector::disabled").await;
    let mut spec = sandbox.spec();
    spec.detector.enabled = false;
    let monitor = sandbox.monitor(spec);
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert_eq!(kinds(&changes), [SubscriptionFilter, Function, Role, LogGroup].map(|kind| (Action::Delete, kind)));
    let inventory = sandbox.inventory().await;
    assert_eq!((&inventory["roles"], &inventory["functions"]), (&json!({}), &json!({})));
    assert_eq!(inventory["logGroups"].as_object().unwrap().keys().collect::<Vec<_>>(), [RECORDS]);
    assert_eq!(inventory["logGroups"][RECORDS]["subscriptionFilters"], json!({}));
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

#[tokio::test]
async fn goes_on_delete_and_with_data_retained_even_if_the_records_are_gone_already() {
    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        let (sandbox, _) = built(&format!("detector::delete::{policy:?}")).await;
        logs(&sandbox).delete_log_group().log_group_name(RECORDS).send().await.unwrap();
        let mut spec = sandbox.spec();
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec);
        let outcomes = sandbox.tear_down(&monitor, DETECTOR).await;
        assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
        let inventory = sandbox.inventory().await;
        for service in ["roles", "functions", "logGroups"] {
            assert_eq!(inventory[service], json!({}), "{policy:?} {service}");
        }
    }
}

#[tokio::test]
async fn on_retain_only_tags_change_and_a_monitor_of_the_same_identity_takes_it_back() {
    let (sandbox, _) = built("detector::retain").await;
    let before = sandbox.inventory().await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let retaining = sandbox.monitor(spec.clone());
    for _ in 0..2 {
        sandbox.remove(&retaining, DETECTOR).await;
    }
    let mut retained = parts(&sandbox.inventory().await, &retaining);
    for part in ["role", "logGroup", "function"] {
        let tags = json!({"vpcflow.dev/retained-by": "test/network/production", "vpcflow.dev/managed-by": "vpc-flow-operator"});
        assert_eq!(retained[part]["tags"], tags, "{part}");
        retained[part]["tags"] = parts(&before, &retaining)[part]["tags"].clone();
    }
    assert_eq!(retained, parts(&before, &retaining), "but for the tags");

    let again = sandbox.monitor(spec);
    let changes = sandbox.converge(&again, DETECTOR).await;
    assert_eq!(changes.len(), 4, "taken back by its tags alone: {changes:#?}");
    assert_eq!(sandbox.inventory().await, before);
}
