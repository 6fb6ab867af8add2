//! The command `status`, the plugin of kubectl, and the choice of monitors and clusters that all commands share.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::process::Command;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::spec::{Subscription, SubscriptionProtocol};

use super::finished::{Finished, PROGRAM, status, without_aws};
use testkit::cluster::{Cluster, Operator, is};
use testkit::sandbox::Sandbox;

/// A Ready monitor `good` with labels and an unconfirmed subscription, and `bad`, whose key does not exist.
async fn good_and_bad(name: &str) -> (Cluster, Operator) {
    let (sandbox, cluster) = (Sandbox::new(&format!("status::{name}")).await, Cluster::new(name).await);
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.notifications.subscriptions = vec![Subscription {
        protocol: SubscriptionProtocol::Email,
        endpoint: "soc@example.com".to_owned(),
        subscription_role_arn: None,
    }];
    cluster.create("good", spec).await;
    let labels = Patch::Merge(json!({"metadata": {"labels": {"team": "network"}}}));
    cluster.monitors.patch("good", &PatchParams::default(), &labels).await.unwrap();
    let mut spec = sandbox.spec();
    let key = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000";
    spec.cloud_watch_logs.kms_key_arn = Some(key.to_owned());
    cluster.create("bad", spec).await;
    cluster.wait_ready("good").await;
    // The end of the pass writes the notices.
    let has_notices = |monitor: &VpcFlowMonitor| monitor.status.as_ref().is_some_and(|it| !it.notices.is_empty());
    cluster.wait("good", "its notices", has_notices).await;
    cluster.wait("bad", "the refusal by AWS", |monitor| is(monitor, "Stalled", "True")).await;
    (cluster, operator)
}

#[tokio::test]
async fn what_matters_comes_first_in_80_columns_and_needs_no_aws() {
    let (cluster, operator) = good_and_bad("status-text").await;
    let all = status(&cluster, &[]).await;
    assert_eq!((all.code, all.stderr.as_str()), (0, ""), "{all:#?}");
    let may_be_wide = |line: &str| line.contains("https://") || line.contains("kmsKeyArn: ");
    let wide = all.stdout.lines().find(|line| line.chars().count() > 80 && !may_be_wide(line));
    assert_eq!(wide, None, "{}", all.stdout);
    let (bad, good) = all.stdout.split_once("\n\n\n").unwrap();
    assert!(bad.starts_with("status-text/bad: vpc-") && bad.lines().next().unwrap().contains(" in account "), "{bad}");
    assert!(bad.contains("\nNot ready for ") && bad.contains("\nNot as declared\n"), "{bad}");
    assert!(bad.contains("  LogGroupReady: Rejected for "), "{bad}");
    assert!(bad.contains("Latest events") && bad.contains("Warning Rejected: "), "{bad}");
    assert!(good.contains("\nReady for ") && !good.contains("Not as declared"), "{good}");
    assert!(good.contains("\nNotices\n  SubscriptionPending\n    1 of 1 subscriptions not confirmed: soc@"), "{good}");
    assert!(good.contains("\nSpec (all other fields are defaults)\n  notifications:\n    subscriptions:\n"), "{good}");
    assert!(good.contains("\nFlow logs\n  ") && good.contains("\nLinks\n  dashboard "), "{good}");

    let listed = status(&cluster, &["-o", "json"]).await.document();
    assert_eq!(listed[0]["monitor"], "status-text/bad");
    assert_eq!(listed[1]["ready"]["status"], "True");
    let yaml = status(&cluster, &["good", "-o", "yaml"]).await.stdout;
    assert!(yaml.starts_with("- monitor: status-text/good\n"), "{yaml}");
    operator.stop().await;
}

