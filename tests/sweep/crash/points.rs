//! Where the operator is killed: at a phase's n-th call of an operation, before or after it takes effect.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use devenv::ProxiedCall;

use crate::kube_faults::KubeCall;
use crate::life::Phase;

/// A call of the operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    Aws { service: String, operation: String, writes: bool },
    Kubernetes(KubeCall),
}

impl Call {
    pub fn writes(&self) -> bool {
        match self {
            Self::Aws { writes, .. } => *writes,
            Self::Kubernetes(call) => call.is_write(),
        }
    }
}

impl From<&ProxiedCall> for Call {
    fn from(call: &ProxiedCall) -> Self {
        Self::Aws { service: call.service.clone(), operation: call.operation.clone(), writes: call.mutating }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws { service, operation, .. } => write!(f, "{service} {operation}"),
            Self::Kubernetes(KubeCall { verb, resource }) => write!(f, "kubernetes {verb} {resource}"),
        }
    }
}

/// Whether the call the operator is killed at takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Moment {
    Before,
    After,
}

/// Where the operator is killed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    pub phase: Phase,
    pub call: Call,
    /// From 1 on, within the phase.
    pub nth: u32,
    pub moment: Moment,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = if self.moment == Moment::Before { "before" } else { "after" };
        write!(f, "{:?}, {moment} {} #{}", self.phase, self.call, self.nth)
    }
}

/// How often each call comes in a phase.
pub type Counts = BTreeMap<Call, u32>;

/// Counts calls that arrived in time.
pub fn counts(aws: &[ProxiedCall], kube: &[(Instant, KubeCall)], since: Instant, until: Instant) -> Counts {
    let in_time = |at: Instant| at >= since && at <= until;
    let aws = aws.iter().filter(|call| in_time(call.at)).map(Call::from);
    let kube = kube.iter().filter(|(at, _)| in_time(*at)).map(|(_, call)| Call::Kubernetes(call.clone()));
    let mut counts = Counts::new();
    for call in aws.chain(kube) {
        *counts.entry(call).or_default() += 1;
    }
    counts
}

/// What comes in both.
pub fn fewest(left: Counts, right: &Counts) -> Counts {
    let both = left.into_iter().filter_map(|(call, count)| {
        let other = *right.get(&call)?;
        Some((call, count.min(other)))
    });
    both.collect()
}

/// Every point of a phase. What only reads leaves AWS and Kubernetes as they are, so before and after it are the same.
pub fn points(phase: Phase, counts: &Counts) -> Vec<Point> {
    let mut points = Vec::new();
    for (call, count) in counts {
        let moments: &[Moment] = if call.writes() { &[Moment::Before, Moment::After] } else { &[Moment::Before] };
        for nth in 1..=*count {
            points.extend(moments.iter().map(|moment| Point { phase, call: call.clone(), nth, moment: *moment }));
        }
    }
    points
}
