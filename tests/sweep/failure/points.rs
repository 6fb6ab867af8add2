//! The calls that fail: a phase's n-th call of an operation, and those after it, for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use devenv::{Rule, Treatment};

use super::kinds::{Kind, KubeKind};
use crate::crash::lives::Undisturbed;
use crate::crash::points::Call;
use crate::kube_faults::KubeRule;
use crate::life::Phase;
use crate::report::is_full;
use crate::world::World;

/// The number of calls of an operation that fail in a row. The SDK sends each call twice, so four are two attempts of the operator, and two
/// are one.
fn times() -> u32 {
    if is_full() { 4 } else { 2 }
}

/// The number of calls of a read that matter: later ones repeat the first, which come before and after a change.
pub const READS: u32 = 3;

/// The failure of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    Aws(Kind),
    Kubernetes(KubeKind),
}

impl Failure {
    fn applies(self, call: &Call) -> bool {
        match (self, call) {
            (Self::Aws(kind), Call::Aws { writes, .. }) => kind.applies(*writes),
            (Self::Kubernetes(kind), Call::Kubernetes(call)) => kind != KubeKind::AnswerLost || call.is_write(),
            _ => false,
        }
    }
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

/// The operations that fail in each phase of a life.
pub type Plan = BTreeMap<Phase, Vec<Point>>;

/// For each n, a life in which the n-th call of every operation fails, up to `most`.
pub fn plans(undisturbed: &Undisturbed, failure: Failure, most: u32) -> Vec<Plan> {
    let mut plans: BTreeMap<u32, Plan> = BTreeMap::new();
    for (phase, (calls, _)) in undisturbed {
        let fails = |call: &Call, nth| failure.applies(call) && nth <= most && (call.writes() || nth <= READS);
        for (call, nth) in calls.numbered().filter(|(call, nth)| fails(call, *nth)) {
            let point = Point { phase: *phase, call: call.clone(), nth, failure };
            plans.entry(nth).or_default().entry(*phase).or_default().push(point);
        }
    }
    plans.into_values().collect()
}

impl Point {
    /// Makes it fail from the phase's beginning on, which is to come.
    pub fn arm(&self, world: &World) {
        let skip = self.nth - 1;
        match (&self.call, self.failure) {
            (Call::Aws { service, operation, .. }, Failure::Aws(kind)) => {
                world.proxy.add(Rule::of(service, operation, kind.fault()).skip(skip).times(times()));
            }
            (Call::Kubernetes(call), Failure::Kubernetes(kind)) => {
                world.kube.add(KubeRule { call: Some(call.clone()), skip, times: Some(times()), fault: kind.fault() });
            }
            _ => {}
        }
    }

    /// True if it has failed since then.
    pub fn was_hit(&self, world: &World, since: Instant) -> bool {
        match &self.call {
            Call::Aws { .. } => {
                let calls = world.proxy.calls();
                calls.iter().any(|call| {
                    call.at >= since && Call::from(call) == self.call && call.treatment != Treatment::Passed
                })
            }
            Call::Kubernetes(wanted) => {
                let calls = world.kube.calls();
                let count = calls.iter().filter(|(at, call)| *at >= since && call == wanted).count();
                u32::try_from(count).is_ok_and(|count| count >= self.nth)
            }
        }
    }
}
