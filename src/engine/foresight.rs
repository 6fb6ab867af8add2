//! How a pass would come out, before any of it is done.

use super::any_system::AnySystem;
use super::change::Change;
use super::outcome::{Assessed, Outcome, clears_away, plan};
use super::pass::{holding_on, predecessors};
use super::system::Removal;
use crate::api::Component;

/// The outcomes if every step that can be begun succeeds: what remains then waits for what stands in the way, be it in its own system. Takes
/// the systems [in order](super::in_order).
#[must_use]
pub fn foresee(assessed: &[Assessed], removal: Option<Removal>) -> Vec<Outcome> {
    let systems: Vec<AnySystem> = assessed.iter().map(|assessed| assessed.system).collect();
    let mut over: Vec<(AnySystem, Outcome)> = Vec::new();
    for (assessed, mut outcome) in assessed.iter().zip(plan(assessed)) {
        let of = |component: Component| over.iter().find(|(system, _)| system.component == component);
        let stands_in_the_way = |before: &Component| {
            of(*before).is_some_and(|(system, outcome)| match removal {
                None => !outcome.is_in_place(system.nobody_needs),
                Some(_) => !outcome.is_settled(),
            })
        };
        // What is only to be cleared away waits for what holds on to it, see below.
        let goes_first = |change: &Change| removal.is_some() || !clears_away(change);
        if outcome.remaining.iter().any(goes_first) {
            outcome.waits_for = predecessors(&systems, &assessed.system, removal);
            outcome.waits_for.retain(stands_in_the_way);
        }
        if outcome.waits_for.is_empty() {
            let mut held_back = Vec::new();
            for step in assessed.result.iter().flat_map(|assessment| &assessment.steps) {
                let Some(other) = step.follows else { continue };
                if of(other.component).is_some_and(|(_, known)| !known.is_as_declared(&other)) {
                    held_back.push(&step.change);
                    if !outcome.waits_for.contains(&other.component) {
                        outcome.waits_for.push(other.component);
                    }
                }
            }
            outcome.remaining.retain(|change| held_back.contains(&change) || !goes_first(change));
        }
        over.push((assessed.system, outcome));
    }
    if removal.is_none() {
        clear_away(&mut over);
    }
    over.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What is superseded goes last, once nothing holds on to it.
fn clear_away(over: &mut [(AnySystem, Outcome)]) {
    let waits: Vec<Vec<Component>> = over
        .iter()
        .map(|(system, _)| holding_on(system, over.iter().map(|(other, outcome)| (other, outcome))))
        .collect();
    for ((system, outcome), mut waits_for) in over.iter_mut().zip(waits) {
        if !outcome.has_moved() {
            waits_for.push(system.component);
        }
        if !outcome.remaining.iter().any(clears_away) || !outcome.waits_for.is_empty() {
            continue;
        }
        if waits_for.is_empty() {
            outcome.remaining.retain(|change| !clears_away(change));
        }
        outcome.waits_for = waits_for;
    }
}
