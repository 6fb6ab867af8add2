//! The plan for a fleet: the VPCs that it finds, its monitors, and the waves in which these change. The plans of the monitors are beside it.

mod orphan;
mod text;

use serde::Serialize;

pub use orphan::{Orphan, OrphanFate};
pub use text::render;

use super::Plan;
use super::cost::in_cents;
use crate::api::conditions::Reason;
use crate::api::fleet::status::{PlaceStatus, SkipReason, SkippedVpc};
use crate::fleet::{Action, Decision, FleetIdentity, Input, Reading, WantedMonitor};

/// The plan for one fleet.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetPlan {
    /// `<namespace>/<name>`
    pub fleet: String,
    /// True if this is the plan of the fleet's deletion.
    pub destroy: bool,
    /// True if the operator creates, changes and deletes no monitor, because `spec.suspend` is true.
    pub suspended: bool,
    /// The places, region by region. None for a deletion, which needs no VPCs.
    pub places: Vec<PlaceStatus>,
    /// The wave that is under way, if a change of the template has to reach monitors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<PlannedRollout>,
    /// Its monitors, in the order of the rollout.
    pub monitors: Vec<PlannedMonitor>,
    /// Monitors whose VPC is no longer selected.
    pub orphans: Vec<Orphan>,
    /// VPCs that are selected and get no monitor.
    pub skipped: Vec<SkippedVpc>,
    /// The problems of the fleet itself.
    pub problems: Vec<FleetProblem>,
    /// Notes on parts that the plan leaves out.
    pub notes: Vec<String>,
    /// The cost of all its monitors, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<FleetCost>,
}

/// The wave that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedRollout {
    /// The wave, from 1.
    pub wave: usize,
    /// All waves.
    pub waves: usize,
}

/// A monitor of the fleet.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedMonitor {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// The VPC.
    pub vpc_id: String,
    /// The change of the monitor.
    pub change: MonitorChange,
    /// The wave in which it gets the template, from 1. Absent if it waits for no wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<usize>,
}

/// The change that a fleet makes in a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum MonitorChange {
    /// It is created.
    Create,
    /// It gets the present template.
    Update,
    /// It gets back what somebody else has changed.
    Restore,
    /// It is deleted.
    Delete,
    /// It has the present template.
    Unchanged,
}

/// A problem of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetProblem {
    /// The reason, as in the fleet's condition.
    pub reason: Reason,
    /// The problem and the remedy.
    pub message: String,
}

/// The cost of the monitors of a fleet a month.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetCost {
    /// Currency of the amount.
    pub currency: String,
    /// The traffic of each monitor, which the user stated.
    pub gb_per_day_of_each_monitor: f64,
    /// The monitors.
    pub monitors: usize,
    /// The cost of all of them.
    pub per_month: f64,
}

impl FleetPlan {
    /// The plan of a decision about a fleet.
    #[must_use]
    pub fn new(input: Input<'_>, decision: &Decision) -> Self {
        let monitors = decision.wanted.iter().filter_map(|wanted| planned(input, decision, wanted));
        let (wave, waves) = decision.wave;
        let places =
            input.readings.iter().zip(&decision.selected_by_place).map(|(reading, vpcs)| place(reading, *vpcs));
        let mut plan = Self {
            suspended: input.spec.suspend,
            places: places.collect(),
            rollout: decision
                .wanted
                .iter()
                .any(|wanted| wanted.wave.is_some())
                .then_some(PlannedRollout { wave, waves }),
            monitors: monitors.collect(),
            orphans: orphan::orphans(input, decision),
            skipped: decision.skipped.clone(),
            problems: input.readings.iter().filter_map(unread).collect(),
            ..Self::empty(input.fleet)
        };
        // While a wave has monitors to change, the others wait for these.
        let changes_now = decision.actions.iter().any(|action| matches!(action, Action::Update(_)));
        plan.notes.extend(decision.rollout_message().filter(|_| !changes_now && !plan.suspended));
        plan
    }