#[tokio::test]
async fn monitors_are_chosen_as_with_kubectl() {
    let (cluster, operator) = good_and_bad("status-targets").await;
    let names = |finished: &Finished| {
        let documents = finished.document();
        let names = documents.as_array().unwrap().iter().map(|it| it["monitor"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let (good, bad) = ("status-targets/good".to_owned(), "status-targets/bad".to_owned());
    for (arguments, expected) in [
        (vec!["vfm/good"], vec![good.clone()]),
        (vec!["good", "vpcflowmonitors.vpcflow.dev/bad"], vec![good.clone(), bad.clone()]),
        (vec!["-l", "team=network"], vec![good.clone()]),
        (vec!["-l", "team!=network"], vec![bad.clone()]),
    ] {
        let finished = status(&cluster, &[&arguments[..], &["-o", "json"]].concat()).await;
        assert_eq!((names(&finished), finished.code), (expected, 0), "{arguments:?}");
    }
    let everywhere = without_aws(Command::new(PROGRAM).args(["status", "-A", "-o", "json"])).await;
    assert!(names(&everywhere).contains(&good), "{everywhere:#?}");

    let missing = status(&cluster, &["vfm/missing", "good", "-o", "json"]).await;
    assert_eq!((names(&missing), missing.code), (vec![good], 1));
    assert_eq!(
        missing.stderr,
        "error: there is no VpcFlowMonitor status-targets/missing: `kubectl get vfm -A` lists all\n"
    );
    let none = status(&cluster, &["-l", "team=none"]).await;
    let text = "error: there is no VpcFlowMonitor with the labels team=none in namespace status-targets: `kubectl get vfm -A` lists all\n";
    assert_eq!((none.code, none.stderr.as_str()), (1, text));
    let usage = status(&cluster, &["status-targets/good"]).await;
    assert_eq!(usage.code, 2);
    assert!(usage.stderr.contains("a namespace as --namespace status-targets"), "{}", usage.stderr);
    operator.stop().await;
}

#[tokio::test]
async fn plan_and_verify_choose_monitors_in_the_same_way() {
    let (sandbox, cluster) = (Sandbox::new("status::others").await, Cluster::new("status-others").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("a", sandbox.spec()).await;
    cluster.wait_ready("a").await;
    let labels = Patch::Merge(json!({"metadata": {"labels": {"team": "a"}}}));
    cluster.monitors.patch("a", &PatchParams::default(), &labels).await.unwrap();
    let with = async |command: &str, arguments: &[&str]| {
        let mut process = Command::new(PROGRAM);
        process.args([command, "-n", &cluster.namespace]).args(arguments).env("AWS_ACCESS_KEY_ID", &sandbox.account);
        serde_yaml_ng::from_str::<Value>(&Finished::of(&mut process).await.stdout).unwrap()
    };
    assert_eq!(with("plan", &["-l", "team=a", "-o", "yaml"]).await[0]["monitor"], "status-others/a");
    assert_eq!(with("plan", &["vfm/a", "-o", "json"]).await[0]["changes"], json!([]));
    assert_eq!(with("verify", &["vfm/a", "-o", "yaml"]).await["monitor"], "status-others/a");
    assert_eq!(with("verify", &["-l", "team=a", "-o", "json"]).await[0]["monitor"], "status-others/a");
    operator.stop().await;
}

#[tokio::test]
async fn a_kubeconfig_and_a_context_can_be_chosen() {
    let cluster = Cluster::new("status-context").await;
    let kubeconfig = std::env::var_os("KUBECONFIG").unwrap();
    let nowhere = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["status", "-n", &cluster.namespace]).args(arguments).env("KUBECONFIG", "/nonexistent");
        command
    };
    let chosen = without_aws(nowhere(&["--kubeconfig"]).arg(&kubeconfig)).await;
    assert!(
        chosen.stderr.starts_with("error: there is no VpcFlowMonitor in namespace status-context: "),
        "{chosen:#?}"
    );
    let unknown = without_aws(nowhere(&["--context", "unknown", "--kubeconfig"]).arg(&kubeconfig)).await;
    assert!(unknown.stderr.starts_with("error: the kubeconfig has no context unknown: it has "), "{unknown:#?}");
    let missing = without_aws(&mut nowhere(&["--kubeconfig", "/nonexistent/config"])).await;
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("/nonexistent/config"), "{missing:#?}");
}

#[tokio::test]
async fn kubectl_runs_and_completes_the_plugin() {
    let cluster = Cluster::new("status-plugin").await;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("plugin-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let plugin = folder.join("kubectl-vfm");
    symlink(PROGRAM, &plugin).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let kubectl = async |arguments: &[&str]| {
        without_aws(Command::new(std::env::var_os("KUBECTL").unwrap()).args(arguments).env("PATH", &path)).await
    };
    let completion = kubectl(&["vfm", "completion"]).await.stdout;
    let complete = folder.join("kubectl_complete-vfm");
    std::fs::write(&complete, completion).unwrap();
    std::fs::set_permissions(&complete, std::fs::Permissions::from_mode(0o755)).unwrap();

    let shown = kubectl(&["vfm", "status", "-n", &cluster.namespace]).await;
    assert!(shown.stderr.starts_with("error: there is no VpcFlowMonitor in namespace status-plugin: "), "{shown:#?}");
    let usage = kubectl(&["vfm", "verify"]).await;
    assert!(usage.stderr.contains("Usage: kubectl vfm verify "), "{usage:#?}");
    assert_eq!(usage.code, 2);
    let completed = kubectl(&["__complete", "vfm", "stat"]).await;
    assert!(completed.stdout.starts_with("status\t") && completed.stdout.ends_with(":4\n"), "{completed:#?}");
    std::fs::remove_dir_all(&folder).unwrap();
}
