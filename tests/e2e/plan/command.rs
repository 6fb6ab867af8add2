//! The command `plan`, run as a process of its own.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::cluster::{Cluster, Operator};
use crate::support::{REGION, Sandbox, all_components};

const NOTHING_TO_DO: i32 = 0;
const ERROR: i32 = 1;
const CHANGES: i32 = 2;

struct Told {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Told {
    fn plans(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }
}

/// Runs it with the account's credentials, and with no way to a cluster unless there is a kubeconfig.
async fn run(sandbox: &Sandbox, with_cluster: bool, arguments: &[&str]) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vpc-flow-operator"));
    command.arg("plan").args(arguments).env("AWS_ACCESS_KEY_ID", &sandbox.account).env("REGION", REGION);
    if !with_cluster {
        command.env_remove("KUBECONFIG").env("HOME", "/nonexistent");
    }
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

/// A file of the test's own.
fn file(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plan-{name}-{}.yaml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn monitor(sandbox: &Sandbox, spec: &str) -> String {
    format!(
        "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {{namespace: network, name: production}}\n\
         spec: {{vpcId: {}{spec}}}\n",
        sandbox.vpc_id
    )
}

#[tokio::test]
async fn a_file_needs_no_cluster_and_the_exit_code_tells() {
    let sandbox = Sandbox::new("plan::file").await;
    let path = file("new", &monitor(&sandbox, ""));
    let flags = ["-f", &path, "--cluster-name", "test"];
    let told = run(&sandbox, false, &flags).await;
    assert_eq!(told.code, CHANGES, "{} {}", told.stdout, told.stderr);
    let head = format!("network/production: {} in account {}, {REGION}\n", sandbox.vpc_id, sandbox.account);
    assert!(told.stdout.starts_with(&head), "{}", told.stdout);
    assert!(told.stdout.contains("\nStorage\n  + bucket vpc-flow-logs-"), "{}", told.stdout);
    assert!(told.stdout.contains("\nPlan: ") && told.stdout.ends_with(" to create.\n"), "{}", told.stdout);

    let json = run(&sandbox, false, &[&flags[..], &["-o", "json", "--gb-per-day", "10"]].concat()).await;
    assert_eq!(json.code, CHANGES);
    let plans = json.plans();
    let bucket = &plans[0]["changes"][0];
    assert_eq!((&bucket["component"], &bucket["action"]), (&json!("Storage"), &json!("Create")));
    assert_eq!(bucket["kind"], json!("AWS::S3::Bucket"));
    assert!(plans[0]["cost"]["perMonth"].as_f64().unwrap() > 200.0, "{plans}");
    let text = run(&sandbox, false, &[&flags[..], &["--gb-per-day", "10"]].concat()).await.stdout;
    assert!(text.contains("Cost a month at 10 GB of records a day, USD") && text.contains("Assumed"), "{text}");

    sandbox.converge(&sandbox.monitor(sandbox.spec()), &all_components()).await;
    let told = run(&sandbox, false, &flags).await;
    assert_eq!(told.code, NOTHING_TO_DO, "{} {}", told.stdout, told.stderr);
    assert!(told.stdout.ends_with("\nNo changes. AWS is as declared.\n"), "{}", told.stdout);
    let told = run(&sandbox, false, &[&flags[..], &["--destroy"]].concat()).await;
    assert_eq!(told.code, CHANGES);
    assert!(
        told.stdout.starts_with("deletion of network/production") && told.stdout.contains("  = bucket "),
        "{}",
        told.stdout
    );
}

#[tokio::test]
async fn what_stands_in_the_way_is_an_error() {
    let sandbox = Sandbox::new("plan::conflict").await;
    sandbox
        .s3()
        .create_bucket()
        .bucket("plan-taken")
        .create_bucket_configuration(
            aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(REGION.into()).build(),
        )
        .send()
        .await
        .unwrap();
    let path = file("conflict", &monitor(&sandbox, ", s3: {bucketName: plan-taken}"));
    let told = run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    assert_eq!(told.code, ERROR, "{} {}", told.stdout, told.stderr);
    assert!(told.stdout.contains("In the way\n  ! Storage: Conflict: bucket plan-taken"), "{}", told.stdout);
    assert!(told.stdout.ends_with("; 1 in the way.\n"), "{}", told.stdout);
}

#[tokio::test]
async fn bad_input_is_told_with_its_remedy() {
    let sandbox = Sandbox::new("plan::bad").await;
    let misspelt = file("misspelt", &monitor(&sandbox, ", s3: {bucketname: x}"));
    let empty = file("empty", "kind: ConfigMap\napiVersion: v1\n");
    for (arguments, part) in [
        (vec!["-f", &misspelt, "--cluster-name", "c"], "spec.s3.bucketname is no field of a VpcFlowMonitor"),
        (vec!["-f", &empty, "--cluster-name", "c"], "there is no VpcFlowMonitor in it"),
        (vec!["-f", "/nonexistent.yaml", "--cluster-name", "c"], "cannot read /nonexistent.yaml"),
        (vec!["-f", &misspelt, "--gb-per-day", "-1", "--cluster-name", "c"], "--gb-per-day"),
    ] {
        let told = run(&sandbox, false, &arguments).await;
        assert!(told.code != NOTHING_TO_DO && told.code != CHANGES || part.starts_with("--"), "{}", told.code);
        assert!(told.stderr.contains(part), "{arguments:?}: {}", told.stderr);
    }
    let good = file("good", &monitor(&sandbox, ""));
    let told = run(&sandbox, false, &["-f", &good]).await;
    assert_eq!(told.code, ERROR);
    assert!(told.stderr.contains("set --cluster-name as the operator has it"), "{}", told.stderr);
}

#[tokio::test]
async fn a_monitor_in_the_cluster_is_planned_with_what_it_has_made() {
    let (sandbox, cluster) = (Sandbox::new("plan::live").await, Cluster::new("plan-live").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let ready = cluster.wait_ready("m").await;
    operator.stop().await;
    let (namespace, bucket) = (&cluster.namespace, ready.status.unwrap().summary.unwrap().bucket);
    // The cluster's name and the region come from the status.
    let told = run(&sandbox, true, &["-n", namespace, "m"]).await;
    assert_eq!(told.code, NOTHING_TO_DO, "{} {}", told.stdout, told.stderr);

    let renamed = format!(
        "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {{name: m}}\n\
         spec: {{vpcId: {}, s3: {{bucketName: plan-live-{}}}}}\n",
        sandbox.vpc_id, sandbox.account
    );
    let path = file("live", &renamed);
    let told = run(&sandbox, true, &["-n", namespace, "-f", &path, "--live", "-o", "json"]).await;
    assert_eq!(told.code, CHANGES, "{} {}", told.stdout, told.stderr);
    let plans = told.plans();
    let of_bucket = |action: &str| {
        let changes = plans[0]["changes"].as_array().unwrap().iter();
        changes
            .filter(|it| it["kind"] == "AWS::S3::Bucket" && it["action"] == action)
            .map(|it| it["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of_bucket("Create"), [json!(format!("plan-live-{}", sandbox.account))]);
    assert_eq!(of_bucket("Retain"), [json!(bucket)]);

    let told = run(&sandbox, true, &["-n", namespace, "missing"]).await;
    assert_eq!(told.code, ERROR);
    assert!(told.stderr.contains("there is no VpcFlowMonitor"), "{}", told.stderr);
}
