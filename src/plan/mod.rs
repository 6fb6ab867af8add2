//! The changes that the operator would make in AWS. `plan` uses the operator's own code to compute them, and makes none of them.
//!
//! The changes are those of [`engine::assess`]: the operator applies, reports in events and counts this very list. The clients are to be
//! made with [`AwsGate::of_plan`](crate::aws::AwsGate::of_plan), which lets no write through.

mod by_resource;
pub mod cost;
mod document_problem;
mod file;
pub mod fleet;
mod groups;
mod object;
mod overview;
mod palette;
mod summary;
mod table;
mod vpc;
mod without_status;
mod yaml;

use std::collections::BTreeMap;

use by_resource::{OfResource, by_resource};
use serde::Serialize;

pub use cost::Estimate;
pub use crd_schema::BrokenRule;
pub use document_problem::DocumentProblem;
pub use file::{FileContent, FileError, decode, read};
pub use fleet::FleetPlan;
pub use object::{ChangeError, CustomObject, check_change, checked, is_label, is_name};
pub use overview::{OverviewPlan, OverviewSubject, plan_overview};
pub use palette::Palette;
pub use summary::render_all;
pub use table::render;
pub use without_status::plan_without_status;
pub use yaml::{YamlError, objects};

use crate::api::conditions::Reason;
use crate::api::spec::DeletionPolicy;
use crate::api::{Component, ResourceKind};
use crate::aws::Aws;
use crate::engine::{self, Action, Change, Direction, Outcome};
use crate::monitor::{Monitor, Owner};
use crate::resources::SYSTEMS;
use crate::resources::common::counted_records::without_accepted_traffic;
use crate::resources::detector;
use crate::resources::flow_logs::{self, Vpc, mentions, watched_twice};

/// The plan for one monitor.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// `<namespace>/<name>` of its fleet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fleet: Option<String>,
    /// The wave in which the fleet changes it, from 1, if a change of the template is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<usize>,
    /// The VPC.
    pub vpc_id: String,
    /// The account.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// The name of the cluster, from which all names in AWS follow.
    pub cluster_name: String,
    /// The origin of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name_source: Option<ClusterNameSource>,
    /// The deletion policy in force.
    pub deletion_policy: DeletionPolicy,
    /// True if this is the plan of the monitor's deletion.
    pub destroy: bool,
    /// True if the operator makes none of these changes, because `spec.suspend` of the monitor or of its fleet is true.
    pub suspended: bool,
    /// In the order of the work, as far as there is one.
    pub changes: Vec<PlannedChange>,
    /// The problems that block changes.
    pub problems: Vec<Problem>,
    /// Notes on parts that the plan leaves out.
    pub notes: Vec<String>,
    /// The cost of the monitor, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Estimate>,
    /// Texts that only this monitor has, from [`groups::own_texts`].
    #[serde(skip)]
    own_texts: Vec<String>,
}

/// The origin of the cluster's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ClusterNameSource {
    /// The flag, or its environment variable.
    Flag,
    /// The status of the object, where the operator wrote it.
    Status,
    /// The UID of namespace kube-system, which is the operator's default.
    KubeSystem,
}

/// A change, and the system it is of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    /// The system.
    pub component: Component,
    /// The systems with problems that this change waits for.
    pub waits_for: Vec<Component>,
    /// The change.
    #[serde(flatten)]
    pub change: Change,
}

/// A problem that keeps a system from becoming as declared.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The system.
    pub component: Component,
    /// The reason, as in the system's condition.
    pub reason: Reason,
    /// The problem and the remedy.
    pub message: String,
}

impl Plan {
    /// True if AWS is as declared, and no problem blocks a change.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.problems.is_empty()
    }

    /// True if the operator would change something, now or once its problems are solved.
    #[must_use]
    pub const fn has_work(&self) -> bool {
        !self.changes.is_empty() && !self.suspended
    }

    /// Number of resources with a change of that kind that waits for nothing.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        let resources = by_resource(&self.changes);
        let at_once = resources.iter().filter(|planned| planned.waits_for.is_empty());
        at_once.filter(|planned| planned.change.action == action).map(count_of).sum()
    }

    /// Number of resources whose change waits for the solution of a problem.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let resources = by_resource(&self.changes);
        resources.iter().filter(|planned| !planned.waits_for.is_empty()).map(count_of).sum()
    }

    /// True if a note has the owner's name of another plan's monitor, or counts it: a monitor that has flow logs already is in the notes.
    fn names_owner(&self, other: &Self) -> bool {
        let owner = format!("{}/{}", other.cluster_name, other.monitor);
        self.notes.iter().any(|note| mentions(note, &owner))
    }
}

impl OfResource for PlannedChange {
    fn change(&self) -> &Change {
        &self.change
    }

    fn change_mut(&mut self) -> &mut Change {
        &mut self.change
    }

