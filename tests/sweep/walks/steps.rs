//! The steps of a walk: events in the life of a monitor, in any order.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Strategy;

use super::drifts::Drift;

/// An event in the life of a monitor.
#[derive(Clone, Debug)]
pub enum Step {
    /// A field gets another value.
    Change(String),
    /// A field gets its default again.
    TakeBack(String),
    /// Somebody changes something by hand.
    Drift(Drift),
    /// Calls to AWS fail: after so many, so many.
    Fail {
        how: Failing,
        skip: u32,
        times: u32,
    },
    /// The operator crashes and is started again.
    Crash,
    /// The operator is stopped and started again.
    Restart,
    Suspend,
    Resume,
    /// The monitor is deleted and made again, at once when it is gone.
    Recreate,
    /// Nothing happens until the operator has looked again.
    Pass,
}

/// The kinds of failure of calls to AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    Throttled,
    ServerError,
    Denied,
    Closed,
    AnswerLost,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

fn step(fields: Vec<String>) -> impl Strategy<Value = Step> {
    let failing =
        select(vec![Failing::Throttled, Failing::ServerError, Failing::Denied, Failing::Closed, Failing::AnswerLost]);
    prop_oneof![
        4 => select(fields.clone()).prop_map(Step::Change),
        2 => select(fields).prop_map(Step::TakeBack),
        4 => select(Drift::ALL.to_vec()).prop_map(Step::Drift),
        3 => (failing, 0..60_u32, 1..6_u32).prop_map(|(how, skip, times)| Step::Fail { how, skip, times }),
        2 => Just(Step::Crash),
        1 => Just(Step::Restart),
        1 => Just(Step::Suspend),
        1 => Just(Step::Resume),
        1 => Just(Step::Recreate),
        2 => Just(Step::Pass),
    ]
}

/// A walk of at most so many steps, on which these fields change.
pub fn walk(longest: usize, fields: Vec<String>) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(fields), longest / 2..=longest)
}
