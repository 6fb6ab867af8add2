//! The chart's rules are exactly what the operator uses: with all of them it is never refused anything, and without any one it is.

use std::future::pending;

use anyhow::Result;
use devenv::wait_for;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use rustix::process::Signal;
use serde_json::json;
use vpc_flow_operator::api::fleet::ORPHANED_SINCE;
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitor, VpcFlowOverview};

use super::rules::Installed;
use crate::process::{DEADLINE, Process};
use crate::scenarios::lifecycle::denied;
use testkit::cluster::{Cluster, is};
use testkit::sandbox::Sandbox;

/// Everything that an operator does in Kubernetes for monitors, from their creation to their end.
async fn live(clusters: &[Cluster], sandbox: &Sandbox) {
    for cluster in clusters {
        cluster.create("m", sandbox.spec()).await;
    }
    // All before the first trouble, which is the account's.
    for cluster in clusters {
        cluster.wait_ready("m").await;
    }
    for cluster in clusters {
        // The same trouble twice is one event, with a count.
        for round in ["1", "2"] {
            sandbox.emulator.add_fault(denied(sandbox, "ec2", "DescribeFlowLogs")).await.unwrap();
            let failing = cluster.reconcile_now("m", &format!("fails {round}")).await;
            assert!(is(&failing, "FlowLogsReady", "False"), "{failing:#?}");
            sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
            cluster.reconcile_now("m", &format!("works {round}")).await;
        }
    }
    for cluster in clusters {
        cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
        cluster.wait_gone("m").await;
    }
}

/// Everything that an operator does in Kubernetes for a fleet and an overview, until the fleet deletes its last monitor.
async fn live_with_fleet(cluster: &Cluster, sandbox: &Sandbox) {
    let fleets: Api<VpcFlowFleet> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let fleet = json!({
        "apiVersion": VpcFlowFleet::api_version(&()),
        "kind": VpcFlowFleet::kind(&()),
        "metadata": {"name": "f"},
        "spec": {
            "places": [{"name": "home"}],
            "selector": {"vpcIds": [sandbox.vpc_id]},
            "template": {},
            "prune": {"policy": "Delete", "afterSeconds": 3600},
        },
    });
    let overviews: Api<VpcFlowOverview> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let overview = json!({
        "apiVersion": VpcFlowOverview::api_version(&()),
        "kind": VpcFlowOverview::kind(&()),
        "metadata": {"name": "o"},
        "spec": {"monitorSelector": {}},
    });
    overviews.patch("o", &PatchParams::apply("test").force(), &Patch::Apply(overview)).await.unwrap();
    fleets.patch("f", &PatchParams::apply("test").force(), &Patch::Apply(fleet)).await.unwrap();
    let monitor = sandbox.vpc_id.replace("vpc-", "f-");
    let made: Result<()> = wait_for("the monitor of the fleet", DEADLINE, async || {
        Ok(cluster.monitors.get_opt(&monitor).await?.map(|_| ()))
    })
    .await;
    made.unwrap();
    cluster.wait_ready(&monitor).await;

    let elsewhere = json!({"spec": {"selector": {"vpcIds": null, "matchTags": {"no": "vpc"}}}});
    fleets.patch("f", &PatchParams::default(), &Patch::Merge(elsewhere)).await.unwrap();
    let is_orphan = |monitor: &VpcFlowMonitor| monitor.annotations().contains_key(ORPHANED_SINCE);
    cluster.wait(&monitor, "the monitor to be an orphan", is_orphan).await;
    let long_ago = json!({"metadata": {"annotations": {ORPHANED_SINCE: "2026-01-01T00:00:00Z"}}});
    cluster.monitors.patch(&monitor, &PatchParams::default(), &Patch::Merge(long_ago)).await.unwrap();
    cluster.wait_gone(&monitor).await;
    fleets.delete("f", &DeleteParams::default()).await.unwrap();
    overviews.delete("o", &DeleteParams::default()).await.unwrap();
    let gone: Result<()> = wait_for("the overview to be gone", DEADLINE, async || {
        Ok(overviews.get_opt("o").await?.is_none().then_some(()))
    })
    .await;
    gone.unwrap();
}

/// True if an event of the operator contains this refusal by Kubernetes.
async fn is_in_an_event(clusters: &[Cluster], what: &str) -> bool {
    let mut notes = Vec::new();
    for cluster in clusters {
        notes.extend(cluster.events().await.into_iter().map(|(_, note)| note));
    }
    notes.iter().any(|note| note.contains(what))
}

/// True if the operator's log contains this refusal by Kubernetes.
fn has_been_refused(operator: &Process, what: &str) -> bool {
    operator.text().replace("\\\"", "\"").contains(what)
}

/// The life that the rendering is for.
async fn live_as(rendering: &str, clusters: &[Cluster], sandbox: &Sandbox) {
    live(clusters, sandbox).await;
    if rendering == "fleets" {
        live_with_fleet(&clusters[0], sandbox).await;
    }
}

/// Checks that the operator is refused nothing with all rights, and something without each of them.
async fn lives_with_these_rights_and_no_fewer(rendering: &'static str, namespaces: &[&str], rights: usize) {
    let installed = Installed::new(rendering, namespaces).await;
    let sandbox = Sandbox::new(&format!("chart-rules-{rendering}")).await;
    let mut operator = installed.start(0, &sandbox);
    live_as(rendering, &installed.clusters, &sandbox).await;
    operator.signal(Signal::TERM);
    assert_eq!(operator.ended().await.code(), Some(0));
    operator.logged("released the lease").await;
    assert!(!has_been_refused(&operator, "is forbidden"), "{}", operator.text());
    installed.clean_up().await;

    assert_eq!(installed.rights().len(), rights, "the chart has other rules");
    for (index, right) in installed.rights().into_iter().enumerate() {
        installed.take_away(&right).await;
        let sandbox = Sandbox::new(&format!("chart-rules-{rendering}-{index}")).await;
        let operator = installed.start(index + 1, &sandbox);
        let refusal = right.refusal();
        let refused = wait_for(&refusal, DEADLINE, async || {
            let refused = has_been_refused(&operator, &refusal) || is_in_an_event(&installed.clusters, &refusal).await;
            Ok(refused.then_some(()))
        });
        let lived = async {
            live_as(rendering, &installed.clusters, &sandbox).await;
            pending::<()>().await;
        };
        tokio::select! {
            refused = refused => {
                refused.unwrap_or_else(|error| panic!("{} is not needed: {error}:\n{}", right.title(), operator.text()));
            }
            () = lived => {}
        }
        operator.kill().await;
        installed.give_back(&right).await;
        installed.clean_up().await;
    }
}

#[tokio::test]
async fn each_verb_is_needed_to_watch_all_namespaces() {
    lives_with_these_rights_and_no_fewer("default", &["network"], 11).await;
}

#[tokio::test]
async fn each_verb_is_needed_to_watch_some_namespaces() {
    lives_with_these_rights_and_no_fewer("namespaces", &["team-a", "team-b"], 18).await;
}

#[tokio::test]
async fn each_verb_is_needed_to_work_on_fleets() {
    lives_with_these_rights_and_no_fewer("fleets", &["team-a"], 22).await;
}
