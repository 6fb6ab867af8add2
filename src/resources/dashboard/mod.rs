//! The CloudWatch dashboard: what the detections count, what traffic was accepted and rejected, and how the detector does.

mod body;
mod detector;
mod widget;

use aws_sdk_cloudwatch::types::DashboardValidationMessage;
use serde_json::Value;

#[cfg(test)]
pub use self::body::body;
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{
    Action, AnyCall, Applied, Change, Details, Diff, Goal, Report, Resource, Step, System, existing, ownership,
};
use crate::monitor::{Monitor, TagCall, Tags};
use crate::resources::common::cloudwatch_tags;

/// The system [`Component::Dashboard`].
#[derive(Debug)]
pub struct DashboardSystem;

/// A dashboard as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    name: String,
    body: Value,
}

/// A dashboard as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDashboard {
    body: Value,
    tags: Tags,
}

/// Replaces the whole body.
#[derive(Clone, Debug)]
pub struct Put(Dashboard);

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
        let name = monitor.names.dashboard();
        let dashboard = async {
            aws.cloudwatch.get_dashboard().dashboard_name(&name).send().await.op(ops::GET_DASHBOARD).optional()
        };
        let arn = arn(monitor, &name);
        let (dashboard, tags) = futures::join!(dashboard, cloudwatch_tags::read(aws, &arn));
        let Some(dashboard) = dashboard.about(ResourceKind::Dashboard, &name)? else { return Ok(None) };
        let tags = tags.about(ResourceKind::Dashboard, &name)?;
        Ok(Some(FoundDashboard { body: body::parse(dashboard.dashboard_body().unwrap_or_default()), tags }))
    }

    fn diff(monitor: &Monitor, goal: Goal<&Dashboard>, observed: &Option<FoundDashboard>) -> Diff<AnyCall> {
        ownership::diff(monitor, goal, &monitor.names.dashboard(), observed.as_ref()).erase()
    }

    fn report(monitor: &Monitor, _goal: Goal<&Dashboard>, observed: &Option<FoundDashboard>) -> Report {
        Report::of(existing::<Dashboard>(monitor, &monitor.names.dashboard(), observed.as_ref()))
    }

    fn details(monitor: &Monitor, goal: Goal<&Dashboard>, observed: &Option<FoundDashboard>) -> Details {
        let is_ours = !Self::report(monitor, goal, observed).resources.is_empty();
        let link = is_ours.then(|| link(monitor));
        Details::new(move |status| status.links.get_or_insert_default().dashboard.clone_from(&link))
    }
}

/// Dashboards belong to the account, not to a region.
fn arn(monitor: &Monitor, name: &str) -> String {
    monitor.account_region.global_arn("cloudwatch", format!("dashboard/{name}"))
}

/// The dashboard in the console.
fn link(monitor: &Monitor) -> String {
    let (host, region) = (monitor.account_region.console_host(), &monitor.account_region.region);
    format!("https://{host}/cloudwatch/home?region={region}#dashboards:name={}", monitor.names.dashboard())
}

impl Resource for Dashboard {
    const KIND: ResourceKind = ResourceKind::Dashboard;

    type Found = FoundDashboard;
    type Call = Put;

    fn name(&self) -> &str {
        &self.name
    }

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(arn(monitor, name))
    }

    fn tags(found: &FoundDashboard) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundDashboard) -> Vec<Step<Put>> {
        if found.body == self.body {
            return Vec::new();
        }
        let change = Change::new(Action::Update, Self::KIND, &self.name)
            .between(&body::by_title(&found.body), &body::by_title(&self.body));
        vec![Step::new(change, Put(self.clone()))]
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        let output = aws
            .cloudwatch
            .put_dashboard()
            .dashboard_name(&self.name)
            .dashboard_body(self.body.to_string())
            // Those of a new dashboard only: CloudWatch ignores them where the dashboard exists.
            .set_tags(Some(cloudwatch_tags::sdk(&monitor.tags)))
            .send()
            .await
            .op(ops::PUT_DASHBOARD)?;
        Ok(match warning(output.dashboard_validation_messages()) {
            Some(warning) => Applied::DoneWithWarning(warning),
            None => Applied::Done,
        })
    }

    async fn call(aws: &Aws, monitor: &Monitor, _name: &str, call: &Put) -> Result<Applied, AwsError> {
        call.0.create(aws, monitor).await
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        cloudwatch_tags::change(aws, &arn(monitor, name), call).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundDashboard) -> Result<Applied, AwsError> {
        aws.cloudwatch.delete_dashboards().dashboard_names(name).send().await.op(ops::DELETE_DASHBOARDS).or_gone()?;
        Ok(Applied::Done)
    }
}

/// What CloudWatch says about a body that it took all the same.
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
    use crate::monitor::fixtures;

    #[test]
    fn the_form_of_the_body_does_not_matter() {
        let monitor = fixtures::monitor();
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let pretty = serde_json::to_string_pretty(&desired.body).unwrap().replace("\"value\": 50", "\"value\": 50.0");
        assert!(pretty.contains("50.0"));
        let observed = Some(FoundDashboard { body: body::parse(&pretty), tags: monitor.tags.clone() });
        let diff = DashboardSystem::diff(&monitor, Goal::Present(&desired), &observed);
        assert!(diff.steps.is_empty(), "{:?}", diff.steps);
    }

    #[test]
    fn a_change_names_the_widget() {
        let mut monitor = fixtures::monitor();
        let observed = Some(FoundDashboard {
            body: DashboardSystem::desired(&monitor).unwrap().unwrap().body,
            tags: monitor.tags.clone(),
        });
        monitor.spec.detections.rejected_connections.period_seconds = 600;
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let diff = DashboardSystem::diff(&monitor, Goal::Present(&desired), &observed);
        let reported = diff.steps[0].change.to_string();
        assert!(reported.contains("Rejected connections.properties.period: 300"), "{reported}");
    }

    #[test]
    fn a_body_that_is_no_json_is_replaced() {
        let monitor = fixtures::monitor();
        let desired = DashboardSystem::desired(&monitor).unwrap().unwrap();
        let observed = Some(FoundDashboard { body: body::parse("{"), tags: monitor.tags.clone() });
        assert_eq!(DashboardSystem::diff(&monitor, Goal::Present(&desired), &observed).steps.len(), 1);
    }

    #[test]
    fn warnings_are_told() {
        let message = DashboardValidationMessage::builder().data_path("/widgets/1").message("Unknown key").build();
        assert_eq!(warning(&[message]).unwrap(), "CloudWatch may not show all of it: /widgets/1: Unknown key");
        assert_eq!(warning(&[]), None);
    }
}
