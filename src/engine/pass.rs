//! One pass over a monitor: every system is assessed at once, then changed as soon as those it depends on are.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::any_system::AnySystem;
use super::change::{Action, Change};
use super::outcome::{Assessed, Outcome};
use super::schedule::{Schedule, Work};
use super::step::{AnyCall, Applied, Call, Step};
use super::system::Direction;
use crate::aws::{Aws, Class};
use crate::monitor::Monitor;

/// Assesses all systems at once. Changes nothing.
pub async fn assess(
    systems: impl IntoIterator<Item = &AnySystem>,
    aws: &Aws,
    monitor: &Monitor,
    direction: Direction,
) -> Vec<Assessed> {
    let systems: Vec<AnySystem> = systems.into_iter().copied().collect();
    join_all(systems.into_iter().map(async |system| Assessed {
        system,
        earlier: Vec::new(),
        result: system.assess(aws, monitor, direction).await,
    }))
    .await
}

/// Carries out the assessed steps in the order of a [`Schedule`], systems side by side. Each outcome is sent as soon as it is known. Once
/// `stop` is cancelled, steps under way are finished and no other is begun.
pub async fn apply(
    assessed: Vec<Assessed>,
    aws: &Aws,
    monitor: &Monitor,
    direction: Direction,
    stop: &CancellationToken,
    outcomes: &UnboundedSender<Outcome>,
) -> Vec<Outcome> {
    let mut schedule = Schedule::new(assessed, direction);
    let mut running = FuturesUnordered::new();
    loop {
        running.extend(schedule.ready().into_iter().map(async |Work { system, steps, mut outcome }| {
            apply_steps(&mut outcome, &steps, aws, monitor, stop).await;
            look_again(&mut outcome, &system, aws, monitor, direction).await;
            outcome
        }));
        let Some(outcome) = running.next().await else { break };
        // The work goes on even if the receiver is gone.
        let _ = outcomes.send(outcome.clone());
        schedule.finished(outcome);
    }
    schedule.into_outcomes()
}

async fn apply_steps(
    outcome: &mut Outcome,
    steps: &[Step<AnyCall>],
    aws: &Aws,
    monitor: &Monitor,
    stop: &CancellationToken,
) {
    let mut failed: Vec<&Change> = Vec::new();
    for step in steps {
        let change = &step.change;
        if failed.iter().any(|earlier| holds_back(earlier, change)) || stop.is_cancelled() {
            continue;
        }
        // AWS usually catches up within seconds; longer waits are for the next pass.
        let result = (|| step.op.run(aws, monitor))
            .retry(ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_times(3).with_jitter())
            .when(|error| error.class == Class::NotYet)
            .await;
        let done = match result {
            Ok(Applied::Done) => {
                tracing::info!(action = change.action.past(), %change, "changed AWS");
                change.clone()
            }
            Ok(Applied::DoneWithWarning(warning)) => {
                tracing::warn!(action = change.action.past(), %change, %warning, "changed AWS");
                change.clone().because(warning)
            }
            Ok(Applied::InProgress(progress)) => {
                outcome.progress = Some(progress);
                failed.push(change);
                continue;
            }
            Err(error) => {
                tracing::warn!(action = ?change.action, %change, %error, "could not change AWS");
                let failure = error.about(change.kind, &change.name).into();
                outcome.failures.push((Some(change.clone()), failure));
                failed.push(change);
                continue;
            }
        };
        outcome.applied.push(done);
        outcome.remaining.retain(|remaining| remaining != change);
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

/// Assesses a changed system again: a change counts only once AWS shows it.
async fn look_again(outcome: &mut Outcome, system: &AnySystem, aws: &Aws, monitor: &Monitor, direction: Direction) {
    if outcome.applied.is_empty() {
        return;
    }
    match system.assess(aws, monitor, direction).await {
        Ok(assessment) => outcome.learn(&assessment),
        Err(failure) => outcome.failures.push((None, failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ResourceKind;

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
        let tags = change(Action::Update, ResourceKind::Role, "r").field("tags.team", &"a", &"b");
        assert!(!holds_back(&tags, &change(Action::Update, ResourceKind::Role, "r")), "nothing builds on tags");
        let adoption = change(Action::Adopt, ResourceKind::Role, "r").field("tags.team", &"a", &"b");
        assert!(holds_back(&adoption, &change(Action::Update, ResourceKind::Role, "r")), "it is not ours yet");
    }
}
