//! The CloudWatch dashboard: what the detections count, what traffic was accepted and rejected, and how the detector does.

mod body;
mod detector;
mod widget;

use aws_sdk_cloudwatch::types::DashboardValidationMessage;
use serde_json::{Value, json};

use crate::api::{Component, ResourceKind};
use crate::aws::{AccountRegion, Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Existing, Goal, Invalid, Removal, Report, System};
use crate::monitor::{Claim, Monitor, TagDiff, Tags};
use crate::resources::common::cloudwatch_tags;

/// The system [`Component::Dashboard`].
#[derive(Debug)]
pub struct Dashboard;

/// A dashboard as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    body: Value,
    tags: Tags,
}

/// What can be done to the dashboard.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Makes it, or replaces its whole body.
    Put(Value),
    /// Changes its tags; `PutDashboard` sets those of a new dashboard only.
    Tag(TagDiff),
    /// Deletes it.
    Delete,
}

/// Dashboards belong to the account, not to a region.
fn arn(account_region: &AccountRegion, name: &str) -> String {
    account_region.global_arn("cloudwatch", format!("dashboard/{name}"))
}

impl System for Dashboard {
    type Desired = Value;
    type Observed = Option<Observed>;
    type Op = Op;

    const COMPONENT: Component = Component::Dashboard;
    const NEEDS: &'static [Component] = &[];

