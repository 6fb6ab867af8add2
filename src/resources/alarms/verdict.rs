//! The composite alarm that decides between the threshold and the band, and notifies.

use aws_sdk_cloudwatch::types::{CompositeAlarm, StateValue, Tag};
use serde::Serialize;

use super::calls::{delete, described, status};
use super::condition::description;
use crate::api::ResourceKind;
use crate::api::anomaly_mode::AnomalyMode;
use crate::api::spec::{Anomaly, Direction};
use crate::api::status::AlarmStatus;
use crate::aws::{Aws, AwsError, AwsResult, Class, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Monitor, TagCall, Tags};
use crate::resources::common::alarm_kind::{self, AlarmKind};
use crate::resources::common::cloudwatch_tags;
use crate::resources::common::detections::Detection;

/// The composite alarm as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    name: String,
    definition: Definition,
    /// Present if the band begins or ceases to take part.
    turn: Option<Turn>,
}

/// The band begins or ceases to take part, because time has passed or its model has changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The rule that the status stands for.
    pub former_rule: String,
    /// The reason.
    pub why: String,
}

/// `PutCompositeAlarm` replaces it whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    description: String,
    rule: String,
    actions_enabled: bool,
    alarm_actions: Vec<String>,
    ok_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    actions_suppressor: Option<String>,
}

/// The composite alarm as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundVerdict {
    definition: Definition,
    pub state: AlarmStatus,
    pub tags: Tags,
}

impl FoundVerdict {
    /// True if it notifies somebody.
    pub const fn notifies(&self) -> bool {
        self.definition.notifies()
    }
}

#[cfg(test)]
impl FoundVerdict {
    /// The composite alarm as AWS returns it once all is as declared.
    pub fn of(verdict: &Verdict, notifies: bool, tags: Tags) -> Self {
        let definition = Definition { actions_enabled: notifies, ..verdict.definition.clone() };
        let state = AlarmStatus { name: verdict.name.clone(), state: "OK".to_owned(), since: None };
        Self { definition, state, tags }
    }
}

impl Definition {
    const fn notifies(&self) -> bool {
        self.actions_enabled && !self.alarm_actions.is_empty()
    }
}

impl Verdict {
    /// The composite alarm that the spec asks for, with the topics to notify in ALARM and in OK.
    pub fn wanted(
        monitor: &Monitor,
        detection: Detection,
        (alarm_actions, ok_actions): (Vec<String>, Vec<String>),
        rule: String,
        turn: Option<Turn>,
    ) -> Self {
        let kind = AlarmKind::from(detection);
        let condition = kind.condition(monitor);
        let when = in_words(detection.anomaly(monitor), condition.threshold);
        let definition = Definition {
            description: description(monitor, kind, &when, &condition.advice),
            rule,
            actions_enabled: true,
            alarm_actions,
            ok_actions,
            insufficient_data_actions: Vec::new(),
            actions_suppressor: None,
        };
        Self { name: kind.verdict_name(monitor), definition, turn }
    }

    /// The composite alarm that AWS has, without notifications.
    pub fn silenced(name: &str, found: &FoundVerdict) -> Self {
        let definition = Definition { actions_enabled: false, ..found.definition.clone() };
        Self { name: name.to_owned(), definition, turn: None }
    }

    /// The same with the actions of another one switched on or off: the alarm on the threshold hands over to it in a step of its own.
    pub fn with_actions_of(&self, found: &FoundVerdict) -> Self {
        let definition = Definition { actions_enabled: found.definition.actions_enabled, ..self.definition.clone() };
        Self { definition, ..self.clone() }
    }
}

fn in_words(anomaly: &Anomaly, threshold: f64) -> String {
    let unusual = match anomaly.direction {
        Direction::Above => "above what is usual",
        Direction::Below => "below what is usual",
        Direction::Outside => "above or below what is usual",
    };
    let above = format!("above the threshold of {threshold} flows");
    let when = match anomaly.mode {
        AnomalyMode::Disabled => above,
        AnomalyMode::Either => format!("{above}, or {unusual}"),
        AnomalyMode::Both => format!("{above}, and {unusual}"),
        AnomalyMode::Band => unusual.to_owned(),
    };
    format!("{when}. Until the band has learnt for {} days, the threshold alone decides", anomaly.training_days)
}

