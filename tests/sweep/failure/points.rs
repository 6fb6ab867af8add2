//! What fails: a phase's n-th call of an operation, and those after it, for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use devenv::Rule;

use super::kinds::{Kind, KubeKind, is_hit};
use crate::crash::points::{Call, Calls};
use crate::kube_faults::KubeRule;
use crate::life::Phase;
use crate::world::World;

/// How many calls of an operation fail in a row: the SDK sends each twice, so two of the operator's attempts.
pub const TIMES: u32 = 4;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    Aws(Kind),
    Kubernetes(KubeKind),
}

/// An operation that fails in a phase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub phase: Phase,
    pub call: Call,
    /// The first call that fails, from 1 on, within the phase.
    pub nth: u32,
    pub failure: Failure,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} #{} ", self.phase, self.call, self.nth)?;
        match self.failure {
            Failure::Aws(kind) => write!(f, "{kind}"),
            Failure::Kubernetes(kind) => write!(f, "{kind:?}"),
        }
    }
}

/// What fails in each phase of a life.
pub type Plan = BTreeMap<Phase, Vec<Point>>;

/// What fails if the n-th call of every operation does, or none if no operation comes so often.
pub fn plan<'a>(phases: impl IntoIterator<Item = (Phase, &'a Calls)>, nth: u32, failure: Failure) -> Plan {
    let mut plan = Plan::new();
    for (phase, calls) in phases {
        let counts = calls.counts().into_iter();
        let counts = counts.filter(|(call, count)| *count >= nth && applies(failure, call));
        let points: Vec<Point> = counts.map(|(call, _)| Point { phase, call: call.clone(), nth, failure }).collect();
        if !points.is_empty() {
            plan.insert(phase, points);
        }
    }
    plan
}

fn applies(failure: Failure, call: &Call) -> bool {
    match (failure, call) {
        (Failure::Aws(kind), Call::Aws { writes, .. }) => kind.applies(*writes),
        (Failure::Kubernetes(kind), Call::Kubernetes(call)) => kind != KubeKind::AnswerLost || call.is_write(),
        _ => false,
    }
}

impl Point {
    /// Makes it fail from the phase's beginning on, which is to come.
    pub fn arm(&self, world: &World) {
        let skip = self.nth - 1;
        match (&self.call, self.failure) {
            (Call::Aws { service, operation, .. }, Failure::Aws(kind)) => {
                world.proxy.add(Rule::of(service, operation, kind.fault()).skip(skip).times(TIMES));
            }
            (Call::Kubernetes(call), Failure::Kubernetes(kind)) => {
                world.kube.add(KubeRule { call: Some(call.clone()), skip, times: Some(TIMES), fault: kind.fault() });
            }
            _ => {}
        }
    }

    /// True if it has failed since then.
    pub fn was_hit(&self, world: &World, since: Instant) -> bool {
        match &self.call {
            Call::Aws { service, operation, .. } => world.proxy.calls().iter().any(|call| {
                call.at >= since && (&call.service, &call.operation) == (service, operation) && is_hit(&call.treatment)
            }),
            Call::Kubernetes(wanted) => {
                let calls = world.kube.calls();
                let count = calls.iter().filter(|(at, call)| *at >= since && call == wanted).count();
                u32::try_from(count).is_ok_and(|count| count >= self.nth)
            }
        }
    }
}
