//! The summary of one monitor.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::differences::differences;
use super::events::{ReportedEvent, latest};
use super::secrets::without_secrets;
use crate::api::VpcFlowMonitorSpec;
use crate::api::conditions::{READY, RECONCILING, Reason, STALLED, stalled_message};
use crate::api::notes::of_object;
use crate::api::status::{AlarmStatus, DetectionStatus, FlowLogStatus};

/// A stored object that cannot be summarised.
#[derive(Debug, Error)]
#[error("the status of {object} cannot be read: use the version of the operator that wrote it: {source}")]
pub struct SummaryError {
    /// `<namespace>/<name>`
    object: String,
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
        let stored: Stored = status_of(object)?;
        let spec = &object.data["spec"];
        let vpc_id = spec["vpcId"].as_str().unwrap_or_default();
        Ok(Self {
            vpc_id: vpc_id.to_owned(),
            ready: ready(&stored.conditions),
            notes: notes(object, &stored),
            not_as_declared: not_as_declared(&stored.conditions),
            notices: stored.notices,
            spec: differences(&without_secrets(spec), &json!(VpcFlowMonitorSpec::new(vpc_id)))
                .unwrap_or_else(|| json!({})),
            events: latest(events),
            monitor: qualified_name(object),
            account_id: stored.account_id,
            region: stored.region,
            alarms: stored.alarms,
            detections: stored.detections,
            flow_logs: stored.flow_logs,
            links: stored.links,
        })
    }
}

/// `<namespace>/<name>`
pub(super) fn qualified_name(object: &DynamicObject) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// The part of the status that `T` needs.
pub(super) fn status_of<T: Default + DeserializeOwned>(object: &DynamicObject) -> Result<T, SummaryError> {
    match &object.data["status"] {
        Value::Null => Ok(T::default()),
        status => T::deserialize(status).map_err(|source| SummaryError { object: qualified_name(object), source }),
    }
}

/// The condition `Ready`.
pub(super) fn ready(conditions: &[Condition]) -> Option<ConditionSummary> {
    conditions.iter().find(|condition| condition.type_ == READY).map(ConditionSummary::from)
}

/// The conditions of parts that are not as declared: first the causes, then the parts that wait for others.
pub(super) fn not_as_declared(conditions: &[Condition]) -> Vec<ConditionSummary> {
    let parts =
        conditions.iter().filter(|condition| ![READY, RECONCILING, STALLED].contains(&condition.type_.as_str()));
    let mut found: Vec<_> = parts.filter(|condition| condition.status != "True").map(ConditionSummary::from).collect();
    found.sort_by_key(ConditionSummary::is_waiting);
    found
}

pub(super) fn is_true(conditions: &[Condition], type_: &str) -> bool {
    conditions.iter().any(|it| it.type_ == type_ && it.status == "True")
}

/// The note on an object that is `Stalled`, and the changes that help.
pub(super) fn stalled(changes: &str) -> String {
    stalled_message(&format!("no retry helps before {changes} is changed (Stalled)"))
}

fn notes(object: &DynamicObject, stored: &Stored) -> Vec<String> {
    let mut notes = Vec::new();
    if stored.conditions.is_empty() {
        notes.push("the operator has reported nothing: is it running, and does it watch this namespace?".to_owned());
    }
    // The condition says it too, once the operator has seen it.
    let is_told = stored.conditions.iter().any(|it| it.type_ == READY && it.reason == Reason::Suspended.as_str());
    let is_suspended = object.data["spec"]["suspend"] == true && !is_told;
    notes.extend(of_object(&object.metadata, is_suspended, stored.observed_generation));
    if is_true(&stored.conditions, STALLED) {
        notes.push(stalled("the spec, a permission or AWS"));
    } else if is_true(&stored.conditions, RECONCILING) {
        notes.push("the operator is at work (Reconciling)".to_owned());
    }
    notes
}
