//! A whole monitor whose records change their layout: the saved queries still reach the records delivered before.

use devenv::Scenario;
use vpc_flow_operator::api::spec::FileFormat;
use vpc_flow_operator::api::{FlowLogField, VpcFlowMonitorSpec};

use crate::systems::analytics::saved_queries::run_in;
use testkit::sandbox::{Sandbox, all_components};

const MINUTES: u32 = 5;

fn plain_text(spec: &mut VpcFlowMonitorSpec) {
    spec.s3.file_format = FileFormat::PlainText;
}

fn swapped(spec: &mut VpcFlowMonitorSpec) {
    plain_text(spec);
    for field in &mut spec.s3.fields {
        *field = match *field {
            FlowLogField::SrcAddr => FlowLogField::DstAddr,
            FlowLogField::DstAddr => FlowLogField::SrcAddr,
            other => other,
        };
    }
}

/// Flows and bytes of all days.
async fn volume(sandbox: &Sandbox, workgroup: &str) -> [u64; 2] {
    let days = run_in(sandbox, workgroup, "Daily volume").await;
    let sum = |column: usize| days.iter().map(|day| day[column].parse::<u64>().unwrap()).sum();
    [sum(2), sum(1)]
}

#[tokio::test]
async fn no_change_of_layout_loses_or_misreads_what_was_delivered() {
    let sandbox = Sandbox::new("layouts::delivered").await;
    let all = all_components();
    let changes: [fn(&mut VpcFlowMonitorSpec); 5] =
        [|_| {}, plain_text, swapped, |_| {}, |spec| spec.s3.per_hour_partition = false];
    let (mut before, mut delivered_before) = ([0, 0], 0);
    for (number, change) in changes.into_iter().enumerate() {
        let mut spec = sandbox.spec();
        change(&mut spec);
        let monitor = sandbox.monitor(spec);
        sandbox.converge(&monitor, &all).await;
        let workgroup = monitor.names.workgroup();
        assert_eq!(volume(&sandbox, &workgroup).await, before, "after change {number}");

        let Sandbox { account, vpc_id, emulator, .. } = &sandbox;
        let traffic = emulator.traffic(account, "eu-west-1", vpc_id, Scenario::PortScan, MINUTES).await.unwrap();
        let to_bucket = traffic.flow_logs.values().find(|it| it.destination.contains(":s3:")).unwrap();
        assert!(to_bucket.refused.is_none() && to_bucket.delivered > 0, "{traffic:?}");
        let after = volume(&sandbox, &workgroup).await;
        assert!(after[0] > before[0] && after[1] > before[1], "after change {number}: {after:?}");
        delivered_before += to_bucket.delivered;
        assert!(after[0] <= delivered_before, "a record was read twice: {after:?}");
        let scans = run_in(&sandbox, &workgroup, "Port scans").await;
        assert_eq!(scans.len(), 1, "source and destination in their places: {scans:?}");
        assert_eq!(scans[0][0], Scenario::ATTACKER);
        before = after;
    }
}
