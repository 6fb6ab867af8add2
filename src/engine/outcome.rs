use super::any_system::{AnySystem, Assessment};
use super::change::{Action, Change};
use super::failure::Failure;
use super::report::{Details, Report};
use super::step::{Conflict, Other, Step};
use crate::api::conditions::Reason;
use crate::api::{Component, ResourceKind};

/// A system, and the difference between AWS and its goal.
#[derive(Debug)]
pub struct Assessed {
    pub(super) system: AnySystem,
    /// Changes that this pass made before the assessment.
    pub(super) earlier: Vec<Change>,
    /// The assessment, or the failure to make one.
    pub result: Result<Assessment, Failure>,
}

impl Assessed {
    /// The name of the system.
    #[must_use]
    pub const fn component(&self) -> Component {
        self.system.component
    }

    /// The same assessment, after the changes that this pass has made.
    #[must_use]
    pub fn after(mut self, outcomes: &[Outcome]) -> Self {
        let previous = outcomes.iter().filter(|outcome| outcome.component == self.component());
        self.earlier = previous.flat_map(|outcome| outcome.earlier.iter().chain(&outcome.applied)).cloned().collect();
        self
    }

    /// The changes to make.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.result.iter().flat_map(|assessment| assessment.steps.iter().map(|step| &step.change))
    }
}

/// The result of a pass for one system.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The name of the system.
    pub component: Component,
    /// False if the spec asks for nothing of this system.
    pub wanted: bool,
    /// The state in AWS, as far as it is known.
    pub report: Option<Report>,
    /// The fields of the status that this system alone fills, as far as they are known.
    pub details: Details,
    /// The changes made.
    pub applied: Vec<Change>,
    /// Changes that this pass made before, and has reported.
    pub earlier: Vec<Change>,
    /// The failures, each with the change that failed, if it was a change.
    pub failures: Vec<(Option<Change>, Failure)>,
    /// Resources of the wanted names that are not ours.
    pub conflicts: Vec<Conflict>,
    /// The changes that are still to be made.
    pub remaining: Vec<Change>,
    /// The systems it waits for.
    pub waits_for: Vec<Component>,
    /// The progress of a long step.
    pub progress: Option<String>,
}

/// The outcomes of assessments before any step.
#[must_use]
pub fn plan(assessed: &[Assessed]) -> Vec<Outcome> {
    assessed
        .iter()
        .map(|assessed| {
            let mut outcome = Outcome::new(assessed.component());
            outcome.earlier.clone_from(&assessed.earlier);
            match &assessed.result {
                Ok(assessment) => outcome.learn(assessment),
                Err(failure) => outcome.failures.push((None, failure.clone())),
            }
            outcome
        })
        .collect()
}

impl Outcome {
    /// A system of which nothing is known yet.
    #[must_use]
    pub fn new(component: Component) -> Self {
        Self {
            component,
            wanted: true,
            report: None,
            details: Details::default(),
            applied: Vec::new(),
            earlier: Vec::new(),
            failures: Vec::new(),
            conflicts: Vec::new(),
            remaining: Vec::new(),
            waits_for: Vec::new(),
            progress: None,
        }
    }

    pub(super) fn learn(&mut self, assessment: &Assessment) {
        self.wanted = assessment.wanted;
        self.report = Some(assessment.report.clone());
        self.details = assessment.details.clone();
        self.conflicts.clone_from(&assessment.conflicts);
        self.remaining = assessment.steps.iter().map(|step| step.change.clone()).collect();
        // The new assessment reports the problems of the spec again.
        self.failures.retain(|(change, _)| change.is_some());
        self.failures.extend(assessment.invalid.iter().map(|invalid| (None, invalid.clone().into())));
        self.wait_for_own_tags();
    }

