//! The plan for people.

use std::fmt::Write as _;

use super::by_resource::{OfResource, by_resource};
use super::palette::Palette;
use super::{ClusterNameSource, Plan, PlannedChange, Problem};
use crate::api::ResourceKind;
use crate::api::spec::DeletionPolicy;
use crate::engine::{Action, Along, Change};

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

/// The meaning of the mark.
const fn meaning(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Replace => "deleted and created again",
        Action::Adopt => "adopted",
        Action::Retain => "retained",
        Action::Delete => "deleted",
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

/// A line for each resource, with its fields and reason below it, and the sum.
#[must_use]
pub fn render(plan: &Plan, palette: &Palette) -> String {
    format!("{}\n{}", title(plan), render_body(plan, palette))
}

/// The monitor, with its VPC.
pub(super) fn title(plan: &Plan) -> String {
    let Plan { monitor, vpc_id, account_id, region, .. } = plan;
    let what = if plan.destroy { "deletion of " } else { "" };
    let wave = plan.wave.map(|wave| format!(", wave {wave}")).unwrap_or_default();
    format!("{what}{monitor}: {vpc_id} in account {account_id}, {region}{wave}")
}

/// The plan without its title. Problems come first: they need a person.
pub(super) fn render_body(plan: &Plan, palette: &Palette) -> String {
    let mut text = String::new();
    let heading_style = palette.heading;
    // Writing to a String cannot fail.
    write_header(&mut text, plan, palette);
    if !plan.problems.is_empty() {
        let _ = writeln!(text, "\n{heading_style}Problems{heading_style:#}");
        let style = palette.problem;
        for problem in &plan.problems {
            let Problem { component, reason, message } = problem;
            let _ = writeln!(text, "{style}  ! {component:?}: {reason:?}: {message}{style:#}");
        }
    }
    let heading = |planned: &PlannedChange| (format!("{:?}", planned.component), waiting(planned));
    write_changes(&mut text, &plan.changes, heading, palette);
    let _ = writeln!(text, "\n{heading_style}{}{heading_style:#}", sum(plan));
    for note in &plan.notes {
        let _ = writeln!(text, "Note: {note}");
    }
    if let Some(cost) = &plan.cost {
        let _ = write!(text, "\n{cost}");
    }
    text
}

fn write_header(text: &mut String, plan: &Plan, palette: &Palette) {
    write_cluster(text, &plan.cluster_name, plan.cluster_name_source);
    if plan.destroy {
        let consequence = match plan.deletion_policy {
            DeletionPolicy::Delete => "everything is deleted, with all records, for good",
            DeletionPolicy::RetainData => "the bucket and the log group stay, with their records",
            DeletionPolicy::Retain => {
                "nothing is deleted; resources without tags, such as tables and saved queries, stay as they are and are not listed"
            }
        };
        let _ = writeln!(text, "deletionPolicy {:?}: {consequence}", plan.deletion_policy);
    }
    if plan.suspended {
        let _ = writeln!(text, "Suspended: the operator makes none of these changes while spec.suspend is true.");
    }
    write_legend(text, &plan.changes, !plan.problems.is_empty(), palette);
}

/// Writes the name of the cluster, and its origin.
pub(super) fn write_cluster(text: &mut String, name: &str, source: Option<ClusterNameSource>) {
    let source = match source {
        None => "",
        Some(ClusterNameSource::Flag) => " (from --cluster-name)",
        Some(ClusterNameSource::Status) => " (from the status)",
        Some(ClusterNameSource::KubeSystem) => {
            " (the UID of kube-system; if the operator has a --cluster-name, give the same one here)"
        }
    };
    let _ = writeln!(text, "cluster {name}{source}");
}

/// Writes the marks that occur, with their meaning.
pub(super) fn write_legend(text: &mut String, changes: &[impl OfResource], has_problems: bool, palette: &Palette) {
    let occurs = |action: Action| changes.iter().any(|planned| planned.change().action == action);
    let mut marks: Vec<String> = Vec::new();
    for (action, _) in ACTIONS.into_iter().filter(|(action, _)| occurs(*action)) {
        let (style, mark) = (palette.of(action), mark(action).trim_start());
        marks.push(format!("{style}{mark}{style:#} {}", meaning(action)));
    }
    if has_problems {
        let style = palette.problem;
        marks.push(format!("{style}!{style:#} problem"));
    }
    if !marks.is_empty() {
        let _ = writeln!(text, "Marks: {}", marks.join(", "));
    }
}

/// Writes the changes of each resource, below headings that have two parts: one in the style of a heading, and the rest.
pub(super) fn write_changes<P: OfResource>(
    text: &mut String,
    changes: &[P],
    heading: impl Fn(&P) -> (String, String),
    palette: &Palette,
) {
    let style = palette.heading;
    let mut former: Option<&P> = None;
    let resources = by_resource(changes);
    for planned in &resources {
        if !former.is_some_and(|former| former.is_beside(planned)) {
            let (heading, rest) = heading(planned);
            let _ = writeln!(text, "\n{style}{heading}{style:#}{rest}");
        }
        former = Some(planned);
        write_change(text, planned.change(), palette);
    }
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

fn write_change(text: &mut String, change: &Change, palette: &Palette) {
    let (style, along) = (palette.of(change.action), along(change));
    let _ = writeln!(text, "{style}{}{style:#} {} {}{along}", mark(change.action), change.kind.noun(), change.name);
    for field in change.shown_fields() {
        let _ = writeln!(text, "        {field}");
    }
    if let Some(why) = &change.why {
        let _ = writeln!(text, "        because: {why}");
    }
}

/// The resources that need no call of their own.
fn along(change: &Change) -> String {
    let parts = change.along.iter().map(|Along { kind, count }| match (kind, count) {
        (ResourceKind::FunctionPermission, _) => "its permission to be invoked".to_owned(),
        (kind, 1) => format!("1 {}", kind.noun()),
        (kind, count) => format!("{count} {}", kind.plural()),
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!(", with {}", parts.join(" and ")) }
}

fn sum(plan: &Plan) -> String {
    if plan.is_empty() {
        return if plan.destroy { "Nothing is left in AWS." } else { "No changes. AWS is as declared." }.to_owned();
    }
    format!("Plan: {}.", counts(&[plan]))
}

/// The changes and problems of all these plans.
pub(super) fn counts(plans: &[&Plan]) -> String {
    let all = |count: &dyn Fn(&Plan) -> usize| plans.iter().map(|plan| count(plan)).sum::<usize>();
    let labelled = by_action(|action| all(&|plan| plan.count(action))).chain([(all(&Plan::waiting), "waiting")]);
    in_numbers(labelled, all(&|plan| plan.problems.len()))
}

/// The number of resources for each action.
pub(super) fn by_action(count: impl Fn(Action) -> usize) -> impl Iterator<Item = (usize, &'static str)> {
    ACTIONS.into_iter().map(move |(action, label)| (count(action), label))
}

/// Numbers with their labels, and the number of problems.
pub(super) fn in_numbers(labelled: impl Iterator<Item = (usize, &'static str)>, problems: usize) -> String {
    let parts: Vec<String> =
        labelled.filter(|(count, _)| *count > 0).map(|(count, label)| format!("{count} {label}")).collect();
    let changes = if parts.is_empty() { "no changes".to_owned() } else { parts.join(", ") };
    match problems {
        0 => changes,
        1 => format!("{changes}; 1 problem"),
        count => format!("{changes}; {count} problems"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Component;
    use crate::api::conditions::Reason;
    use crate::engine::Direction;
    use crate::monitor::fixtures;
    use crate::plan::of_outcomes;

    fn render(plan: &Plan) -> String {
        super::render(plan, &Palette::plain())
    }

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
    fn a_resource_that_needs_several_calls_is_listed_and_counted_once() {
        let mut plan = plan();
        let update = |path: &str| Change::new(Action::Update, ResourceKind::Bucket, "b").field(path, &1, &2);
        let changes = [
            update("tags.team"),
            Change::new(Action::Update, ResourceKind::Bucket, "c").field("x", &1, &2),
            update("lifecycle").because("it drifted"),
        ];
        let planned = |change| PlannedChange { component: Component::Bucket, waits_for: Vec::new(), change };
        plan.changes = changes.into_iter().map(planned).collect();
        let text = render(&plan);
        let expected = "  ~ bucket b
        tags.team: 1 → 2
        lifecycle: 1 → 2
        because: it drifted
  ~ bucket c
        x: 1 → 2

Plan: 2 to update.
";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn everything_is_reported_with_its_fields_and_reason() {
        assert_eq!(
            render(&with_everything()),
            "network/production: vpc-0123456789abcdef0 in account 123456789012, eu-west-1
cluster cluster
Marks: + created, -/+ deleted and created again, - deleted, ! problem

Problems
  ! Alarms: Conflict: taken

Bucket
  + bucket b

FlowLogs
-/+ flow log s3
        aggregationInterval: 60 → 600
        because: a flow log cannot be changed

FlowLogs (waits for Alarms)
  - flow log cloud-watch-logs

Plan: 1 to create, 1 to replace, 1 waiting; 1 problem.
"
        );
    }

    /// Programs read it, so no name may change.
    #[test]
    fn the_form_for_programs() {
        let mut plan = with_everything();
        plan.notes.push("n".into());
        plan.cluster_name_source = Some(ClusterNameSource::Flag);
        assert_eq!(
            serde_json::to_value(&plan).unwrap(),
            json!({
                "monitor": "network/production",
                "vpcId": "vpc-0123456789abcdef0",
                "accountId": "123456789012",
                "region": "eu-west-1",
                "clusterName": "cluster",
                "clusterNameSource": "Flag",
                "deletionPolicy": "RetainData",
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
        assert!(
            suspended.contains("cluster cluster\nSuspended: ") && suspended.ends_with("\nNote: n\n"),
            "{suspended}"
        );
    }

    #[test]
    fn the_cluster_is_named_with_the_origin_of_its_name() {
        let of = |source| render(&Plan { cluster_name_source: Some(source), ..plan() });
        assert!(of(ClusterNameSource::Flag).contains("\ncluster cluster (from --cluster-name)\n"));
        assert!(of(ClusterNameSource::Status).contains("\ncluster cluster (from the status)\n"));
        assert!(
            of(ClusterNameSource::KubeSystem)
                .contains("UID of kube-system; if the operator has a --cluster-name, give")
        );
    }

    #[test]
    fn a_deletion_names_its_policy_and_counts_what_goes_along() {
        let mut deletion = Plan { destroy: true, deletion_policy: DeletionPolicy::Delete, ..plan() };
        let mut workgroup = Change::new(Action::Delete, ResourceKind::Workgroup, "w");
        workgroup.along.push(Along { kind: ResourceKind::NamedQuery, count: 7 });
        let both = Change::new(Action::Delete, ResourceKind::FlowLog, "cloud-watch-logs, s3");
        for change in crate::plan::one_each(both).into_iter().chain([workgroup]) {
            deletion.changes.push(PlannedChange { component: Component::FlowLogs, waits_for: Vec::new(), change });
        }
        let text = render(&deletion);
        for line in [
            "deletionPolicy Delete: everything is deleted, with all records, for good",
            "  - flow log cloud-watch-logs",
            "  - flow log s3",
            "  - workgroup w, with 7 saved queries",
            "Plan: 10 to delete.",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line}: {text}");
        }
    }

    #[test]
    fn a_deletion_that_retains_all_says_what_it_does_not_list() {
        let text = render(&Plan { destroy: true, deletion_policy: DeletionPolicy::Retain, ..plan() });
        assert!(text.contains("saved queries, stay as they are and are not listed\n"), "{text}");
    }

    #[test]
    fn resources_that_go_along_are_in_the_singular_or_in_the_plural() {
        let along = |kind, count| {
            let mut change = Change::new(Action::Delete, ResourceKind::Workgroup, "w");
            change.along.push(Along { kind, count });
            super::along(&change)
        };
        assert_eq!(along(ResourceKind::NamedQuery, 1), ", with 1 saved query");
        assert_eq!(along(ResourceKind::Table, 2), ", with 2 tables");
        assert_eq!(along(ResourceKind::FunctionPermission, 1), ", with its permission to be invoked");
    }

    #[test]
    fn a_terminal_gets_the_same_text_in_colours() {
        let coloured = super::render(&with_everything(), &Palette::coloured());
        assert!(coloured.contains("\u{1b}[32m  +\u{1b}[0m bucket b\n"), "{coloured:?}");
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), render(&with_everything()));
    }
}
