//! The dry run of a file on the cluster's API server.

use kube::api::{Patch, PatchParams};
use serde_json::json;
use testkit::cluster::Cluster;
use testkit::sandbox::{REGION, Sandbox};

use super::command::{CHANGES, ERROR, command, file, monitor, run};
use crate::commands::finished::Finished;

#[tokio::test]
async fn the_api_server_refuses_what_only_it_knows() {
    let (sandbox, cluster) = (Sandbox::new("plan::dry-run").await, Cluster::new("plan-dry-run").await);
    cluster.create("production", sandbox.spec()).await;
    let declared = |spec: &str| monitor(&sandbox, spec).replace("namespace: network, ", "");
    let flags = |path: &str| ["-n", &cluster.namespace, "-f", path, "--cluster-name", "test"].map(str::to_owned);
    let plan = async |path: &str| {
        let flags = flags(path);
        run(&sandbox, true, &flags.each_ref().map(String::as_str)).await
    };
    let unchanged = file("dry-run-same", &declared(""));
    let reported = plan(&unchanged).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    assert!(!reported.stdout.contains("Note: no API server"), "{}", reported.stdout);

    let moved = file("dry-run-moved", &declared(&format!(", region: {REGION}")));
    let reported = plan(&moved).await;
    assert_eq!((reported.code, reported.stdout.as_str()), (ERROR, ""), "{}", reported.stderr);
    assert!(reported.stderr.contains("/production: the API server refuses it: "), "{}", reported.stderr);
    assert!(reported.stderr.contains("region is immutable"), "{}", reported.stderr);
    let live = cluster.monitors.get("production").await.unwrap();
    assert_eq!(live.spec.region, None, "nothing is stored");
}

#[tokio::test]
async fn a_file_of_a_monitor_in_the_cluster_is_planned_under_the_name_that_the_operator_has() {
    let (sandbox, cluster) = (Sandbox::new("plan::cluster-of").await, Cluster::new("plan-cluster-of").await);
    cluster.create("production", sandbox.spec()).await;
    let owner = Patch::Merge(json!({"status": {"owner": "prod/plan-cluster-of/production"}}));
    cluster.monitors.patch_status("production", &PatchParams::default(), &owner).await.unwrap();
    let path = file("cluster-of", &monitor(&sandbox, "").replace("namespace: network, ", ""));
    let reported = run(&sandbox, true, &["-n", &cluster.namespace, "-f", &path]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.contains("cluster prod "), "{}", reported.stdout);

    // Another name is a mistake of the command, whichever setting gives it.
    let named = ["-n", &cluster.namespace, "production"];
    let by_flag = run(&sandbox, true, &[&named[..], &["--cluster-name", "other"]].concat()).await;
    let by_variable = Finished::of(command(&sandbox, &named).env("CLUSTER_NAME", "other")).await;
    let file = ["-n", &cluster.namespace, "-f", &path];
    let of_file = Finished::of(command(&sandbox, &file).env("CLUSTER_NAME", "other")).await;
    for (reported, setting) in
        [(by_flag, "--cluster-name other"), (by_variable, "CLUSTER_NAME=other"), (of_file, "CLUSTER_NAME=other")]
    {
        assert_eq!((reported.code, reported.stdout.as_str()), (ERROR, ""), "{}", reported.stderr);
        let message =
            format!("as that of cluster prod (status.owner), but this command was given {setting}: leave it away");
        assert!(reported.stderr.contains(&message) && !reported.stderr.contains("delete"), "{}", reported.stderr);
    }
}

#[tokio::test]
async fn a_chosen_cluster_that_does_not_answer_is_an_error() {
    let sandbox = Sandbox::new("plan::chosen-cluster").await;
    let path = file("chosen-cluster", &monitor(&sandbox, ""));
    // No process listens on port 1.
    let kubeconfig = file(
        "chosen-kubeconfig",
        "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n\
         clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\nusers: [{name: u, user: {}}]\n",
    );
    let flags = ["-f", &path, "--cluster-name", "test", "--kubeconfig", &kubeconfig];
    let reported = run(&sandbox, true, &flags).await;
    assert_eq!((reported.code, reported.stdout.as_str()), (ERROR, ""), "{}", reported.stderr);
    assert!(
        reported.stderr.contains("the cluster of --kubeconfig or --context cannot be asked: "),
        "{}",
        reported.stderr
    );
    let reported = run(&sandbox, true, &[&flags[..], &["--offline"]].concat()).await;
    assert_eq!(reported.code, CHANGES, "{}", reported.stderr);
}
