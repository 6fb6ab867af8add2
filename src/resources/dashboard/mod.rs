//! The CloudWatch dashboard: counts of the detections, accepted and rejected traffic, and the detector's work.

mod body;
mod detector;
mod widget;

use aws_sdk_cloudwatch::types::DashboardValidationMessage;
use serde_json::Value;

#[cfg(test)]
pub use self::body::body;
pub use self::body::{managed_by, parse};
pub use self::widget::{Widget, graph, placed};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, AccountRegion, Aws, AwsError, AwsResult, Class, Gone, Optional, operations as ops};
use crate::engine::{
    Action, AnyCall, Applied, Change, Details, Diff, Goal, Report, Resource, Step, System, existing, ownership,
};
use crate::monitor::{Monitor, Owner, TagCall, Tags};
use crate::resources::common::cloudwatch_tags;

/// The system [`Component::Dashboard`].
#[derive(Debug)]
pub struct DashboardSystem;

/// A dashboard as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// Its name.
    pub name: String,
    /// Its body, normalised: see [`parse`].
    pub body: Value,
}

/// A dashboard as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDashboard {
    body: Value,
    /// None if dashboards cannot have tags here.
    tags: Option<Tags>,
}

impl System for DashboardSystem {
    type Desired = Dashboard;
    type Observed = Option<FoundDashboard>;

    const COMPONENT: Component = Component::Dashboard;
    const NEEDS: &'static [Component] = &[];

    fn desired(monitor: &Monitor) -> Result<Option<Dashboard>, Invalid> {
        let dashboard = || Dashboard { name: monitor.names.dashboard(), body: body::body(monitor) };
        Ok(monitor.spec.dashboard.enabled.then(dashboard))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Option<FoundDashboard>, AwsError> {
        observe(aws, &monitor.names.dashboard()).await
    }

    fn diff(monitor: &Monitor, goal: Goal<&Dashboard>, observed: &Option<FoundDashboard>) -> Diff<AnyCall> {
        ownership::diff(monitor, goal, &monitor.names.dashboard(), observed.as_ref()).erase()
    }

    fn report(monitor: &Monitor, _goal: Goal<&Dashboard>, observed: &Option<FoundDashboard>) -> Report {
        Report::of(existing::<Dashboard, _>(monitor, &monitor.names.dashboard(), observed.as_ref()))
    }

    fn details(monitor: &Monitor, goal: Goal<&Dashboard>, observed: &Option<FoundDashboard>) -> Details {
        let is_ours = !Self::report(monitor, goal, observed).resources.is_empty();
        let link = is_ours.then(|| link(&monitor.account_region, &monitor.names.dashboard()));
        Details::new(move |status| status.links.get_or_insert_default().dashboard.clone_from(&link))
    }
}

/// Reads the dashboard of that name.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<FoundDashboard>, AwsError> {
    let dashboard = aws.cloudwatch.get_dashboard().dashboard_name(name).send().await;
    let dashboard = dashboard.op(ops::GET_DASHBOARD).optional().about(ResourceKind::Dashboard, name)?;
    let Some(dashboard) = dashboard else { return Ok(None) };
    let tags = match cloudwatch_tags::read(aws, &arn(&aws.account_region, name)).await {
        // Some partitions do not support tags of dashboards, which exist since June 2026.
        Err(error) if error.class == Class::Terminal => None,
        tags => Some(tags.about(ResourceKind::Dashboard, name)?),
    };
    Ok(Some(FoundDashboard { body: body::parse(dashboard.dashboard_body().unwrap_or_default()), tags }))
}

/// Dashboards belong to the account, not to a region.
fn arn(account_region: &AccountRegion, name: &str) -> String {
    account_region.global_arn("cloudwatch", format!("dashboard/{name}"))
}

/// The dashboard of that name in the console.
#[must_use]
pub fn link(account_region: &AccountRegion, name: &str) -> String {
    let (host, region) = (account_region.console_host(), &account_region.region);
    format!("https://{host}/cloudwatch/home?region={region}#dashboards:name={name}")
}

static NO_TAGS: Tags = Tags::new();

