//! The deletion of a fleet: its monitors are deleted by Kubernetes, whose garbage collector only this cluster has.

use aws_sdk_ec2::types::Tag;
use devenv::wait_for;
use serde_json::{Value, json};
use testkit::cluster::install_crds;
use testkit::rights::{self, RELEASE_NAMESPACE};

use crate::scene::{DEADLINE, Scene};

const NAMESPACE: &str = RELEASE_NAMESPACE;

fn fleet() -> Value {
    json!({
        "apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowFleet",
        "metadata": {"name": "prod", "namespace": NAMESPACE},
        "spec": {
            "places": [{"name": "home"}], "selector": {"matchTags": {"env": "prod"}},
            "template": {"spec": {"deletionPolicy": "Delete"}},
        },
    })
}

/// Waits until the garbage collector knows the kinds. It looks for new ones each half minute, and takes a fleet for one without monitors until
/// then. Objects whose owner never was are the first that it deletes.
async fn wait_until_collected(scene: &Scene) {
    let mut probe = fleet();
    probe["metadata"]["name"] = json!("probe");
    probe["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "never", "uid": "00000000-0000-0000-0000-000000000000"}]);
    let mut monitor = probe.clone();
    monitor["kind"] = json!("VpcFlowMonitor");
    monitor["spec"] = json!({"vpcId": "vpc-12345678"});
    for object in [probe, monitor] {
        let kind = object["kind"].as_str().unwrap().to_owned();
        scene.kubernetes.apply(object).await;
        let objects = scene.kubernetes.objects(("vpcflow.dev", "v1alpha1", &kind), NAMESPACE);
        let collected = wait_for("the garbage collector to know the kind", DEADLINE, async || {
            Ok(objects.get_opt("probe").await?.is_none().then_some(()))
        });
        collected.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monitors_of_a_deleted_fleet_go_with_it_unless_they_are_kept() {
    let scene = Scene::new("fleets-deleted").await;
    let kubernetes = &scene.kubernetes;
    install_crds(&kubernetes.client).await;
    kubernetes.create_namespace(NAMESPACE).await;
    rights::install_with_fleets(&kubernetes.client, NAMESPACE).await;
    let tag = Tag::builder().key("env").value("prod").build();
    let ec2 = aws_sdk_ec2::Client::new(&scene.sandbox.config);
    ec2.create_tags().resources(&scene.sandbox.vpc_id).tags(tag).send().await.unwrap();
    wait_until_collected(&scene).await;
    let operator = scene.operator_with(&["--fleets", "--watch-namespace", NAMESPACE]).await;
    let monitor = format!("prod-{}", scene.sandbox.vpc_id.trim_start_matches("vpc-"));
    let in_namespace =
        |arguments: &[&'static str]| -> Vec<&'static str> { [&["--namespace", NAMESPACE], arguments].concat() };

    kubernetes.apply(fleet()).await;
    let ready = in_namespace(&["wait", "vff/prod", "--for=condition=Ready", "--timeout=120s"]);
    let made =
        wait_for("the fleet to be Ready", DEADLINE, async || Ok(kubernetes.kubectl(&ready).await.ok().map(drop)));
    made.await.unwrap();
    let stored = scene.monitors(NAMESPACE).get(&monitor).await.unwrap();
    assert!(stored.metadata.finalizers.is_some(), "{stored:?}");

    kubernetes.kubectl(&in_namespace(&["delete", "vff", "prod", "--cascade=orphan"])).await.unwrap();
    let kept = scene.monitors(NAMESPACE);
    let free = wait_for("the monitor without an owner", DEADLINE, async || {
        let monitor = kept.get(&monitor).await?;
        Ok(monitor.metadata.owner_references.is_none().then_some(monitor))
    });
    assert!(free.await.unwrap().metadata.deletion_timestamp.is_none());
    kubernetes.kubectl(&in_namespace(&["delete", "vfm", "--all"])).await.unwrap();

    kubernetes.apply(fleet()).await;
    let made =
        wait_for("the fleet to be Ready again", DEADLINE, async || Ok(kubernetes.kubectl(&ready).await.ok().map(drop)));
    made.await.unwrap();
    // The command returns once all monitors are gone, and with them all that they had in AWS.
    kubernetes
        .kubectl(&in_namespace(&["delete", "vff", "prod", "--cascade=foreground", "--timeout=120s"]))
        .await
        .unwrap();
    assert!(kept.get_opt(&monitor).await.unwrap().is_none());
    assert!(scene.alarms().await.is_empty());
    operator.stop().await;
}
