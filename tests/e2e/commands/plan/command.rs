//! The command `plan`, run as a process of its own.

use std::path::Path;
use std::process::Output;

use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokio::process::Command;

use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::{REGION, Sandbox, all_components};

const NOTHING_TO_DO: i32 = 0;
const ERROR: i32 = 1;
const CHANGES: i32 = 2;

struct Finished {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Finished {
    fn plans(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }
}

/// Runs it with the account's credentials, and with no way to a cluster unless there is a kubeconfig.
async fn run(sandbox: &Sandbox, with_cluster: bool, arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vpc-flow-operator"));
    command.arg("plan").args(arguments).env("AWS_ACCESS_KEY_ID", &sandbox.account).env("REGION", REGION);
    if !with_cluster {
        command.env_remove("KUBECONFIG").env("HOME", "/nonexistent");
    }
    output(&mut command).await
}

async fn output(command: &mut Command) -> Finished {
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
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
async fn days_that_s3_would_reject_are_named() {
    let sandbox = Sandbox::new("plan::lifecycle").await;
    let path = file("lifecycle", &monitor(&sandbox, ", s3: {lifecycle: {deepArchiveAfterDays: 179}}"));
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    let text = format!("{} {}", reported.stdout, reported.stderr);
    assert!(text.contains("spec.s3.lifecycle.deepArchiveAfterDays: 179 must be at least 180"), "{text}");
}

#[tokio::test]
async fn a_file_needs_no_cluster_and_the_exit_code_tells() {
    let sandbox = Sandbox::new("plan::file").await;
    let path = file("new", &monitor(&sandbox, ""));
    let flags = ["-f", &path, "--cluster-name", "test"];
    let reported = run(&sandbox, false, &flags).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let head = format!("network/production: {} in account {}, {REGION}\n", sandbox.vpc_id, sandbox.account);
    assert!(reported.stdout.starts_with(&head), "{}", reported.stdout);
    assert!(reported.stdout.contains("\nBucket\n  + bucket vpc-flow-logs-"), "{}", reported.stdout);
    assert!(reported.stdout.contains("\nPlan: ") && reported.stdout.ends_with(" to create.\n"), "{}", reported.stdout);

    let json = run(&sandbox, false, &[&flags[..], &["-o", "json", "--gb-per-day", "10"]].concat()).await;
    assert_eq!(json.code, CHANGES);
    let plans = json.plans();
    let bucket = &plans[0]["changes"][0];
    assert_eq!((&bucket["component"], &bucket["action"]), (&json!("Bucket"), &json!("Create")));
    assert_eq!(bucket["kind"], json!("AWS::S3::Bucket"));
    assert!(plans[0]["cost"]["perMonth"].as_f64().unwrap() > 200.0, "{plans}");
    let text = run(&sandbox, false, &[&flags[..], &["--gb-per-day", "10"]].concat()).await.stdout;
    assert!(text.contains("Cost a month at 10 GB of records a day, USD") && text.contains("Assumed"), "{text}");

    sandbox.converge(&sandbox.monitor(sandbox.spec()), &all_components()).await;
    let reported = run(&sandbox, false, &flags).await;
    assert_eq!(reported.code, NOTHING_TO_DO, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.ends_with("\nNo changes. AWS is as declared.\n"), "{}", reported.stdout);
    let reported = run(&sandbox, false, &[&flags[..], &["--destroy"]].concat()).await;
    assert_eq!(reported.code, CHANGES);
    assert!(
        reported.stdout.starts_with("deletion of network/production") && reported.stdout.contains("  = bucket "),
        "{}",
        reported.stdout
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
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.contains("Problems\n  ! Bucket: Conflict: bucket plan-taken"), "{}", reported.stdout);
    assert!(reported.stdout.contains("\nAnalytics (waits for Bucket)\n"), "{}", reported.stdout);
    assert!(reported.stdout.ends_with(" to wait; 1 problem.\n"), "{}", reported.stdout);
}

#[tokio::test]
async fn bad_input_is_reported_with_its_remedy() {
    let sandbox = Sandbox::new("plan::bad").await;
    let misspelt = file("misspelt", &monitor(&sandbox, ", s3: {bucketname: x}"));
    let twice = file("twice", &[monitor(&sandbox, ""), monitor(&sandbox, "")].join("---\n"));
    let empty = file("empty", "kind: ConfigMap\napiVersion: v1\n");
    for (arguments, part) in [
        (vec!["-f", &misspelt, "--cluster-name", "c"], "spec.s3.bucketname: unknown field; did you mean bucketName?"),
        (vec!["-f", &empty, "--cluster-name", "c"], "there is no VpcFlowMonitor in it"),
        (vec!["-f", "/nonexistent.yaml", "--cluster-name", "c"], "cannot read /nonexistent.yaml"),
        (vec!["-f", &misspelt, "--gb-per-day", "-1", "--cluster-name", "c"], "--gb-per-day"),
        (vec!["-f", &misspelt, "--gb-per-day", "many", "--cluster-name", "c"], "--gb-per-day"),
        (vec!["-f", &misspelt, "--cluster-name", ""], "--cluster-name"),
        (vec!["-f", &misspelt, "--permissions-boundary-arn", "b"], "must be an ARN such as arn:aws:iam::"),
        (vec!["-f", &misspelt, "--region", "Europe"], "such as eu-west-1"),
        (vec!["-f", &misspelt, "-n", "A b"], "lower-case letters"),
        (vec!["-f", &twice, "--cluster-name", "c"], "network/production is in it twice"),
        (vec!["-f", &twice, "-n", "other", "--cluster-name", "c"], "is in namespace network, not in other"),
        (vec!["--nonsense"], "--nonsense"),
        (vec![], "Usage"),
    ] {
        let reported = run(&sandbox, false, &arguments).await;
        assert_eq!((reported.code, reported.stdout.as_str()), (ERROR, ""), "{arguments:?}");
        assert!(reported.stderr.contains(part), "{arguments:?}: {}", reported.stderr);
    }
    let good = file("good", &monitor(&sandbox, ""));
    let reported = run(&sandbox, false, &["-f", &good]).await;
    assert_eq!(reported.code, ERROR);
    assert!(reported.stderr.contains("set --cluster-name as the operator has it"), "{}", reported.stderr);
}

#[tokio::test]
async fn of_several_monitors_each_is_reported_and_one_that_cannot_be_planned_hides_no_other() {
    let sandbox = Sandbox::new("plan::several").await;
    let named = |name: &str, spec: &str| monitor(&sandbox, spec).replace("production", name);
    let role = "arn:aws:iam::999999999999:role/x";
    let text = [
        named("a", ", s3: {bucketName: plan-several}"),
        named("b", &format!(", assumeRole: {{roleArn: '{role}'}}")),
        named("c", ", s3: {bucketName: plan-several}"),
        named("d", ", suspend: true"),
    ];
    let path = file("several", &text.join("---\n"));
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test", "-o", "json"]).await;
    assert_eq!(reported.code, ERROR, "{}", reported.stderr);
    assert!(
        reported.stderr.contains(&format!("network/b: spec.assumeRole: {role} is not allowed")),
        "{}",
        reported.stderr
    );
    let plans = reported.plans();
    let monitors: Vec<&str> = plans.as_array().unwrap().iter().map(|it| it["monitor"].as_str().unwrap()).collect();
    assert_eq!(monitors, ["network/a", "network/c", "network/d"]);
    assert_eq!(plans[0]["problems"], json!([]));
    assert!(
        plans[1]["problems"][0]["message"]
            .as_str()
            .unwrap()
            .contains("network/a is planned to create it or take it over"),
        "{plans}"
    );
    assert_eq!((&plans[1]["suspended"], &plans[2]["suspended"]), (&json!(false), &json!(true)));

    let path = file("suspended", &text[3]);
    let reported = run(&sandbox, false, &["-f", &path, "--cluster-name", "test"]).await;
    assert_eq!(reported.code, NOTHING_TO_DO, "{}", reported.stderr);
    assert!(reported.stdout.contains("\nSuspended: the operator makes none of these changes"), "{}", reported.stdout);
}

#[tokio::test]
async fn without_the_detectors_package_all_else_is_planned() {
    let sandbox = Sandbox::new("plan::no-package").await;
    sandbox.converge(&sandbox.monitor(sandbox.spec()), &all_components()).await;
    let alone = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plan-alone-{}", std::process::id()));
    std::fs::create_dir_all(&alone).unwrap();
    let program = alone.join("vpc-flow-operator");
    std::fs::copy(env!("CARGO_BIN_EXE_vpc-flow-operator"), &program).unwrap();
    let path = file("no-package", &monitor(&sandbox, ""));
    let mut command = Command::new(&program);
    command.args(["plan", "-f", &path, "--cluster-name", "test"]).env_remove("DETECTOR_PACKAGE");
    let reported = output(command.env("AWS_ACCESS_KEY_ID", &sandbox.account).env("REGION", REGION)).await;
    assert_eq!(reported.code, NOTHING_TO_DO, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.contains("Note: the detector's code was not compared"), "{}", reported.stdout);
    std::fs::remove_dir_all(&alone).unwrap();
}

/// Each kind of AWS CLI profile works, or fails with AWS's own reason, but never because this program does not support it.
#[tokio::test]
async fn profiles_of_all_kinds_are_understood() {
    let sandbox = Sandbox::new("plan::profiles").await;
    let path = file("profiles", &monitor(&sandbox, ""));
    let keys =
        format!("echo '{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"s\"}}'", sandbox.account);
    let config = file(
        "profiles-config",
        &format!(
            "[profile process]\ncredential_process = sh -c \"{}\"\n\
             [profile sso]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n\
             [sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n",
            keys.replace('"', "\\\"")
        ),
    );
    for (profile, code) in [("process", CHANGES), ("sso", ERROR)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vpc-flow-operator"));
        command.args(["plan", "-f", &path, "--cluster-name", "test"]).env("AWS_CONFIG_FILE", &config);
        for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            command.env_remove(key);
        }
        let reported = output(command.env("AWS_PROFILE", profile).env("REGION", REGION)).await;
        assert_eq!(reported.code, code, "{profile}: {}", reported.stderr);
        assert!(!reported.stderr.contains("feature"), "{profile}: {}", reported.stderr);
    }
}

#[tokio::test]
async fn a_monitor_that_is_being_deleted_is_planned_so() {
    let (sandbox, cluster) = (Sandbox::new("plan::deleting").await, Cluster::new("plan-deleting").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    operator.stop().await;
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    let reported = run(&sandbox, true, &["-n", &cluster.namespace, "m"]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.starts_with("deletion of "), "{}", reported.stdout);
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
    let reported = run(&sandbox, true, &["-n", namespace, "m"]).await;
    assert_eq!(reported.code, NOTHING_TO_DO, "{} {}", reported.stdout, reported.stderr);

    let renamed = format!(
        "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {{name: m}}\n\
         spec: {{vpcId: {}, s3: {{bucketName: plan-live-{}}}}}\n",
        sandbox.vpc_id, sandbox.account
    );
    let path = file("live", &renamed);
    let reported = run(&sandbox, true, &["-n", namespace, "-f", &path, "--live", "-o", "json"]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let plans = reported.plans();
    let of_bucket = |action: &str| {
        let changes = plans[0]["changes"].as_array().unwrap().iter();
        changes
            .filter(|it| it["kind"] == "AWS::S3::Bucket" && it["action"] == action)
            .map(|it| it["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of_bucket("Create"), [json!(format!("plan-live-{}", sandbox.account))]);
    assert_eq!(of_bucket("Retain"), [json!(bucket)]);

    let reported = run(&sandbox, true, &["-n", namespace, "missing"]).await;
    assert_eq!(reported.code, ERROR);
    assert!(reported.stderr.contains("there is no VpcFlowMonitor"), "{}", reported.stderr);
}
