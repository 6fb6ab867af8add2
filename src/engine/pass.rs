//! One pass over a monitor: every system is assessed at once, then changed as soon as those it depends on are.

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::future::join_all;
use tokio::sync::watch;

use super::change::{Action, Change};
use super::erased::{AnyStep, AnySystem, Assessment};
use super::failure::Failure;
use super::system::{Applied, Conflict, Removal, Report};
use crate::aws::{Aws, Class};
use crate::monitor::Monitor;
use crate::resources::{Component, ResourceKind};

/// A system and what is between AWS and its goal.
#[derive(Debug)]
pub struct Assessed {
    system: AnySystem,
    /// What was found, or why nothing could be.
    pub result: Result<Assessment, Failure>,
}

impl Assessed {
    /// Which system it is.
    #[must_use]
    pub const fn component(&self) -> Component {
        self.system.component
    }

    /// What must be done.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.result.iter().flat_map(|assessment| assessment.steps.iter().map(|step| &step.change))
    }
}

/// How a system came out of a pass.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which system it is.
    pub component: Component,
    /// False if the spec asks for nothing of this system.
    pub wanted: bool,
    /// What AWS has now, as far as it is known.
    pub report: Option<Report>,
    /// What was done.
    pub applied: Vec<Change>,
    /// What failed, with the change that did where it was one.
    pub failures: Vec<(Option<Change>, Failure)>,
    /// What is not ours.
    pub conflicts: Vec<Conflict>,
    /// What is still to be done.
    pub remaining: Vec<Change>,
    /// The systems it waits for.
    pub waits_for: Vec<Component>,
    /// How far a long step got.
    pub progress: Option<String>,
}

/// What is to be expected of an assessment before anything is done.
#[must_use]
pub fn plan(assessed: &[Assessed]) -> Vec<Outcome> {
    assessed
        .iter()
        .map(|assessed| {
            let mut outcome = Outcome::new(assessed.component());
            match &assessed.result {
                Ok(assessment) => outcome.learn(assessment),
                Err(failure) => outcome.failures.push((None, failure.clone())),
            }
            outcome
        })
        .collect()
}

impl Outcome {
    const fn new(component: Component) -> Self {
        Self {
            component,
            wanted: true,
            report: None,
            applied: Vec::new(),
            failures: Vec::new(),
            conflicts: Vec::new(),
            remaining: Vec::new(),
            waits_for: Vec::new(),
            progress: None,
        }
    }

    fn learn(&mut self, assessment: &Assessment) {
        self.wanted = assessment.wanted;
        self.report = Some(assessment.report.clone());
        self.conflicts.clone_from(&assessment.conflicts);
        self.remaining = assessment.steps.iter().map(|step| step.change.clone()).collect();
        // What a former look said of the spec is said anew.
        self.failures.retain(|(change, _)| change.is_some());
        self.failures.extend(assessment.invalid.iter().map(|invalid| (None, invalid.clone().into())));
    }

    /// True if AWS is as the goal wants it, as far as this system goes.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.report.is_some() && self.failures.is_empty() && self.conflicts.is_empty() && self.remaining.is_empty()
    }

    /// True if all that others may need of this system exists, though not all of it may be as declared.
    fn is_in_place(&self, nobody_needs: &[ResourceKind]) -> bool {
        let makes = |change: &Change| {
            matches!(change.action, Action::Create | Action::Replace | Action::Adopt)
                && !nobody_needs.contains(&change.kind)
        };
        self.report.is_some() && self.conflicts.is_empty() && !self.remaining.iter().any(makes)
    }

    /// True if there is nothing to say about the system: the spec asks for nothing, and nothing is left of it.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        !self.wanted && self.is_settled()
    }
}

/// Assesses all systems at once. Changes nothing.
pub async fn assess(systems: &[AnySystem], aws: &Aws, monitor: &Monitor, removal: Option<Removal>) -> Vec<Assessed> {
    join_all(
        systems
            .iter()
            .map(async |system| Assessed { system: *system, result: system.assess(aws, monitor, removal).await }),
    )
    .await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Waiting,
    Passed,
    Failed,
}

