//! The points at which the operator is killed: a phase's n-th call of an operation, before or after it takes effect.

use std::collections::{BTreeMap, BTreeSet};
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

impl Call {
    /// False for reads, which change nothing, and for events, which nothing depends on.
    pub fn matters(&self) -> bool {
        self.writes() && !matches!(self, Self::Kubernetes(call) if call.resource == "events")
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

/// The moment at which the operator is killed: before or after the call takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Moment {
    Before,
    After,
}

/// A point at which the operator is killed.
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

/// The calls of a phase, in the order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Calls(Vec<Call>);

impl Calls {
    /// Those that arrived in time.
    pub fn between(aws: &[ProxiedCall], kube: &[(Instant, KubeCall)], since: Instant, until: Instant) -> Self {
        let aws = aws.iter().map(|call| (call.at, Call::from(call)));
        let kube = kube.iter().map(|(at, call)| (*at, Call::Kubernetes(call.clone())));
        let mut calls: Vec<_> = aws.chain(kube).filter(|(at, _)| *at >= since && *at <= until).collect();
        calls.sort_by_key(|(at, _)| *at);
        Self(calls.into_iter().map(|(_, call)| call).collect())
    }

    /// Each call with how often it has come by then.
    pub fn numbered(&self) -> impl Iterator<Item = (&Call, u32)> {
        let mut counts: BTreeMap<&Call, u32> = BTreeMap::new();
        self.0.iter().map(move |call| {
            let count = counts.entry(call).or_default();
            *count += 1;
            (call, *count)
        })
    }

    /// Without calls that come less often in another life.
    pub fn common(&self, other: &Self) -> Self {
        let others: BTreeSet<(&Call, u32)> = other.numbered().collect();
        Self(self.numbered().filter(|call| others.contains(call)).map(|(call, _)| call.clone()).collect())
    }

    /// Every operation that changes something.
    pub fn writes(&self) -> BTreeSet<&Call> {
        self.0.iter().filter(|call| call.writes()).collect()
    }

    /// Every point of a phase, in order. A read has only one: it changes neither AWS nor Kubernetes, so before and after are the same.
    pub fn points(&self, phase: Phase) -> Vec<Point> {
        let points = self.numbered().flat_map(|(call, nth)| {
            let moments: &[Moment] = if call.writes() { &[Moment::Before, Moment::After] } else { &[Moment::Before] };
            moments.iter().map(move |moment| Point { phase, call: call.clone(), nth, moment: *moment })
        });
        points.collect()
    }
}