    fn is_beside(&self, other: &Self) -> bool {
        (self.component, &self.waits_for) == (other.component, &other.waits_for)
    }
}

/// The resource, and those that need no call of their own.
fn count_of(planned: &impl OfResource) -> usize {
    1 + planned.change().along.iter().map(|along| along.count).sum::<usize>()
}

/// Compares AWS with what the monitor asks for, or with what its deletion leaves. Reads only.
pub async fn plan(aws: &Aws, monitor: &Monitor, destroy: bool) -> Plan {
    let direction = if destroy { Direction::TearDown } else { Direction::Build };
    let vpc = async {
        match direction {
            Direction::Build => flow_logs::look_up(aws, monitor).await,
            Direction::TearDown => Vpc::Found,
        }
    };
    let (assessed, vpc) = tokio::join!(engine::assess(&*SYSTEMS, aws, monitor, direction), vpc);
    let mut plan = of_outcomes(monitor, direction, engine::foresee(assessed, direction));
    plan.judge_vpc(vpc, monitor);
    plan
}

/// A change for each resource: both flow logs are deleted by one call, under both names.
fn one_each(change: Change) -> Vec<Change> {
    if change.kind != ResourceKind::FlowLog {
        return vec![change];
    }
    change.name.split(", ").map(|name| Change { name: name.to_owned(), ..change.clone() }).collect()
}

/// Makes a plan from the present and the foreseen outcome of each system.
fn of_outcomes(
    monitor: &Monitor,
    direction: Direction,
    outcomes: impl IntoIterator<Item = (Outcome, Outcome)>,
) -> Plan {
    let (mut changes, mut problems) = (Vec::new(), Vec::new());
    let mut notes = notes(monitor, direction);
    for (outcome, foreseen) in outcomes {
        let component = outcome.component;
        notes.extend(outcome.report.iter().flat_map(|report| &report.notices).map(|notice| notice.message.clone()));
        let waits_for = |change: &Change| {
            if foreseen.remaining.contains(change) { foreseen.waits_for.clone() } else { Vec::new() }
        };
        for change in outcome.remaining {
            let waits_for = waits_for(&change);
            let planned = |change| PlannedChange { component, waits_for: waits_for.clone(), change };
            changes.extend(one_each(change).into_iter().map(planned));
        }
        problems.extend(outcome.failures.into_iter().map(|(_, failure)| Problem {
            component,
            reason: failure.reason,
            message: failure.to_string(),
        }));
        problems.extend(outcome.conflicts.iter().map(|conflict| Problem {
            component,
            reason: Reason::Conflict,
            message: conflict.to_string(),
        }));
    }
    if problems.iter().any(|problem| problem.reason == Reason::AccessDenied) {
        notes.push("AWS refused the credentials of this command; those of the operator may be sufficient".to_owned());
    }
    Plan {
        monitor: format!("{}/{}", monitor.namespace, monitor.name),
        fleet: None,
        wave: None,
        vpc_id: monitor.spec.vpc_id.clone(),
        account_id: monitor.account_region.account.clone(),
        region: monitor.account_region.region.clone(),
        cluster_name: monitor.settings.cluster_name.clone(),
        cluster_name_source: None,
        deletion_policy: monitor.deletion_policy(),
        destroy: direction == Direction::TearDown,
        suspended: monitor.spec.suspend,
        changes,
        problems,
        notes,
        cost: None,
        own_texts: groups::own_texts(monitor),
    }
}

fn notes(monitor: &Monitor, direction: Direction) -> Vec<String> {
    let leaves_out_code =
        direction == Direction::Build && monitor.spec.detector.enabled && !monitor.settings.detector.is_known();
    let note = "the detector's code was not compared: --detector-package was not given, and no detector.zip is beside this program";
    let of_spec = match direction {
        Direction::Build => [detector::notices::counted_only(&monitor.spec), without_accepted_traffic(&monitor.spec)],
        Direction::TearDown => [None, None],
    };
    leaves_out_code.then(|| note.to_owned()).into_iter().chain(of_spec.into_iter().flatten()).collect()
}

/// Adds a note where several monitors watch one VPC: AWS delivers and bills every record for each of them.
pub fn find_shared_vpcs(plans: &mut [Plan]) {
    // A monitor whose deletion is planned watches nothing afterwards.
    let watching = plans.iter().enumerate().filter(|(_, plan)| !plan.destroy);
    let mut watchers: BTreeMap<(String, String, String), Vec<usize>> = BTreeMap::new();
    for (index, plan) in watching {
        let place = (plan.account_id.clone(), plan.region.clone(), plan.vpc_id.clone());
        watchers.entry(place).or_default().push(index);
    }
    for indices in watchers.values() {
        for index in indices {
            let plan = &plans[*index];
            let others = indices.iter().filter(|other| *other != index).map(|other| &plans[*other]);
            let others: Vec<_> =
                others.filter(|other| !plan.names_owner(other)).map(|other| other.monitor.as_str()).collect();
            if !others.is_empty() {
                let note = watched_twice(&plan.vpc_id, others);
                plans[*index].notes.push(note);
            }
        }
    }
}

