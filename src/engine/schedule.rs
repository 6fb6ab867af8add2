//! The order of work across systems, without any I/O. [`apply`](super::apply) drives a schedule with real results, [`foresee`] with the
//! assumption that every step succeeds.

use super::any_system::AnySystem;
use super::change::Change;
use super::outcome::{Assessed, Outcome, plan};
use super::step::{AnyCall, Other, Step};
use super::system::Direction;
use crate::api::Component;

/// The systems of a pass and their progress.
///
/// When building, a system acts once the systems that it needs are in place. Superseded resources of a living monitor are removed last,
/// once no other system depends on them. When tearing down, a system acts once the systems that need it are gone.
#[derive(Debug)]
pub struct Schedule {
    direction: Direction,
    tasks: Vec<Task>,
    removes_superseded: bool,
}

#[derive(Debug)]
struct Task {
    system: AnySystem,
    outcome: Outcome,
    first: Vec<Step<AnyCall>>,
    /// Removes superseded resources.
    last: Vec<Step<AnyCall>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Working,
    Over,
}

/// The next steps of one system.
#[derive(Debug)]
pub struct Work {
    /// The system.
    pub system: AnySystem,
    /// The steps, in order; empty if the system has nothing to do or must wait.
    pub steps: Vec<Step<AnyCall>>,
    /// The outcome so far.
    pub outcome: Outcome,
}

impl Task {
    /// True if the systems that wait for this one may act.
    fn lets_others_go_on(&self, direction: Direction) -> bool {
        match direction {
            Direction::Build => self.outcome.is_in_place(self.system.optional_kinds),
            Direction::TearDown => self.outcome.is_settled(),
        }
    }
}

impl Schedule {
    /// A schedule of all work that was assessed.
    #[must_use]
    pub fn new(assessed: Vec<Assessed>, direction: Direction) -> Self {
        let outcomes = plan(&assessed);
        let tasks = assessed.into_iter().zip(outcomes).map(|(Assessed { system, result, .. }, outcome)| {
            let steps = result.map(|assessment| assessment.steps).unwrap_or_default();
            let is_last = |step: &Step<AnyCall>| direction == Direction::Build && step.change.clears_away();
            let (last, first) = steps.into_iter().partition(is_last);
            Task { system, outcome, first, last, state: State::Waiting }
        });
        Self { direction, tasks: tasks.collect(), removes_superseded: false }
    }

    /// The work that may begin now; each piece is given out once. The work is over when nothing is ready and nothing is being done.
    pub fn ready(&mut self) -> Vec<Work> {
        let ready: Vec<usize> = (0..self.tasks.len()).filter(|index| self.is_ready(*index)).collect();
        let ready: Vec<Work> = ready.into_iter().map(|index| self.begin(index)).collect();
        let all_over = self.tasks.iter().all(|task| task.state == State::Over);
        if !all_over || self.removes_superseded {
            return ready;
        }
        self.removes_superseded = true;
        self.superseded()
    }

    /// Takes the outcome of a piece of work.
    pub fn finished(&mut self, outcome: Outcome) {
        if let Some(task) = self.tasks.iter_mut().find(|task| task.system.component == outcome.component) {
            task.outcome = outcome;
            task.state = State::Over;
        }
    }

    /// The outcome of every system.
    #[must_use]
    pub fn into_outcomes(self) -> Vec<Outcome> {
        self.tasks.into_iter().map(|task| task.outcome).collect()
    }

    fn task(&self, component: Component) -> Option<&Task> {
        self.tasks.iter().find(|task| task.system.component == component)
    }

    fn is_ready(&self, index: usize) -> bool {
        let task = &self.tasks[index];
        let is_over = |component: Component| self.task(component).is_none_or(|task| task.state == State::Over);
        let followed = task.first.iter().flat_map(|step| &step.follows).map(|other| other.component);
        task.state == State::Waiting
            && (task.first.is_empty() || self.predecessors(&task.system).into_iter().chain(followed).all(is_over))
    }

    fn begin(&mut self, index: usize) -> Work {
        let first = std::mem::take(&mut self.tasks[index].first);
        let (mut waits_for, mut steps) = (Vec::new(), Vec::new());
        if !first.is_empty() {
            waits_for = self.predecessors(&self.tasks[index].system);
            waits_for
                .retain(|component| self.task(*component).is_some_and(|task| !task.lets_others_go_on(self.direction)));
        }
        if waits_for.is_empty() {
            for step in first {
                let is_behind =
                    |other: &&Other| self.task(other.component).is_some_and(|task| !task.outcome.is_as_declared(other));
                let behind: Vec<_> = step.follows.iter().filter(is_behind).map(|other| other.component).collect();
                if behind.is_empty() {
                    steps.push(step);
                }
                for component in behind {
                    if !waits_for.contains(&component) {
                        waits_for.push(component);
                    }
                }
            }
        }
        let task = &mut self.tasks[index];
        task.state = State::Working;
        task.outcome.waits_for = waits_for;
        let (system, outcome) = (task.system, task.outcome.clone());
        Work { system, steps, outcome }
    }

