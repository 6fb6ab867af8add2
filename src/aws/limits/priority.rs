//! The order of calls that must wait.

use std::future::Future;
use std::time::Duration;

use crate::aws::operations::{Access, Operation};

/// The priority of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Changes AWS, or reads for a change.
    Urgent,
    /// Reads to compare AWS with the declared state.
    Routine,
}

impl Priority {
    /// Head start of later calls of higher priority. Then it is this call's turn, so that nothing waits for ever.
    pub const fn head_start(self) -> Duration {
        match self {
            Self::Urgent => Duration::ZERO,
            Self::Routine => Duration::from_secs(30),
        }
    }
}

tokio::task_local! {
    static PRIORITY: Priority;
}

/// Runs work whose reads are urgent too: repair and deletion.
pub async fn urgently<F: Future>(work: F) -> F::Output {
    PRIORITY.scope(Priority::Urgent, work).await
}

/// The priority of a call of the operation, from within the present work.
pub fn of(operation: &Operation) -> Priority {
    match operation.access {
        Access::Write => Priority::Urgent,
        Access::Read => PRIORITY.try_with(|priority| *priority).unwrap_or(Priority::Routine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations as ops;

    #[tokio::test]
    async fn writes_are_urgent_and_reads_where_it_is_said() {
        assert_eq!(of(ops::PUT_METRIC_ALARM), Priority::Urgent);
        assert_eq!(of(ops::DESCRIBE_ALARMS), Priority::Routine);
        assert_eq!(urgently(async { of(ops::DESCRIBE_ALARMS) }).await, Priority::Urgent);
        assert_eq!(of(ops::DESCRIBE_ALARMS), Priority::Routine);
    }
}
