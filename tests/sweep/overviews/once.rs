//! Calls that fail once: the overview ends as if they had not.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use anyhow::{Context as _, Result};
use devenv::{Rule, Treatment};

use super::phase::Phase;
use super::state::state;
use super::world::World;
use crate::crash::points::{Call, Calls};
use crate::failure::{Kind, READS};
use crate::snapshot::check_same;

/// The SDK sends each call twice.
const TIMES: u32 = 2;

/// A call that fails.
#[derive(Clone, Debug)]
pub struct Point {
    phase: Phase,
    call: Call,
    /// From 1 on, within the phase.
    nth: u32,
    kind: Kind,
}

/// Calls that fail in one life.
#[derive(Clone, Debug)]
pub struct Failures(pub Vec<Point>);

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Point { phase, call, nth, kind }) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{phase:?}, {call} #{nth} {kind}")?;
        }
        Ok(())
    }
}

/// For each service, kind and n, a life in which the n-th call of every operation of the service fails in that way.
pub fn every_call(calls: &BTreeMap<Phase, Calls>) -> Vec<Failures> {
    let mut lives: BTreeMap<(Kind, String, u32), Vec<Point>> = BTreeMap::new();
    for kind in Kind::ALL {
        for (phase, calls) in calls {
            for (call, nth) in calls.numbered() {
                let Call::Aws { service, writes, .. } = call else { continue };
                if kind.applies(*writes) && (*writes || nth <= READS) {
                    let point = Point { phase: *phase, call: call.clone(), nth, kind };
                    lives.entry((kind, service.clone(), nth)).or_default().push(point);
                }
            }
        }
    }
    lives.into_values().map(Failures).collect()
}

/// The first call of each writing operation of a phase fails, each in another way than the one before.
pub fn some_calls(calls: &BTreeMap<Phase, Calls>, phase: Phase) -> Failures {
    let first = calls[&phase].numbered().filter(|(call, nth)| *nth == 1 && call.writes());
    let point = |((call, nth), kind): ((&Call, u32), Kind)| Point { phase, call: call.clone(), nth, kind };
    Failures(first.zip(Kind::ALL.into_iter().cycle()).map(point).collect())
}

impl Failures {
    /// Lives a life with these failures, and returns how many came up.
    pub async fn run(&self, world: &World) -> Result<usize> {
        let undisturbed = world.undisturbed().await?;
        let since = Instant::now();
        for phase in Phase::ALL {
            for Point { call, nth, kind, .. } in self.0.iter().filter(|point| point.phase == phase) {
                let Call::Aws { service, operation, .. } = call else { continue };
                world.proxy.add(Rule::of(service, operation, kind.fault()).skip(nth - 1).times(TIMES));
            }
            phase.begin(world).await?;
            let ended = phase.end(world).await;
            world.proxy.clear();
            ended.with_context(|| format!("{phase:?}"))?;
            if phase != Phase::Delete {
                // A failure after the last change is over only after another pass.
                world.pass().await?;
            }
            check_same(&undisturbed.ends[&phase], &state(world).await?).with_context(|| format!("{phase:?}"))?;
        }
        let calls = world.proxy.calls();
        Ok(calls.iter().filter(|call| call.at >= since && call.treatment != Treatment::Passed).count())
    }
}
