//! Prometheus and Alertmanager: every alert of the chart fires in its situation and resolves, and every query of the dashboard has data.

mod dashboard;

use aws_sdk_cloudwatch::types::StateValue;
use devenv::{project_root, wait_for};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use testkit::rights::RELEASE_NAMESPACE;
use vpc_flow_operator::api::VpcFlowMonitor;

use crate::programs::kubernetes::documents;
use crate::programs::monitoring::Monitoring;
use crate::programs::operator::Operator;
use crate::scene::{DEADLINE, Scene, monitor};

const NAMESPACE: &str = "shop";

/// More than the operator with one worker finishes in the time of an alert.
const CROWD: usize = 12;

/// The chart's alert rules for a day that lasts minutes: a wait of an hour is seconds, a range of 15 minutes one of half a minute.
fn rules() -> Value {
    let file = project_root().join("charts/vpc-flow-operator/files/alerts.yaml");
    let text = std::fs::read_to_string(file).unwrap().replace("NAMESPACE", RELEASE_NAMESPACE).replace("[15m]", "[30s]");
    let mut rules = documents(&text).remove(0)["rules"].clone();
    for rule in rules.as_array_mut().unwrap() {
        rule["for"] = json!("3s");
        if rule.get("keep_firing_for").is_some() {
            rule["keep_firing_for"] = json!("1s");
        }
    }
    rules
}

async fn apply(scene: &Scene, name: &str, spec: &Value) {
    let mut object = documents(&monitor(&scene.sandbox, NAMESPACE, spec)).remove(0);
    object["metadata"]["name"] = json!(name);
    scene.kubernetes.apply(object).await;
}

/// A Lease that somebody else holds, or nobody.
fn lease(holder: Option<&str>) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "vpc-flow-operator", "namespace": RELEASE_NAMESPACE},
        "spec": {
            "holderIdentity": holder.unwrap_or_default(), "leaseDurationSeconds": 3600,
            "renewTime": format!("{:.6}", Timestamp::now()), "acquireTime": format!("{:.6}", Timestamp::now()),
        },
    })
}

async fn wait_ready(scene: &Scene, name: &str) {
    let monitors: kube::Api<VpcFlowMonitor> = kube::Api::namespaced(scene.kubernetes.client.clone(), NAMESPACE);
    let ready = wait_for("the monitor to be Ready", DEADLINE, async || {
        Ok(testkit::cluster::is(&monitors.get(name).await?, "Ready", "True").then_some(()))
    });
    ready.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_fires_and_resolves_and_the_dashboard_shows_it() {
    let scene = Scene::new("prometheus").await;
    scene.install_crds_and_rights().await;
    scene.kubernetes.create_namespace(NAMESPACE).await;
    // Somebody else leads.
    scene.kubernetes.apply(lease(Some("somebody"))).await;
    let operator = scene.operator_with(&["--leader-elect", "--concurrency", "1"]).await;
    let metrics = operator.metrics.clone();
    let monitoring =
        Monitoring::start(std::slice::from_ref(&metrics), RELEASE_NAMESPACE, &rules(), &scene.folder).await;
    monitoring.wait_alert("VpcFlowOperatorWithoutLeader", true).await;
    scene.kubernetes.apply(lease(None)).await;
    monitoring.wait_alert("VpcFlowOperatorWithoutLeader", false).await;

    // One worker, and many monitors at once.
    for number in 0..CROWD {
        apply(&scene, &format!("crowd-{number}"), &json!({})).await;
    }
    monitoring.wait_alert("VpcFlowOperatorFallsBehind", true).await;
    for number in 0..CROWD {
        wait_ready(&scene, &format!("crowd-{number}")).await;
    }
    monitoring.wait_alert("VpcFlowOperatorFallsBehind", false).await;

    // A key that does not exist: neither the log group nor what waits for it.
    let key = format!("arn:aws:kms:eu-west-1:{}:key/00000000-0000-0000-0000-000000000000", scene.sandbox.account);
    apply(&scene, "broken", &json!({"cloudWatchLogs": {"kmsKeyArn": key}})).await;
    let of_monitor = ["VpcFlowMonitorStalled", "VpcFlowMonitorNotReady", "VpcFlowLogsNotDelivered"];
    for alert in of_monitor {
        monitoring.wait_alert(alert, true).await;
    }
    apply(&scene, "broken", &json!({})).await;
    for alert in of_monitor {
        monitoring.wait_alert(alert, false).await;
    }

    let mut throttled = scene.sandbox.fault("logs", "DescribeLogGroups", "ThrottlingException", "Rate exceeded");
    throttled.times = None;
    scene.sandbox.emulator.add_fault(throttled).await.unwrap();
    monitoring.wait_alert("VpcFlowOperatorThrottled", true).await;
    scene.sandbox.emulator.clear_faults(&scene.sandbox.account).await.unwrap();
    monitoring.wait_alert("VpcFlowOperatorThrottled", false).await;

    let cloudwatch = aws_sdk_cloudwatch::Client::new(&scene.sandbox.config);
    let alarm = scene.alarms().await.remove(0);
    let set = cloudwatch.set_alarm_state().alarm_name(alarm).state_value(StateValue::Alarm).state_reason("a scan");
    set.send().await.unwrap();
    dashboard::assert_every_query_has_data(&monitoring).await;

    operator.stop().await;
    monitoring.wait_alert("VpcFlowOperatorAbsent", true).await;
    let operator = Operator::start_at(&metrics, &scene, &[]).await;
    monitoring.wait_alert("VpcFlowOperatorAbsent", false).await;
    assert_eq!(monitoring.alerts().await.unwrap(), [].into());
    operator.stop().await;
}
