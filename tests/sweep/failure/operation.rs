//! An operation that fails during all of a phase, of whatever life.

use std::collections::BTreeSet;
use std::fmt;

use devenv::{FaultProxy, ProxiedCall, Rule, Treatment};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::kinds::Kind;
use crate::crash::points::{Call, Calls};

/// An operation that fails during all of a phase.
#[derive(Clone, Debug)]
pub struct FailingOperation<P> {
    pub phase: P,
    pub service: String,
    pub operation: String,
    pub kind: Kind,
    /// The number of its calls in the phase if nothing fails.
    usual: u32,
}

impl<P: fmt::Debug> fmt::Display for FailingOperation<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} {} {}", self.phase, self.service, self.operation, self.kind)
    }
}

impl<P> FailingOperation<P> {
    /// The rule by which the proxy makes it fail.
    pub fn rule(&self) -> Rule {
        Rule::of(&self.service, &self.operation, self.kind.fault())
    }

    pub fn is(&self, call: &ProxiedCall) -> bool {
        (&call.service, &call.operation) == (&self.service, &self.operation)
    }

    /// The number of its calls that have failed.
    pub fn hits(&self, proxy: &FaultProxy) -> usize {
        proxy.calls().iter().filter(|call| self.is(call) && call.treatment != Treatment::Passed).count()
    }

    /// The most calls in so many passes: the SDK sends each twice, and a pass may be under way.
    pub fn most_in(&self, passes: usize) -> usize {
        2 * self.usual as usize * (passes + 1)
    }

    /// True if the condition names the operation and the reason.
    pub fn is_named_by(&self, condition: &Condition) -> bool {
        let code = condition.message.contains(&format!(" {}: ", self.operation));
        condition.status == "False" && Some(condition.reason.as_str()) == self.kind.reason() && code
    }
}

/// Every operation in the first of these phases in which it comes, in the ways of `kinds`, which is given its number and whether it writes.
pub fn every_operation<'c, P: Copy>(
    phases: impl IntoIterator<Item = (P, &'c Calls)>,
    kinds: impl Fn(usize, bool) -> Vec<Kind>,
) -> Vec<FailingOperation<P>> {
    let (mut known, mut failing) = (BTreeSet::new(), Vec::new());
    for (phase, calls) in phases {
        let numbered: Vec<(&Call, u32)> = calls.numbered().collect();
        for (call, _) in numbered.iter().filter(|(_, nth)| *nth == 1) {
            let Call::Aws { service, operation, writes } = call else { continue };
            if !known.insert((*call).clone()) {
                continue;
            }
            let usual = numbered.iter().filter(|(other, _)| other == call).map(|(_, nth)| *nth).max().unwrap_or(1);
            for kind in kinds(known.len(), *writes) {
                let (service, operation) = (service.clone(), operation.clone());
                failing.push(FailingOperation { phase, service, operation, kind, usual });
            }
        }
    }
    failing
}
