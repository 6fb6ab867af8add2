//! The plan of a file without the status of the monitor: AWS shows some of what the status records.

use serde_json::json;
use testkit::sandbox::{Sandbox, all_components};
use vpc_flow_operator::api::spec::DeletionPolicy;

use super::command::{CHANGES, ERROR, file, monitor, run};

const NOTE: &str = "the plan was made without the monitor's status: ";

/// A monitor that is applied with that deletion policy, and the plan of a file that gives it another bucket and log group.
async fn renamed(test: &str, policy: DeletionPolicy) -> (String, String) {
    let sandbox = Sandbox::new(&format!("plan::{test}")).await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(policy);
    let applied = sandbox.monitor(spec);
    sandbox.converge(&applied, &all_components()).await;
    let spec = format!(
        ", deletionPolicy: {policy:?}, s3: {{bucketName: {test}-{}}}, cloudWatchLogs: {{logGroupName: /new}}",
        sandbox.account
    );
    let path = file(test, &monitor(&sandbox, &spec));
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    (applied.names.bucket, reported.stdout)
}

#[tokio::test]
async fn the_bucket_and_the_log_group_of_the_present_flow_logs_are_planned_to_be_deleted() {
    let (bucket, text) = renamed("offline-delete", DeletionPolicy::Delete).await;
    let because = "        because: deletionPolicy is Delete; all its records are deleted for good";
    for resource in [format!("bucket {bucket}"), "log group /aws/vpc/flowlogs/network/production".to_owned()] {
        assert!(text.contains(&format!("\n  - {resource}\n{because}\n")), "{text}");
    }
    assert!(text.contains(&format!("\nNote: {NOTE}")), "{text}");
}

#[tokio::test]
async fn the_bucket_and_the_log_group_of_the_present_flow_logs_are_planned_to_be_retained() {
    let (bucket, text) = renamed("offline-retain", DeletionPolicy::RetainData).await;
    for resource in [format!("bucket {bucket}"), "log group /aws/vpc/flowlogs/network/production".to_owned()] {
        assert!(text.contains(&format!("\n  = {resource}\n")), "{text}");
    }
}

#[tokio::test]
async fn another_vpc_than_that_of_the_flow_logs_is_a_problem() {
    let sandbox = Sandbox::new("plan::offline-vpc").await;
    sandbox.converge(&sandbox.monitor(sandbox.spec()), &all_components()).await;
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    let other = ec2.create_vpc().cidr_block("10.9.0.0/16").send().await.unwrap();
    let other = other.vpc().and_then(|vpc| vpc.vpc_id()).unwrap();
    let path = file("offline-vpc", &monitor(&sandbox, "").replace(&sandbox.vpc_id, other));
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    let problem = format!(
        "\nProblems\n  ! FlowLogs: InvalidSpec: spec.vpcId: vpcId is immutable: in AWS this monitor has flow logs of {};",
        sandbox.vpc_id
    );
    assert!(reported.stdout.contains(&problem), "{}", reported.stdout);
    let sum = reported.stdout.lines().find(|line| line.starts_with("Plan: ")).unwrap();
    assert!(!sum.contains(" to ") && sum.ends_with(" waiting; 1 problem."), "{sum}");
}

#[tokio::test]
async fn every_plan_without_the_status_has_the_note() {
    let sandbox = Sandbox::new("plan::offline-note").await;
    let path = file("offline-note", &monitor(&sandbox, ""));
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test", "-o", "json"]).await;
    let plans = reported.document();
    let notes: Vec<_> = plans[0]["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    assert!(notes.len() == 1 && notes[0].starts_with(NOTE), "{plans}");
    assert_eq!(plans[0]["problems"], json!([]));
}
