//! The trait that every AWS system implements; the engine knows nothing else of it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use thiserror::Error;

use super::change::Change;
use super::resource::Call;
use crate::api::conditions::Reason;
use crate::api::status::VpcFlowMonitorStatus;
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::monitor::Monitor;

/// One system of the monitor. Pure: [`desired`](System::desired), [`diff`](System::diff), [`report`](System::report),
/// [`details`](System::details). [`observe`](System::observe) reads AWS; the calls of a diff change it.
pub trait System: Send + Sync + 'static {
    /// The state that the spec declares.
    type Desired: Send + Sync;
    /// The state of AWS, normalised, in the same terms.
    type Observed: Send + Sync;

    /// The name of the system.
    const COMPONENT: Component;
    /// Systems whose resources must exist before this one's changes are applied, and that are torn down after it.
    const NEEDS: &'static [Component];
    /// Systems that must have moved before this one's superseded resources are removed, besides those that need it.
    const CLEARS_AFTER: &'static [Component] = &[];
    /// Kinds of this system's resources that no other system builds on: a failed creation of one holds up no other system.
    const NOBODY_NEEDS: &'static [ResourceKind] = &[];
    /// True if deletion begins with this system, so that nothing refills the others.
    const TORN_DOWN_FIRST: bool = false;
    /// Systems whose resources a change of this one may alter in AWS, so that they must be read again.
    const TOUCHES: &'static [Component] = &[];

    /// The declared state, or `None` if the spec switches the system off.
    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid>;

    /// Reads the resources with the monitor's names from AWS, whoever owns them.
    fn observe(aws: &Aws, monitor: &Monitor) -> impl Future<Output = Result<Self::Observed, AwsError>> + Send;

    /// The steps to the goal, in order. Empty exactly if AWS is as the goal wants it.
    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Diff<AnyCall>;

    /// The resources and the health of the system, for the status.
    fn report(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Report;

    /// The fields of the status that this system alone fills.
    fn details(_monitor: &Monitor, _goal: Goal<&Self::Desired>, _observed: &Self::Observed) -> Details {
        Details::default()
    }
}

/// The state to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal<D> {
    /// As declared.
    Present(D),
    /// Gone, or left behind as [`fate`](super::fate) decides.
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

impl<'a, D> Goal<&'a D> {
    /// The goal for the resource `name`, where the declared one is called `wanted` and the others have earlier names.
    #[must_use]
    pub fn of_name(self, name: &str, wanted: impl FnOnce(&'a D) -> &'a str) -> Self {
        match self {
            Self::Present(declared) if wanted(declared) != name => Goal::Absent(Removal::Superseded),
            goal => goal,
        }
    }
}

/// The reason for which a resource is no longer declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The monitor is being deleted.
    MonitorDeleted,
    /// The spec no longer asks for it.
    SwitchedOff,
    /// The spec gives it another name.
    Superseded,
}

/// The way in which a pass works through the systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the declared state, each system after those that it needs.
    Build,
    /// Towards the end of the monitor, each system before those that it needs.
    TearDown,
}

/// The steps to a goal, and the obstacles.
#[derive(Debug)]
pub struct Diff<Op> {
    /// The steps, in order.
    pub steps: Vec<Step<Op>>,
    /// Resources of the wanted names that are not ours; nothing is done to them.
    pub conflicts: Vec<Conflict>,
    /// Invalid parts of the spec. The other parts go on.
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
        self.steps.push(Step::new(change, op));
    }

    /// Adds a step that is taken only once another system's resource is as declared.
    pub fn step_following(&mut self, change: Change, op: Op, other: Other) {
        self.steps.push(Step { change, op, follows: Some(other) });
    }

    /// Adds all of another diff.
    pub fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.conflicts.extend(other.conflicts);
        self.invalid.extend(other.invalid);
    }

    /// The same, without the type of its calls.
    #[must_use]
    pub fn erase(self) -> Diff<AnyCall>
    where
        Op: Call,
    {
        let mut diff = Diff::default();
        diff.include(self);
        diff
    }

    /// Adds a conflict about a resource that is wanted.
    pub fn conflict(&mut self, kind: ResourceKind, name: &str, problem: impl Into<String>) {
        self.conflicts.push(Conflict { kind, name: name.to_owned(), problem: problem.into(), only_removal: false });
    }

    /// Adds a conflict about a resource to remove. It does not block anything that is being built.
    pub fn conflict_of_removal(&mut self, kind: ResourceKind, name: &str, problem: impl Into<String>) {
        self.conflicts.push(Conflict { kind, name: name.to_owned(), problem: problem.into(), only_removal: true });
    }
}

