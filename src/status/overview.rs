//! The summary of an overview and the monitors that it selects.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::member::MemberSummary;
use super::notes::{Words, notes};
use super::summary::{ConditionSummary, SummaryError, not_as_declared, qualified_name, ready, status_of};
use crate::api::overview::MonitorSelector;
use crate::api::overview::status::{OverviewPlace, SelectedMonitors};
use crate::fleet::Health;

/// The summary of an overview.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OverviewSummary {
    /// `<namespace>/<name>`
    pub overview: String,
    /// The account of the dashboard, the event bus and the topic, once the operator knows it.
    pub account_id: Option<String>,
    /// Their region.
    pub region: Option<String>,
    /// The condition `Ready`, once the operator has reported it.
    pub ready: Option<ConditionSummary>,
    /// Notes that say how far the rest can be relied on.
    pub notes: Vec<String>,
    /// The selected monitors in numbers, once the operator has reported them.
    pub counts: Option<SelectedMonitors>,
    /// The conditions of the parts that are not as declared.
    pub not_as_declared: Vec<ConditionSummary>,
    /// The accounts and regions, with their monitors.
    pub places: Vec<OverviewPlaceSummary>,
    /// The dashboard and the topic.
    pub links: BTreeMap<String, String>,
}

/// An account and region of an overview.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OverviewPlaceSummary {
    /// The account. Absent for monitors whose account the operator does not know yet.
    pub account_id: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The reason for which it is not as declared.
    pub message: Option<String>,
    /// The selected monitors there.
    pub monitors: Vec<MemberSummary>,
}

/// The parts of the status that a summary needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stored {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    account_id: Option<String>,
    region: Option<String>,
    monitors: Option<SelectedMonitors>,
    places: Vec<OverviewPlace>,
    topic_arn: Option<String>,
    dashboard: Option<String>,
}

const WORDS: Words = Words {
    noun: "overview",
    changes_none: "the operator changes nothing of the overview in AWS",
    remedies: "the overview, a permission or AWS",
};

/// True if the overview selects the monitor. None is selected by a selector of another version.
#[must_use]
pub fn is_of_overview(monitor: &DynamicObject, overview: &DynamicObject) -> bool {
    let selector = MonitorSelector::deserialize(&overview.data["spec"]["monitorSelector"]);
    monitor.namespace() == overview.namespace() && selector.is_ok_and(|selector| selector.selects(monitor.labels()))
}

impl OverviewSummary {
    /// Summarises a stored overview and the monitors that it selects.
    pub fn new(overview: &DynamicObject, monitors: &[DynamicObject]) -> Result<Self, SummaryError> {
        let stored: Stored = status_of(overview)?;
        let links = [("dashboard", stored.dashboard), ("topic", stored.topic_arn)];
        let links = links.into_iter().filter_map(|(name, link)| Some((name.to_owned(), link?)));
        Ok(Self {
            overview: qualified_name(overview),
            ready: ready(&stored.conditions),
            notes: notes(overview, &stored.conditions, stored.observed_generation, &WORDS),
            not_as_declared: not_as_declared(&stored.conditions),
            account_id: stored.account_id,
            region: stored.region,
            counts: stored.monitors,
            places: with_monitors(stored.places, monitors),
            links: links.collect(),
        })
    }
}

/// The places with their monitors, and after them those that the operator has not reported yet.
fn with_monitors(places: Vec<OverviewPlace>, monitors: &[DynamicObject]) -> Vec<OverviewPlaceSummary> {
    let mut places: Vec<_> = places.into_iter().map(OverviewPlaceSummary::from).collect();
    for object in monitors {
        let member = MemberSummary::new(object, &Health::of(&json!(object)));
        let text = |field: &str| object.data["status"][field].as_str().map(str::to_owned);
        let (account_id, region) = (text("accountId"), text("region"));
        match places.iter_mut().find(|place| (&place.account_id, &place.region) == (&account_id, &region)) {
            Some(place) => place.monitors.push(member),
            None => places.push(OverviewPlaceSummary { account_id, region, message: None, monitors: vec![member] }),
        }
    }
    places
}

impl From<OverviewPlace> for OverviewPlaceSummary {
    fn from(OverviewPlace { account_id, region, message, .. }: OverviewPlace) -> Self {
        Self { account_id: Some(account_id), region: Some(region), message, monitors: Vec::new() }
    }
}