impl<O: Owner> Resource<O> for Dashboard {
    const KIND: ResourceKind = ResourceKind::Dashboard;

    type Found = FoundDashboard;
    type Call = Self;

    fn arn(owner: &O, name: &str) -> Option<String> {
        Some(arn(owner.account_region(), name))
    }

    fn tags(found: &FoundDashboard) -> Option<&Tags> {
        Some(found.tags.as_ref().unwrap_or(&NO_TAGS))
    }

    fn witness(_owner: &O, found: &FoundDashboard) -> Option<String> {
        body::owner(&found.body).map(str::to_owned)
    }

    fn takes_tags(found: &FoundDashboard) -> bool {
        found.tags.is_some()
    }

    fn differences(&self, _owner: &O, found: &FoundDashboard) -> Vec<Step<Self>> {
        if found.body == self.body {
            return Vec::new();
        }
        let (old, new) = body::to_compare(&found.body, &self.body);
        let change = Change::new(Action::Update, ResourceKind::Dashboard, &self.name).between(&old, &new);
        vec![Step::new(change, self.clone())]
    }

    async fn create(&self, aws: &Aws, owner: &O) -> Result<Applied, AwsError> {
        match self.put(aws, Some(owner.tags())).await {
            // If the tags are rejected, the body still names the dashboard's owner. The next read shows whether dashboards can have tags.
            Err(error) if error.class == Class::Terminal => self.put(aws, None).await,
            created => created,
        }
    }

    async fn call(aws: &Aws, _owner: &O, _name: &str, dashboard: &Self) -> Result<Applied, AwsError> {
        dashboard.put(aws, None).await
    }

    async fn tag(aws: &Aws, owner: &O, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        cloudwatch_tags::change(aws, &arn(owner.account_region(), name), call).await
    }

    async fn delete(aws: &Aws, _owner: &O, name: &str, _found: &FoundDashboard) -> Result<Applied, AwsError> {
        aws.cloudwatch.delete_dashboards().dashboard_names(name).send().await.op(ops::DELETE_DASHBOARDS).or_gone()?;
        Ok(Applied::Done)
    }
}

impl Dashboard {
    /// Writes the whole dashboard. CloudWatch ignores the tags if it exists.
    async fn put(&self, aws: &Aws, tags: Option<&Tags>) -> Result<Applied, AwsError> {
        let call = aws.cloudwatch.put_dashboard().dashboard_name(&self.name).dashboard_body(self.body.to_string());
        let output = call.set_tags(tags.map(cloudwatch_tags::sdk)).send().await.op(ops::PUT_DASHBOARD)?;
        Ok(match warning(output.dashboard_validation_messages()) {
            Some(warning) => Applied::DoneWithWarning(warning),
            None => Applied::Done,
        })
    }
}

