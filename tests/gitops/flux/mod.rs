//! Flux: the examples' Kustomizations, with the chart from a registry and the monitors from git.

use devenv::{project_root, wait_for};
use serde_json::{Value, json};
use testkit::rights::RELEASE_NAMESPACE;

use crate::programs::flux::{Flux, FluxObject, NAMESPACE, condition, is_commit};
use crate::programs::git::BRANCH;
use crate::programs::kubernetes::documents;
use crate::programs::operator::Operator;
use crate::scene::{DEADLINE, EXAMPLE, Scene, chart};

/// The examples in a repository, and what Flux makes of them.
struct Installed {
    repository: FluxObject,
    operator_kustomization: FluxObject,
    monitors: FluxObject,
    operator: Operator,
    _flux: Flux,
}

impl Installed {
    async fn new(scene: &Scene) -> Self {
        let flux = Flux::start(&scene.kubernetes, &scene.folder).await;
        flux.push(&chart(), &scene.folder).await;
        let examples = project_root().join("examples/gitops/flux");
        scene.git.copy(&examples.join("operator"), "operator").await;
        // The registry of the test speaks HTTP.
        let repository = scene.git.read("operator/ocirepository.yaml");
        let url = format!("url: oci://{}/", flux.registry);
        scene.git.write(
            "operator/ocirepository.yaml",
            &repository.replace("url: oci://ghcr.io/", &format!("insecure: true\n  {url}")),
        );
        scene.write_example_monitors();
        let commit = scene.git.commit("operator and monitors").await;
        scene.kubernetes.apply(git_repository(scene)).await;
        let kustomizations = std::fs::read_to_string(examples.join("kustomizations.yaml")).unwrap();
        for kustomization in documents(&kustomizations) {
            scene.kubernetes.apply(kustomization).await;
        }
        let operator = scene.operator().await;
        let of = |name| FluxObject::kustomization(&scene.kubernetes, name);
        let installed = Self {
            repository: FluxObject::repository(&scene.kubernetes),
            operator_kustomization: of("vpc-flow-operator"),
            monitors: of("vpc-flow-monitors"),
            operator,
            _flux: flux,
        };
        installed.operator_kustomization.wait_ready(&commit).await;
        installed.monitors.request().await;
        installed.monitors.wait_ready(&commit).await;
        installed
    }

    /// Commits the monitor of the examples with these fields, and makes Flux look at git.
    async fn change(&self, scene: &Scene, spec: Value) -> String {
        scene.write_example_monitors();
        let mut monitor = documents(&scene.git.read("monitors/shop.yaml")).remove(0);
        monitor["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        scene.git.write("monitors/shop.yaml", &serde_yaml_ng::to_string(&monitor).unwrap());
        let commit = scene.git.commit("a change").await;
        self.fetch(&commit).await;
        commit
    }

    async fn fetch(&self, commit: &str) {
        self.repository.request().await;
        let fetched = |status: &Value| is_commit(&status["artifact"]["revision"], commit);
        self.repository.wait("the commit", fetched).await;
    }

    /// Waits until the commit failed. Returns the message.
    async fn wait_failed(&self, commit: &str) -> String {
        let failed = |status: &Value| {
            is_commit(&status["lastAttemptedRevision"], commit)
                // It waits until what it depends on has the commit.
                && condition(status, "Ready").is_some_and(|it| it.0 == "False" && it.1 != "DependencyNotReady")
        };
        self.monitors.wait("the failure", failed).await;
        condition(&self.monitors.status().await, "Ready").unwrap().2
    }
}

fn git_repository(scene: &Scene) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
        "spec": {"interval": "1h", "url": scene.git.url(), "ref": {"branch": BRANCH}},
    })
}

