//! The summary of a fleet and its monitors.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fleet_template::PresentTemplate;
use super::member::MemberSummary;
use super::notes::{Words, notes};
use super::summary::{ConditionSummary, SummaryError, qualified_name, ready, status_of};
use crate::api::fleet::status::{MonitorCounts, PlaceStatus, RolloutStatus};
use crate::fleet::PresentMonitor;

/// The summary of a fleet.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetSummary {
    /// `<namespace>/<name>`
    pub fleet: String,
    /// The condition `Ready`, once the operator has reported it.
    pub ready: Option<ConditionSummary>,
    /// Notes that say how far the rest can be relied on.
    pub notes: Vec<String>,
    /// The monitors in numbers, once the operator has reported them.
    pub counts: Option<MonitorCounts>,
    /// The rollout that is under way.
    pub rollout: Option<RolloutSummary>,
    /// VPCs that are selected and get no monitor.
    pub skipped: Vec<SkippedSummary>,
    /// The places, region by region, with their monitors.
    pub places: Vec<PlaceSummary>,
}

/// A rollout that is under way.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutSummary {
    /// The wave that the present template has reached, from 1.
    pub wave: u32,
    /// All waves.
    pub waves: u32,
    /// The reason for which the next monitors do not get the template yet. Empty if none waits.
    pub message: String,
}

/// A VPC that is selected and gets no monitor.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SkippedSummary {
    /// The VPC.
    pub vpc_id: String,
    /// The kind of reason.
    pub reason: String,
    /// The reason, and what to do.
    pub message: String,
}

/// A place in one region.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceSummary {
    /// Name of the place.
    pub place: String,
    /// The account, once the operator knows it.
    pub account_id: Option<String>,
    /// The region, if it is known.
    pub region: Option<String>,
    /// VPCs that were selected when the place was last read.
    pub vpcs: Option<u32>,
    /// The reason for which the place cannot be read.
    pub message: Option<String>,
    /// Its monitors.
    pub monitors: Vec<FleetMonitor>,
}

/// A monitor of a fleet.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetMonitor {
    /// Its state.
    #[serde(flatten)]
    pub member: MemberSummary,
    /// The time since which the fleet no longer selects its VPC.
    pub orphaned_since: Option<Time>,
    /// True if it has the present template, as far as that is known.
    pub has_present_template: Option<bool>,
}

/// The parts of the status that a summary needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stored {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    monitors: Option<MonitorCounts>,
    rollout: Option<RolloutStatus>,
    places: Vec<PlaceStatus>,
    skipped: Vec<SkippedSummary>,
}

const WORDS: Words = Words {
    noun: "fleet",
    changes_none: "the fleet changes no monitor",
    remedies: "the fleet, a monitor, a permission or AWS",
};

/// True if the fleet made the monitor and keeps it.
#[must_use]
pub fn is_of_fleet(monitor: &DynamicObject, fleet: &DynamicObject) -> bool {
    let is_fleet = |uid: &str| fleet.metadata.uid.as_deref() == Some(uid);
    monitor.owner_references().iter().any(|owner| owner.controller == Some(true) && is_fleet(&owner.uid))
}

impl FleetSummary {
    /// Summarises a stored fleet and its monitors.
    pub fn new(fleet: &DynamicObject, monitors: &[DynamicObject]) -> Result<Self, SummaryError> {
        let stored: Stored = status_of(fleet)?;
        let notes = notes(fleet, &stored.conditions, stored.observed_generation, &WORDS);
        let Stored { conditions, monitors: counts, rollout, places, skipped, .. } = stored;
        Ok(Self {
            fleet: qualified_name(fleet),
            ready: ready(&conditions),
            notes,
            rollout: counts.zip(rollout).and_then(|(counts, rollout)| under_way(counts, rollout, &places)),
            skipped,
            places: with_monitors(places, members(fleet, counts, monitors)),
            counts,
        })
    }
}

/// The rollout, if monitors have a former template. While monitors are only created, none has.
fn under_way(counts: MonitorCounts, rollout: RolloutStatus, places: &[PlaceStatus]) -> Option<RolloutSummary> {
    let (wave, waves) = rollout.wave.split_once('/')?;
    let (wave, waves) = (wave.parse().ok()?, waves.parse().ok()?);
    // The monitors of a place that cannot be read count as present only.
    let all_read = places.iter().all(|place| place.message.is_none());
    let is_under_way = wave < waves || !rollout.message.is_empty() || (all_read && counts.updated < counts.present);
    is_under_way.then_some(RolloutSummary { wave, waves, message: rollout.message })
}

/// The monitors, each with what is known of its place.
fn members(
    fleet: &DynamicObject,
    counts: Option<MonitorCounts>,
    monitors: &[DynamicObject],
) -> Vec<(PresentMonitor, FleetMonitor, Option<String>)> {
    let template = PresentTemplate::of(fleet);
    let uid = fleet.uid().unwrap_or_default();
    let mut members: Vec<_> = monitors
        .iter()
        .filter_map(|object| Some((object, PresentMonitor::read(&json!(object), &uid)?)))
        .map(|(object, present)| {
            let has_present_template = template.as_ref().and_then(|template| template.is_in(&present));
            let account = object.data["status"]["accountId"].as_str().map(str::to_owned);
            let member = FleetMonitor::new(object, &present, has_present_template);
            (present, member, account)
        })
        .collect();
    // An operator of another version may compute the hash of a template in another way.
    let is_known = members.iter().any(|(_, member, _)| member.has_present_template == Some(true));
    if !is_known && counts.is_some_and(|counts| counts.updated > 0) {
        for (_, member, _) in &mut members {
            member.has_present_template = None;
        }
    }
    members
}

/// The places with their monitors, and after them places that the fleet no longer has.
fn with_monitors(
    places: Vec<PlaceStatus>,
    members: Vec<(PresentMonitor, FleetMonitor, Option<String>)>,
) -> Vec<PlaceSummary> {
    let mut places: Vec<_> = places.into_iter().map(PlaceSummary::from).collect();
    for (PresentMonitor { place, region, .. }, member, account_id) in members {
        let is_there = |at: &&mut PlaceSummary| at.place == place && at.region.as_ref().is_none_or(|it| *it == region);
        match places.iter_mut().find(is_there) {
            Some(there) => there.monitors.push(member),
            None => places.push(PlaceSummary {
                place,
                account_id,
                region: Some(region),
                vpcs: None,
                message: None,
                monitors: vec![member],
            }),
        }
    }
    places
}

impl From<PlaceStatus> for PlaceSummary {
    fn from(PlaceStatus { name, account_id, region, vpcs, message }: PlaceStatus) -> Self {
        let region = Some(region).filter(|region| !region.is_empty());
        Self { place: name, account_id, region, vpcs, message, monitors: Vec::new() }
    }
}

impl FleetMonitor {
    fn new(object: &DynamicObject, present: &PresentMonitor, has_present_template: Option<bool>) -> Self {
        Self {
            member: MemberSummary::new(object, &present.health),
            orphaned_since: present.orphaned_since.map(Time),
            has_present_template,
        }
    }
}