/// The validation messages of CloudWatch about a body that it has accepted, or `None` if there are none.
fn warning(messages: &[DashboardValidationMessage]) -> Option<String> {
    let reported = |message: &DashboardValidationMessage| {
        format!("{}: {}", message.data_path().unwrap_or("/"), message.message().unwrap_or("not valid"))
    };
    let reported: Vec<_> = messages.iter().map(reported).collect();
    (!reported.is_empty()).then(|| format!("CloudWatch may not show all of it: {}", reported.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::api::spec::DeletionPolicy;
    use crate::engine::Removal;
    use crate::monitor::{Claim, OWNER, RETAINED_BY, fixtures};

    #[test]
    fn the_form_of_the_body_does_not_matter() {
        let monitor = fixtures::monitor();
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let pretty = serde_json::to_string_pretty(&desired.body).unwrap().replace("\"value\": 50", "\"value\": 50.0");
        assert!(pretty.contains("50.0"));
        let observed = Some(FoundDashboard { body: body::parse(&pretty), tags: Some(monitor.tags.clone()) });
        let diff = DashboardSystem::diff(&monitor, Goal::Present(&desired), &observed);
        assert!(diff.steps.is_empty(), "{:?}", diff.steps);
    }

    #[test]
    fn a_change_names_the_widget() {
        let mut monitor = fixtures::monitor();
        let observed = Some(FoundDashboard {
            body: DashboardSystem::desired(&monitor).unwrap().unwrap().body,
            tags: Some(monitor.tags.clone()),
        });
        monitor.spec.detections.rejected_connections.period_seconds = 600;
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let diff = DashboardSystem::diff(&monitor, Goal::Present(&desired), &observed);
        let reported = diff.steps[0].change.to_string();
        assert!(reported.contains("widgets[\"Rejected connections\"].properties.period: 300 → 600"), "{reported}");
    }

    #[test]
    fn a_change_says_nothing_twice() {
        let mut monitor = fixtures::monitor();
        let observed = Some(FoundDashboard {
            body: DashboardSystem::desired(&monitor).unwrap().unwrap().body,
            tags: Some(monitor.tags.clone()),
        });
        let mut reported = |change: fn(&mut VpcFlowMonitorSpec)| {
            monitor.spec = fixtures::monitor().spec;
            change(&mut monitor.spec);
            let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
            DashboardSystem::diff(&monitor, Goal::Present(&desired), &observed).steps[0].change.to_string()
        };
        let threshold = reported(|spec| spec.detections.rejected_connections.threshold = 5.0);
        assert!(
            threshold
                .ends_with("(widgets[\"Rejected connections\"].properties.annotations.horizontal[0].value: 50 → 5)"),
            "the label of the line repeats its value: {threshold}"
        );
        let without_detector = reported(|spec| spec.detector.enabled = false);
        assert!(without_detector.contains(": removed"), "{without_detector}");
        assert!(!without_detector.contains("].y: "), "the others only move up: {without_detector}");
    }

    #[test]
    fn a_body_that_is_no_json_is_replaced() {
        let monitor = fixtures::monitor();
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let observed = Some(FoundDashboard { body: body::parse("{"), tags: Some(monitor.tags.clone()) });
        assert_eq!(DashboardSystem::diff(&monitor, Goal::Present(&desired), &observed).steps.len(), 1);
    }

    #[test]
    fn without_an_owner_tag_the_body_says_whose_it_is() {
        let monitor = fixtures::monitor();
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let claim = |body: &Value, tags: Option<Tags>| {
            Dashboard::claim(&monitor, &desired.name, &FoundDashboard { body: body.clone(), tags })
        };
        let others = |key: &str| Tags::from([(key.to_owned(), "cluster/other/x".to_owned())]);
        let another =
            serde_json::from_str(&desired.body.to_string().replace(&monitor.owner, "cluster/other/x")).unwrap();
        for tags in [None, Some(Tags::new()), Some(others("team"))] {
            assert_eq!(claim(&desired.body, tags.clone()), Claim::Ours, "{tags:?}");
            let Claim::Foreign(problem) = claim(&another, tags.clone()) else { panic!("{tags:?}") };
            assert!(problem.contains("cluster/other/x"), "{problem}");
            assert!(matches!(claim(&body::parse(r#"{"widgets": []}"#), tags), Claim::Foreign(_)));
        }
        for key in [OWNER, RETAINED_BY] {
            assert!(matches!(claim(&desired.body, Some(others(key))), Claim::Foreign(_)), "tags come first");
        }
        assert_eq!(claim(&another, Some(monitor.tags.clone())), Claim::Ours);
    }

    #[test]
    fn where_dashboards_have_no_tags_none_are_written() {
        let mut monitor = fixtures::monitor();
        monitor.spec.deletion_policy = Some(DeletionPolicy::Retain);
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let observed = Some(FoundDashboard { body: desired.body.clone(), tags: None });
        for goal in [Goal::Present(&desired), Goal::Absent(Removal::OwnerDeleted)] {
            assert!(DashboardSystem::diff(&monitor, goal, &observed).steps.is_empty());
        }
        assert_eq!(DashboardSystem::diff(&monitor, Goal::Absent(Removal::SwitchedOff), &observed).steps.len(), 1);
    }

    #[test]
    fn warnings_are_reported() {
        let message = DashboardValidationMessage::builder().data_path("/widgets/1").message("Unknown key").build();
        assert_eq!(warning(&[message]).unwrap(), "CloudWatch may not show all of it: /widgets/1: Unknown key");
        assert_eq!(warning(&[]), None);
    }
}