    fn desired(monitor: &Monitor) -> Result<Option<Value>, Invalid> {
        Ok(monitor.spec.dashboard.enabled.then(|| body::body(monitor)))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Option<Observed>, AwsError> {
        let name = monitor.names.dashboard();
        let dashboard = async {
            aws.cloudwatch.get_dashboard().dashboard_name(&name).send().await.op(ops::GET_DASHBOARD).optional()
        };
        let arn = arn(&aws.account_region, &name);
        let (dashboard, tags) = futures::join!(dashboard, cloudwatch_tags::read(aws, &arn));
        let Some(dashboard) = dashboard? else { return Ok(None) };
        Ok(Some(Observed { body: body::parse(dashboard.dashboard_body().unwrap_or_default()), tags: tags? }))
    }

    fn diff(monitor: &Monitor, goal: Goal<&Value>, observed: &Option<Observed>) -> Diff<Op> {
        let mut diff = Diff::default();
        let name = monitor.names.dashboard();
        let change = |action| Change::new(action, ResourceKind::Dashboard, &name);
        match (goal, observed) {
            (Goal::Present(body), None) => diff.step(change(Action::Create), Op::Put(body.clone())),
            (Goal::Present(body), Some(observed)) => match monitor.claim(&observed.tags) {
                Claim::Foreign(problem) => diff.conflict(ResourceKind::Dashboard, &name, problem),
                claim => repair(monitor, body, observed, &claim, &mut diff),
            },
            (Goal::Absent(_), None) => {}
            (Goal::Absent(_), Some(observed)) if monitor.claim(&observed.tags) != Claim::Ours => {}
            (Goal::Absent(Removal::KeepAll), Some(observed)) => {
                let tags = monitor.retained_tag_diff(&observed.tags);
                if !tags.is_empty() {
                    diff.step(change(Action::Retain), Op::Tag(tags));
                }
            }
            (Goal::Absent(Removal::Everything | Removal::KeepData), Some(_)) => {
                diff.step(change(Action::Delete), Op::Delete);
            }
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &Op) -> Result<Applied, AwsError> {
        let (cloudwatch, name) = (&aws.cloudwatch, monitor.names.dashboard());
        match op {
            Op::Put(body) => {
                let output = cloudwatch
                    .put_dashboard()
                    .dashboard_name(&name)
                    .dashboard_body(body.to_string())
                    .set_tags(Some(cloudwatch_tags::sdk(&monitor.tags)))
                    .send()
                    .await
                    .op(ops::PUT_DASHBOARD)?;
                if let Some(warning) = warning(output.dashboard_validation_messages()) {
                    return Ok(Applied::DoneWithWarning(warning));
                }
            }
            Op::Tag(tags) => {
                let arn = arn(&monitor.account_region, &name);
                cloudwatch_tags::change(aws, &arn, tags).await?;
            }
            Op::Delete => {
                cloudwatch
                    .delete_dashboards()
                    .dashboard_names(&name)
                    .send()
                    .await
                    .op(ops::DELETE_DASHBOARDS)
                    .or_gone()?;
            }
        }
        Ok(Applied::Done)
    }

    fn report(monitor: &Monitor, _goal: Goal<&Value>, observed: &Option<Observed>) -> Report {
        let name = monitor.names.dashboard();
        let is_ours = observed.as_ref().is_some_and(|observed| monitor.claim(&observed.tags) == Claim::Ours);
        if !is_ours {
            return Report::default();
        }
        let account_region = &monitor.account_region;
        let link = format!(
            "https://{}/cloudwatch/home?region={}#dashboards:name={name}",
            account_region.console_host(),
            account_region.region
        );
        let arn = arn(account_region, &name);
        Report {
            resources: vec![Existing::new(ResourceKind::Dashboard, name, arn)],
            dashboard: Some(link),
            ..Report::default()
        }
    }
}

fn repair(monitor: &Monitor, body: &Value, observed: &Observed, claim: &Claim, diff: &mut Diff<Op>) {
    let change = |action| Change::new(action, ResourceKind::Dashboard, monitor.names.dashboard());
    let tags = monitor.tag_diff(&observed.tags);
    if !tags.is_empty() {
        let action = if *claim == Claim::Adopt { Action::Adopt } else { Action::Update };
        let wanted = tags.applied_to(&observed.tags);
        diff.step(change(action).field("tags", Some(json!(observed.tags)), Some(json!(wanted))), Op::Tag(tags));
    }
    if observed.body != *body {
        let change = change(Action::Update).between(&body::by_title(&observed.body), &body::by_title(body));
        diff.step(change, Op::Put(body.clone()));
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
        let desired = Dashboard::desired(&monitor).unwrap().unwrap();
        let pretty = serde_json::to_string_pretty(&desired).unwrap().replace("\"value\": 50", "\"value\": 50.0");
        assert!(pretty.contains("50.0"));
        let observed = Some(Observed { body: body::parse(&pretty), tags: monitor.tags.clone() });
        let diff = Dashboard::diff(&monitor, Goal::Present(&desired), &observed);
        assert!(diff.steps.is_empty(), "{:?}", diff.steps);
    }

    #[test]
    fn a_change_names_the_widget() {
        let mut monitor = fixtures::monitor();
        let observed =
            Some(Observed { body: Dashboard::desired(&monitor).unwrap().unwrap(), tags: monitor.tags.clone() });
        monitor.spec.detections.rejected_connections.period_seconds = 600;
        let desired = Dashboard::desired(&monitor).unwrap().unwrap();
        let diff = Dashboard::diff(&monitor, Goal::Present(&desired), &observed);
        let reported = diff.steps[0].change.to_string();
        assert!(reported.contains("Rejected connections.properties.period: 300"), "{reported}");
    }

    #[test]
    fn a_body_that_is_no_json_is_replaced() {
        let monitor = fixtures::monitor();
        let desired = Dashboard::desired(&monitor).unwrap().unwrap();
        let observed = Some(Observed { body: body::parse("{"), tags: monitor.tags.clone() });
        assert_eq!(Dashboard::diff(&monitor, Goal::Present(&desired), &observed).steps.len(), 1);
    }

    #[test]
    fn warnings_are_told() {
        let message = DashboardValidationMessage::builder().data_path("/widgets/1").message("Unknown key").build();
        assert_eq!(warning(&[message]).unwrap(), "CloudWatch may not show all of it: /widgets/1: Unknown key");
        assert_eq!(warning(&[]), None);
    }
}
