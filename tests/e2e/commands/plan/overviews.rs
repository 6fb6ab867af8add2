//! Overviews, planned from files and in the cluster.

use serde_json::{Value, json};
use testkit::overviews::Stage;
use testkit::sandbox::{REGION, Sandbox};

use super::command::{CHANGES, ERROR, NOTHING_TO_DO, file, monitor, run};
use crate::commands::finished::Finished;

fn overview(name: &str, spec: &Value) -> String {
    json!({"apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowOverview", "metadata": {"name": name}, "spec": spec})
        .to_string()
}

/// The plan with the cluster of the stage, and with a role that the settings list.
async fn online(stage: &Stage, arguments: &[&str]) -> Finished {
    let namespace = &stage.cluster.namespace;
    let allowed = format!("{namespace}={}", stage.role.role_arn);
    let always = ["-n", namespace, "--cluster-name", "test", "--allowed-role", &allowed];
    let before = stage.here.latest_call().await;
    let reported = run(&stage.here, true, &[&always[..], arguments].concat()).await;
    assert_eq!(stage.here.writes_since(before).await, []);
    reported
}

#[tokio::test]
async fn an_overview_of_a_file_is_planned_over_the_monitors_of_the_cluster() {
    let stage = Stage::new("plan-overview").await;
    let operator = stage.start();
    stage.monitor_here("a").await;
    stage.monitor_there("b").await;
    let path = file("overview", &overview("all", &json!({"monitorSelector": {"matchLabels": {"team": "network"}}})));
    let (here, there) = (&stage.here.account, &stage.there.account);
    let reported = online(&stage, &["-f", &path]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let head =
        format!("overview plan-overview/all in account {here}, {REGION}: 2 monitors in 2 accounts and regions\n");
    assert!(reported.stdout.starts_with(&head), "{}", reported.stdout);
    for place in
        [format!("Notifications in account {here}, {REGION}"), format!("Forwarding in account {there}, us-east-1")]
    {
        assert!(reported.stdout.contains(&format!("\n{place}\n  + ")), "{place}: {}", reported.stdout);
    }
    // A topic, a bus with its rule, a role and a rule for each of two accounts, and the dashboard.
    assert!(reported.stdout.ends_with("\nPlan: 8 to create.\n"), "{}", reported.stdout);
    let document = online(&stage, &["-f", &path, "-o", "json"]).await.document();
    let planned: Vec<_> =
        document["overviews"][0]["changes"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(planned.iter().filter(|kind| **kind == "AWS::IAM::Role").count(), 2, "{planned:?}");

    stage.apply("all", json!({})).await;
    stage.wait_ready("all", 2).await;
    let settled = online(&stage, &["vfo/all"]).await;
    assert_eq!(settled.code, NOTHING_TO_DO, "{} {}", settled.stdout, settled.stderr);
    assert!(settled.stdout.ends_with("\nNo changes. AWS is as declared.\n"), "{}", settled.stdout);

    let fewer = json!({"monitorSelector": {"matchLabels": {"team": "network"}}, "dashboard": {"enabled": false}});
    let changed = online(&stage, &["-f", &file("overview-fewer", &overview("all", &fewer))]).await;
    assert!(changed.stdout.ends_with("\nPlan: 1 to delete.\n"), "{}", changed.stdout);
    let deletion = online(&stage, &["all", "--destroy"]).await;
    assert!(deletion.stdout.starts_with("deletion of overview plan-overview/all in "), "{}", deletion.stdout);
    assert!(deletion.stdout.ends_with("\nPlan: 8 to delete.\n"), "{}", deletion.stdout);
    stage.delete("all").await;
    operator.stop().await;
}

#[tokio::test]
async fn a_place_that_cannot_be_reached_is_a_problem_and_the_others_are_planned() {
    let stage = Stage::new("plan-overview-denied").await;
    let operator = stage.start();
    stage.monitor_here("a").await;
    stage.monitor_there("b").await;
    operator.stop().await;
    let path = file("overview-denied", &overview("all", &json!({"monitorSelector": {}})));
    // The role of the other account is not listed.
    let arguments = ["-n", &stage.cluster.namespace, "--cluster-name", "test", "-f", &path];
    let reported = run(&stage.here, true, &arguments).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    let refused = format!("  ! Forwarding: AccessDenied: {} us-east-1: spec.assumeRole: ", stage.there.account);
    assert!(reported.stdout.contains(&refused), "{}", reported.stdout);
    assert!(reported.stdout.contains("\n  + topic "), "{}", reported.stdout);
}

#[tokio::test]
async fn without_a_cluster_the_monitors_of_the_same_files_count() {
    let sandbox = Sandbox::new("plan::overview-offline").await;
    let text = format!("{}---\n{}", monitor(&sandbox, ""), overview("all", &json!({"monitorSelector": {}})));
    let path = file("overview-offline", &text);
    let reported = run(&sandbox, false, &["-n", "network", "-f", &path, "--cluster-name", "test"]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.contains("\noverview network/all in account "), "{}", reported.stdout);
    assert!(reported.stdout.contains(": 1 monitor in 1 account and region\n"), "{}", reported.stdout);
    assert!(reported.stdout.contains("\nNote: the monitors of the cluster are not known: "), "{}", reported.stdout);
    assert!(reported.stdout.ends_with("; overview network/all: 6 to create.\n"), "{}", reported.stdout);
}
