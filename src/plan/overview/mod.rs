//! The plan for an overview: what the operator would change at its home and in the accounts and regions of its monitors.

mod text;

use std::sync::Arc;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use text::{numbers, render};

use super::by_resource::{OfResource, by_resource};
use super::{ClusterNameSource, count_of};
use crate::api::conditions::Reason;
use crate::api::overview::OverviewDeletionPolicy;
use crate::api::overview::status::OverviewPlace;
use crate::api::spec::AssumeRole;
use crate::aws::Aws;
use crate::engine::{Action, Change, Direction, Failure};
use crate::overview::{
    self, Input, Member, Overview, Part, TaskResult, above_limit, planned_places, sites, wanted_places, within_limit,
};

/// The plan for one overview.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OverviewPlan {
    /// `<namespace>/<name>`
    pub overview: String,
    /// The account of the dashboard, the event bus and the topic.
    pub account_id: String,
    /// Their region.
    pub region: String,
    /// The name of the cluster, from which all names in AWS follow.
    pub cluster_name: String,
    /// The origin of that name.
    pub cluster_name_source: ClusterNameSource,
    /// The deletion policy in force.
    pub deletion_policy: OverviewDeletionPolicy,
    /// True if this is the plan of the overview's deletion.
    pub destroy: bool,
    /// True if the operator makes none of these changes, because `spec.suspend` is true.
    pub suspended: bool,
    /// The selected monitors whose account and region are known.
    pub monitors: usize,
    /// The accounts and regions of these.
    pub places: usize,
    /// In the order of the work.
    pub changes: Vec<OverviewChange>,
    /// The problems that block changes.
    pub problems: Vec<OverviewProblem>,
    /// Notes on parts that the plan leaves out.
    pub notes: Vec<String>,
}

/// A change of a resource of an overview.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OverviewChange {
    /// The part of the overview.
    pub part: Part,
    /// The account of the resource.
    pub account_id: String,
    /// The region in which the operator makes it.
    pub region: String,
    /// The change.
    #[serde(flatten)]
    pub change: Change,
}

/// A problem of an overview.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OverviewProblem {
    /// The part of the overview. Absent for a problem of the overview itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The reason, as in the condition.
    pub reason: Reason,
    /// The problem and the remedy.
    pub message: String,
}

/// An overview to plan.
#[derive(Debug)]
pub struct OverviewSubject {
    /// The overview at home.
    pub overview: Overview,
    /// The clients at home.
    pub home: Arc<Aws>,
    /// The selected monitors, by name.
    pub members: Vec<(String, Member)>,
    /// The places of its status.
    pub places: Vec<OverviewPlace>,
    /// The origin of the cluster's name.
    pub cluster_name_source: ClusterNameSource,
    /// True if its deletion is to be planned.
    pub destroy: bool,
    /// Notes on what is not known.
    pub notes: Vec<String>,
}

/// Compares AWS with what the overview asks for, or with what its deletion leaves. Reads only. `connect` makes the clients for a region and a role.
pub async fn plan_overview<C>(
    subject: OverviewSubject,
    connect: impl Fn(String, Option<AssumeRole>) -> C,
) -> OverviewPlan
where
    C: Future<Output = Result<Arc<Aws>, Failure>>,
{
    let OverviewSubject { overview, home, members, places, cluster_name_source, destroy, mut notes } = subject;
    let (members, left_out) = within_limit(if destroy { Vec::new() } else { members });
    let wanted = wanted_places(&members);
    let sites = sites(&planned_places(&overview, &wanted, &places), connect).await;
    let direction = if destroy { Direction::TearDown } else { Direction::Build };
    let input = Input { overview: &overview, home: &home, wanted: &wanted, sites: &sites, direction };
    let results = Box::pin(overview::run(input, true, &CancellationToken::new())).await;
    let monitors = wanted.values().map(|place| place.monitors.len()).sum();
    let unknown = members.len() - monitors;
    if unknown > 0 {
        notes.push(format!("{unknown} selected monitors have no account and region yet, and are not in the plan"));
    }
    let mut problems: Vec<_> = results.iter().filter_map(problem).collect();
    if left_out > 0 {
        let message = above_limit(members.len(), left_out);
        problems.push(OverviewProblem { part: None, reason: Reason::LimitExceeded, message });
    }
    OverviewPlan {
        overview: format!("{}/{}", overview.namespace, overview.name),
        account_id: overview.home.account.clone(),
        region: overview.home.region.clone(),
        cluster_name: overview.cluster_name().to_owned(),
        cluster_name_source,
        deletion_policy: overview.spec.deletion_policy,
        destroy,
        suspended: overview.spec.suspend,
        monitors,
        places: wanted.len(),
        changes: results.into_iter().flat_map(changes).collect(),
        problems,
        notes,
    }
}

fn problem(result: &TaskResult) -> Option<OverviewProblem> {
    let failure = result.failure.as_ref()?;
    let message = format!("{} {}: {failure}", result.at.account, result.at.region);
    Some(OverviewProblem { part: Some(result.stage.part()), reason: failure.reason, message })
}

fn changes(result: TaskResult) -> impl Iterator<Item = OverviewChange> {
    let (part, at) = (result.stage.part(), result.at);
    result.remaining.into_iter().map(move |change| OverviewChange {
        part,
        account_id: at.account.clone(),
        region: at.region.clone(),
        change,
    })
}

impl OverviewPlan {
    /// True if the operator would change something, now or once its problems are solved.
    #[must_use]
    pub const fn has_work(&self) -> bool {
        !self.changes.is_empty() && !self.suspended
    }

    /// Number of resources with a change of that kind.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        let resources = by_resource(&self.changes);
        resources.iter().filter(|planned| planned.change.action == action).map(count_of).sum()
    }
}

impl OfResource for OverviewChange {
    fn change(&self) -> &Change {
        &self.change
    }

    fn change_mut(&mut self) -> &mut Change {
        &mut self.change
    }

    fn is_beside(&self, other: &Self) -> bool {
        (self.part, &self.account_id, &self.region) == (other.part, &other.account_id, &other.region)
    }
}
