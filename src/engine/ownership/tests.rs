use proptest::prelude::*;

use super::*;
use crate::api::ResourceKind;
use crate::api::spec::AdoptionPolicy;
use crate::aws::{Aws, AwsError};
use crate::engine::Applied;
use crate::monitor::{MANAGED_BY, Monitor, OWNER, RETAINED_BY, Tags, fixtures};

/// A kind of resource with a single setting.
#[derive(Clone, Debug)]
struct Thing<const HOLDS_DATA: bool>(u8);

#[derive(Clone, Debug, PartialEq)]
struct Found {
    setting: u8,
    tags: Tags,
}

const NAME: &str = "thing";

impl<const DATA: bool> Resource for Thing<DATA> {
    const KIND: ResourceKind = ResourceKind::Topic;
    const HOLDS_DATA: bool = DATA;

    type Found = Found;
    type Call = u8;

    fn tags(found: &Found) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &Found) -> Vec<Step<u8>> {
        let change = Change::new(Action::Update, Self::KIND, NAME);
        if found.setting == self.0 { Vec::new() } else { vec![Step::new(change, self.0)] }
    }

    async fn create(&self, _aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        Ok(Applied::Done)
    }

    async fn call(_aws: &Aws, _monitor: &Monitor, _name: &str, _call: &u8) -> Result<Applied, AwsError> {
        Ok(Applied::Done)
    }

    async fn delete(_aws: &Aws, _monitor: &Monitor, _name: &str, _found: &Found) -> Result<Applied, AwsError> {
        Ok(Applied::Done)
    }
}

/// AWS after the steps of a diff.
fn after<const DATA: bool>(
    monitor: &Monitor,
    found: Option<Found>,
    diff: Diff<ResourceCall<Thing<DATA>>>,
) -> Option<Found> {
    diff.steps.into_iter().fold(found, |found, step| match (step.op, found) {
        (ResourceCall::Create(thing), _) => Some(Found { setting: thing.0, tags: monitor.tags.clone() }),
        (ResourceCall::Tag(_, tags), Some(found)) => Some(Found { tags: tags.applied_to(&found.tags), ..found }),
        (ResourceCall::Change(_, setting), Some(found)) => Some(Found { setting, ..found }),
        (ResourceCall::Delete(..), _) | (_, None) => None,
    })
}

fn tags(owner: Option<(&str, &str)>) -> Tags {
    owner.map(|(key, owner)| (key.to_owned(), owner.to_owned())).into_iter().collect()
}

fn any_owner() -> impl Strategy<Value = Tags> {
    let ours = fixtures::monitor().owner;
    prop::sample::select(vec![
        tags(None),
        tags(Some((OWNER, &ours))),
        tags(Some((RETAINED_BY, &ours))),
        tags(Some((OWNER, "cluster/other/x"))),
        tags(Some((RETAINED_BY, "cluster/other/x"))),
    ])
}

fn any_goal() -> impl Strategy<Value = Goal<u8>> {
    prop_oneof![any::<u8>().prop_map(Goal::Present), prop::sample::select(REMOVALS.to_vec()).prop_map(Goal::Absent),]
}

const REMOVALS: [Removal; 3] = [Removal::OwnerDeleted, Removal::SwitchedOff, Removal::Superseded];
const POLICIES: [DeletionPolicy; 3] = [DeletionPolicy::Delete, DeletionPolicy::RetainData, DeletionPolicy::Retain];

