//! One pass over a monitor: every system is assessed at once, then changed as soon as those it depends on are.

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::future::join_all;
use tokio::sync::watch;

use super::any_system::{AnyStep, AnySystem};
use super::change::{Action, Change};
use super::failure::Failure;
use super::outcome::{Assessed, Outcome, clears_away, plan};
use super::overseer::Overseer;
use super::system::{Applied, Conflict, Removal};
use crate::api::Component;
use crate::api::conditions::Reason;
use crate::aws::{Aws, Class};
use crate::monitor::Monitor;

/// Assesses all systems at once. Changes nothing.
pub async fn assess(systems: &[AnySystem], aws: &Aws, monitor: &Monitor, removal: Option<Removal>) -> Vec<Assessed> {
    join_all(
        systems
            .iter()
            .map(async |system| Assessed { system: *system, result: system.assess(aws, monitor, removal).await }),
    )
    .await
}

/// In the order in which the work would be done: each after those it waits for.
#[must_use]
pub fn in_order(assessed: Vec<Assessed>, removal: Option<Removal>) -> Vec<Assessed> {
    let systems: Vec<AnySystem> = assessed.iter().map(|assessed| assessed.system).collect();
    let (mut waiting, mut ordered) = (assessed, Vec::<Assessed>::new());
    while !waiting.is_empty() {
        let is_next = |assessed: &Assessed| {
            let before = predecessors(&systems, &assessed.system, removal);
            before.iter().all(|needed| ordered.iter().any(|done: &Assessed| done.component() == *needed))
        };
        // Among all systems one is always next; among some of them, one may need what is not there.
        let next = waiting.iter().position(is_next).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    ordered
}

/// How far a system is.
enum Turn {
    Waiting,
    /// It has done what it could.
    Over {
        others_may_go_on: bool,
        outcome: Box<Outcome>,
    },
}

/// Carries out what was assessed, systems side by side, each after those it depends on: what it needs when building, what needs it when
/// tearing down, and then the flow logs first, so that nothing refills what is being emptied. What a living monitor has superseded is
/// cleared away last, once nothing depends on it any more.
///
/// The `overseer` hears of each system as soon as it is done, and may end the work early.
pub async fn apply(
    assessed: Vec<Assessed>,
    aws: &Aws,
    monitor: &Monitor,
    removal: Option<Removal>,
    overseer: impl Overseer,
) -> Vec<Outcome> {
    let outcomes = plan(&assessed);
    let mut works = Vec::new();
    for (Assessed { system, result }, outcome) in assessed.into_iter().zip(outcomes) {
        let steps = result.map(|assessment| assessment.steps).unwrap_or_default();
        let (last, first) = steps.into_iter().partition(|step| removal.is_none() && clears_away(&step.change));
        works.push(Work { system, first, last, outcome });
    }
    let mut works = in_turn(works, aws, monitor, removal, &overseer).await;
    clear_away(&mut works, aws, monitor, &overseer).await;
    works.into_iter().map(|work| work.outcome).collect()
}

struct Work {
    system: AnySystem,
    first: Vec<AnyStep>,
    last: Vec<AnyStep>,
    outcome: Outcome,
}

async fn in_turn(
    works: Vec<Work>,
    aws: &Aws,
    monitor: &Monitor,
    removal: Option<Removal>,
    overseer: &impl Overseer,
) -> Vec<Work> {
    let systems: Vec<AnySystem> = works.iter().map(|work| work.system).collect();
    let turns: BTreeMap<Component, watch::Sender<Turn>> =
        systems.iter().map(|system| (system.component, watch::Sender::new(Turn::Waiting))).collect();
    let (systems, turns) = (&systems, &turns);
    join_all(works.into_iter().map(async |mut work| {
        let (system, outcome) = (work.system, &mut work.outcome);
        if !work.first.is_empty() {
            outcome.waits_for = held_up_by(&predecessors(systems, &system, removal), turns).await;
            if outcome.waits_for.is_empty() {
                outcome.waits_for = behind(&work.first, turns).await;
                apply_steps(outcome, &work.first, aws, monitor, overseer).await;
                look_again(outcome, &system, aws, monitor, removal).await;
            }
        }
        let others_may_go_on =
            if removal.is_none() { outcome.is_in_place(system.nobody_needs) } else { outcome.is_settled() };
        overseer.hear(outcome);
        turns[&system.component].send_replace(Turn::Over { others_may_go_on, outcome: Box::new(outcome.clone()) });
        work
    }))
    .await
}

async fn clear_away(works: &mut [Work], aws: &Aws, monitor: &Monitor, overseer: &impl Overseer) {
    let outcomes = || works.iter().map(|work| (&work.system, &work.outcome));
    let waits: Vec<Vec<Component>> = works.iter().map(|work| holding_on(&work.system, outcomes())).collect();
    // What could not be made or is not ours to change leaves what was there before in place.
    let clearing = works.iter_mut().zip(waits).filter(|(work, _)| !work.last.is_empty() && work.outcome.has_moved());
    join_all(clearing.map(async |(work, waits_for)| {
        let outcome = &mut work.outcome;
        if !outcome.waits_for.is_empty() {
            return;
        }
        outcome.waits_for = waits_for;
        if outcome.waits_for.is_empty() {
            // What was done before has been told.
            outcome.applied.clear();
            apply_steps(outcome, &work.last, aws, monitor, overseer).await;
            look_again(outcome, &work.system, aws, monitor, None).await;
        }
        overseer.hear(outcome);
    }))
    .await;
}

/// The systems that hold on to what this one has superseded.
pub(super) fn holding_on<'a>(
    system: &AnySystem,
    outcomes: impl Iterator<Item = (&'a AnySystem, &'a Outcome)>,
) -> Vec<Component> {
    let depends =
        |other: &AnySystem| other.needs.contains(&system.component) || system.clears_after.contains(&other.component);
    let holding_on = outcomes.filter(|(other, outcome)| depends(other) && !outcome.has_moved());
    holding_on.map(|(other, _)| other.component).collect()
}