async fn wait_field(scene: &Scene, field: &str, value: Value) {
    let monitors = scene.monitors(EXAMPLE.0);
    let what = format!("{field} to be {value}");
    let is_so = wait_for(&what, DEADLINE, async || {
        Ok((monitors.get(EXAMPLE.1).await?.data["spec"][field] == value).then_some(()))
    });
    is_so.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_come_after_the_operator_and_are_kept_as_in_git() {
    let scene = Scene::new("flux-changes").await;
    let installed = Installed::new(&scene).await;
    let releases = scene.kubernetes.objects(("helm.toolkit.fluxcd.io", "v2", "HelmRelease"), RELEASE_NAMESPACE);
    let release = releases.get("vpc-flow-operator").await.unwrap();
    assert_eq!(condition(&release.data["status"], "Ready").unwrap().0, "True");
    assert_eq!(scene.alarms().await.len(), 4);

    let monitors = scene.monitors(EXAMPLE.0);
    scene.kubernetes.merge(&monitors, EXAMPLE.1, json!({"spec": {"tags": {"managed-from": "hand"}}})).await;
    installed.monitors.request().await;
    wait_field(&scene, "tags", json!({"managed-from": "git"})).await;

    let suspended = installed.change(&scene, json!({"suspend": true})).await;
    installed.monitors.wait_ready(&suspended).await;
    let resumed = installed.change(&scene, json!({"aggregationInterval": 600})).await;
    installed.monitors.wait_ready(&resumed).await;

    let refused = installed.change(&scene, json!({"trafficType": "SOME"})).await;
    let message = installed.wait_failed(&refused).await;
    assert!(message.contains("spec.trafficType: Unsupported value"), "{message}");
    let key = format!("arn:aws:kms:eu-west-1:{}:key/00000000-0000-0000-0000-000000000000", scene.sandbox.account);
    let stalled = installed.change(&scene, json!({"cloudWatchLogs": {"kmsKeyArn": key}})).await;
    let message = installed.wait_failed(&stalled).await;
    assert!(message.contains("VpcFlowMonitor/network/shop-gitops status: 'Failed'"), "{message}");
    let mended = installed.change(&scene, json!({})).await;
    installed.monitors.wait_ready(&mended).await;

    installed.monitors.merge(json!({"spec": {"suspend": true}})).await;
    let unseen = installed.change(&scene, json!({"aggregationInterval": 600})).await;
    installed.monitors.request().await;
    let monitor = monitors.get(EXAMPLE.1).await.unwrap();
    assert_ne!(monitor.data["spec"]["aggregationInterval"], 600, "Flux is suspended");
    installed.monitors.merge(json!({"spec": {"suspend": false}})).await;
    installed.monitors.wait_ready(&unseen).await;
    wait_field(&scene, "aggregationInterval", json!(600)).await;
    installed.operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_field_needs_force_which_cleans_up_aws_first() {
    let scene = Scene::new("flux-force").await;
    let installed = Installed::new(&scene).await;
    let ec2 = aws_sdk_ec2::Client::new(&scene.sandbox.config);
    let other = ec2.create_vpc().cidr_block("10.1.0.0/16").send().await.unwrap();
    let other = other.vpc.unwrap().vpc_id.unwrap();
    let before = scene.monitors(EXAMPLE.0).get(EXAMPLE.1).await.unwrap();
    let moved = installed.change(&scene, json!({"vpcId": other})).await;
    let message = installed.wait_failed(&moved).await;
    assert!(message.contains("vpcId is immutable"), "{message}");
    installed.monitors.merge(json!({"spec": {"force": true}})).await;
    installed.monitors.wait_ready(&moved).await;
    let after = scene.monitors(EXAMPLE.0).get(EXAMPLE.1).await.unwrap();
    assert_ne!(after.metadata.uid, before.metadata.uid);
    let flow_logs = scene.sandbox.inventory().await["flowLogs"].clone();
    let of_vpc = |flow_log: &Value| flow_log["ResourceId"] == json!(other);
    assert!(flow_logs.as_object().unwrap().values().all(of_vpc), "{flow_logs:#}");
    installed.operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_removal_of_the_monitors_waits_until_aws_is_cleaned_up() {
    let scene = Scene::new("flux-removal").await;
    let installed = Installed::new(&scene).await;
    installed.operator.stop().await;
    scene
        .kubernetes
        .kubectl(&["-n", NAMESPACE, "delete", "kustomization", "vpc-flow-monitors", "--wait=false"])
        .await
        .unwrap();
    let deleted = wait_for("the monitor's deletion", DEADLINE, async || {
        let monitor = scene.monitors(EXAMPLE.0).get(EXAMPLE.1).await?;
        Ok(monitor.metadata.deletion_timestamp.map(|_| ()))
    });
    deleted.await.unwrap();
    assert!(installed.monitors.api.get_opt(&installed.monitors.name).await.unwrap().is_some());
    assert_eq!(scene.alarms().await.len(), 4);

    let operator = scene.operator().await;
    installed.monitors.wait_gone().await;
    scene.wait_monitor_gone(EXAMPLE.0, EXAMPLE.1).await;
    assert_eq!(scene.alarms().await, Vec::<String>::new());

    scene
        .kubernetes
        .kubectl(&["-n", NAMESPACE, "delete", "kustomization", "vpc-flow-operator", "--wait=false"])
        .await
        .unwrap();
    installed.operator_kustomization.wait_gone().await;
    let crd = scene.kubernetes.kubectl(&["get", "crd", "vpcflowmonitors.vpcflow.dev"]).await;
    assert!(crd.is_ok(), "{crd:?}");
    operator.stop().await;
}
