//! Monitors at rest: nothing is written anywhere, and the reads are known to the call.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::types::StateValue;
use devenv::wait_for;
use kube::ResourceExt;
use kube::api::ListParams;
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowMonitorSpec};

use crate::report::Sweep;
use crate::world::{DEADLINE, World};

const MONITORS: usize = 10;
const RESYNCS: usize = 3;

/// The most reads of one look at a default monitor, on average. A new read is a decision: every monitor makes it, every ten minutes, for
/// years. Reads for several monitors at once stay below their figure. The operator asks for its own identity in AWS once.
const READS: &[(&str, &str, f64)] = &[
    ("athena", "BatchGetNamedQuery", 1.0),
    ("athena", "GetWorkGroup", 1.0),
    ("athena", "ListNamedQueries", 1.0),
    ("athena", "ListTagsForResource", 1.0),
    ("ec2", "DescribeFlowLogs", 1.0),
    ("glue", "GetDatabase", 1.0),
    ("glue", "GetTables", 1.0),
    ("glue", "GetTags", 1.0),
    ("iam", "GetRole", 2.0),
    ("iam", "GetRolePolicy", 2.0),
    ("iam", "ListAttachedRolePolicies", 2.0),
    ("iam", "ListRolePolicies", 2.0),
    ("lambda", "GetFunction", 1.0),
    ("lambda", "GetPolicy", 1.0),
    ("logs", "DescribeLogGroups", 2.0),
    ("logs", "DescribeMetricFilters", 1.0),
    ("logs", "DescribeQueryDefinitions", 1.0),
    ("logs", "DescribeSubscriptionFilters", 1.0),
    ("logs", "ListTagsForResource", 2.0),
    ("monitoring", "DescribeAlarms", 1.0),
    ("monitoring", "GetDashboard", 1.0),
    ("monitoring", "ListTagsForResource", 5.0),
    ("s3", "GetBucketEncryption", 1.0),
    ("s3", "GetBucketLifecycleConfiguration", 1.0),
    ("s3", "GetBucketOwnershipControls", 1.0),
    ("s3", "GetBucketPolicy", 1.0),
    ("s3", "GetBucketTagging", 1.0),
    ("s3", "GetBucketVersioning", 1.0),
    ("s3", "GetPublicAccessBlock", 1.0),
    ("sns", "GetTopicAttributes", 1.0),
    ("sns", "ListTagsForResource", 1.0),
    ("sts", "GetCallerIdentity", 0.1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_monitors_at_rest_write_nothing_and_read_what_is_listed() {
    let mut sweep = Sweep::start("rest");
    let mut world = World::new("rest").await.unwrap();
    world.start().unwrap();
    let names: Vec<String> = (0..MONITORS).map(|number| format!("m{number}")).collect();
    let ec2 = aws_sdk_ec2::Client::new(&world.sandbox.config);
    for name in &names {
        // A VPC has room for the flow logs of a few monitors only.
        let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap();
        world.cluster.create(name, VpcFlowMonitorSpec::new(vpc.vpc_id.unwrap())).await;
    }
    for name in &names {
        world.cluster.wait_ready(name).await;
    }
    judge_alarms(&world).await;
    for name in &names {
        let has_reported = |monitor: &VpcFlowMonitor| {
            monitor.status.as_ref().is_some_and(|status| status.alarms.iter().all(|alarm| alarm.state == "OK"))
        };
        world.cluster.reconcile_now(name, "judged").await;
        world.cluster.wait(name, "the states of the alarms", has_reported).await;
    }
    world.stop().await.unwrap();

    // An operator that starts anew looks at each of them once more than it resyncs.
    let (aws, kube) = (world.proxy.calls().len(), world.kube.calls().len());
    let (versions, events) = (versions(&world).await, world.cluster.events().await.len());
    world.start_with(|options| options.resync = Duration::from_secs(1)).unwrap();
    let looks = |world: &World| {
        let calls = world.kube.calls().split_off(kube);
        calls.iter().filter(|(_, call)| call.verb == "get" && call.resource == "vpcflowmonitors").count()
    };
    wait_for("the resyncs", DEADLINE, async || Ok((looks(&world) >= MONITORS * (RESYNCS + 1)).then_some(())))
        .await
        .unwrap();
    world.stop().await.unwrap();

    let (calls, looks) = (world.proxy.calls().split_off(aws), looks(&world));
    let written: Vec<_> = calls.iter().filter(|call| call.mutating).collect();
    assert!(written.is_empty(), "written to AWS: {written:#?}");
    let written: Vec<_> = world.kube.calls().split_off(kube).into_iter().filter(|(_, call)| call.is_write()).collect();
    assert!(written.is_empty(), "written to Kubernetes: {written:#?}");
    assert_eq!(self::versions(&world).await, versions);
    assert_eq!(world.cluster.events().await.len(), events);

    let mut reads: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for call in &calls {
        *reads.entry((&call.service, &call.operation)).or_default() += 1;
    }
    let each = |count: usize| f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(looks).unwrap());
    for ((service, operation), count) in &reads {
        println!("    (\"{service}\", \"{operation}\", {:.1}),", each(*count));
        let listed =
            READS.iter().find(|(known, of, _)| (known, of) == (service, operation)).map_or(0.0, |(_, _, most)| *most);
        if each(*count) > listed + 0.005 {
            sweep.add_failure(format!("{service} {operation}: {:.2} calls a look, {listed} in READS", each(*count)));
        }
    }
    for (service, operation, _) in READS {
        if !reads.contains_key(&(*service, *operation)) {
            sweep.add_failure(format!("{service} {operation} is in READS and never called"));
        }
    }
    println!("{:.1} reads a monitor and resync, {looks} looks", each(calls.len()));
    sweep.add_points(looks);
    sweep.add_run("rest", Ok(()));
    sweep.finish();
}

/// Sets the state of new alarms. Otherwise they would get their first state after some minutes, and the operator would report it.
async fn judge_alarms(world: &World) {
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&world.sandbox.config);
    for name in world.sandbox.inventory().await["alarms"].as_object().unwrap().keys() {
        let judged = cloudwatch.set_alarm_state().alarm_name(name).state_value(StateValue::Ok).state_reason("quiet");
        judged.send().await.unwrap();
    }
}

async fn versions(world: &World) -> BTreeMap<String, Option<String>> {
    let monitors = world.cluster.monitors.list(&ListParams::default()).await.unwrap();
    monitors.into_iter().map(|monitor| (monitor.name_any(), monitor.resource_version())).collect()
}