pub(super) fn predecessors(systems: &[AnySystem], system: &AnySystem, removal: Option<Removal>) -> Vec<Component> {
    if removal.is_none() {
        return system.needs.to_vec();
    }
    let needs_us = |other: &&AnySystem| {
        other.component != system.component
            && (other.needs.contains(&system.component) || other.component == Component::FlowLogs)
    };
    if system.component == Component::FlowLogs {
        return Vec::new();
    }
    systems.iter().filter(needs_us).map(|other| other.component).collect()
}

async fn held_up_by(predecessors: &[Component], turns: &BTreeMap<Component, watch::Sender<Turn>>) -> Vec<Component> {
    let mut held_up = Vec::new();
    for component in predecessors {
        let passes = |turn: &Turn| matches!(turn, Turn::Over { others_may_go_on: true, .. });
        if let Some(turn) = turns.get(component)
            && !is_over(turn, passes).await
        {
            held_up.push(*component);
        }
    }
    held_up
}

/// The systems that some of the steps follow and that have not got so far.
async fn behind(steps: &[AnyStep], turns: &BTreeMap<Component, watch::Sender<Turn>>) -> Vec<Component> {
    let mut behind = Vec::new();
    for other in steps.iter().filter_map(|step| step.follows) {
        let is_there = |turn: &Turn| matches!(turn, Turn::Over { outcome, .. } if outcome.is_as_declared(&other));
        if let Some(turn) = turns.get(&other.component)
            && !behind.contains(&other.component)
            && !is_over(turn, is_there).await
        {
            behind.push(other.component);
        }
    }
    behind
}

/// Waits until a system's turn is over, and tells whether it is as it should be then.
async fn is_over(turn: &watch::Sender<Turn>, is_so: impl Fn(&Turn) -> bool) -> bool {
    let mut turn = turn.subscribe();
    // The sender outlives the pass, so waiting cannot fail.
    turn.wait_for(|turn| !matches!(turn, Turn::Waiting)).await.is_ok_and(|turn| is_so(&turn))
}

async fn apply_steps(outcome: &mut Outcome, steps: &[AnyStep], aws: &Aws, monitor: &Monitor, overseer: &impl Overseer) {
    outcome.remaining.clear();
    let mut failed: Vec<&Change> = Vec::new();
    for step in steps {
        let change = &step.change;
        let follows_in_vain = step.follows.is_some_and(|other| outcome.waits_for.contains(&other.component));
        let is_held_back = follows_in_vain || failed.iter().any(|earlier| holds_back(earlier, change));
        if is_held_back || !overseer.may_begin_step().await {
            outcome.remaining.push(change.clone());
            continue;
        }
        // What AWS has not caught up with mostly takes seconds; longer waits are for the next pass.
        let result = (|| step.run(aws, monitor))
            .retry(ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_times(3).with_jitter())
            .when(|error| error.class == Class::NotYet)
            .await;
        match result {
            Ok(Applied::Done) => {
                tracing::info!(action = change.action.past(), %change, "changed AWS");
                outcome.applied.push(change.clone());
            }
            Ok(Applied::DoneWithWarning(warning)) => {
                tracing::warn!(action = change.action.past(), %change, %warning, "changed AWS");
                outcome.applied.push(change.clone().because(warning));
            }
            Ok(Applied::InProgress(progress)) => {
                outcome.progress = Some(progress);
                outcome.remaining.push(change.clone());
                failed.push(change);
            }
            Err(error) => {
                tracing::warn!(action = ?change.action, %change, %error, "could not change AWS");
                outcome.failures.push((Some(change.clone()), error.into()));
                outcome.remaining.push(change.clone());
                failed.push(change);
            }
        }
    }
}