    /// Waits for the tags of a resource that this pass has created and that AWS shows without them. It does not belong to somebody else.
    fn wait_for_own_tags(&mut self) {
        let created = |conflict: &Conflict| {
            let mut changes = self.applied.iter().chain(&self.earlier);
            changes.any(|change| {
                change.action == Action::Create && change.kind == conflict.kind && change.name == conflict.name
            })
        };
        let (not_yet, conflicts): (Vec<_>, Vec<_>) = self.conflicts.iter().cloned().partition(created);
        self.conflicts = conflicts;
        for conflict in not_yet {
            let failure = Failure::waiting(Reason::Conflict, "it was created, but AWS does not show its tags yet");
            self.failures.push((None, failure.about(conflict.kind, &conflict.name)));
        }
    }

    /// True if AWS is as the goal wants it, as far as this system goes.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.report.is_some() && self.failures.is_empty() && self.conflicts.is_empty() && self.remaining.is_empty()
    }

    /// True if all that others may need of this system exists, even if some of it is not as declared.
    pub(super) fn is_in_place(&self, optional_kinds: &[ResourceKind]) -> bool {
        let makes = |change: &Change| {
            matches!(change.action, Action::Create | Action::Replace | Action::Adopt)
                && !optional_kinds.contains(&change.kind)
        };
        self.report.is_some()
            && !self.conflicts.iter().any(|conflict| !conflict.only_removal)
            && !self.remaining.iter().any(makes)
    }

    /// True if the resource is as declared. A resource that it replaces may still have to be removed.
    pub(super) fn is_as_declared(&self, resource: &Other) -> bool {
        let concerns =
            |kind: ResourceKind, name: &str| kind == resource.kind && resource.name.is_none_or(|wanted| wanted == name);
        self.report.is_some()
            && !self.conflicts.iter().any(|conflict| concerns(conflict.kind, &conflict.name) && !conflict.only_removal)
            && !self
                .remaining
                .iter()
                .any(|change| concerns(change.kind, &change.name) && !change.clears_away() && !change.is_only_tags())
    }

    /// True if this system no longer uses anything that others have superseded. A change that AWS is still carrying out may yet fail.
    pub(super) fn has_moved(&self) -> bool {
        self.report.as_ref().is_some_and(|report| !report.health.is_under_way())
            && self.failures.is_empty()
            && self.conflicts.iter().all(|conflict| conflict.only_removal)
            && self.remaining.iter().all(Change::clears_away)
    }

    /// True if the removal of a resource need not wait for anything: it stands alone, and no change of that resource has failed.
    pub(super) fn may_go_at_once<Op>(&self, step: &Step<Op>) -> bool {
        let concerns = |failed: &Change| failed.kind == step.change.kind && failed.name == step.change.name;
        step.stands_alone && !self.failures.iter().any(|(change, _)| change.as_ref().is_some_and(concerns))
    }

    /// True if there is nothing to report about the system: the spec asks for nothing, and nothing is left of it.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        !self.wanted && self.is_settled()
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
    fn only_what_is_still_to_be_done_to_a_resource_is_waited_for() {
        let mut outcome = Outcome::new(Component::FlowLogs);
        let logs =
            Other { component: Component::FlowLogs, kind: ResourceKind::FlowLog, name: Some("cloud-watch-logs") };
        assert!(!outcome.is_as_declared(&logs), "not looked at");
        outcome.report = Some(Report::default());
        outcome.remaining.push(Change::new(Action::Replace, ResourceKind::FlowLog, "s3"));
        outcome.remaining.push(Change::new(Action::Delete, ResourceKind::FlowLog, "cloud-watch-logs"));
        let tags =
            Change::new(Action::Update, ResourceKind::FlowLog, "cloud-watch-logs").field("tags.team", &"a", &"b");
        outcome.remaining.push(tags);
        assert!(outcome.is_as_declared(&logs));
        outcome.remaining.push(Change::new(Action::Replace, ResourceKind::FlowLog, "cloud-watch-logs"));
        assert!(!outcome.is_as_declared(&logs));
    }

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
        outcome.wait_for_own_tags();
        assert_eq!(outcome.conflicts.iter().map(|conflict| conflict.name.as_str()).collect::<Vec<_>>(), ["theirs"]);
        assert_eq!(outcome.failures[0].1.reason, Reason::WaitingForAws);
    }
}
