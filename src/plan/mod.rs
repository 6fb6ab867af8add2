//! What the operator would do to AWS, worked out by the code that does it, and not done.
//!
//! The changes are those of [`engine::assess`]: what the operator applies, tells in events and counts is this very list. The clients are to
//! be made with [`Gate::of_plan`](crate::aws::Gate::of_plan), which lets no write through.

pub mod cost;
mod file;
mod table;

use serde::Serialize;

pub use cost::Estimate;
pub use file::{FileError, read};
pub use table::render;

use crate::api::Component;
use crate::api::conditions::Reason;
use crate::aws::Aws;
use crate::engine::{self, Action, Change, Removal};
use crate::monitor::Monitor;
use crate::resources::SYSTEMS;

/// What the operator would do for one monitor.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// The VPC.
    pub vpc_id: String,
    /// The account.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// True if this is the plan of the monitor's deletion.
    pub destroy: bool,
    /// In the order of the work, as far as there is one.
    pub changes: Vec<PlannedChange>,
    /// What stands in the way.
    pub problems: Vec<Problem>,
    /// What the monitor will cost, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Estimate>,
}

/// A change, and the system it is of.
#[derive(Debug, Serialize)]
pub struct PlannedChange {
    /// The system.
    pub component: Component,
    /// What is to be done.
    #[serde(flatten)]
    pub change: Change,
}

/// What keeps a system from becoming as declared.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The system.
    pub component: Component,
    /// As in the system's condition.
    pub reason: Reason,
    /// What it is, and what to do.
    pub message: String,
}

impl Plan {
    /// True if AWS is as it shall be, and nothing stands in the way.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.problems.is_empty()
    }

    /// How many changes are of that kind.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|planned| planned.change.action == action).count()
    }
}

/// Compares AWS with what the monitor asks for, or with what its deletion leaves. Reads only.
pub async fn plan(aws: &Aws, monitor: &Monitor, destroy: bool) -> Plan {
    let removal = destroy.then(|| monitor.removal());
    let assessed = engine::assess(&SYSTEMS, aws, monitor, removal).await;
    of_outcomes(monitor, removal, engine::plan(&engine::in_order(assessed, removal)))
}

fn of_outcomes(monitor: &Monitor, removal: Option<Removal>, outcomes: Vec<engine::Outcome>) -> Plan {
    let (mut changes, mut problems) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let component = outcome.component;
        problems.extend(outcome.failures.into_iter().map(|(_, failure)| Problem {
            component,
            reason: failure.reason,
            message: failure.message,
        }));
        problems.extend(outcome.conflicts.iter().map(|conflict| Problem {
            component,
            reason: Reason::Conflict,
            message: conflict.to_string(),
        }));
        changes.extend(outcome.remaining.into_iter().map(|change| PlannedChange { component, change }));
    }
    Plan {
        monitor: format!("{}/{}", monitor.namespace, monitor.name),
        vpc_id: monitor.spec.vpc_id.clone(),
        account_id: monitor.place.account.clone(),
        region: monitor.place.region.clone(),
        destroy: removal.is_some(),
        changes,
        problems,
        cost: None,
    }
}
