//! The plan for people.

use std::fmt::Write as _;

use super::{Plan, PlannedChange};
use crate::engine::Action;

/// The mark of the action in `terraform plan`, where that has one.
const fn mark(action: Action) -> &'static str {
    match action {
        Action::Create => "  +",
        Action::Update => "  ~",
        Action::Replace => "-/+",
        Action::Adopt => " <-",
        Action::Retain => "  =",
        Action::Delete => "  -",
    }
}

const ACTIONS: [(Action, &str); 6] = [
    (Action::Create, "to create"),
    (Action::Update, "to update"),
    (Action::Replace, "to replace"),
    (Action::Adopt, "to adopt"),
    (Action::Retain, "to retain"),
    (Action::Delete, "to delete"),
];

/// A line for each change, with its fields and reason below it, the problems, and the sum.
#[must_use]
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    let what = if plan.destroy { "deletion of " } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{what}{}: {} in account {}, {}", plan.monitor, plan.vpc_id, plan.account_id, plan.region);
    if plan.suspended {
        let _ = writeln!(text, "Suspended: the operator makes none of these changes while spec.suspend is true.");
    }
    let mut heading = None;
    for planned in &plan.changes {
        if heading != Some((planned.component, &planned.waits_for)) {
            heading = Some((planned.component, &planned.waits_for));
            let _ = writeln!(text, "\n{:?}{}", planned.component, waiting(planned));
        }
        write_change(&mut text, planned);
    }
    if !plan.problems.is_empty() {
        let _ = writeln!(text, "\nProblems");
        for problem in &plan.problems {
            let _ = writeln!(text, "  ! {:?}: {:?}: {}", problem.component, problem.reason, problem.message);
        }
    }
    let _ = writeln!(text, "\n{}", sum(plan));
    for note in &plan.notes {
        let _ = writeln!(text, "Note: {note}");
    }
    if let Some(cost) = &plan.cost {
        let _ = write!(text, "\n{cost}");
    }
    text
}

fn waiting(planned: &PlannedChange) -> String {
    match &planned.waits_for[..] {
        [] => String::new(),
        [own] if *own == planned.component => " (waits until its problem is solved)".to_owned(),
        several => {
            let several: Vec<String> = several.iter().map(|component| format!("{component:?}")).collect();
            format!(" (waits for {})", several.join(", "))
        }
    }
}

fn write_change(text: &mut String, PlannedChange { change, .. }: &PlannedChange) {
    let _ = writeln!(text, "{} {} {}", mark(change.action), change.kind.noun(), change.name);
    for field in change.shown_fields() {
        let _ = writeln!(text, "        {field}");
    }
    if let Some(why) = &change.why {
        let _ = writeln!(text, "        because: {why}");
    }
}

fn sum(plan: &Plan) -> String {
    if plan.is_empty() {
        return if plan.destroy { "Nothing is left in AWS." } else { "No changes. AWS is as declared." }.to_owned();
    }
    let counts = ACTIONS.map(|(action, label)| (plan.count(action), label));
    let mut parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, label)| format!("{count} {label}")).collect();
    let waiting = plan.changes.iter().filter(|planned| !planned.waits_for.is_empty()).count();
    if waiting > 0 {
        parts.push(format!("{waiting} to wait"));
    }
    if parts.is_empty() {
        parts.push("no changes".to_owned());
    }
    match plan.problems.len() {
        0 => format!("Plan: {}.", parts.join(", ")),
        1 => format!("Plan: {}; 1 problem.", parts.join(", ")),
        count => format!("Plan: {}; {count} problems.", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::conditions::Reason;
    use crate::api::{Component, ResourceKind};
    use crate::engine::{Change, Direction};
    use crate::monitor::fixtures;
    use crate::plan::{Problem, of_outcomes};

    fn plan() -> Plan {
        of_outcomes(&fixtures::monitor(), Direction::Build, Vec::new())
    }

    fn with_everything() -> Plan {
        let mut plan = plan();
        let changes = [
            (Component::Bucket, Change::new(Action::Create, ResourceKind::Bucket, "b")),
            (
                Component::FlowLogs,
                Change::new(Action::Replace, ResourceKind::FlowLog, "s3")
                    .field("aggregationInterval", &60, &600)
                    .because("a flow log cannot be changed"),
            ),
            (Component::FlowLogs, Change::new(Action::Delete, ResourceKind::FlowLog, "cloud-watch-logs")),
        ];
        plan.changes =
            changes.map(|(component, change)| PlannedChange { component, waits_for: Vec::new(), change }).into();
        plan.changes[2].waits_for.push(Component::Alarms);
        plan.problems.push(Problem { component: Component::Alarms, reason: Reason::Conflict, message: "taken".into() });
        plan
    }

    #[test]
    fn everything_is_reported_with_its_fields_and_reason() {
        assert_eq!(
            render(&with_everything()),
            "network/production: vpc-0123456789abcdef0 in account 123456789012, eu-west-1

Bucket
  + bucket b

FlowLogs
-/+ flow log s3
        aggregationInterval: 60 → 600
        because: a flow log cannot be changed

FlowLogs (waits for Alarms)
  - flow log cloud-watch-logs

Problems
  ! Alarms: Conflict: taken

Plan: 1 to create, 1 to replace, 1 to wait; 1 problem.
"
        );
    }

    /// Programs read it, so no name may change.
    #[test]
    fn the_form_for_programs() {
        let mut plan = with_everything();
        plan.notes.push("n".into());
        assert_eq!(
            serde_json::to_value(&plan).unwrap(),
            json!({
                "monitor": "network/production",
                "vpcId": "vpc-0123456789abcdef0",
                "accountId": "123456789012",
                "region": "eu-west-1",
                "destroy": false,
                "suspended": false,
                "changes": [
                    {
                        "component": "Bucket",
                        "waitsFor": [],
                        "action": "Create",
                        "kind": "AWS::S3::Bucket",
                        "name": "b",
                        "fields": [],
                        "why": null,
                    },
                    {
                        "component": "FlowLogs",
                        "waitsFor": [],
                        "action": "Replace",
                        "kind": "AWS::EC2::FlowLog",
                        "name": "s3",
                        "fields": [{"path": "aggregationInterval", "old": 60, "new": 600}],
                        "why": "a flow log cannot be changed",
                    },
                    {
                        "component": "FlowLogs",
                        "waitsFor": ["Alarms"],
                        "action": "Delete",
                        "kind": "AWS::EC2::FlowLog",
                        "name": "cloud-watch-logs",
                        "fields": [],
                        "why": null,
                    },
                ],
                "problems": [{"component": "Alarms", "reason": "Conflict", "message": "taken"}],
                "notes": ["n"],
            })
        );
    }

    #[test]
    fn nothing_to_do_is_said() {
        assert!(render(&plan()).ends_with("\n\nNo changes. AWS is as declared.\n"));
        assert!(render(&Plan { destroy: true, ..plan() }).ends_with("\n\nNothing is left in AWS.\n"));
        let suspended = render(&Plan { suspended: true, notes: vec!["n".into()], ..plan() });
        assert!(suspended.contains("eu-west-1\nSuspended: ") && suspended.ends_with("\nNote: n\n"), "{suspended}");
    }
}