    /// Resources that the spec no longer names are removed if their system has moved away from them, and if no other system uses them.
    /// Those that stand alone are removed whatever else fails.
    fn superseded(&mut self) -> Vec<Work> {
        let waits: Vec<_> = self.tasks.iter().map(|task| self.holding_on(&task.system)).collect();
        let mut ready = Vec::new();
        for (task, waits_for) in self.tasks.iter_mut().zip(waits) {
            if task.last.is_empty() || !task.outcome.waits_for.is_empty() {
                continue;
            }
            let (alone, others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut task.last).into_iter().partition(|step| task.outcome.may_go_at_once(step));
            let mut steps = alone;
            if task.outcome.has_moved() && !others.is_empty() {
                if waits_for.is_empty() {
                    steps.extend(others);
                }
                task.outcome.waits_for = waits_for;
            }
            // An outcome that waits is news as well.
            if steps.is_empty() && task.outcome.waits_for.is_empty() {
                continue;
            }
            task.state = State::Working;
            let reported = std::mem::take(&mut task.outcome.applied);
            task.outcome.earlier.extend(reported);
            ready.push(Work { system: task.system, steps, outcome: task.outcome.clone() });
        }
        ready
    }

    /// The systems that must be over before `system` acts.
    fn predecessors(&self, system: &AnySystem) -> Vec<Component> {
        if self.direction == Direction::Build {
            return system.needs.to_vec();
        }
        if system.torn_down_first {
            return Vec::new();
        }
        let others = self.tasks.iter().map(|task| task.system);
        let goes_before = |other: &AnySystem| {
            other.component != system.component && (other.torn_down_first || other.needs.contains(&system.component))
        };
        others.filter(goes_before).map(|other| other.component).collect()
    }

    /// The systems that still use what `system` has superseded: those that have not moved, and those that need it and cannot remove yet
    /// what they have superseded themselves.
    fn holding_on(&self, system: &AnySystem) -> Vec<Component> {
        let holds_on = |task: &&Task| {
            let needs = task.system.needs.contains(&system.component);
            (needs || system.clears_after.contains(&task.system.component)) && !task.outcome.has_moved()
                || needs && self.keeps_superseded(task)
        };
        self.tasks.iter().filter(holds_on).map(|task| task.system.component).collect()
    }

    /// True if the system has superseded something that must stay for the present.
    fn keeps_superseded(&self, task: &Task) -> bool {
        task.outcome.remaining.iter().any(Change::clears_away) && !self.holding_on(&task.system).is_empty()
    }
}

/// The outcomes before any step and after every step that can be taken, in the order of the work.
#[must_use]
pub fn foresee(assessed: Vec<Assessed>, direction: Direction) -> Vec<(Outcome, Outcome)> {
    let mut before = plan(&assessed);
    let order: Vec<Component> = before.iter().map(|outcome| outcome.component).collect();
    let position = |component| order.iter().position(|known| *known == component);
    let mut schedule = Schedule::new(assessed, direction);
    let (mut pending, mut finished) = (Vec::new(), Vec::<Component>::new());
    loop {
        pending.extend(schedule.ready());
        pending.sort_by_key(|work: &Work| std::cmp::Reverse(position(work.system.component)));
        let Some(Work { steps, mut outcome, .. }) = pending.pop() else { break };
        outcome.remaining.retain(|change| !steps.iter().any(|step| step.change == *change));
        if !finished.contains(&outcome.component) {
            finished.push(outcome.component);
        }
        schedule.finished(outcome);
    }
    for index in 0..schedule.tasks.len() {
        let Task { system, outcome, .. } = &schedule.tasks[index];
        // A system that has not moved keeps what it would supersede.
        if outcome.waits_for.is_empty() && outcome.remaining.iter().any(Change::clears_away) {
            let mut waits_for = schedule.holding_on(system);
            if !outcome.has_moved() {
                waits_for.push(system.component);
            }
            schedule.tasks[index].outcome.waits_for = waits_for;
        }
    }
    let mut after = schedule.into_outcomes();
    let take = |outcomes: &mut Vec<Outcome>, component| {
        let index = outcomes.iter().position(|outcome| outcome.component == component)?;
        Some(outcomes.remove(index))
    };
    finished
        .into_iter()
        .filter_map(|component| Some((take(&mut before, component)?, take(&mut after, component)?)))
        .collect()
}
