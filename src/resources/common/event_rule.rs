//! An event rule with one target of ours.
//!
//! See `PutRule` in the `EventBridge` API reference: it replaces a rule whole, and ignores the tags of a rule that exists.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types::{self, RuleState, Tag};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::event_tags;
use super::set_members::set_members;
use crate::api::ResourceKind;
use crate::aws::operations::Operation;
use crate::aws::{AccountRegion, Aws, AwsError, AwsResult, Expected, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Owner, TagCall, Tags};

/// Key of the tag with the time since when the rule sends events.
pub const SINCE: &str = "vpcflow.dev/events-since";

/// A rule as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRule {
    /// Its name.
    pub name: String,
    /// The name of its bus; the default bus if none.
    pub bus: Option<String>,
    /// Its description in the console.
    pub description: String,
    /// The events that it takes.
    pub event_pattern: Value,
    /// Id of our target.
    pub target_id: &'static str,
    /// Our target.
    pub target: Target,
    /// True if a tag of it has the time of its creation.
    pub is_dated: bool,
}

/// The settings that `PutRule` replaces.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    description: String,
    pub(crate) event_pattern: Value,
    pub(crate) state: String,
    /// Never set by us.
    schedule: Option<String>,
}

/// A target, and members of it that are never set by us and would change what it gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its ARN.
    pub arn: String,
    /// The role by which `EventBridge` sends events to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Other members that are set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

/// A rule as AWS has it, with its targets by id.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundEventRule {
    pub(crate) bus: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) targets: BTreeMap<String, Target>,
    pub(crate) tags: Tags,
}

/// Changes a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum EventRuleCall {
    /// Replaces its settings.
    Put(EventRule),
    /// Sets its target.
    Target(EventRule),
}

/// ARN of a rule: on the default bus if none is named.
#[must_use]
pub fn arn(account_region: &AccountRegion, bus: Option<&str>, name: &str) -> String {
    let bus = bus.map(|bus| format!("{bus}/")).unwrap_or_default();
    account_region.arn("events", format!("rule/{bus}{name}"))
}

/// Reads the rule of that name.
pub async fn observe(aws: &Aws, bus: Option<&str>, name: &str) -> Result<Option<FoundEventRule>, AwsError> {
    let request = aws.events.describe_rule().name(name).set_event_bus_name(bus.map(str::to_owned));
    let Some(rule) = request.send().await.op(ops::DESCRIBE_RULE).optional()? else {
        return Ok(None);
    };
    let arn = arn(&aws.account_region, bus, name);
    let (targets, tags) = futures::try_join!(targets(aws, bus, name), event_tags::read(aws, &arn))?;
    Ok(Some(FoundEventRule { bus: bus.map(str::to_owned), settings: settings(rule), targets, tags }))
}

fn settings(rule: DescribeRuleOutput) -> Settings {
    Settings {
        description: rule.description.unwrap_or_default(),
        event_pattern: rule.event_pattern.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        state: rule.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        schedule: rule.schedule_expression,
    }
}

/// A rule has at most five targets: "Amazon `EventBridge` quotas".
async fn targets(aws: &Aws, bus: Option<&str>, name: &str) -> Result<BTreeMap<String, Target>, AwsError> {
    let request = aws.events.list_targets_by_rule().rule(name).set_event_bus_name(bus.map(str::to_owned));
    let targets = request.send().await.op(ops::LIST_TARGETS).expected()?.targets.unwrap_or_default();
    let found = |target: types::Target| {
        let others = others(&target);
        (target.id, Target { arn: target.arn, role_arn: target.role_arn, others })
    };
    Ok(targets.into_iter().map(found).collect())
}

fn others(target: &types::Target) -> Vec<String> {
    set_members([
        ("input", target.input.is_some()),
        ("inputPath", target.input_path.is_some()),
        ("inputTransformer", target.input_transformer.is_some()),
    ])
}

impl EventRule {
    /// Its name for status and events, which begins with that of its bus unless that is the default one, as in its ARN.
    #[must_use]
    pub fn full_name(&self) -> String {
        let bus = self.bus.as_ref().map(|bus| format!("{bus}/")).unwrap_or_default();
        format!("{bus}{}", self.name)
    }