/// Adds a problem where several monitors would make the same resource: only one of them can own it.
pub fn find_rivals(plans: &mut [Plan]) {
    let mut claims: BTreeMap<(String, String, ResourceKind, String), Vec<usize>> = BTreeMap::new();
    for (index, plan) in plans.iter().enumerate() {
        let named = [ResourceKind::Bucket, ResourceKind::LogGroup, ResourceKind::Database];
        let made = plan.changes.iter().map(|planned| &planned.change);
        let becomes_ours = |change: &&Change| matches!(change.action, Action::Create | Action::Adopt);
        for change in made.filter(|change| becomes_ours(change) && named.contains(&change.kind)) {
            // All of AWS shares the names of buckets.
            let (account, region) = match change.kind {
                ResourceKind::Bucket => (String::new(), String::new()),
                _ => (plan.account_id.clone(), plan.region.clone()),
            };
            let place = (account, region, change.kind, change.name.clone());
            claims.entry(place).or_default().push(index);
        }
    }
    for ((_, _, kind, name), indices) in claims {
        for (number, index) in indices.iter().enumerate().skip(1) {
            let first = plans[indices[number - 1]].monitor.clone();
            let plan = &mut plans[*index];
            let is_it = |planned: &&PlannedChange| planned.change.kind == kind && planned.change.name == name;
            let Some(component) = plan.changes.iter().find(is_it).map(|planned| planned.component) else { continue };
            let message = format!(
                "{}: {first} is planned to create it or take it over, too; only one monitor can own it: choose another name",
                kind.named(&name)
            );
            plan.problems.push(Problem { component, reason: Reason::Conflict, message });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::monitor::fixtures;

    fn plan(name: &str, notes: &[&str]) -> Plan {
        let plan = of_outcomes(&fixtures::monitor(), Direction::Build, Vec::new());
        let notes = notes.iter().copied().map(str::to_owned).collect();
        Plan { monitor: format!("network/{name}"), notes, ..plan }
    }

    fn notes(mut plans: Vec<Plan>) -> Vec<Vec<String>> {
        find_shared_vpcs(&mut plans);
        plans.into_iter().map(|plan| plan.notes).collect()
    }

    #[test]
    fn a_rule_whose_findings_are_never_published_is_noted() {
        let mut spec = fixtures::monitor().spec;
        let rule = json!({"name": "low_rule", "severity": "LOW", "when": "dstport == 1", "description": "d"});
        spec.detector.custom_rules = vec![serde_json::from_value(rule).unwrap()];
        let monitor = fixtures::with_spec(spec);
        let notes = |direction| of_outcomes(&monitor, direction, Vec::new()).notes.join("\n");
        assert!(
            notes(Direction::Build).contains("low_rule is LOW, below minSeverity MEDIUM"),
            "{}",
            notes(Direction::Build)
        );
        assert!(!notes(Direction::TearDown).contains("low_rule"));
    }

    #[test]
    fn a_vpc_of_several_monitors_is_noted_at_each() {
        let elsewhere = Plan { region: "us-east-1".to_owned(), ..plan("c", &[]) };
        let notes = notes(vec![plan("a", &[]), plan("b", &[]), elsewhere]);
        let vpc_id = fixtures::monitor().spec.vpc_id;
        assert_eq!(notes[0], [watched_twice(&vpc_id, ["network/b"])]);
        assert_eq!(notes[1], [watched_twice(&vpc_id, ["network/a"])]);
        assert_eq!(notes[2], [""; 0]);
    }

    #[test]
    fn a_monitor_is_noted_once_under_its_whole_name() {
        let known = |owners: &[&str]| watched_twice("vpc-1", owners.iter().copied());
        for (owners, noted) in [
            (&["cluster/network/b"][..], 1),
            (&["cluster/network/b", "cluster/network/c"], 1),
            (&["cluster/network/a-0", "cluster/network/b"], 1),
            (&["cluster/network/b-2"], 2),
            (&["other/network/b"], 2),
            (&["cluster/network/c", "cluster/network/d", "cluster/network/e", "cluster/network/f"], 1),
        ] {
            let notes = notes(vec![plan("a", &[&known(owners)]), plan("b", &[])]);
            assert_eq!(notes[0].len(), noted, "{owners:?}: {notes:?}");
        }
    }

    #[test]
    fn a_monitor_whose_deletion_is_planned_does_not_count() {
        let going = Plan { destroy: true, ..plan("b", &[]) };
        assert_eq!(notes(vec![plan("a", &[]), going]), [[""; 0], [""; 0]]);
    }
}
