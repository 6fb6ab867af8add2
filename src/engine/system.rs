//! The trait that every AWS system implements; the engine knows nothing else of it.

use std::future::Future;

use super::report::{Details, Report};
use super::step::{AnyCall, Diff, Goal};
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
    /// Systems that must stop using this system's superseded resources before those are removed, besides the systems that need it.
    const CLEARS_AFTER: &'static [Component] = &[];
    /// Kinds of this system's resources that no other system builds on: a failed creation of one holds up no other system.
    const OPTIONAL_KINDS: &'static [ResourceKind] = &[];
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

/// The way in which a pass works through the systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the declared state, each system after those that it needs.
    Build,
    /// Towards the end of the monitor, each system before those that it needs.
    TearDown,
}
