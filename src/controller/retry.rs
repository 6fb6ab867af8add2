//! The time until the next pass over a monitor.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rand::Rng;
use tokio::sync::watch;

use super::concurrency::Lane;
use super::events::Allowance;
use super::mode::Mode;
use crate::api::Component;
use crate::api::conditions::Reason;
use crate::engine::{Outcome, SystemHealth};

/// Waits before a failed pass is repeated: doubled each time, up to a longest wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Backoff {
    /// 2 seconds to 5 minutes.
    fn default() -> Self {
        Self { first: Duration::from_secs(2), longest: Duration::from_mins(5) }
    }
}

/// Longest time that AWS may take to catch up before a failure is reported under its final reason. A new role mostly takes seconds to be
/// usable, and sometimes minutes: hashicorp/terraform-provider-aws#44517.
const CATCH_UP_LIMIT: Duration = Duration::from_mins(5);
/// The part of a wait that may be added to it.
const JITTER: f64 = 0.1;
/// Time until a system that AWS is still setting up is read again.
const PENDING: Duration = Duration::from_secs(3);

/// The state of a monitor that is kept between passes. If it is lost, waits only begin anew.
#[derive(Debug, Default)]
pub struct Memory {
    /// Generation of the spec as the watch last saw it.
    pub generation: watch::Sender<Option<i64>>,
    /// The number of events that may still be published.
    pub events: Allowance,
    /// True if the latest pass was followed at once, because other systems had to take in what it removed.
    pub follows_removal: bool,
    failed_passes: u32,
    /// True if AWS has been found as declared.
    has_settled: bool,
    waiting_since: HashMap<Component, Instant>,
}

impl Memory {
    /// Reports `WaitingForAws` failures under their final reason once they are older than `CATCH_UP_LIMIT`.
    pub fn report_overdue(&mut self, outcomes: &mut [Outcome], now: Instant) {
        for outcome in outcomes {
            let waits = |reason: Reason| reason == Reason::WaitingForAws;
            if !outcome.failures.iter().any(|(_, failure)| waits(failure.reason)) {
                self.waiting_since.remove(&outcome.component);
                continue;
            }
            let since = *self.waiting_since.entry(outcome.component).or_insert(now);
            if now.duration_since(since) >= CATCH_UP_LIMIT {
                for (_, failure) in outcome.failures.iter_mut().filter(|(_, failure)| waits(failure.reason)) {
                    failure.reason = failure.overdue;
                    failure.message = format!("{} (still so after {} s)", failure.message, CATCH_UP_LIMIT.as_secs());
                }
            }
        }
    }

    /// The time until the next pass, without jitter.
    pub fn next_pass(&mut self, mode: Mode, outcomes: &[Outcome], resync: Duration, backoff: Backoff) -> Duration {
        let wait = |outcome: &Outcome| match outcome.report.as_ref()?.health {
            SystemHealth::Pending(_) => Some(PENDING),
            SystemHealth::Waiting(_, wait) => Some(wait.max(PENDING)),
            SystemHealth::Good | SystemHealth::Failing(..) => None,
        };
        let longest = outcomes.iter().filter_map(wait).fold(resync, Duration::min);
        if outcomes.iter().all(Outcome::is_settled) || mode.is_suspended() {
            self.failed_passes = 0;
            self.has_settled = true;
            return longest;
        }
        if outcomes.iter().any(|outcome| outcome.progress.is_some()) {
            self.failed_passes = 0;
            return Duration::ZERO;
        }
        self.back_off(only_a_person_helps(outcomes), resync, backoff).min(longest)
    }

    /// The lane of the next pass.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match (self.failed_passes, self.has_settled) {
            (0, true) => Lane::Main,
            (0, false) => Lane::Building,
            _ => Lane::Side,
        }
    }

    /// Records a pass that did not fail.
    pub const fn succeeds(&mut self) {
        self.failed_passes = 0;
    }

    /// The wait after a failed pass: doubled each time, or as long as a resync if only a person can help.
    pub fn back_off(&mut self, terminal: bool, resync: Duration, backoff: Backoff) -> Duration {
        if terminal {
            return resync;
        }
        let wait = backoff.first.saturating_mul(2_u32.saturating_pow(self.failed_passes)).min(backoff.longest);
        self.failed_passes = self.failed_passes.saturating_add(1);
        wait
    }
}

fn only_a_person_helps(outcomes: &[Outcome]) -> bool {
    outcomes.iter().filter(|outcome| !outcome.is_settled()).all(|outcome| {
        let is_held_up = !outcome.waits_for.is_empty() || !outcome.conflicts.is_empty() || !outcome.failures.is_empty();
        is_held_up && outcome.failures.iter().all(|(_, failure)| failure.reason.is_terminal())
    })
}

