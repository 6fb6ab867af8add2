//! The command `plan`, run as a process of its own.

use std::path::Path;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use tokio::process::Command;

use crate::commands::finished::{Finished, PROGRAM};
use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::{REGION, Sandbox, all_components};

pub(super) const NOTHING_TO_DO: i32 = 0;
pub(super) const ERROR: i32 = 1;
/// With `--detailed-exitcode`.
pub(super) const CHANGES: i32 = 2;
const WRONG_ARGUMENTS: i32 = 2;

/// Runs it with the account's credentials, with an exit code for changes, and with no way to a cluster unless there is a kubeconfig.
pub(super) async fn run(sandbox: &Sandbox, with_cluster: bool, arguments: &[&str]) -> Finished {
    let mut command = command(sandbox, arguments);
    command.arg("--detailed-exitcode");
    if !with_cluster {
        without_cluster(&mut command);
        if arguments.contains(&"-f") {
            command.arg("--offline");
        }
    }
    Finished::of(&mut command).await
}

pub(super) fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("plan").args(arguments).env("AWS_ACCESS_KEY_ID", &sandbox.account).env("REGION", REGION);
    command
}

fn without_cluster(command: &mut Command) {
    command.env_remove("KUBECONFIG").env("HOME", "/nonexistent");
}

/// A file of the test's own.
pub(super) fn file(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plan-{name}-{}.yaml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

pub(super) fn monitor(sandbox: &Sandbox, spec: &str) -> String {
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
    assert_eq!((reported.code, reported.stdout.as_str()), (ERROR, ""), "{text}");
    assert!(text.contains("document 1: spec.s3.lifecycle.deepArchiveAfterDays: "), "{text}");
}

#[tokio::test]
async fn a_file_needs_no_cluster_and_the_exit_code_tells() {
    let sandbox = Sandbox::new("plan::file").await;
    let path = file("new", &monitor(&sandbox, ""));
    let flags = ["-f", &path, "--cluster-name", "test"];
    let reported = run(&sandbox, false, &flags).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let head = format!(
        "network/production: {} in account {}, {REGION}\ncluster test (from --cluster-name)\nMarks: + created\n",
        sandbox.vpc_id, sandbox.account
    );
    assert!(reported.stdout.starts_with(&head), "{}", reported.stdout);
    assert!(reported.stdout.contains("\nBucket\n  + bucket vpc-flow-logs-"), "{}", reported.stdout);
    assert!(reported.stdout.contains("\nPlan: ") && reported.stdout.contains(" to create.\n"), "{}", reported.stdout);

    let json = run(&sandbox, false, &[&flags[..], &["-o", "json", "--gb-per-day", "10"]].concat()).await;
    assert_eq!(json.code, CHANGES);
    let plans = json.document();
    let bucket = &plans[0]["changes"][0];
    assert_eq!((&bucket["component"], &bucket["action"]), (&json!("Bucket"), &json!("Create")));
    assert_eq!(bucket["kind"], json!("AWS::S3::Bucket"));
    assert!(plans[0]["cost"]["perMonth"].as_f64().unwrap() > 200.0, "{plans}");
    let text = run(&sandbox, false, &[&flags[..], &["--gb-per-day", "10"]].concat()).await.stdout;
    assert!(text.contains("Cost a month at 10 GB of records a day, USD") && text.contains("Assumed"), "{text}");

    sandbox.converge(&sandbox.monitor(sandbox.spec()), &all_components()).await;
    let reported = run(&sandbox, false, &flags).await;
    assert_eq!(reported.code, NOTHING_TO_DO, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.contains("\nNo changes. AWS is as declared.\n"), "{}", reported.stdout);
    let reported = run(&sandbox, false, &[&flags[..], &["--destroy"]].concat()).await;
    assert_eq!(reported.code, CHANGES);
    assert!(
        reported.stdout.starts_with("deletion of network/production") && reported.stdout.contains("  = bucket "),
        "{}",
        reported.stdout
    );
}

#[tokio::test]
async fn changes_have_an_exit_code_only_if_asked_for_and_colours_only_on_a_terminal() {
    let sandbox = Sandbox::new("plan::exit").await;
    let path = file("exit", &monitor(&sandbox, ""));
    let mut plain = command(&sandbox, &["-f", &path, "--cluster-name", "test"]);
    without_cluster(&mut plain);
    let reported = Finished::of(&mut plain).await;
    assert_eq!(reported.code, 0, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.contains(" to create.\n") && !reported.stdout.contains('\u{1b}'), "{}", reported.stdout);
    let note = "Note: no API server has checked the monitor: there is no kubeconfig";
    assert!(reported.stdout.contains(note), "{}", reported.stdout);
    let coloured = Finished::of(plain.env("CLICOLOR_FORCE", "1")).await;
    assert!(coloured.stdout.contains("\u{1b}[32m  +\u{1b}[0m bucket "), "{}", coloured.stdout);
    let plain = Finished::of(plain.env("NO_COLOR", "1")).await;
    assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
}

#[tokio::test]
async fn as_many_resources_go_as_were_created() {
    let sandbox = Sandbox::new("plan::counts").await;
    let path = file("counts", &monitor(&sandbox, ", deletionPolicy: Delete"));
    let flags = ["-f", &path, "--cluster-name", "test"];
    let sum = |text: &str, word: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("Plan: ")).unwrap_or_else(|| panic!("{text}"));
        line.strip_suffix(&format!(" to {word}.")).unwrap_or_else(|| panic!("{text}")).parse::<usize>().unwrap()
    };
    let created = sum(&run(&sandbox, false, &flags).await.stdout, "create");
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(vpc_flow_operator::api::spec::DeletionPolicy::Delete);
    sandbox.converge(&sandbox.monitor(spec), &all_components()).await;
    let deletion = run(&sandbox, false, &[&flags[..], &["--destroy"]].concat()).await.stdout;
    assert_eq!(sum(&deletion, "delete"), created, "{deletion}");
    for line in [
        "deletionPolicy Delete: everything is deleted, with all records, for good",
        "        because: deletionPolicy is Delete; all its records are deleted for good",
        "  - flow log cloud-watch-logs",
        "  - flow log s3",
    ] {
        assert!(deletion.contains(&format!("\n{line}\n")), "{line}: {deletion}");
    }
    assert!(deletion.contains(" saved queries\n"), "{deletion}");
}

