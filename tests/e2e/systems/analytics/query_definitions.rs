//! The saved queries of Logs Insights: made, kept, moved and removed, and never those of people.

use serde_json::{Value, json};
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::api::{FlowLogField, ResourceKind};
use vpc_flow_operator::engine::Action;
use vpc_flow_operator::monitor::Monitor;

use crate::systems::analytics::{ANALYTICS, reported};
use testkit::sandbox::Sandbox;

const QUERIES: [&str; 6] = [
    "Bytes by interface and hour",
    "Conversation history",
    "External conversations",
    "Port scans",
    "Rejected by source and port",
    "Top talkers",
];

/// As many as an account may have in a region.
const MOST: usize = 1000;

async fn definitions(sandbox: &Sandbox) -> Value {
    sandbox.inventory().await["queryDefinitions"].clone()
}

fn named(monitor: &Monitor, name: &str) -> String {
    format!("{}/{name}", monitor.names.base())
}

fn names(monitor: &Monitor, queries: &[&str]) -> Vec<String> {
    queries.iter().map(|name| named(monitor, name)).collect()
}

fn keys(definitions: &Value) -> Vec<String> {
    definitions.as_object().unwrap().keys().cloned().collect()
}

async fn put(sandbox: &Sandbox, name: &str, query: &str) -> String {
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    let answer = logs.put_query_definition().name(name).query_string(query).send().await.unwrap();
    answer.query_definition_id.unwrap()
}

#[tokio::test]
async fn are_made_in_a_folder_of_the_monitor() {
    let sandbox = Sandbox::new("query_definitions::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ANALYTICS).await;
    let found = definitions(&sandbox).await;
    assert_eq!(keys(&found), names(&monitor, &QUERIES));
    assert_eq!(
        found[named(&monitor, "Port scans")],
        json!({
            "queryString": "# Sources that were rejected at 20 or more ports of one address\n\
                parse @message \"* * * * * * * * * * * * * *\" as flow_version, flow_account_id, flow_interface_id, \
                flow_srcaddr, flow_dstaddr, flow_srcport, flow_dstport, flow_protocol, flow_packets, flow_bytes, flow_start, \
                flow_end, flow_action, flow_log_status\n\
                | filter flow_log_status = \"OK\"\n\
                | filter flow_action = \"REJECT\"\n\
                | stats count_distinct(flow_dstport) as ports, count(*) as flows by flow_srcaddr, flow_dstaddr\n\
                | filter ports >= 20\n\
                | sort ports desc\n\
                | limit 100",
            "queryLanguage": "CWLI",
            "logGroupNames": ["/aws/vpc/flowlogs/network/production"],
        })
    );
    sandbox.assert_at_rest(&monitor, ANALYTICS).await;
}

#[tokio::test]
async fn follow_the_log_group_and_its_fields_by_their_id() {
    let sandbox = Sandbox::new("query_definitions::fields").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), ANALYTICS).await;

    spec.cloud_watch_logs.log_group_name = Some("/elsewhere".into());
    let changes = sandbox.converge(&sandbox.monitor(spec.clone()), ANALYTICS).await;
    assert_eq!(reported(&changes), [(Action::Update, ResourceKind::QueryDefinition); QUERIES.len()]);
    let found = definitions(&sandbox).await;
    assert!(
        found.as_object().unwrap().values().all(|each| each["logGroupNames"] == json!(["/elsewhere"])),
        "{found:#}"
    );

    spec.cloud_watch_logs.fields = vec![FlowLogField::InterfaceId, FlowLogField::Bytes];
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ANALYTICS).await;
    let found = definitions(&sandbox).await;
    assert_eq!(keys(&found), names(&monitor, &QUERIES[..1]));
    let query = found[named(&monitor, QUERIES[0])]["queryString"].as_str().unwrap();
    assert!(query.contains("parse @message \"* *\" as flow_interface_id, flow_bytes\n"), "{query}");
    sandbox.assert_at_rest(&monitor, ANALYTICS).await;

    spec.analytics.enabled = false;
    sandbox.converge(&sandbox.monitor(spec), ANALYTICS).await;
    assert_eq!(definitions(&sandbox).await, json!({}));
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("query_definitions::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ANALYTICS).await;
    let before = definitions(&sandbox).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    let found = logs.describe_query_definitions().send().await.unwrap().query_definitions.unwrap();
    let id = |name: &str| {
        let same = found.iter().find(|definition| definition.name() == Some(&named(&monitor, name)));
        same.unwrap().query_definition_id.clone().unwrap()
    };
    logs.delete_query_definition().query_definition_id(id("Top talkers")).send().await.unwrap();
    // Neither log groups nor the text stay.
    let edit = logs.put_query_definition().query_definition_id(id("Port scans")).name(named(&monitor, "Port scans"));
    let parameter = aws_sdk_cloudwatchlogs::types::QueryParameter::builder().name("port").build().unwrap();
    edit.query_string("fields @message").parameters(parameter).send().await.unwrap();

    let changes = sandbox.converge(&monitor, ANALYTICS).await;
    let both = [(Action::Update, ResourceKind::QueryDefinition), (Action::Create, ResourceKind::QueryDefinition)];
    assert_eq!(reported(&changes), both, "{changes:#?}");
    assert_eq!(definitions(&sandbox).await, before);
    sandbox.assert_at_rest(&monitor, ANALYTICS).await;
}

