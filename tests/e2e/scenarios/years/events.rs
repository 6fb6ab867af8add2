//! An event reports a failure once, however often the failure is seen.

use std::time::Duration;

use crate::scenarios::lifecycle::denied;
use testkit::cluster::{Cluster, Operator, is};
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn a_restart_repeats_no_event() {
    let (sandbox, cluster) = (Sandbox::new("years::events").await, Cluster::new("years-events").await);
    sandbox.emulator.add_fault(denied(&sandbox, "sns", "CreateTopic")).await.unwrap();
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    cluster.wait_events("AccessDenied", 1).await;
    operator.stop().await;
    let before = cluster.events().await.len();
    for token in ["1", "2"] {
        let operator = Operator::start(&cluster, &sandbox);
        cluster.reconcile_now("m", token).await;
        operator.stop().await;
    }
    assert_eq!(cluster.events().await.len(), before, "{:#?}", cluster.events().await);
}

#[tokio::test]
async fn trouble_that_comes_and_goes_is_one_event_with_a_count() {
    let (sandbox, cluster) = (Sandbox::new("years::flapping").await, Cluster::new("years-flapping").await);
    let operator = Operator::start_with(&cluster, &sandbox, |options| options.resync = Duration::from_mins(10));
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    for round in ["1", "2", "3"] {
        sandbox.emulator.add_fault(denied(&sandbox, "ec2", "DescribeFlowLogs")).await.unwrap();
        let failing = cluster.reconcile_now("m", &format!("fails {round}")).await;
        assert!(is(&failing, "FlowLogsReady", "False"), "{failing:#?}");
        sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
        let works = cluster.reconcile_now("m", &format!("works {round}")).await;
        assert!(is(&works, "FlowLogsReady", "True"), "{works:#?}");
    }
    operator.stop().await;
    cluster.wait_events("AccessDenied", 1).await;
}
