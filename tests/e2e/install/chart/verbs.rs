//! The chart's rules are exactly what the operator uses: with all of them it is never refused anything, and without any one it is.

use std::future::pending;

use devenv::wait_for;
use kube::api::DeleteParams;
use rustix::process::Signal;

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

/// True if the operator's log contains this refusal by Kubernetes.
fn has_been_refused(operator: &Process, what: &str) -> bool {
    operator.text().replace("\\\"", "\"").contains(what)
}

/// Checks that the operator is refused nothing with all rights, and something without each of them.
async fn lives_with_these_rights_and_no_fewer(rendering: &'static str, namespaces: &[&str], rights: usize) {
    let installed = Installed::new(rendering, namespaces).await;
    let sandbox = Sandbox::new(&format!("chart-rules-{rendering}")).await;
    let mut operator = installed.start(0, &sandbox);
    live(&installed.clusters, &sandbox).await;
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
        let refused = wait_for(&refusal, DEADLINE, async || Ok(has_been_refused(&operator, &refusal).then_some(())));
        let lived = async {
            live(&installed.clusters, &sandbox).await;
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