#[tokio::test]
async fn a_living_monitor_that_is_not_ready_has_a_note() {
    let (sandbox, cluster) = (Sandbox::new("plan::stalled").await, Cluster::new("plan-stalled").await);
    cluster.create("m", sandbox.spec()).await;
    let ready = json!({"type": "Ready", "status": "False", "reason": "Rejected", "message": "no such VPC",
        "lastTransitionTime": "2026-11-23T11:30:00Z"});
    let patch = Patch::Merge(json!({"status": {"conditions": [ready]}}));
    cluster.monitors.patch_status("m", &PatchParams::default(), &patch).await.unwrap();
    let reported = run(&sandbox, true, &["-n", &cluster.namespace, "m"]).await;
    assert!(
        reported.stdout.contains("\nNote: the monitor is not Ready: Rejected: no such VPC\n"),
        "{} {}",
        reported.stdout,
        reported.stderr
    );
    assert!(
        reported.stdout.contains(" (the UID of kube-system; if the operator has a --cluster-name"),
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
    assert!(reported.stdout.contains(" waiting; 1 problem.\n"), "{}", reported.stdout);
}

#[tokio::test]
async fn bad_input_is_reported_with_its_remedy() {
    let sandbox = Sandbox::new("plan::bad").await;
    let misspelt = file("misspelt", &monitor(&sandbox, ", s3: {bucketname: x}"));
    let twice = file("twice", &[monitor(&sandbox, ""), monitor(&sandbox, "")].join("---\n"));
    let empty = file("empty", "kind: ConfigMap\napiVersion: v1\n");
    for (arguments, part) in [
        (vec!["-f", &misspelt, "--gb-per-day", "-1", "--cluster-name", "c"], "--gb-per-day"),
        (vec!["-f", &misspelt, "--gb-per-day", "10GB"], "must be a number of gigabytes, such as 10"),
        (vec!["-f", &misspelt, "--cluster-name", ""], "--cluster-name"),
        (vec!["-f", &misspelt, "--permissions-boundary-arn", "b"], "must be an ARN such as arn:aws:iam::"),
        (vec!["-f", &misspelt, "--region", "Europe"], "such as eu-west-1"),
        (vec!["-f", &misspelt, "-n", "A b"], "lower-case letters"),
        (vec!["--nonsense"], "--nonsense"),
        (vec![], "Usage"),
    ] {
        let reported = run(&sandbox, false, &arguments).await;
        assert_eq!((reported.code, reported.stdout.as_str()), (WRONG_ARGUMENTS, ""), "{arguments:?}");
        assert!(reported.stderr.contains(part), "{arguments:?}: {}", reported.stderr);
    }
    for (arguments, part) in [
        (vec!["-f", &misspelt, "--cluster-name", "c"], "spec.s3.bucketname: unknown field; did you mean bucketName?"),
        (
            vec!["-f", &empty, "--cluster-name", "c"],
            "there is no VpcFlowMonitor, VpcFlowFleet or VpcFlowOverview in it",
        ),
        (vec!["-f", "/nonexistent.yaml", "--cluster-name", "c"], "cannot read /nonexistent.yaml"),
        (vec!["-f", &twice, "-n", "other", "--cluster-name", "c"], "is in namespace network, not in other"),
    ] {
        let reported = run(&sandbox, false, &arguments).await;
        assert_eq!((reported.code, reported.stdout.as_str()), (ERROR, ""), "{arguments:?}");
        assert!(reported.stderr.contains(part), "{arguments:?}: {}", reported.stderr);
    }
    // The first of the two is planned.
    let reported = run(&sandbox, false, &["-f", &twice, "--cluster-name", "c"]).await;
    assert_eq!(reported.code, ERROR, "{}", reported.stderr);
    assert!(reported.stderr.contains("network/production is in it twice"), "{}", reported.stderr);
    let good = file("good", &monitor(&sandbox, ""));
    let reported = run(&sandbox, false, &["-f", &good]).await;
    assert_eq!((reported.code, reported.stdout.as_str()), (WRONG_ARGUMENTS, ""), "{}", reported.stderr);
    assert!(reported.stderr.contains("--cluster-name <CLUSTER_NAME>"), "{}", reported.stderr);
    let mut online = command(&sandbox, &["-f", &good]);
    without_cluster(&mut online);
    let reported = Finished::of(&mut online).await;
    assert_eq!(reported.code, ERROR);
    assert!(reported.stderr.contains("give --cluster-name here, as the operator has it"), "{}", reported.stderr);
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
    let plans = reported.document();
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
    std::fs::copy(PROGRAM, &program).unwrap();
    let path = file("no-package", &monitor(&sandbox, ""));
    let mut command = Command::new(&program);
    command.args(["plan", "-f", &path, "--cluster-name", "test", "--offline"]).env_remove("DETECTOR_PACKAGE");
    let reported = Finished::of(command.env("AWS_ACCESS_KEY_ID", &sandbox.account).env("REGION", REGION)).await;
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
        let mut command = Command::new(PROGRAM);
        let flags = ["plan", "-f", &path, "--cluster-name", "test", "--offline", "--detailed-exitcode"];
        command.args(flags).env("AWS_CONFIG_FILE", &config);
        for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            command.env_remove(key);
        }
        let reported = Finished::of(command.env("AWS_PROFILE", profile).env("REGION", REGION)).await;
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
    assert!(reported.stdout.contains(" (from the status)\n"), "{}", reported.stdout);

    let renamed = format!(
        "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {{name: m}}\n\
         spec: {{vpcId: {}, s3: {{bucketName: plan-live-{}}}}}\n",
        sandbox.vpc_id, sandbox.account
    );
    let path = file("live", &renamed);
    let reported = run(&sandbox, true, &["-n", namespace, "-f", &path, "-o", "json"]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let plans = reported.document();
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
