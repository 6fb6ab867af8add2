//! The monitor that `verify` checks, and the credentials that it uses.

use serde_json::json;
use tokio::process::Command;
use vpc_flow_operator::api::spec::AssumeRole;

use super::{Scene, object, results, verify};
use crate::commands::finished::{Finished, PROGRAM};
use testkit::cluster::{Cluster, Operator};
use testkit::roles::trusting_role;
use testkit::sandbox::Sandbox;

fn printed_once(text: &str, clue: &str) {
    assert!(text.starts_with("error: ") && text.contains(clue) && text.lines().count() == 1, "{text}");
}

#[tokio::test]
async fn what_cannot_be_checked_is_told_apart_from_what_does_not_hold() {
    let (sandbox, cluster) = (Sandbox::new("verify::subject").await, Cluster::new("verify-subject").await);
    let none = verify(&cluster, &sandbox.account, &["m"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    printed_once(&none.stderr, "there is no VpcFlowMonitor verify-subject/m");

    cluster.create("m", sandbox.spec()).await;
    let unseen = verify(&cluster, &sandbox.account, &["m"]).await;
    assert_eq!(unseen.code, 2);
    printed_once(
        &unseen.stderr,
        "the operator has made nothing of verify-subject/m in AWS yet: is the operator running",
    );

    let operator = Operator::start(&cluster, &sandbox);
    cluster.wait_ready("m").await;
    let others = verify(&cluster, "210987654321", &["m"]).await;
    assert_eq!(others.code, 2);
    let clue = format!("for account 210987654321, but account {} is needed", sandbox.account);
    printed_once(&others.stderr, &clue);

    let wrong = verify(&cluster, &sandbox.account, &["m", "--output", "table"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
    let program = || {
        let mut command = Command::new(PROGRAM);
        command.args(["verify", "-n", "verify-subject", "m"]);
        command
    };
    let keyless = Finished::of(program().env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY")).await;
    assert_eq!(keyless.code, 2);
    printed_once(&keyless.stderr, "no AWS credentials found: run `aws sso login` and set AWS_PROFILE");
    let mut profile = program();
    profile.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("AWS_PROFILE", "unknown-one");
    let unknown = Finished::of(profile.env_remove("KUBERNETES_SERVICE_HOST")).await;
    printed_once(&unknown.stderr, "AWS_PROFILE names the profile `unknown-one`");
    let homeless = std::env::temp_dir().join("vpc-flow-operator-no-such-folder");
    let clusterless = Finished::of(program().env("KUBECONFIG", homeless.join("config")).env("HOME", &homeless)).await;
    assert_eq!(clusterless.code, 2);
    printed_once(&clusterless.stderr, "no kubeconfig with a current context: set KUBECONFIG");
    operator.stop().await;
}

#[tokio::test]
async fn a_monitor_that_rests_is_checked_and_that_is_said() {
    let scene = Scene::new("verify-suspended", |_| ()).await;
    scene.cluster.change("m", json!({"suspend": true})).await;
    let generation = object(&scene).await.metadata.generation;
    scene
        .cluster
        .wait("m", "the change to be seen", |monitor| {
            monitor.status.as_ref().and_then(|status| status.observed_generation) == generation
        })
        .await;
    let reported = scene.verify(&["m", "-o", "json"]).await;
    assert_eq!(reported.results()[0], results(["passed"; 5])[0], "{reported:#?}");
    assert!(reported.stderr.starts_with("note: spec.suspend is true"), "{reported:#?}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn another_account_is_reached_with_its_own_credentials_or_through_the_role() {
    let (here, there) = (Sandbox::new("verify::here").await, Sandbox::new("verify::there").await);
    let cluster = Cluster::new("verify-accounts").await;
    let role: AssumeRole = trusting_role(&there, &here).await;
    let operator = Operator::start_with(&cluster, &here, |options| {
        options.allowed_roles.0.push(format!("verify-accounts={}", role.role_arn).parse().unwrap());
    });
    let mut spec = there.spec();
    spec.assume_role = Some(role);
    cluster.create("m", spec).await;
    cluster.wait_ready("m").await;

    let assumes = async |key: &str| {
        let before = there.latest_call().await;
        let reported = verify(&cluster, key, &["m", "-o", "json"]).await;
        assert_eq!(
            reported.results(),
            results(["passed", "waiting", "waiting", "skipped", "waiting"]),
            "{reported:#?}"
        );
        let calls = there.emulator.calls(&there.account, before).await.unwrap();
        let reads: Vec<_> = calls.iter().filter(|call| call.operation == "DescribeFlowLogs").collect();
        assert_eq!(reads.len(), 1);
        reads[0].caller.clone()
    };
    assert_eq!(assumes(&there.account).await, None);
    assert_eq!(assumes(&here.account).await.as_deref(), Some("flow-logs"));

    let stranger = verify(&cluster, "210987654321", &["m"]).await;
    assert_eq!(stranger.code, 2);
    printed_once(&stranger.stderr, &format!("use credentials of account {}", there.account));
    operator.stop().await;
}