#[tokio::test]
async fn are_found_behind_many_of_other_people() {
    let sandbox = Sandbox::new("query_definitions::pages").await;
    let monitor = sandbox.monitor(sandbox.spec());
    for number in 0..60 {
        // Sorted before ours, in the same folder.
        put(&sandbox, &named(&monitor, &format!("A query of mine {number:02}")), "fields @message").await;
    }
    sandbox.converge(&monitor, ANALYTICS).await;
    sandbox.assert_at_rest(&monitor, ANALYTICS).await;
    assert_eq!(keys(&definitions(&sandbox).await).len(), 60 + QUERIES.len());

    sandbox.remove(&monitor, ANALYTICS).await;
    let left = keys(&definitions(&sandbox).await);
    assert_eq!(left.len(), 60);
    assert!(left.iter().all(|name| name.contains("A query of mine")), "{left:?}");
}

#[tokio::test]
async fn two_monitors_keep_to_their_own() {
    let sandbox = Sandbox::new("query_definitions::two").await;
    let (one, other) = (
        sandbox.named_monitor("network", "one", sandbox.spec()),
        sandbox.named_monitor("network", "one-more", sandbox.spec()),
    );
    sandbox.converge(&one, ANALYTICS).await;
    sandbox.converge(&other, ANALYTICS).await;
    sandbox.assert_at_rest(&one, ANALYTICS).await;
    sandbox.remove(&one, ANALYTICS).await;
    assert_eq!(keys(&definitions(&sandbox).await), names(&other, &QUERIES));
    sandbox.assert_at_rest(&other, ANALYTICS).await;
}

#[tokio::test]
async fn stay_on_retain_and_are_taken_back() {
    let sandbox = Sandbox::new("query_definitions::retain").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ANALYTICS).await;
    let before = definitions(&sandbox).await;
    sandbox.remove(&monitor, ANALYTICS).await;
    assert_eq!(definitions(&sandbox).await, before);
    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        spec.deletion_policy = Some(policy);
        let again = sandbox.monitor(spec.clone());
        sandbox.converge(&again, ANALYTICS).await;
        assert_eq!(definitions(&sandbox).await, before);
        sandbox.remove(&again, ANALYTICS).await;
        assert_eq!(definitions(&sandbox).await, json!({}), "{policy:?}");
    }
}

#[tokio::test]
async fn one_too_many_is_reported_and_the_rest_goes_on() {
    let sandbox = Sandbox::new("query_definitions::refused").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let mut others = Vec::new();
    while others.len() + QUERIES.len() <= MOST {
        others.push(put(&sandbox, &format!("theirs {}", others.len()), "fields @message").await);
    }
    let outcomes = sandbox.pass(&monitor, ANALYTICS).await;
    let [(Some(change), failure)] = &outcomes[0].failures[..] else { panic!("{outcomes:#?}") };
    assert_eq!(change.kind, ResourceKind::QueryDefinition);
    assert!(failure.reason.is_terminal(), "{failure:?}");
    assert_eq!(keys(&definitions(&sandbox).await).len(), MOST);

    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    logs.delete_query_definition().query_definition_id(&others[0]).send().await.unwrap();
    sandbox.converge(&monitor, ANALYTICS).await;
    let found = keys(&definitions(&sandbox).await);
    assert!(names(&monitor, &QUERIES).iter().all(|name| found.contains(name)));
}