/// The wait with up to a tenth more, so that monitors made together are not read at the same time.
#[must_use]
pub fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + rand::rng().random_range(0.0..JITTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ResourceKind;
    use crate::engine::{Action, Change, Failure, Report};

    const RESYNC: Duration = Duration::from_mins(10);
    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), longest: Duration::from_mins(5) };

    fn outcome() -> Outcome {
        Outcome { report: Some(Report::default()), ..Outcome::new(Component::DeliveryRole) }
    }

    fn failing(reason: Reason) -> Outcome {
        let change = Change::new(Action::Create, ResourceKind::Role, "r");
        Outcome {
            failures: vec![(Some(change.clone()), Failure::new(reason, "m"))],
            remaining: vec![change],
            ..outcome()
        }
    }

    #[test]
    fn failures_back_off_and_success_resets() {
        let mut memory = Memory::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            waits.push(memory.next_pass(Mode::Keep, &[failing(Reason::AwsError)], RESYNC, BACKOFF).as_secs());
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(memory.next_pass(Mode::Keep, &[outcome()], RESYNC, BACKOFF), RESYNC);
        assert_eq!(memory.next_pass(Mode::Keep, &[failing(Reason::AwsError)], RESYNC, BACKOFF), BACKOFF.first);
    }

    #[test]
    fn what_only_a_person_can_mend_is_not_tried_in_a_loop() {
        let waiting = Outcome { waits_for: vec![Component::DeliveryRole], ..outcome() };
        let outcomes = [failing(Reason::AccessDenied), waiting];
        assert_eq!(Memory::default().next_pass(Mode::Keep, &outcomes, RESYNC, BACKOFF), RESYNC);
        let throttled = Outcome { waits_for: vec![Component::DeliveryRole], ..failing(Reason::Throttled) };
        let wait = Memory::default().next_pass(Mode::Keep, &[throttled], RESYNC, BACKOFF);
        assert_eq!(wait, BACKOFF.first, "what is held up may fail in its own right");
        let mut both = failing(Reason::Rejected);
        both.failures.extend(failing(Reason::Throttled).failures);
        assert_eq!(
            Memory::default().next_pass(Mode::Keep, &[both], RESYNC, BACKOFF),
            BACKOFF.first,
            "one of them passes by itself"
        );
    }

    #[test]
    fn what_aws_is_setting_up_is_looked_at_soon_whatever_else_fails() {
        let health = SystemHealth::Pending("soon".into());
        let pending = Outcome { report: Some(Report { health, ..Report::default() }), ..outcome() };
        let outcomes = [failing(Reason::AccessDenied), pending];
        assert_eq!(Memory::default().next_pass(Mode::Keep, &outcomes, RESYNC, BACKOFF), PENDING);
        assert_eq!(Memory::default().next_pass(Mode::Keep, &outcomes[1..], RESYNC, BACKOFF), PENDING);
    }

    #[test]
    fn a_change_that_is_due_later_is_made_then() {
        let health = SystemHealth::Waiting("later".into(), Duration::from_secs(90));
        let waiting = Outcome { report: Some(Report { health, ..Report::default() }), ..outcome() };
        let mut memory = Memory::default();
        assert_eq!(memory.next_pass(Mode::Keep, &[outcome(), waiting], RESYNC, BACKOFF), Duration::from_secs(90));
        assert_ne!(memory.lane(), Lane::Side);
    }

    #[test]
    fn waiting_for_aws_has_an_end() {
        let waiting = |overdue| {
            let mut outcome = failing(Reason::WaitingForAws);
            outcome.failures[0].1.overdue = overdue;
            outcome
        };
        let mut memory = Memory::default();
        let start = Instant::now();
        let mut outcomes = [waiting(Reason::Conflict)];
        memory.report_overdue(&mut outcomes, start);
        assert_eq!(outcomes[0].failures[0].1.reason, Reason::WaitingForAws);
        memory.report_overdue(&mut outcomes, start + CATCH_UP_LIMIT);
        assert_eq!(outcomes[0].failures[0].1.reason, Reason::Conflict);
        memory.report_overdue(&mut [outcome()], start + CATCH_UP_LIMIT);
        let mut outcomes = [waiting(Reason::Conflict)];
        memory.report_overdue(&mut outcomes, start + CATCH_UP_LIMIT);
        assert_eq!(outcomes[0].failures[0].1.reason, Reason::WaitingForAws);
    }
}
