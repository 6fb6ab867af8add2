use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::change::Change;
use super::failure::Failure;
use super::system::{Applied, Conflict, Goal, Invalid, Other, Removal, Report, System};
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError, Class, UNREACHABLE};
use crate::monitor::Monitor;

/// A [`System`] whose types the engine need not know.
#[derive(Clone, Copy)]
pub struct AnySystem {
    /// Which system it is.
    pub component: Component,
    /// What it needs.
    pub needs: &'static [Component],
    /// What must have moved before this one clears away.
    pub clears_after: &'static [Component],
    /// What no other system builds on.
    pub nobody_needs: &'static [ResourceKind],
    assess: AssessFn,
}

type AssessFn = for<'a> fn(&'a Aws, &'a Monitor, Option<Removal>) -> BoxFuture<'a, Result<Assessment, Failure>>;
type RunFn = Box<dyn for<'a> Fn(&'a Aws, &'a Monitor) -> BoxFuture<'a, Result<Applied, AwsError>> + Send + Sync>;

/// What is between AWS and the goal of one system.
#[derive(Debug)]
pub struct Assessment {
    /// False if the spec asks for nothing of this system.
    pub wanted: bool,
    /// What must be done, in order.
    pub steps: Vec<AnyStep>,
    /// What is not ours.
    pub conflicts: Vec<Conflict>,
    /// What cannot be right.
    pub invalid: Vec<Invalid>,
    /// What there is to tell.
    pub report: Report,
}

impl Assessment {
    fn absent() -> Self {
        Self { wanted: false, steps: Vec::new(), conflicts: Vec::new(), invalid: Vec::new(), report: Report::default() }
    }
}

/// A step whose type the engine need not know.
pub struct AnyStep {
    /// What is told.
    pub change: Change,
    /// What it waits for.
    pub follows: Option<Other>,
    run: RunFn,
}

impl AnyStep {
    /// Carries the step out.
    pub async fn run(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        (self.run)(aws, monitor).await
    }
}

impl fmt::Debug for AnyStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.change.fmt(formatter)
    }
}

impl fmt::Debug for AnySystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.component.fmt(formatter)
    }
}

impl AnySystem {
    /// Desired, observe, diff. `removal` is set when the whole monitor goes.
    pub async fn assess(&self, aws: &Aws, monitor: &Monitor, removal: Option<Removal>) -> Result<Assessment, Failure> {
        (self.assess)(aws, monitor, removal).await
    }
}

/// Hides a system's types.
#[must_use]
pub fn erase<S: System>() -> AnySystem {
    AnySystem {
        component: S::COMPONENT,
        needs: S::NEEDS,
        clears_after: S::CLEARS_AFTER,
        nobody_needs: S::NOBODY_NEEDS,
        assess: |aws, monitor, removal| assess::<S>(aws, monitor, removal).boxed(),
    }
}

/// Names stand in the status before anything is made under them: without one, nothing was.
fn never_made<S: System>(monitor: &Monitor) -> bool {
    monitor.recorded.iter().all(|resource| resource.component != S::COMPONENT)
}

/// The operator may not use the service, or the region does not have it. No reason to keep back the deletion of a monitor, or to complain
/// of a system that is switched off.
fn cannot_be_used(error: &AwsError) -> bool {
    matches!(error.class, Class::Denied) || error.code == UNREACHABLE
}

async fn assess<S: System>(aws: &Aws, monitor: &Monitor, removal: Option<Removal>) -> Result<Assessment, Failure> {
    // A spec that cannot be right must not stand in the way of deletion.
    let desired = if removal.is_none() { S::desired(monitor)? } else { None };
    let goal = match &desired {
        Some(desired) => Goal::Present(desired),
        None => Goal::Absent(removal.unwrap_or(Removal::Everything)),
    };
    let observed = match S::observe(aws, monitor).await {
        Err(error) if desired.is_none() && never_made::<S>(monitor) && cannot_be_used(&error) => {
            return Ok(Assessment::absent());
        }
        observed => observed?,
    };
    let diff = S::diff(monitor, goal, &observed);
    let steps = diff
        .steps
        .into_iter()
        .map(|step| {
            let op = Arc::new(step.op);
            let run: RunFn = Box::new(move |aws, monitor| {
                let op = Arc::clone(&op);
                async move { S::apply(aws, monitor, &op).await }.boxed()
            });
            AnyStep { change: step.change, follows: step.follows, run }
        })
        .collect();
    Ok(Assessment {
        wanted: desired.is_some(),
        steps,
        conflicts: diff.conflicts,
        invalid: diff.invalid,
        report: S::report(monitor, goal, &observed),
    })
}