/// Reads the definition.
pub fn normalise(found: &CompositeAlarm, tags: Tags) -> FoundVerdict {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let definition = Definition {
        description: text(found.alarm_description()),
        rule: text(found.alarm_rule()),
        actions_enabled: found.actions_enabled().unwrap_or(true),
        alarm_actions: found.alarm_actions().to_vec(),
        ok_actions: found.ok_actions().to_vec(),
        insufficient_data_actions: found.insufficient_data_actions().to_vec(),
        actions_suppressor: found.actions_suppressor().map(str::to_owned),
    };
    FoundVerdict { definition, state: state(found), tags }
}

/// The state of a composite alarm.
pub fn state(found: &CompositeAlarm) -> AlarmStatus {
    status(found.alarm_name(), found.state_value(), found.state_transitioned_timestamp())
}

impl Resource for Verdict {
    const KIND: ResourceKind = ResourceKind::CompositeAlarm;

    type Found = FoundVerdict;
    type Call = Self;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(alarm_kind::arn(monitor, name))
    }

    fn tags(found: &FoundVerdict) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundVerdict) -> Vec<Step<Self>> {
        let (old, new) = (&found.definition, &self.definition);
        if old == new {
            return Vec::new();
        }
        let mut change = Change::new(Action::Update, Self::KIND, &self.name).between(old, new);
        // Another rule than the former one is somebody's edit, which is repaired.
        if let Some(turn) = self.turn.as_ref().filter(|turn| old.rule == turn.former_rule && old.rule != new.rule) {
            change = change.because(&turn.why).by_time();
        }
        vec![Step::new(change, self.clone())]
    }

    /// Without actions at first: its first state would notify of a breach that the alarm on the threshold has notified of.
    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        let mut silent = self.clone();
        silent.definition.actions_enabled = false;
        put(aws, &silent, Some(cloudwatch_tags::sdk(&monitor.tags))).await
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, verdict: &Self) -> Result<Applied, AwsError> {
        put(aws, verdict, None).await
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        cloudwatch_tags::change(aws, &alarm_kind::arn(monitor, name), call).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundVerdict) -> Result<Applied, AwsError> {
        delete(aws, name).await
    }
}

/// Writes the definition.
pub async fn put(aws: &Aws, verdict: &Verdict, tags: Option<Vec<Tag>>) -> Result<Applied, AwsError> {
    let definition = &verdict.definition;
    aws.cloudwatch
        .put_composite_alarm()
        .alarm_name(&verdict.name)
        .alarm_description(&definition.description)
        .alarm_rule(&definition.rule)
        .actions_enabled(definition.actions_enabled)
        .set_alarm_actions(Some(definition.alarm_actions.clone()))
        .set_ok_actions(Some(definition.ok_actions.clone()))
        .set_tags(tags)
        .send()
        .await
        .op(ops::PUT_COMPOSITE_ALARM)?;
    Ok(Applied::Done)
}

/// Makes the composite alarm notify. It must be there, with the declared rule, and CloudWatch must have evaluated it once: only the first state
/// after the creation is `INSUFFICIENT_DATA`, see `PutCompositeAlarm`.
pub async fn begin_to_notify(aws: &Aws, verdict: &Verdict) -> Result<(), AwsError> {
    let (_, composites) = described(aws, vec![verdict.name.clone()]).await?;
    let found = composites.first().map(|found| normalise(found, Tags::new()));
    let problem = match &found {
        None => {
            "CloudWatch does not show the composite alarm yet; it never does without a permission for cloudwatch:DescribeAlarms on *"
        }
        Some(found) if found.definition.rule != verdict.definition.rule => {
            "the composite alarm does not have its rule yet"
        }
        Some(found) if found.state.state == StateValue::InsufficientData.as_str() => {
            "CloudWatch has not evaluated the composite alarm yet"
        }
        Some(found) if found.notifies() => return Ok(()),
        Some(_) => {
            put(aws, verdict, None).await?;
            return Ok(());
        }
    };
    let error =
        AwsError::reported(ops::DESCRIBE_ALARMS, "NotYet", &format!("{problem}, so the alarm still notifies itself"));
    Err(AwsError { class: Class::NotYet, overdue: Class::Transient, ..error })
}
