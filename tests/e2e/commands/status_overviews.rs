//! The command `status` for overviews, beside their monitors.

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testkit::apply::apply;
use testkit::cluster::Cluster;
use tokio::process::Command;
use vpc_flow_operator::api::VpcFlowOverview;

use super::finished::{Finished, PROGRAM, status};

fn ready(status: &str, message: &str) -> Value {
    json!([{"type": "Ready", "status": status, "reason": "Reconciled", "message": message, "lastTransitionTime": "2026-11-30T11:56:00Z"}])
}

/// The overview `all` of the monitors with the label `env=prod`: `inside`, whose alarm fires. `outside` lacks the label.
async fn overview(name: &str) -> Cluster {
    let cluster = Cluster::new(name).await;
    for (monitor, labels) in [("inside", json!({"env": "prod"})), ("outside", json!({}))] {
        let metadata = json!({"name": monitor, "labels": labels});
        let made = apply(&cluster.monitors, &metadata, &json!({"vpcId": "vpc-0123456789abcdef0"})).await;
        let status = json!({"status": {
            "observedGeneration": made.metadata.generation, "accountId": "444455556666", "region": "eu-west-1",
            "conditions": ready("True", "AWS is as declared"), "alarms": [{"name": "rejected-connections", "state": "ALARM"}],
        }});
        cluster.monitors.patch_status(monitor, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }
    let overviews: Api<VpcFlowOverview> = Api::namespaced(cluster.client.clone(), name);
    let metadata = json!({"name": "all", "labels": {"team": "network"}});
    let made = apply(&overviews, &metadata, &json!({"monitorSelector": {"matchLabels": {"env": "prod"}}})).await;
    let status = json!({"status": {
        "observedGeneration": made.metadata.generation, "accountId": "123456789012", "region": "eu-west-1",
        "conditions": ready("True", "1 monitor in 1 account and region"),
        "monitors": {"selected": 1, "ready": 1, "firing": 1},
        "places": [{"accountId": "444455556666", "region": "eu-west-1", "monitors": 1, "rules": 1}],
    }});
    overviews.patch_status("all", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    cluster
}

#[tokio::test]
async fn an_overview_comes_first_with_the_monitors_that_it_selects() {
    let cluster = overview("status-overview").await;
    let all = status(&cluster, &[]).await;
    assert_eq!((all.code, all.stderr.as_str()), (0, ""), "{all:#?}");
    let (of_overview, rest) = all.stdout.split_once("\n\n\n").unwrap();
    assert!(
        of_overview.starts_with("Overview status-overview/all in account 123456789012, eu-west-1: 1 monitor\nselected, 1 ready, 1 alarm fires\n"),
        "{of_overview}"
    );
    let tree = "Monitors\n  account 444455556666, eu-west-1\n    ok  inside: vpc-0123456789abcdef0\n        fires: rejected-connections";
    assert!(of_overview.ends_with(tree), "{of_overview}");
    for monitor in ["inside", "outside"] {
        assert!(rest.contains(&format!("status-overview/{monitor}: vpc-")), "{rest}");
    }

    let document = status(&cluster, &["-o", "json"]).await.document();
    let names: Vec<_> =
        document.as_array().unwrap().iter().map(|it| it.get("overview").unwrap_or(&it["monitor"])).collect();
    assert_eq!(names, ["status-overview/all", "status-overview/inside", "status-overview/outside"]);
    assert_eq!(document[0]["places"][0]["monitors"][0]["firing"], json!(["rejected-connections"]));
}

#[tokio::test]
async fn an_overview_is_chosen_by_its_name_or_its_labels() {
    let cluster = overview("status-overview-name").await;
    for arguments in
        [&["all"][..], &["vfo/all"], &["vfo", "all"], &["vpcflowoverviews.vpcflow.dev/all"], &["-l", "team=network"]]
    {
        let one = status(&cluster, arguments).await;
        assert_eq!((one.code, one.stderr.as_str()), (0, ""), "{arguments:?}: {one:#?}");
        assert_eq!(one.stdout.matches("Overview status-overview-name/all").count(), 1, "{arguments:?}: {}", one.stdout);
        assert!(
            one.stdout.contains("ok  inside: ") && !one.stdout.contains("outside"),
            "{arguments:?}: {}",
            one.stdout
        );
    }
    let none = status(&cluster, &["vfo/other"]).await;
    let expected = "there is no VpcFlowOverview status-overview-name/other: `kubectl get vfo -A` lists all";
    assert!(none.code == 1 && none.stderr.contains(expected), "{none:#?}");
    let mut verify = Command::new(PROGRAM);
    let refused = Finished::of(verify.args(["verify", "-n", &cluster.namespace, "vfo/all"])).await;
    assert!(refused.stderr.contains("vfo/all is a VpcFlowOverview, and this command is for monitors"), "{refused:#?}");
}