/// Carries out what was assessed, systems side by side, each after those it depends on: what it needs when building,
/// what needs it when tearing down, and then the flow logs first, so that nothing refills what is being emptied.
///
/// `progress` hears of each system as soon as it is done.
pub async fn apply(
    assessed: Vec<Assessed>,
    aws: &Aws,
    monitor: &Monitor,
    removal: Option<Removal>,
    progress: impl Fn(&Outcome),
) -> Vec<Outcome> {
    let systems: Vec<AnySystem> = assessed.iter().map(|assessed| assessed.system).collect();
    let turns: BTreeMap<Component, watch::Sender<Turn>> =
        systems.iter().map(|system| (system.component, watch::Sender::new(Turn::Waiting))).collect();
    let turns = &turns;
    let (systems, progress) = (&systems, &progress);
    let planned = plan(&assessed);
    join_all(assessed.into_iter().zip(planned).map(async |(Assessed { system, result }, mut outcome)| {
        let steps = result.map(|assessment| assessment.steps).unwrap_or_default();
        if !steps.is_empty() {
            outcome.waits_for = held_up_by(&predecessors(systems, &system, removal), turns).await;
            if outcome.waits_for.is_empty() {
                apply_steps(&mut outcome, &steps, aws, monitor).await;
                if !outcome.applied.is_empty() {
                    look_again(&mut outcome, &system, aws, monitor, removal).await;
                }
            }
        }
        let others_may_go_on =
            if removal.is_none() { outcome.is_in_place(system.nobody_needs) } else { outcome.is_settled() };
        let turn = if others_may_go_on { Turn::Passed } else { Turn::Failed };
        progress(&outcome);
        turns[&system.component].send_replace(turn);
        outcome
    }))
    .await
}

fn predecessors(systems: &[AnySystem], system: &AnySystem, removal: Option<Removal>) -> Vec<Component> {
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
        if let Some(turn) = turns.get(component) {
            let mut turn = turn.subscribe();
            // The sender outlives the pass, so waiting cannot fail.
            let passed = turn.wait_for(|turn| *turn != Turn::Waiting).await.is_ok_and(|turn| *turn == Turn::Passed);
            if !passed {
                held_up.push(*component);
            }
        }
    }
    held_up
}

async fn apply_steps(outcome: &mut Outcome, steps: &[AnyStep], aws: &Aws, monitor: &Monitor) {
    outcome.remaining.clear();
    let mut failed: Vec<&Change> = Vec::new();
    for step in steps {
        let change = &step.change;
        if failed.iter().any(|earlier| holds_back(earlier, change)) {
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
/// build on it. Siblings go on.
fn holds_back(failed: &Change, later: &Change) -> bool {
    let same_kind = failed.kind == later.kind;
    (same_kind && failed.name == later.name) || (!same_kind && failed.action != Action::Update)
}

/// What was done must be seen in AWS before it counts.
async fn look_again(outcome: &mut Outcome, system: &AnySystem, aws: &Aws, monitor: &Monitor, removal: Option<Removal>) {
    match system.assess(aws, monitor, removal).await {
        Ok(assessment) => outcome.learn(&assessment),
        Err(failure) => outcome.failures.push((None, failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_holds_up_nobody_though_it_is_not_as_declared() {
        let mut outcome = Outcome::new(Component::LogGroup);
        assert!(!outcome.is_in_place(&[]), "not looked at");
        outcome.report = Some(Report::default());
        outcome.remaining.push(Change::new(Action::Update, ResourceKind::LogGroup, "g"));
        assert!(outcome.is_in_place(&[]) && !outcome.is_settled());
        outcome.remaining.push(Change::new(Action::Create, ResourceKind::LogGroup, "g"));
        assert!(!outcome.is_in_place(&[]));
        assert!(outcome.is_in_place(&[ResourceKind::LogGroup]));
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
    }
}
