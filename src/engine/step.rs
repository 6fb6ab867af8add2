//! The goal of a system, and the steps to it.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use thiserror::Error;

use super::change::{Along, Change};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::monitor::{Monitor, Owner};

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
    /// The object that owns it is being deleted.
    OwnerDeleted,
    /// The spec no longer asks for it.
    SwitchedOff,
    /// The spec gives it another name.
    Superseded,
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
        self.steps.push(Step::new(change, op).following(other));
    }

    /// Adds all of another diff.
    pub fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.conflicts.extend(other.conflicts);
        self.invalid.extend(other.invalid);
    }

    /// Counts resources that AWS deletes with those that the diff clears away, or that stay with them.
    #[must_use]
    pub fn along(mut self, kind: ResourceKind, count: usize) -> Self {
        for step in self.steps.iter_mut().filter(|step| count > 0 && step.change.clears_away()) {
            step.change.along.push(Along { kind, count });
        }
        self
    }

    /// The same, without the type of its calls.
    #[must_use]
    pub fn erase<O: Owner>(self) -> Diff<AnyCall<O>>
    where
        Op: Call<O>,
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

impl<O: Owner> Diff<AnyCall<O>> {
    /// Adds all of another diff.
    pub fn include<Op: Call<O>>(&mut self, other: Diff<Op>) {
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
    /// The resources to wait for.
    pub follows: Vec<Other>,
    /// True if the step removes something whose place nothing takes. Then a failure elsewhere does not hold it back.
    pub stands_alone: bool,
}

impl<Op> Step<Op> {
    /// A step that waits for nothing.
    #[must_use]
    pub const fn new(change: Change, op: Op) -> Self {
        Self { change, op, follows: Vec::new(), stands_alone: false }
    }

    /// The same step, which waits until another system's resource is as declared.
    #[must_use]
    pub fn following(mut self, other: Other) -> Self {
        self.follows.push(other);
        self
    }

    /// The same step, with another form of its call.
    #[must_use]
    pub fn map<T>(self, call: impl FnOnce(Op) -> T) -> Step<T> {
        Step { change: self.change, op: call(self.op), follows: self.follows, stands_alone: self.stands_alone }
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

/// Something that can be done to AWS for an owner of resources.
pub trait Call<O = Monitor>: Send + Sync + 'static {
    /// Does it. Safe to repeat after a lost answer.
    fn run(&self, aws: &Aws, owner: &O) -> impl Future<Output = Result<Applied, AwsError>> + Send;
}

/// A call without its type.
pub struct AnyCall<O = Monitor>(Arc<dyn Run<O>>);

impl<O> Clone for AnyCall<O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A [`Call`] whose future has no type of its own.
trait Run<O>: Send + Sync {
    fn boxed_run<'a>(&'a self, aws: &'a Aws, owner: &'a O) -> BoxFuture<'a, Result<Applied, AwsError>>;
}

impl<O: Owner, C: Call<O>> Run<O> for C {
    fn boxed_run<'a>(&'a self, aws: &'a Aws, owner: &'a O) -> BoxFuture<'a, Result<Applied, AwsError>> {
        self.run(aws, owner).boxed()
    }
}

impl<O: Owner> AnyCall<O> {
    /// Hides the type of a call.
    #[must_use]
    pub fn new(call: impl Call<O>) -> Self {
        Self(Arc::new(call))
    }
}

impl<O: Owner> Call<O> for AnyCall<O> {
    async fn run(&self, aws: &Aws, owner: &O) -> Result<Applied, AwsError> {
        self.0.boxed_run(aws, owner).await
    }
}

impl<O> fmt::Debug for AnyCall<O> {
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