/// A failed step holds back later steps of its resource and, if it should have made or removed something, of other kinds, which may
/// build on it. Siblings go on, and nothing builds on tags.
fn holds_back(failed: &Change, later: &Change) -> bool {
    if failed.is_only_tags() {
        return false;
    }
    let same_kind = failed.kind == later.kind;
    (same_kind && failed.name == later.name) || (!same_kind && failed.action != Action::Update)
}

/// What was done must be seen in AWS before it counts.
async fn look_again(outcome: &mut Outcome, system: &AnySystem, aws: &Aws, monitor: &Monitor, removal: Option<Removal>) {
    if outcome.applied.is_empty() {
        return;
    }
    match system.assess(aws, monitor, removal).await {
        Ok(assessment) => {
            outcome.learn(&assessment);
            believe_what_we_made(outcome);
        }
        Err(failure) => outcome.failures.push((None, failure)),
    }
}

/// What this very pass has made and AWS shows without our tags yet is not somebody else's.
fn believe_what_we_made(outcome: &mut Outcome) {
    let made = |conflict: &Conflict| {
        let is_it = |change: &&Change| change.kind == conflict.kind && change.name == conflict.name;
        outcome.applied.iter().find(is_it).is_some_and(|change| change.action == Action::Create)
    };
    let (not_yet, conflicts): (Vec<_>, Vec<_>) = outcome.conflicts.drain(..).partition(made);
    outcome.conflicts = conflicts;
    for conflict in not_yet {
        let message =
            format!("{} {} was made, but AWS does not show its tags yet", conflict.kind.noun(), conflict.name);
        outcome.failures.push((None, Failure::waiting(Reason::Conflict, message)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ResourceKind;

    #[test]
    fn what_was_just_made_is_waited_for_and_nothing_else() {
        let mut outcome = Outcome::new(Component::Bucket);
        outcome.applied.push(Change::new(Action::Create, ResourceKind::Bucket, "ours"));
        for name in ["ours", "theirs"] {
            let problem = "no owner".to_owned();
            outcome.conflicts.push(Conflict {
                kind: ResourceKind::Bucket,
                name: name.into(),
                problem,
                only_removal: false,
            });
        }
        believe_what_we_made(&mut outcome);
        assert_eq!(outcome.conflicts.iter().map(|conflict| conflict.name.as_str()).collect::<Vec<_>>(), ["theirs"]);
        assert_eq!(outcome.failures[0].1.reason, Reason::WaitingForAws);
    }

    #[test]
    fn siblings_of_a_failed_step_go_on() {
        let change = |action, kind, name: &str| Change::new(action, kind, name);
        let failed = change(Action::Create, ResourceKind::Alarm, "a");
        assert!(holds_back(&failed, &change(Action::Update, ResourceKind::Alarm, "a")));
        assert!(!holds_back(&failed, &change(Action::Create, ResourceKind::Alarm, "b")));
        assert!(holds_back(
            &change(Action::Create, ResourceKind::Role, "r"),
            &change(Action::Create, ResourceKind::Function, "f")
        ));
        assert!(!holds_back(
            &change(Action::Update, ResourceKind::Role, "r"),
            &change(Action::Create, ResourceKind::Function, "f")
        ));
        let tags = change(Action::Update, ResourceKind::Role, "r").field("tags", None, None);
        assert!(!holds_back(&tags, &change(Action::Update, ResourceKind::Role, "r")), "nothing builds on tags");
        let adoption = change(Action::Adopt, ResourceKind::Role, "r").field("tags", None, None);
        assert!(holds_back(&adoption, &change(Action::Update, ResourceKind::Role, "r")), "it is not ours yet");
    }
}
