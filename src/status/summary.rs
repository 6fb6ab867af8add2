//! The summary of one monitor.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::differences::differences;
use super::events::{ReportedEvent, latest};
use super::secrets::without_secrets;
use crate::api::conditions::{READY, RECONCILING, Reason, STALLED};
use crate::api::notes::of_object;
use crate::api::status::{AlarmStatus, DetectionStatus, FlowLogStatus};
use crate::api::{RECONCILE_REQUESTED_AT, VpcFlowMonitorSpec};

/// A stored object that cannot be summarised.
#[derive(Debug, Error)]
#[error("the status of {monitor} cannot be read: use the version of the operator that wrote it: {source}")]
pub struct SummaryError {
    /// `<namespace>/<name>`
    monitor: String,
    source: serde_json::Error,
}

/// The summary of a monitor.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitorSummary {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// The VPC.
    pub vpc_id: String,
    /// The account, once the operator knows it.
    pub account_id: Option<String>,
    /// The region, once the operator knows it.
    pub region: Option<String>,
    /// The condition `Ready`, once the operator has reported it.
    pub ready: Option<ConditionSummary>,
    /// Notes that say how far the rest can be relied on.
    pub notes: Vec<String>,
    /// The conditions of the systems that are not as declared: first the causes, then the systems that wait for others.
    pub not_as_declared: Vec<ConditionSummary>,
    /// Facts that need a person's attention although AWS is as declared.
    pub notices: Vec<Notice>,
    /// All alarms.
    pub alarms: Vec<AlarmStatus>,
    /// The detections that use what is usual, and what decides about their alarms.
    pub detections: Vec<DetectionStatus>,
    /// The flow logs.
    pub flow_logs: Vec<FlowLogStatus>,
    /// Links into the AWS console.
    pub links: BTreeMap<String, String>,
    /// The fields of the spec that differ from their defaults, without passwords and external ids.
    pub spec: Value,
    /// The latest events, the latest first.
    pub events: Vec<ReportedEvent>,
}

/// A condition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionSummary {
    /// The type of the condition.
    pub condition: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason.
    pub reason: String,
    /// The message.
    pub message: String,
    /// The time since which the status has this value.
    pub since: Time,
}

impl ConditionSummary {
    /// True if the system only waits for others.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        Reason::parse(&self.reason) == Some(Reason::WaitingForDependency)
    }
}

impl From<&Condition> for ConditionSummary {
    fn from(condition: &Condition) -> Self {
        Self {
            condition: condition.type_.clone(),
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            since: condition.last_transition_time.clone(),
        }
    }
}

/// A fact that needs a person's attention.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// The kind of fact.
    pub reason: String,
    /// The fact, and what to do.
    pub message: String,
}

/// The parts of the status that a summary needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stored {
    observed_generation: Option<i64>,
    account_id: Option<String>,
    region: Option<String>,
    conditions: Vec<Condition>,
    notices: Vec<Notice>,
    alarms: Vec<AlarmStatus>,
    detections: Vec<DetectionStatus>,
    flow_logs: Vec<FlowLogStatus>,
    links: BTreeMap<String, String>,
}

impl MonitorSummary {
    /// Summarises a stored monitor and its events.
    pub fn new(object: &DynamicObject, events: &[Event]) -> Result<Self, SummaryError> {
        let monitor = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        let stored = match &object.data["status"] {
            Value::Null => Stored::default(),
            status => {
                Stored::deserialize(status).map_err(|source| SummaryError { monitor: monitor.clone(), source })?
            }
        };
        let spec = &object.data["spec"];
        let vpc_id = spec["vpcId"].as_str().unwrap_or_default();
        let summaries = [READY, RECONCILING, STALLED];
        let systems = stored.conditions.iter().filter(|condition| !summaries.contains(&condition.type_.as_str()));
        let mut not_as_declared: Vec<_> =
            systems.filter(|condition| condition.status != "True").map(ConditionSummary::from).collect();
        not_as_declared.sort_by_key(ConditionSummary::is_waiting);
        Ok(Self {
            vpc_id: vpc_id.to_owned(),
            ready: stored.conditions.iter().find(|condition| condition.type_ == READY).map(ConditionSummary::from),
            notes: notes(object, &stored),
            not_as_declared,
            notices: stored.notices,
            spec: differences(&without_secrets(spec), &json!(VpcFlowMonitorSpec::new(vpc_id)))
                .unwrap_or_else(|| json!({})),
            events: latest(events),
            monitor,
            account_id: stored.account_id,
            region: stored.region,
            alarms: stored.alarms,
            detections: stored.detections,
            flow_logs: stored.flow_logs,
            links: stored.links,
        })
    }
}

fn notes(object: &DynamicObject, stored: &Stored) -> Vec<String> {
    let is_true = |type_: &str| stored.conditions.iter().any(|it| it.type_ == type_ && it.status == "True");
    let mut notes = Vec::new();
    if stored.conditions.is_empty() {
        notes.push("the operator has reported nothing: is it running, and does it watch this namespace?".to_owned());
    }
    // The condition says it too, once the operator has seen it.
    let is_told = stored.conditions.iter().any(|it| it.type_ == READY && it.reason == Reason::Suspended.as_str());
    let is_suspended = object.data["spec"]["suspend"] == true && !is_told;
    notes.extend(of_object(&object.metadata, is_suspended, stored.observed_generation));
    if is_true(STALLED) {
        notes.push(format!(
            "no retry helps before the spec, a permission or AWS is changed (Stalled); after a change outside the cluster, set the annotation \
             {RECONCILE_REQUESTED_AT} to try again at once"
        ));
    } else if is_true(RECONCILING) {
        notes.push("the operator is at work (Reconciling)".to_owned());
    }
    notes
}