    /// The plan of a fleet's deletion. Kubernetes deletes its monitors with it, all at once.
    pub fn of_deletion<'a>(fleet: &FleetIdentity, monitors: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let deleted = |(name, vpc_id): (&str, &str)| PlannedMonitor {
            monitor: format!("{}/{name}", fleet.namespace),
            vpc_id: vpc_id.to_owned(),
            change: MonitorChange::Delete,
            wave: None,
        };
        Self { destroy: true, monitors: monitors.into_iter().map(deleted).collect(), ..Self::empty(fleet) }
    }

    fn empty(fleet: &FleetIdentity) -> Self {
        Self {
            fleet: format!("{}/{}", fleet.namespace, fleet.name),
            destroy: false,
            suspended: false,
            places: Vec::new(),
            rollout: None,
            monitors: Vec::new(),
            orphans: Vec::new(),
            skipped: Vec::new(),
            problems: Vec::new(),
            notes: Vec::new(),
            cost: None,
        }
    }

    /// Takes the problems for which no monitor can have the template. The operator then changes none.
    pub fn cannot_use_template(&mut self, problems: impl IntoIterator<Item = String>) {
        let problem = |message| FleetProblem { reason: Reason::InvalidSpec, message };
        self.problems.extend(problems.into_iter().map(problem));
        self.monitors.clear();
        self.rollout = None;
        for orphan in &mut self.orphans {
            orphan.wait();
        }
    }

    /// Adds up the cost of its monitors.
    pub fn add_up_cost(&mut self, plans: &[Plan]) {
        let of_this = plans.iter().filter(|plan| plan.fleet.as_ref() == Some(&self.fleet));
        let estimates: Vec<_> = of_this.filter_map(|plan| plan.cost.as_ref()).collect();
        self.cost = estimates.first().map(|first| FleetCost {
            currency: first.currency.clone(),
            gb_per_day_of_each_monitor: first.gb_per_day,
            monitors: estimates.len(),
            per_month: in_cents(estimates.iter().map(|estimate| estimate.per_month).sum()),
        });
    }

    /// True if the fleet would not be Ready because of what it finds. A VPC that another monitor watches is as the user wants it.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        !self.problems.is_empty() || self.skipped.iter().any(is_problem)
    }

    /// Number of its monitors with that change.
    #[must_use]
    pub fn count(&self, change: MonitorChange) -> usize {
        self.monitors.iter().filter(|monitor| monitor.change == change).count()
    }
}

/// The name in `<namespace>/<name>`.
#[must_use]
pub fn name_of(monitor: &str) -> &str {
    monitor.split_once('/').map_or(monitor, |(_, name)| name)
}

fn is_problem(skipped: &SkippedVpc) -> bool {
    skipped.reason != SkipReason::AlreadyMonitored
}

fn place(reading: &Reading, vpcs: Option<u32>) -> PlaceStatus {
    PlaceStatus {
        name: reading.at.place.clone(),
        account_id: reading.account_region.as_ref().map(|(account, _)| account.clone()),
        region: reading.region().unwrap_or_default().to_owned(),
        vpcs,
        message: reading.vpcs.as_ref().err().map(|failure| failure.message.clone()),
    }
}

fn unread(reading: &Reading) -> Option<FleetProblem> {
    let failure = reading.vpcs.as_ref().err()?;
    let message = format!("place {} cannot be read: {failure}; its monitors stay as they are", reading.in_words());
    Some(FleetProblem { reason: failure.reason, message })
}

/// The change of a wanted monitor. None for one that is refused before it exists: it is among the skipped VPCs.
fn planned(input: Input<'_>, decision: &Decision, wanted: &WantedMonitor) -> Option<PlannedMonitor> {
    let WantedMonitor { desired, wave } = wanted;
    let of_action = |action: &Action| match action {
        Action::Create(due) if due.name == desired.name => Some(MonitorChange::Create),
        Action::Update(due) if due.name == desired.name => Some(MonitorChange::Update),
        Action::Restore(due, _) if due.name == desired.name => Some(MonitorChange::Restore),
        _ => None,
    };
    let is_refused = decision.skipped.iter().any(|it| it.reason == SkipReason::Refused && it.vpc_id == desired.vpc_id);
    let present = input.present.iter().find(|monitor| monitor.name == desired.name);
    let (change, wave) = match (decision.actions.iter().find_map(of_action), present) {
        (Some(MonitorChange::Update), _) => (MonitorChange::Update, *wave),
        (Some(change), _) => (change, None),
        (None, None) if is_refused => return None,
        (None, None) => (MonitorChange::Create, *wave),
        (None, Some(present)) if present.hash != desired.hash && !present.is_deleting && !is_refused => {
            (MonitorChange::Update, *wave)
        }
        (None, Some(_)) => (MonitorChange::Unchanged, *wave),
    };
    Some(PlannedMonitor {
        monitor: format!("{}/{}", input.fleet.namespace, desired.name),
        vpc_id: desired.vpc_id.clone(),
        change,
        wave,
    })
}

#[cfg(test)]
mod tests;