impl Diff<AnyCall> {
    /// Adds all of another diff.
    pub fn include<Op: Call>(&mut self, other: Diff<Op>) {
        let Diff { steps, conflicts, invalid } = other;
        self.append(Self { steps: steps.into_iter().map(|step| step.map(AnyCall::new)).collect(), conflicts, invalid });
    }
}

/// A change and the call that makes it.
#[derive(Debug)]
pub struct Step<Op> {
    /// The change, for reports.
    pub change: Change,
    /// The call.
    pub op: Op,
    /// The resource to wait for, if any.
    pub follows: Option<Other>,
}

impl<Op> Step<Op> {
    /// A step that waits for nothing.
    #[must_use]
    pub const fn new(change: Change, op: Op) -> Self {
        Self { change, op, follows: None }
    }

    /// A step that waits until another system's resource is as declared.
    #[must_use]
    pub const fn following(change: Change, op: Op, other: Other) -> Self {
        Self { change, op, follows: Some(other) }
    }

    /// The same step, with another form of its call.
    #[must_use]
    pub fn map<T>(self, call: impl FnOnce(Op) -> T) -> Step<T> {
        Step { change: self.change, op: call(self.op), follows: self.follows }
    }
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
#[error("{}: {problem}", kind.named(name))]
pub struct Conflict {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
    /// The reason and the remedy.
    pub problem: String,
    /// True if the resource is to go, not to be built.
    pub only_removal: bool,
}

/// A call without its type.
#[derive(Clone)]
pub struct AnyCall(Arc<dyn Run>);

/// A [`Call`] whose future has no type of its own.
trait Run: Send + Sync {
    fn boxed_run<'a>(&'a self, aws: &'a Aws, monitor: &'a Monitor) -> BoxFuture<'a, Result<Applied, AwsError>>;
}

impl<C: Call> Run for C {
    fn boxed_run<'a>(&'a self, aws: &'a Aws, monitor: &'a Monitor) -> BoxFuture<'a, Result<Applied, AwsError>> {
        self.run(aws, monitor).boxed()
    }
}

impl AnyCall {
    /// Hides the type of a call.
    #[must_use]
    pub fn new(call: impl Call) -> Self {
        Self(Arc::new(call))
    }
}

impl Call for AnyCall {
    async fn run(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        self.0.boxed_run(aws, monitor).await
    }
}

impl fmt::Debug for AnyCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AnyCall")
    }
}

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Done.
    Done,
    /// Done. AWS has returned a warning, which is reported with the change.
    DoneWithWarning(String),
    /// Partly done; the rest follows in the next pass. The text describes the progress.
    InProgress(String),
}

/// The state of a system for the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Our resources that exist.
    pub resources: Vec<Existing>,
    /// The health of the system.
    pub health: SystemHealth,
}

impl Report {
    /// A report of healthy resources.
    #[must_use]
    pub fn of(resources: impl IntoIterator<Item = Existing>) -> Self {
        Self { resources: resources.into_iter().collect(), health: SystemHealth::Good }
    }
}

/// Writes the fields of the status that one system fills.
#[derive(Clone, Default)]
pub struct Details(Option<Arc<WriteDetails>>);

type WriteDetails = dyn Fn(&mut VpcFlowMonitorStatus) + Send + Sync;

impl Details {
    /// Details that `write` writes.
    #[must_use]
    pub fn new(write: impl Fn(&mut VpcFlowMonitorStatus) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(write)))
    }

    /// Writes them into the status.
    pub fn write(&self, status: &mut VpcFlowMonitorStatus) {
        if let Some(write) = &self.0 {
            write(status);
        }
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Details")
    }
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
    /// True if it was left behind and is no longer maintained.
    pub retained: bool,
    /// A note, such as that a subscription waits for its confirmation.
    pub message: Option<String>,
}

impl Existing {
    /// A resource without a note.
    #[must_use]
    pub fn new(kind: ResourceKind, name: impl Into<String>, arn: impl Into<String>) -> Self {
        Self { kind, name: name.into(), arn: Some(arn.into()), retained: false, message: None }
    }
}

/// The health of a system, besides being as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SystemHealth {
    /// It works.
    #[default]
    Good,
    /// AWS is still setting it up; the text describes it.
    Pending(String),
    /// AWS reports that it does not work.
    Failing(Reason, String),
}