    /// The settings that `PutRule` replaces.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            description: self.description.clone(),
            event_pattern: self.event_pattern.clone(),
            state: RuleState::Enabled.as_str().to_owned(),
            schedule: None,
        }
    }

    async fn put(&self, aws: &Aws, tags: Option<Vec<Tag>>) -> Result<(), AwsError> {
        aws.events
            .put_rule()
            .name(&self.name)
            .set_event_bus_name(self.bus.clone())
            .description(&self.description)
            .event_pattern(self.event_pattern.to_string())
            .state(RuleState::Enabled)
            .set_tags(tags)
            .send()
            .await
            .op(ops::PUT_RULE)?;
        Ok(())
    }

    async fn put_target(&self, aws: &Aws) -> Result<(), AwsError> {
        let target = types::Target::builder().id(self.target_id).arn(&self.target.arn);
        let target = target.set_role_arn(self.target.role_arn.clone()).build();
        let target = target.map_err(|error| AwsError::reported(ops::PUT_TARGETS, "NotSent", &error.to_string()))?;
        let request = aws.events.put_targets().rule(&self.name).set_event_bus_name(self.bus.clone()).targets(target);
        let output = request.send().await.op(ops::PUT_TARGETS)?;
        // The call succeeds even if no target was set.
        match output.failed_entries().first() {
            None => Ok(()),
            Some(entry) => Err(failed(ops::PUT_TARGETS, entry.error_code(), entry.error_message())),
        }
    }
}

impl FoundEventRule {
    /// The time since when it sends events, if it is known.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.tags.get(SINCE)?.parse().ok()
    }

    /// True if it takes other events than `declared`.
    #[must_use]
    pub fn takes_others(&self, declared: &EventRule) -> bool {
        self.settings.event_pattern != declared.event_pattern
    }
}

impl<O: Owner> Resource<O> for EventRule {
    const KIND: ResourceKind = ResourceKind::EventRule;

    type Found = FoundEventRule;
    type Call = EventRuleCall;

    /// The names of rules on another bus begin with that of the bus.
    fn arn(owner: &O, name: &str) -> Option<String> {
        Some(owner.account_region().arn("events", format!("rule/{name}")))
    }

    fn tags(found: &FoundEventRule) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _owner: &O, found: &FoundEventRule) -> Vec<Step<EventRuleCall>> {
        let mut steps = Vec::new();
        let change = || Change::new(Action::Update, ResourceKind::EventRule, self.full_name());
        let settings = self.settings();
        if found.settings != settings {
            let change = change().between(&found.settings, &settings);
            steps.push(Step::new(change, EventRuleCall::Put(self.clone())));
        }
        let target = found.targets.get(self.target_id);
        if target != Some(&self.target) {
            let change = change().field("target", &target, &Some(&self.target));
            steps.push(Step::new(change, EventRuleCall::Target(self.clone())));
        }
        steps
    }

    async fn create(&self, aws: &Aws, owner: &O) -> Result<Applied, AwsError> {
        let mut tags = owner.tags().clone();
        if self.is_dated {
            tags.insert(SINCE.to_owned(), format!("{:.0}", Timestamp::now()));
        }
        self.put(aws, Some(event_tags::sdk(&tags)?)).await?;
        self.put_target(aws).await?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _owner: &O, _name: &str, call: &EventRuleCall) -> Result<Applied, AwsError> {
        match call {
            EventRuleCall::Put(rule) => rule.put(aws, None).await?,
            EventRuleCall::Target(rule) => rule.put_target(aws).await?,
        }
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, owner: &O, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        event_tags::change(aws, &owner.account_region().arn("events", format!("rule/{name}")), call).await
    }

    /// Removes all targets first: a rule with targets cannot be deleted.
    async fn delete(aws: &Aws, _owner: &O, name: &str, found: &FoundEventRule) -> Result<Applied, AwsError> {
        let (events, bus) = (&aws.events, &found.bus);
        let name = name.rsplit('/').next().unwrap_or(name);
        let listed = events.list_targets_by_rule().rule(name).set_event_bus_name(bus.clone()).send().await;
        let listed = listed.op(ops::LIST_TARGETS).optional()?;
        let ids: Vec<_> = listed.and_then(|it| it.targets).unwrap_or_default().into_iter().map(|it| it.id).collect();
        if !ids.is_empty() {
            let request = events.remove_targets().rule(name).set_event_bus_name(bus.clone()).set_ids(Some(ids));
            let removed = request.send().await.op(ops::REMOVE_TARGETS).optional()?;
            let entries = removed.and_then(|output| output.failed_entries).unwrap_or_default();
            if let Some(entry) = entries.first() {
                return Err(failed(ops::REMOVE_TARGETS, entry.error_code(), entry.error_message()));
            }
        }
        let request = events.delete_rule().name(name).set_event_bus_name(bus.clone());
        request.send().await.op(ops::DELETE_RULE).or_gone()?;
        Ok(Applied::Done)
    }
}

fn failed(operation: &'static Operation, code: Option<&str>, message: Option<&str>) -> AwsError {
    AwsError::reported(operation, code.unwrap_or("Unknown"), message.unwrap_or_default())
}

#[cfg(test)]
impl FoundEventRule {
    /// The rule as AWS returns it if all is as declared.
    pub(crate) fn as_wanted(rule: &EventRule, tags: &Tags) -> Self {
        let targets = [(rule.target_id.to_owned(), rule.target.clone())].into();
        Self { bus: rule.bus.clone(), settings: rule.settings(), targets, tags: tags.clone() }
    }
}
