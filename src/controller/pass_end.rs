//! The end of a pass, by success or by an error, and the time of the next one.

use std::time::Duration;

use kube::runtime::finalizer;
use thiserror::Error;

use crate::metrics::PassResult;

/// An error that ends a pass early.
#[derive(Debug, Error)]
pub enum Error {
    /// Kubernetes did not answer as it should.
    #[error("Kubernetes: {0}")]
    Kubernetes(#[from] kube::Error),
    /// There is still something to remove before the finalizer may go.
    #[error("not all is removed yet")]
    StillDeleting,
    /// Adding or removing the finalizer failed, or the work under it.
    #[error(transparent)]
    Finalizer(#[from] Box<finalizer::Error<Error>>),
}

/// The end of a pass.
#[derive(Clone, Copy, Debug)]
pub struct PassEnd {
    /// The time until the next pass.
    pub wait: Duration,
    /// True if AWS has reached the goal.
    pub settled: bool,
    /// For the metrics.
    pub result: PassResult,
}

/// The next pass over a monitor.
#[derive(Clone, Copy, Debug)]
pub struct Next {
    /// The time until then; `None` if only a change of the object leads to one.
    pub wait: Option<Duration>,
    /// The result of this one, for the metrics.
    pub result: PassResult,
}

impl Next {
    /// No pass follows by itself.
    pub const fn never() -> Self {
        Self { wait: None, result: PassResult::Success }
    }
}
