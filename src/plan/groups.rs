//! Plans that differ only in the names that follow from the identity of their monitors. People read one of them.

use super::Plan;
use crate::monitor::Monitor;

/// The texts that only this monitor has, and in which other texts are parts of later ones. Their order is the same for all monitors.
pub fn own_texts(monitor: &Monitor) -> Vec<String> {
    let (names, at) = (&monitor.names, &monitor.account_region);
    vec![
        names.default_bucket.clone(),
        names.base().to_owned(),
        names.base().replace('-', "_"),
        format!("{}/{}", monitor.namespace, monitor.name),
        monitor.name.clone(),
        monitor.spec.vpc_id.clone(),
        at.account.clone(),
        at.region.clone(),
    ]
}

/// The plans in groups of those that are the same for a reader, in the order of their first ones. Only monitors of fleets are grouped.
pub fn groups<'a>(plans: impl IntoIterator<Item = &'a Plan>) -> Vec<Vec<&'a Plan>> {
    let mut groups: Vec<(Option<String>, Vec<&Plan>)> = Vec::new();
    for plan in plans {
        let text = plan.fleet.as_ref().and_then(|_| without_own_texts(plan));
        match groups.iter_mut().find(|(known, _)| text.is_some() && *known == text) {
            Some((_, group)) => group.push(plan),
            None => groups.push((text, vec![plan])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The plan with all its values and without its wave, and with a number in place of each text of its own.
fn without_own_texts(plan: &Plan) -> Option<String> {
    let mut document = serde_json::to_value(plan).ok()?;
    document.as_object_mut()?.remove("wave");
    let numbered = plan.own_texts.iter().enumerate();
    // A form that no document has.
    let replaced =
        |text: String, (number, own): (usize, &String)| text.replace(own.as_str(), &format!("\u{0}{number}\u{0}"));
    Some(numbered.fold(document.to_string(), replaced))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Component, ResourceKind};
    use crate::engine::{Action, Change, Direction};
    use crate::monitor::fixtures;
    use crate::plan::{PlannedChange, of_outcomes};

    /// A plan that creates the bucket and the topic of a monitor.
    fn plan(name: &str, fleet: Option<&str>) -> Plan {
        let of_fixture = fixtures::monitor();
        let monitor = Monitor::new(
            &of_fixture.namespace,
            name,
            of_fixture.spec,
            None,
            of_fixture.account_region,
            of_fixture.settings,
        );
        let mut plan = of_outcomes(&monitor, Direction::Build, Vec::new());
        plan.fleet = fleet.map(str::to_owned);
        let topic = Change::new(Action::Update, ResourceKind::Topic, monitor.names.topic());
        let changes = [
            (Component::Bucket, Change::new(Action::Create, ResourceKind::Bucket, &monitor.names.bucket)),
            (Component::Notifications, topic.field("tags.a", &monitor.own_topic_arn(), &monitor.owner)),
        ];
        plan.changes =
            changes.map(|(component, change)| PlannedChange { component, waits_for: Vec::new(), change }).into();
        plan
    }

    fn sizes(plans: &[Plan]) -> Vec<usize> {
        groups(plans).iter().map(Vec::len).collect()
    }

    #[test]
    fn plans_of_a_fleet_that_differ_in_names_only_are_one_group() {
        let of_fleet = |name: &str| plan(name, Some("network/prod"));
        let mut other = of_fleet("prod-3");
        other.changes[0].change.action = Action::Adopt;
        assert_eq!(sizes(&[of_fleet("prod-1"), other, of_fleet("prod-2")]), [2, 1]);
        let waits = Plan { wave: Some(2), ..of_fleet("prod-2") };
        assert_eq!(sizes(&[of_fleet("prod-1"), waits]), [2]);
        let mut noted = of_fleet("prod-2");
        noted.notes.push("n".to_owned());
        assert_eq!(sizes(&[of_fleet("prod-1"), noted]), [1, 1]);
    }

    #[test]
    fn other_monitors_are_printed_one_by_one() {
        assert_eq!(sizes(&[plan("a", None), plan("b", None)]), [1, 1]);
    }
}