fn the_rule_holds<const DATA: bool>(
    monitor: &Monitor,
    goal: Goal<u8>,
    found: Option<Found>,
) -> Result<(), TestCaseError> {
    let thing = match goal {
        Goal::Present(setting) => Thing::<DATA>(setting),
        Goal::Absent(_) => Thing(0),
    };
    let goal = goal.map(|_| &thing);
    let claim = found.as_ref().map(|found| monitor.claim(&found.tags));
    let first = diff(monitor, goal, NAME, found.as_ref());
    if matches!(claim, Some(Claim::Foreign(_))) || matches!((goal, &claim), (Goal::Absent(_), Some(Claim::Adopt))) {
        prop_assert!(first.steps.is_empty(), "nothing is done to what is not ours: {first:?}");
        prop_assert_eq!(first.conflicts.len(), usize::from(matches!(goal, Goal::Present(_))));
        return Ok(());
    }
    let end = after(monitor, found, first);
    let again = diff(monitor, goal, NAME, end.as_ref());
    prop_assert!(again.steps.is_empty() && again.conflicts.is_empty(), "{again:?}");
    if let (Goal::Present(_), Some(end)) = (goal, &end) {
        prop_assert_eq!(end.setting, thing.0);
        prop_assert_eq!(end.tags.get(OWNER), Some(&monitor.owner));
        prop_assert!(end.tags.contains_key(MANAGED_BY));
    }
    if let (Goal::Absent(removal), Some(Claim::Ours)) = (goal, claim) {
        let is_adopted = DATA && end.as_ref().is_some_and(|end| end.tags.contains_key(ADOPTED));
        let stays = is_adopted || fate(monitor.deletion_policy(), removal, DATA) == Fate::Keep;
        prop_assert_eq!(end.is_some(), stays);
        prop_assert!(end.is_none_or(|end| monitor.has_retained(&end.tags)));
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_rule_is_the_same_for_every_goal_owner_and_policy(
        goal in any_goal(),
        found in prop::option::of((any::<u8>(), any_owner(), any::<bool>())),
        policy in prop::sample::select(POLICIES.to_vec()),
        adopts: bool,
        holds_data: bool,
    ) {
        let mut monitor = fixtures::monitor();
        monitor.spec.deletion_policy = Some(policy);
        if adopts {
            monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
        }
        let found = found.map(|(setting, mut tags, adopted)| {
            tags.extend(adopted.then(|| (ADOPTED.to_owned(), "true".to_owned())));
            Found { setting, tags }
        });
        if holds_data {
            the_rule_holds::<true>(&monitor, goal, found)?;
        } else {
            the_rule_holds::<false>(&monitor, goal, found)?;
        }
    }
}

#[test]
fn what_holds_data_is_marked_when_it_is_taken_over() {
    let mut monitor = fixtures::monitor();
    monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let found = |tags| Some(Found { setting: 0, tags });
    let adopted = after(
        &monitor,
        found(Tags::new()),
        diff(&monitor, Goal::Present(&Thing::<true>(0)), NAME, found(Tags::new()).as_ref()),
    );
    assert!(adopted.as_ref().unwrap().tags.contains_key(ADOPTED));
    let removal = Goal::<&Thing<true>>::Absent(Removal::OwnerDeleted);
    let left = after(&monitor, adopted.clone(), diff(&monitor, removal, NAME, adopted.as_ref()));
    let back = after(&monitor, left.clone(), diff(&monitor, Goal::Present(&Thing::<true>(0)), NAME, left.as_ref()));
    assert!(left.unwrap().tags.contains_key(ADOPTED) && back.unwrap().tags.contains_key(ADOPTED));
    let other = after(
        &monitor,
        found(Tags::new()),
        diff(&monitor, Goal::Present(&Thing::<false>(0)), NAME, found(Tags::new()).as_ref()),
    );
    assert!(!other.unwrap().tags.contains_key(ADOPTED), "it holds no data");
}

#[test]
fn a_deletion_of_data_says_so() {
    let mut monitor = fixtures::monitor();
    monitor.spec.deletion_policy = Some(DeletionPolicy::Delete);
    let found = Found { setting: 0, tags: tags(Some((OWNER, &fixtures::monitor().owner))) };
    let with_data = diff::<Thing<true>, _>(&monitor, Goal::Absent(Removal::OwnerDeleted), NAME, Some(&found));
    assert!(with_data.steps[0].change.why.as_ref().unwrap().ends_with("all its records are deleted for good"));
    let without = diff::<Thing<false>, _>(&monitor, Goal::Absent(Removal::OwnerDeleted), NAME, Some(&found));
    assert_eq!(without.steps[0].change.why, None);
}

/// The table of the documents.
#[test]
fn the_documents_print_the_fate() {
    let columns = POLICIES.map(|policy| format!("`{policy:?}`")).join(" | ");
    let mut table = format!("| Reason | Resource | {columns} |\n| --- | --- | --- | --- | --- |\n");
    let reasons = ["the monitor is deleted", "the spec switches it off", "the spec gives it another name"];
    for (removal, reason) in REMOVALS.into_iter().zip(reasons) {
        for (holds_data, resource) in [(true, "bucket, log group"), (false, "every other")] {
            let fates = POLICIES.map(|policy| match fate(policy, removal, holds_data) {
                Fate::Delete => "deleted",
                Fate::Keep => "kept",
            });
            // The bucket and the log group cannot be switched off.
            if !(holds_data && removal == Removal::SwitchedOff) {
                table += &["| ", reason, " | ", resource, " | ", &fates.join(" | "), " |\n"].concat();
            }
        }
    }
    let page = include_str!("../../../docs/deletion.md");
    assert!(page.contains(&table), "docs/deletion.md lacks the table:\n{table}");
}
