use std::fmt;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::failure::Failure;
use super::report::{Details, Report};
use super::step::{AnyCall, Conflict, Goal, Removal, Step};
use super::system::{Direction, System};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError, Class, UNREACHABLE};
use crate::monitor::Monitor;

/// A [`System`] without its types.
#[derive(Clone, Copy)]
pub struct AnySystem {
    /// The name of the system.
    pub component: Component,
    /// Systems that it needs.
    pub needs: &'static [Component],
    /// Systems that must stop using this system's superseded resources before those are removed.
    pub clears_after: &'static [Component],
    /// Kinds of resources that no other system builds on.
    pub optional_kinds: &'static [ResourceKind],
    /// True if deletion begins with this system.
    pub torn_down_first: bool,
    /// Systems whose resources its changes may alter.
    pub touches: &'static [Component],
    assess: AssessFn,
}

type AssessFn = for<'a> fn(&'a Aws, &'a Monitor, Direction) -> BoxFuture<'a, Result<Assessment, Failure>>;

/// The difference between AWS and the goal of one system. By default the system is absent.
#[derive(Debug, Default)]
pub struct Assessment {
    /// False if the spec asks for nothing of this system.
    pub wanted: bool,
    /// The steps to the goal, in order.
    pub steps: Vec<Step<AnyCall>>,
    /// Resources of the wanted names that are not ours.
    pub conflicts: Vec<Conflict>,
    /// Invalid parts of the spec.
    pub invalid: Vec<Invalid>,
    /// The resources and the health of the system.
    pub report: Report,
    /// The fields of the status that this system alone fills.
    pub details: Details,
}

impl fmt::Debug for AnySystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.component.fmt(formatter)
    }
}

impl AnySystem {
    /// Reads AWS and compares it with the goal.
    pub async fn assess(&self, aws: &Aws, monitor: &Monitor, direction: Direction) -> Result<Assessment, Failure> {
        (self.assess)(aws, monitor, direction).await
    }
}

/// Removes a system's types.
#[must_use]
pub fn erase<S: System>() -> AnySystem {
    AnySystem {
        component: S::COMPONENT,
        needs: S::NEEDS,
        clears_after: S::CLEARS_AFTER,
        optional_kinds: S::OPTIONAL_KINDS,
        torn_down_first: S::TORN_DOWN_FIRST,
        touches: S::TOUCHES,
        assess: |aws, monitor, direction| assess::<S>(aws, monitor, direction).boxed(),
    }
}

/// True if nothing was ever made: a name is in the status before anything is made under it.
fn never_made<S: System>(monitor: &Monitor) -> bool {
    monitor.recorded.iter().all(|resource| resource.component != S::COMPONENT)
}

/// True if the operator may not use the service, or the region does not have it. This must not block the deletion of a monitor, nor be
/// reported for a system that is switched off.
fn cannot_be_used(error: &AwsError) -> bool {
    matches!(error.class, Class::Denied) || error.code == UNREACHABLE
}

async fn assess<S: System>(aws: &Aws, monitor: &Monitor, direction: Direction) -> Result<Assessment, Failure> {
    // An invalid spec must not block deletion.
    let desired = match direction {
        Direction::Build => S::desired(monitor)?,
        Direction::TearDown => None,
    };
    let goal = match (&desired, direction) {
        (Some(desired), _) => Goal::Present(desired),
        (None, Direction::Build) => Goal::Absent(Removal::SwitchedOff),
        (None, Direction::TearDown) => Goal::Absent(Removal::OwnerDeleted),
    };
    let observed = match S::observe(aws, monitor).await {
        Err(error) if desired.is_none() && never_made::<S>(monitor) && cannot_be_used(&error) => {
            return Ok(Assessment::default());
        }
        observed => observed?,
    };
    let diff = S::diff(monitor, goal, &observed);
    Ok(Assessment {
        wanted: desired.is_some(),
        steps: diff.steps,
        conflicts: diff.conflicts,
        invalid: diff.invalid,
        report: S::report(monitor, goal, &observed),
        details: S::details(monitor, goal, &observed),
    })
}

/// A system that has nothing in AWS.
#[cfg(test)]
pub(super) fn empty(
    component: Component,
    needs: &'static [Component],
    clears_after: &'static [Component],
) -> AnySystem {
    AnySystem {
        component,
        needs,
        clears_after,
        optional_kinds: &[],
        torn_down_first: false,
        touches: &[],
        assess: |_, _, _| async { Ok(Assessment::default()) }.boxed(),
    }
}
