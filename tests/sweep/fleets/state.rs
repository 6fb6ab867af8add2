//! The state of a fleet at the end of a phase, in terms that are the same in every life.

use anyhow::{Result, ensure};
use kube::ResourceExt as _;
use serde_json::{Value, json};
use testkit::sandbox::REGION;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::fleet::{TEMPLATE_HASH_LABEL, VpcFlowFleet};
use vpc_flow_operator::fleet::{DesiredMonitor, FleetIdentity, FoundVpc, PlaceRegion};

use super::life::{FLEET, Life, PLACE};

/// The fleet, its monitors, and their flow logs and buckets.
pub async fn state(life: &Life) -> Result<Value> {
    let fleet = life.stage.fleets.get(FLEET).await?;
    let monitors = life.stage.monitors(FLEET).await;
    let watched: Vec<_> = monitors.iter().map(|monitor| monitor.spec.vpc_id.clone()).collect();
    ensure!(watched == life.vpcs, "monitors of {watched:?}, and not of each of {:?}", life.vpcs);
    life.history.check(&monitors, life.first_wave()).await?;
    let shown: Result<Vec<Value>> = monitors.iter().map(|monitor| monitor_state(&fleet, monitor)).collect();
    let state = json!({"fleet": fleet_state(&fleet)?, "monitors": shown?, "aws": aws(life).await?});
    let mut text = state.to_string();
    let digits = life.vpcs.iter().map(|vpc| vpc.trim_start_matches("vpc-").to_owned());
    let digits = digits.enumerate().map(|(number, digits)| (digits, format!("NUMBER-{number}")));
    let names =
        [(fleet.uid().unwrap_or_default(), "UID".to_owned()), (life.stage.here.account.clone(), "ACCOUNT".to_owned())];
    for (name, stands_for) in digits.chain(names) {
        text = text.replace(&name, &stands_for);
    }
    Ok(serde_json::from_str(&text)?)
}

fn fleet_state(fleet: &VpcFlowFleet) -> Result<Value> {
    let mut status = serde_json::to_value(&fleet.status)?;
    status["lastHandledReconcileAt"] = Value::Null;
    status["conditions"] = conditions(&status);
    Ok(status)
}

fn monitor_state(fleet: &VpcFlowFleet, monitor: &VpcFlowMonitor) -> Result<Value> {
    let metadata = &monitor.metadata;
    let mut labels = json!(metadata.labels);
    ensure!(labels[TEMPLATE_HASH_LABEL] == hash(fleet, monitor), "{labels}: not the hash of the template");
    labels[TEMPLATE_HASH_LABEL] = Value::Null;
    let annotations: Vec<_> = metadata.annotations.iter().flatten().map(|(key, _)| key).collect();
    Ok(json!({
        "name": metadata.name,
        // A needless change would count.
        "generation": metadata.generation,
        "labels": labels,
        "annotations": annotations,
        "owners": metadata.owner_references,
        "finalizers": metadata.finalizers,
        "spec": monitor.spec,
        "conditions": conditions(&serde_json::to_value(&monitor.status)?),
    }))
}

/// The hash of the template for this monitor, as the fleet has it now.
fn hash(fleet: &VpcFlowFleet, monitor: &VpcFlowMonitor) -> String {
    let identity = FleetIdentity {
        namespace: fleet.namespace().unwrap_or_default(),
        name: fleet.name_any(),
        uid: fleet.uid().unwrap_or_default(),
    };
    let vpc = FoundVpc { id: monitor.spec.vpc_id.clone(), tags: [].into(), is_default: false, owner: None };
    let at = PlaceRegion { place: PLACE.to_owned(), region: None, assume_role: None };
    DesiredMonitor::new(&identity, &fleet.spec, &vpc, &at, REGION).hash
}

/// Without their times and the generations that they are of.
fn conditions(status: &Value) -> Value {
    let mut conditions = status["conditions"].clone();
    for condition in conditions.as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"] = Value::Null;
        condition["observedGeneration"] = Value::Null;
    }
    conditions
}

async fn aws(life: &Life) -> Result<Value> {
    let sandbox = &life.stage.here;
    let inventory = sandbox.emulator.inventory(&sandbox.account, REGION).await?;
    let flow_logs = inventory["flowLogs"].as_object().into_iter().flatten();
    let mut flow_logs: Vec<_> = flow_logs
        .map(|(_, it)| format!("{} {} {}", it["ResourceId"], it["TrafficType"], it["FlowLogStatus"]))
        .collect();
    flow_logs.sort();
    Ok(json!({"flowLogs": flow_logs, "buckets": inventory["buckets"].as_object().map(serde_json::Map::len)}))
}
