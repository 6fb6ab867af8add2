//! A VPC that does not exist, or no longer.

use testkit::cluster::{Cluster, Operator, is};
use testkit::sandbox::{Sandbox, all_components};

use super::command::{ERROR, NOTHING_TO_DO, file, monitor, run};

#[tokio::test]
async fn a_vpc_that_does_not_exist_is_a_problem() {
    let sandbox = Sandbox::new("plan::no-vpc").await;
    let path = file("no-vpc", &monitor(&sandbox, "").replace(&sandbox.vpc_id, "vpc-0123456789abcdef0"));
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    let problem = "\nProblems\n  ! FlowLogs: Rejected: EC2 DescribeVpcs: InvalidVpcID.NotFound: ";
    assert!(reported.stdout.contains(problem), "{}", reported.stdout);
    assert!(reported.stdout.contains("spec.vpcId vpc-0123456789abcdef0 is not in account"), "{}", reported.stdout);
    let sum = reported.stdout.lines().find(|line| line.starts_with("Plan: ")).unwrap();
    assert!(sum.ends_with(" waiting; 1 problem.") && !sum.contains(" to "), "{sum}");
}

#[tokio::test]
async fn a_vpc_that_vanished_is_noted_while_its_flow_logs_are_there_and_then_a_problem() {
    let sandbox = Sandbox::new("plan::gone-vpc").await;
    sandbox.converge(&sandbox.monitor(sandbox.spec()), &all_components()).await;
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    ec2.delete_vpc().vpc_id(&sandbox.vpc_id).send().await.unwrap();
    let path = file("gone-vpc", &monitor(&sandbox, ""));
    let plan = async || run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    let noted = plan().await;
    assert_eq!(noted.code, NOTHING_TO_DO, "{} {}", noted.stdout, noted.stderr);
    let gone = format!("VPC {} is no longer in account {}, region ", sandbox.vpc_id, sandbox.account);
    assert!(noted.stdout.contains(&format!("\nNote: {gone}")), "{}", noted.stdout);

    let flow_logs = ec2.describe_flow_logs().send().await.unwrap();
    let ids = flow_logs.flow_logs().iter().filter_map(|flow_log| flow_log.flow_log_id().map(str::to_owned));
    // One of the two stays, and shows that the monitor was applied.
    ec2.delete_flow_logs().set_flow_log_ids(Some(ids.skip(1).collect())).send().await.unwrap();
    let blocked = plan().await;
    assert_eq!(blocked.code, ERROR, "{} {}", blocked.stdout, blocked.stderr);
    assert!(
        blocked.stdout.contains(&format!(" ({gone}")) && !blocked.stdout.contains("correct it"),
        "{}",
        blocked.stdout
    );
    assert!(blocked.stdout.contains("\nFlowLogs (waits until its problem is solved)\n"), "{}", blocked.stdout);
}

#[tokio::test]
async fn the_problem_of_a_monitor_that_is_not_ready_is_printed_once() {
    let (sandbox, cluster) = (Sandbox::new("plan::once").await, Cluster::new("plan-once").await);
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.vpc_id = "vpc-0123456789abcdef0".to_owned();
    cluster.create("m", spec).await;
    cluster.wait("m", "the VPC to be missed", |monitor| is(monitor, "Stalled", "True")).await;
    operator.stop().await;
    let reported = run(&sandbox, true, &["-n", &cluster.namespace, "m"]).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    assert_eq!(reported.stdout.matches("InvalidVpcID.NotFound").count(), 1, "{}", reported.stdout);
}
