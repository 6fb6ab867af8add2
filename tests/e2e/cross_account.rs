//! Monitors that live in another account, through a role there.

use kube::api::DeleteParams;
use serde_json::json;
use vpc_flow_operator::api::spec::AssumeRole;

use crate::cluster::{Cluster, Operator, is, message};
use crate::support::Sandbox;

pub async fn trusting_role(there: &Sandbox, operator: &Sandbox) -> AssumeRole {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", operator.account)},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "secret-handshake"}},
    }]});
    let iam = aws_sdk_iam::Client::new(&there.config);
    let create = iam.create_role().role_name("flow-logs").assume_role_policy_document(trust.to_string());
    let role = create.send().await.unwrap().role.unwrap();
    AssumeRole { role_arn: role.arn().to_owned(), external_id: Some("secret-handshake".into()) }
}

#[tokio::test]
async fn everything_is_made_there_and_nothing_here() {
    let (here, there) = (Sandbox::new("cross_account::here").await, Sandbox::new("cross_account::there").await);
    let cluster = Cluster::new("cross-account").await;
    let role = trusting_role(&there, &here).await;
    let operator = Operator::start_with(&cluster, &here, |options| {
        options.allowed_roles.0.push(format!("cross-account={}", role.role_arn).parse().unwrap());
    });
    let before = here.inventory().await;
    let mut spec = there.spec();
    spec.assume_role = Some(role);
    cluster.create("m", spec).await;
    let ready = cluster.wait_ready("m").await;
    assert_eq!(ready.status.unwrap().account_id.as_deref(), Some(there.account.as_str()));
    assert_eq!(here.inventory().await, before);
    assert_eq!(there.inventory().await["flowLogs"].as_object().unwrap().len(), 2);

    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    assert_eq!(there.inventory().await["flowLogs"], json!({}));
    operator.stop().await;
}

#[tokio::test]
async fn a_role_that_does_not_trust_us_is_told_and_the_monitor_can_be_deleted() {
    let (here, there) = (Sandbox::new("cross_account::us").await, Sandbox::new("cross_account::wary").await);
    let cluster = Cluster::new("cross-account-wary").await;
    let mut role = trusting_role(&there, &here).await;
    role.external_id = Some("wrong".into());
    let operator = Operator::start_with(&cluster, &here, |options| {
        options.allowed_roles.0.push(format!("*={}", role.role_arn).parse().unwrap());
    });
    let mut spec = there.spec();
    spec.assume_role = Some(role);
    cluster.create("m", spec).await;
    let stalled = cluster.wait("m", "a refusal", |monitor| is(monitor, "Stalled", "True")).await;
    let told = message(&stalled, "Ready");
    assert!(told.contains("trust policy") && told.contains("external id"), "{told}");

    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    operator.stop().await;
}
