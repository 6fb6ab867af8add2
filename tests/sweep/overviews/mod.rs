//! An overview over two accounts and two regions, with everything switched on: it is made, changed and deleted while its calls to AWS fail, and
//! each field of its spec changes.

mod fields;
mod lasting;
mod once;
mod phase;
mod state;
mod values;
mod world;
mod worlds;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::Context as _;
use lasting::{Lasting, in_first_phase};
use once::{Failures, every_call, some_calls};
use phase::Phase;
use world::World;
use worlds::in_worlds;

use crate::crash::points::Calls;
use crate::failure::Kind;
use crate::report::{Sweep, is_full};
use crate::side_by_side::side_by_side;

/// The calls of an undisturbed life.
static CALLS: LazyLock<BTreeMap<Phase, Calls>> = LazyLock::new(|| {
    let live = async |name: &str| Ok(World::new(name).await?.undisturbed().await?.calls.clone());
    side_by_side(vec!["overview-undisturbed"], live).remove(0).expect("an undisturbed life")
});

#[test]
fn at_every_aws_call() {
    let mut sweep = Sweep::start("overviews: failure at every AWS call");
    if is_full() {
        let run = async |world: &World, failures: &Failures| failures.run(world).await;
        in_worlds(&mut sweep, "overview-failure", every_call(&CALLS), run);
    } else {
        // Chosen from the calls of the very world that they are for.
        let run = async |world: &World, phase: &Phase| {
            let failures = some_calls(&world.undisturbed().await?.calls, *phase);
            failures.run(world).await.with_context(|| failures.to_string())
        };
        in_worlds(&mut sweep, "overview-failure", Phase::ALL.to_vec(), run);
    }
    sweep.finish();
}

#[test]
fn while_it_lasts() {
    let mut sweep = Sweep::start("overviews: while an AWS call fails");
    let reported = [Kind::Throttled, Kind::ServerError, Kind::AccessDenied, Kind::ClosedBefore];
    let one_kind = |index: usize| vec![reported[index % reported.len()]];
    if is_full() {
        let kinds = |index, writes| if writes { reported.to_vec() } else { one_kind(index) };
        let run = async |world: &World, lasting: &Lasting| lasting.run(world).await;
        in_worlds(&mut sweep, "overview-lasting", in_first_phase(&CALLS, kinds), run);
    } else {
        let run = async |world: &World, number: &usize| {
            let all = in_first_phase(&world.undisturbed().await?.calls, |index, _| one_kind(index));
            let lasting = &all[number % all.len()];
            lasting.run(world).await.with_context(|| lasting.to_string())
        };
        in_worlds(&mut sweep, "overview-lasting", vec![9, 14], run);
    }
    sweep.finish();
}
