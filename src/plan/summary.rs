//! The plans of all fleets and monitors, for people.

use std::fmt::Write as _;

use super::Plan;
use super::fleet::{self, FleetPlan};
use super::groups::groups;
use super::overview::{self, OverviewPlan};
use super::palette::Palette;
use super::table::{counts, render_body, title};
use crate::numbered::numbered;

/// The plans of all monitors, those of a fleet after its own, and then those of overviews. Several are summed up in the last line, with the number
/// of objects that could not be planned.
#[must_use]
pub fn render_all(
    fleets: &[FleetPlan],
    plans: &[Plan],
    overviews: &[OverviewPlan],
    not_planned: usize,
    palette: &Palette,
) -> String {
    let of_fleet = |fleet: Option<&String>| groups(plans.iter().filter(move |plan| plan.fleet.as_ref() == fleet));
    let text_of = |group: Vec<&Plan>| render_group(&group, palette);
    let mut texts: Vec<String> = of_fleet(None).into_iter().map(text_of).collect();
    for fleet in fleets {
        texts.push(fleet::render(fleet, palette));
        texts.extend(of_fleet(Some(&fleet.fleet)).into_iter().map(text_of));
    }
    texts.extend(overviews.iter().map(|overview| overview::render(overview, palette)));
    let mut text = texts.join("\n");
    if plans.len() + overviews.len() + not_planned > 1 {
        let (suspended, active): (Vec<_>, Vec<_>) = plans.iter().partition(|plan| plan.suspended);
        let of_monitors = (!plans.is_empty() || overviews.is_empty())
            .then(|| format!("{}: {}", numbered(active.len(), "monitor", "monitors"), counts(&active)));
        let in_trouble = fleets.iter().filter(|fleet| fleet.has_problems()).count();
        let fleets = if in_trouble == 1 { "fleet with problems" } else { "fleets with problems" };
        let others = [(suspended.len(), "suspended"), (not_planned, "not planned"), (in_trouble, fleets)];
        let others =
            others.into_iter().filter(|(count, _)| *count > 0).map(|(count, label)| format!("{count} {label}"));
        let of_overviews = overviews.iter().filter(|overview| !overview.suspended);
        let of_overviews = of_overviews.map(|it| format!("overview {}: {}", it.overview, overview::numbers(it)));
        let parts: Vec<_> = of_monitors.into_iter().chain(others).chain(of_overviews).collect();
        let style = palette.heading;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{style}{}.{style:#}", parts.join("; "));
    }
    text
}

/// The plan that monitors have in common, below the titles of all of them.
fn render_group(group: &[&Plan], palette: &Palette) -> String {
    let titles: Vec<String> = group.iter().map(|plan| title(plan)).collect();
    let body = group.first().map(|first| render_body(first, palette)).unwrap_or_default();
    let common = match group.len() {
        0 | 1 => String::new(),
        count => format!("These {count} monitors have the same plan but for names. That of the first one:\n"),
    };
    format!("{}\n{common}{body}", titles.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::conditions::Reason;
    use crate::api::{Component, ResourceKind};
    use crate::engine::{Action, Change, Direction};
    use crate::monitor::fixtures;
    use crate::plan::{PlannedChange, Problem, of_outcomes};

    fn plan() -> Plan {
        of_outcomes(&fixtures::monitor(), Direction::Build, Vec::new())
    }

    /// A plan with a change at once, one that waits, and a problem.
    fn with_changes() -> Plan {
        let change = |action, kind, waits_for| PlannedChange {
            component: Component::Bucket,
            waits_for,
            change: Change::new(action, kind, "b"),
        };
        let mut plan = plan();
        plan.changes.push(change(Action::Create, ResourceKind::Bucket, Vec::new()));
        plan.changes.push(change(Action::Delete, ResourceKind::FlowLog, vec![Component::Alarms]));
        plan.problems.push(Problem { component: Component::Alarms, reason: Reason::Conflict, message: "taken".into() });
        plan
    }

    fn last(fleets: &[FleetPlan], plans: &[Plan], not_planned: usize) -> String {
        let text = render_all(fleets, plans, &[], not_planned, &Palette::plain());
        text.lines().last().unwrap().to_owned()
    }

    #[test]
    fn several_plans_are_summed_up() {
        assert_eq!(last(&[], &[with_changes()], 0), "Plan: 1 to create, 1 waiting; 1 problem.");
        let suspended = || Plan { suspended: true, ..with_changes() };
        assert_eq!(
            last(&[], &[with_changes(), suspended(), with_changes()], 2),
            "2 monitors: 2 to create, 2 waiting; 2 problems; 1 suspended; 2 not planned."
        );
        assert_eq!(last(&[], &[plan()], 1), "1 monitor: no changes; 1 not planned.");
    }

    #[test]
    fn monitors_of_a_fleet_follow_it_and_are_printed_once_if_they_are_the_same() {
        let identity =
            crate::fleet::FleetIdentity { namespace: "network".into(), name: "prod".into(), uid: String::new() };
        let mut fleet = FleetPlan::of_deletion(&identity, [("a", "vpc-1")]);
        let own = || Plan { fleet: Some("network/prod".to_owned()), ..with_changes() };
        let waits = Plan { wave: Some(2), ..own() };
        let plans = [own(), waits, with_changes()];
        let text = render_all(&[fleet], &plans, &[], 0, &Palette::plain());
        let title = "network/production: vpc-0123456789abcdef0 in account 123456789012, eu-west-1";
        let expected = format!(
            "\n\ndeletion of fleet network/prod: 1 monitor (1 to delete)\n\nMonitors\n  at once: 1 to delete: a\n\n\
             {title}\n{title}, wave 2\nThese 2 monitors have the same plan but for names. That of the first one:\ncluster cluster\n"
        );
        assert!(text.starts_with(title) && text.contains(&expected), "{text}");
        assert!(text.ends_with("\n3 monitors: 3 to create, 3 waiting; 3 problems.\n"), "{text}");
        fleet = FleetPlan::of_deletion(&identity, []);
        fleet.cannot_use_template(["no".to_owned()]);
        assert!(last(&[fleet], &plans, 0).ends_with("; 3 problems; 1 fleet with problems."));
    }
}
