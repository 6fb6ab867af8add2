//! The trait that every AWS system implements; the engine knows nothing else of it.

use std::future::Future;

use thiserror::Error;

use super::change::Change;
use crate::api::conditions::Reason;
use crate::api::status::{AlarmStatus, FlowLogStatus};
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::monitor::Monitor;

/// One system of the monitor. Pure: [`desired`](System::desired), [`diff`](System::diff), [`report`](System::report).
/// I/O: [`observe`](System::observe), which never changes anything, and [`apply`](System::apply).
pub trait System: Send + Sync + 'static {
    /// What the spec asks for.
    type Desired: Send + Sync;
    /// What AWS has, normalised, in the same terms.
    type Observed: Send + Sync;
    /// One call or a short sequence of calls that carries out one [`Change`].
    type Op: Send + Sync + 'static;

    /// Which system this is.
    const COMPONENT: Component;
    /// Systems whose resources must exist before this one's changes are applied, and that are torn down after it.
    const NEEDS: &'static [Component];
    /// Systems that must have moved before what this one has superseded is cleared away, besides those that need it.
    const CLEARS_AFTER: &'static [Component] = &[];
    /// Kinds of this system's resources that no other system builds on: one that cannot be made holds up nobody.
    const NOBODY_NEEDS: &'static [ResourceKind] = &[];

    /// What the spec asks for, or `None` if it asks for nothing of this system.
    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid>;

    /// What AWS has under the monitor's names, whoever owns it.
    fn observe(aws: &Aws, monitor: &Monitor) -> impl Future<Output = Result<Self::Observed, AwsError>> + Send;

    /// What must be done, in order. Empty exactly if AWS is as the goal wants it.
    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Diff<Self::Op>;

    /// Carries out one step. Must be safe to repeat after a lost answer.
    fn apply(aws: &Aws, monitor: &Monitor, op: &Self::Op) -> impl Future<Output = Result<Applied, AwsError>> + Send;

    /// What there is to tell about what AWS has.
    fn report(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Report;
}

/// Where a system shall get to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal<D> {
    /// As declared.
    Present(D),
    /// Gone: switched off in the spec, or the monitor is being deleted.
    Absent(Removal),
}

impl<D> Goal<D> {
    /// The goal for a part of what is declared.
    #[must_use]
    pub fn map<T>(self, part: impl FnOnce(D) -> T) -> Goal<T> {
        match self {
            Self::Present(declared) => Goal::Present(part(declared)),
            Self::Absent(removal) => Goal::Absent(removal),
        }
    }
}

/// How a system is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// With the data it holds.
    Everything,
    /// Resources that hold data stay, marked as retained.
    KeepData,
    /// Everything stays, marked as retained.
    KeepAll,
}

/// A field of the spec that cannot be right, found before AWS is asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("spec.{field}: {problem}")]
pub struct Invalid {
    /// Path of the field below `spec`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub problem: String,
}

/// What must be done.
#[derive(Debug)]
pub struct Diff<Op> {
    /// In this order.
    pub steps: Vec<Step<Op>>,
    /// Resources of the wanted names that are not ours; nothing is done to them.
    pub conflicts: Vec<Conflict>,
    /// Parts that cannot be right, while the others go on.
    pub invalid: Vec<Invalid>,
}

impl<Op> Default for Diff<Op> {
    fn default() -> Self {
        Self { steps: Vec::new(), conflicts: Vec::new(), invalid: Vec::new() }
    }
}

impl<Op> Diff<Op> {
    /// Adds a step.
    pub fn step(&mut self, change: Change, op: Op) {
        self.steps.push(Step { change, op, follows: None });
    }

    /// Adds a step that is taken only once another system's resource is as declared.
    pub fn step_following(&mut self, change: Change, op: Op, other: Other) {
        self.steps.push(Step { change, op, follows: Some(other) });
    }

    /// Adds a conflict about a resource that is wanted.
    pub fn conflict(&mut self, kind: ResourceKind, name: &str, problem: impl Into<String>) {
        self.conflicts.push(Conflict { kind, name: name.to_owned(), problem: problem.into(), only_removal: false });
    }

    /// Adds a conflict about a resource that is to go: it holds up nothing that is being built.
    pub fn conflict_of_removal(&mut self, kind: ResourceKind, name: &str, problem: impl Into<String>) {
        self.conflicts.push(Conflict { kind, name: name.to_owned(), problem: problem.into(), only_removal: true });
    }
}

/// A change, and how to carry it out.
#[derive(Debug)]
pub struct Step<Op> {
    /// What is told.
    pub change: Change,
    /// What is done.
    pub op: Op,
    /// What it waits for.
    pub follows: Option<Other>,
}

/// A resource of another system that must be as declared before a step is taken, though that system is not needed for anything to be
/// made. It must not itself, nor through others, need the system of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// The other system.
    pub component: Component,
    /// Its resource's kind.
    pub kind: ResourceKind,
    /// Its resource's name; all of that kind if none.
    pub name: Option<&'static str>,
}

/// A resource of a wanted name that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} {name}: {problem}", kind.noun())]
pub struct Conflict {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
    /// Whose it is, and what to do.
    pub problem: String,
    /// True if the resource is to go, not to be built.
    pub only_removal: bool,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Done.
    Done,
    /// Done, and AWS has something to say about it, which is told with the change.
    DoneWithWarning(String),
    /// Some of it is done and the rest follows in the next pass; the text says how far it got.
    InProgress(String),
}

/// What there is to tell about what AWS has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Our resources that exist.
    pub resources: Vec<Existing>,
    /// How they do.
    pub health: SystemHealth,
    /// The flow logs.
    pub flow_logs: Vec<FlowLogStatus>,
    /// The alarms.
    pub alarms: Vec<AlarmStatus>,
    /// Link to the dashboard.
    pub dashboard: Option<String>,
    /// Link to the saved Athena queries.
    pub saved_queries: Option<String>,
    /// Link to Logs Insights.
    pub logs_insights: Option<String>,
    /// Statements of others in the policy of the bucket, as JSON.
    pub others_bucket_policy: Option<String>,
}

/// A resource that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
    /// Its ARN, or its id where AWS gives no ARN.
    pub arn: Option<String>,
    /// True if it was left behind, and so is no longer kept.
    pub retained: bool,
    /// What deserves saying about it, such as that a subscription waits for its confirmation.
    pub message: Option<String>,
}

impl Existing {
    /// A resource about which nothing else needs saying.
    #[must_use]
    pub fn new(kind: ResourceKind, name: impl Into<String>, arn: impl Into<String>) -> Self {
        Self { kind, name: name.into(), arn: Some(arn.into()), retained: false, message: None }
    }
}

/// How a system does, beyond being as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SystemHealth {
    /// It works.
    #[default]
    Good,
    /// AWS is still setting it up; the text says what.
    Pending(String),
    /// AWS reports that it does not work.
    Failing(Reason, String),
}
