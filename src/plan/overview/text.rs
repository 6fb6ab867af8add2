//! The plan of an overview for people.

use std::fmt::Write as _;

use super::super::palette::Palette;
use super::super::table::{by_action, in_numbers, write_changes, write_cluster, write_legend};
use super::{OverviewChange, OverviewPlan, OverviewProblem};
use crate::api::overview::OverviewDeletionPolicy;
use crate::overview::in_places;

/// A line for each resource, with its fields and reason below it, and the sum. Problems come first: they need a person.
#[must_use]
pub fn render(plan: &OverviewPlan, palette: &Palette) -> String {
    let (heading, problem) = (palette.heading, palette.problem);
    let mut text = format!("{heading}{}{heading:#}\n", title(plan));
    write_cluster(&mut text, &plan.cluster_name, Some(plan.cluster_name_source));
    // Writing to a String cannot fail.
    if plan.destroy {
        let consequence = match plan.deletion_policy {
            OverviewDeletionPolicy::Delete => "everything of the overview is deleted; the monitors stay",
            OverviewDeletionPolicy::Retain => "nothing is deleted, and alarms go on to the topic",
        };
        let _ = writeln!(text, "deletionPolicy {:?}: {consequence}", plan.deletion_policy);
    }
    if plan.suspended {
        let _ = writeln!(text, "Suspended: the operator makes none of these changes while spec.suspend is true.");
    }
    write_legend(&mut text, &plan.changes, !plan.problems.is_empty(), palette);
    if !plan.problems.is_empty() {
        let _ = writeln!(text, "\n{heading}Problems{heading:#}");
    }
    for OverviewProblem { part, reason, message } in &plan.problems {
        let part = part.map(|part| format!("{part:?}: ")).unwrap_or_default();
        let _ = writeln!(text, "{problem}  ! {part}{reason:?}: {message}{problem:#}");
    }
    let place = |change: &OverviewChange| {
        let OverviewChange { part, account_id, region, .. } = change;
        (format!("{part:?}"), format!(" in account {account_id}, {region}"))
    };
    write_changes(&mut text, &plan.changes, place, palette);
    let _ = writeln!(text, "\n{heading}{}{heading:#}", sum(plan));
    for note in &plan.notes {
        let _ = writeln!(text, "Note: {note}");
    }
    text
}

fn title(plan: &OverviewPlan) -> String {
    let OverviewPlan { overview, account_id, region, monitors, places, .. } = plan;
    let home = format!("overview {overview} in account {account_id}, {region}");
    if plan.destroy {
        return format!("deletion of {home}");
    }
    format!("{home}: {}", in_places(*monitors, *places))
}

fn sum(plan: &OverviewPlan) -> String {
    if plan.changes.is_empty() && plan.problems.is_empty() {
        return if plan.destroy { "Nothing is left in AWS." } else { "No changes. AWS is as declared." }.to_owned();
    }
    format!("Plan: {}.", numbers(plan))
}

/// The changes and problems.
pub fn numbers(plan: &OverviewPlan) -> String {
    in_numbers(by_action(|action| plan.count(action)), plan.problems.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ResourceKind;
    use crate::api::conditions::Reason;
    use crate::engine::{Action, Change};
    use crate::overview::Part;
    use crate::plan::ClusterNameSource;

    fn change(part: Part, account: &str, change: Change) -> OverviewChange {
        OverviewChange { part, account_id: account.to_owned(), region: "eu-west-1".to_owned(), change }
    }

    fn plan() -> OverviewPlan {
        let rule = || Change::new(Action::Update, ResourceKind::EventRule, "r");
        OverviewPlan {
            overview: "network/all".to_owned(),
            account_id: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            cluster_name: "c".to_owned(),
            cluster_name_source: ClusterNameSource::Flag,
            deletion_policy: OverviewDeletionPolicy::Delete,
            destroy: false,
            suspended: false,
            monitors: 3,
            places: 1,
            changes: vec![
                change(Part::Notifications, "123456789012", Change::new(Action::Create, ResourceKind::Topic, "t")),
                change(Part::Forwarding, "444455556666", rule().field("pattern", &1, &2)),
                change(Part::Forwarding, "444455556666", rule().field("target", &3, &4)),
                change(Part::Forwarding, "777788889999", rule().field("pattern", &1, &2)),
            ],
            problems: vec![OverviewProblem {
                part: Some(Part::Links),
                reason: Reason::AccessDenied,
                message: "no".into(),
            }],
            notes: vec!["n".to_owned()],
        }
    }

    #[test]
    fn changes_stand_below_their_part_account_and_region() {
        assert_eq!(
            render(&plan(), &Palette::plain()),
            "overview network/all in account 123456789012, eu-west-1: 3 monitors in 1 account and region
cluster c (from --cluster-name)
Marks: + created, ~ changed, ! problem

Problems
  ! Links: AccessDenied: no

Notifications in account 123456789012, eu-west-1
  + topic t

Forwarding in account 444455556666, eu-west-1
  ~ event rule r
        pattern: 1 → 2
        target: 3 → 4

Forwarding in account 777788889999, eu-west-1
  ~ event rule r
        pattern: 1 → 2

Plan: 1 to create, 2 to update; 1 problem.
Note: n
"
        );
    }

    #[test]
    fn nothing_to_do_is_said() {
        let nothing = || OverviewPlan { changes: Vec::new(), problems: Vec::new(), notes: Vec::new(), ..plan() };
        assert!(render(&nothing(), &Palette::plain()).ends_with("\n\nNo changes. AWS is as declared.\n"));
        let deletion = OverviewPlan { destroy: true, ..nothing() };
        let text = render(&deletion, &Palette::plain());
        assert!(text.starts_with("deletion of overview network/all in account 123456789012, eu-west-1\n"), "{text}");
        assert!(text.ends_with("\n\nNothing is left in AWS.\n"), "{text}");
    }
}
