//! Alarm mute rules: the quiet times of the spec.

use aws_sdk_cloudwatch::operation::get_alarm_mute_rule::GetAlarmMuteRuleOutput;
use aws_sdk_cloudwatch::types::{AlarmMuteRuleStatus, MuteTargets, Rule, Schedule, Tag};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Serialize;

use crate::api::spec::QuietTime;
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError, AwsResult, Class, Gone, Optional, operations as ops};
use crate::engine::{Applied, Resource, Step, rewrite};
use crate::monitor::{Monitor, TagCall, Tags};
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::cloudwatch_tags;
use crate::resources::common::set_members::set_members;

/// The limits of AWS: see `Schedule` under `PutAlarmMuteRule`.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The field of the spec that asks for mute rules.
pub const FIELD: &str = "notifications.quietTimes";

/// A mute rule. `PutAlarmMuteRule` replaces it whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MuteRule {
    #[serde(skip)]
    name: String,
    description: String,
    schedule: String,
    duration: String,
    timezone: String,
    /// Names of alarms, sorted.
    alarms: Vec<String>,
    others: Vec<String>,
}

/// A mute rule as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundMuteRule {
    pub rule: MuteRule,
    /// True if it mutes its alarms now.
    pub is_active: bool,
    pub tags: Tags,
}

impl FoundMuteRule {
    /// True if the alarm of that name sends nothing now.
    pub fn mutes_now(&self, alarm: &str) -> bool {
        self.is_active && self.rule.alarms.iter().any(|muted| muted == alarm)
    }
}

fn name(monitor: &Monitor, quiet_time: &QuietTime) -> String {
    format!("{}-{}", monitor.names.base(), quiet_time.name)
}

/// The names under which there may be a mute rule: those of the spec, and those that earlier passes recorded.
pub fn names(monitor: &Monitor) -> Vec<String> {
    let mut names: Vec<_> = monitor.spec.notifications.quiet_times.iter().map(|it| name(monitor, it)).collect();
    for recorded in &monitor.recorded {
        let is_rule = (recorded.component, recorded.kind) == (Component::Alarms, ResourceKind::AlarmMuteRule);
        if is_rule && !names.contains(&recorded.name) {
            names.push(recorded.name.clone());
        }
    }
    names
}

/// Checks what the schema cannot: the length of each quiet time.
pub fn check(monitor: &Monitor) -> Result<(), Invalid> {
    for (index, quiet_time) in monitor.spec.notifications.quiet_times.iter().enumerate() {
        if !length(quiet_time).is_some_and(|length| (SHORTEST..=LONGEST).contains(&length)) {
            let QuietTime { name, duration, .. } = quiet_time;
            let problem =
                format!("the duration `{duration}` of `{name}` is not from PT1M (a minute) to P15D (15 days)");
            return Err(Invalid::new(format!("{FIELD}[{index}].duration"), problem));
        }
    }
    Ok(())
}

/// The length of a quiet time, if it is one.
pub(super) fn length(quiet_time: &QuietTime) -> Option<SignedDuration> {
    let span = quiet_time.duration.parse::<Span>().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

impl MuteRule {
    /// The rules that the spec asks for. `alarms_of`: the names of a kind's alarms that are ours once the steps before are taken. A quiet time
    /// without alarms has no rule.
    pub fn wanted(monitor: &Monitor, alarms_of: impl Fn(AlarmKind) -> Vec<String>) -> Vec<Self> {
        let of = |quiet_time: &QuietTime| {
            let is_quiet = |kind: &AlarmKind| match kind {
                AlarmKind::Detection(detection) => {
                    let named = &quiet_time.detections;
                    let is_named = named.iter().any(|name| *name == detection.in_spec());
                    kind.enabled(monitor) && (named.is_empty() || is_named)
                }
                AlarmKind::DetectorErrors => false,
            };
            let kinds = AlarmKind::declared(monitor).into_iter().filter(is_quiet);
            let mut alarms: Vec<String> = kinds.flat_map(&alarms_of).collect();
            alarms.sort_unstable();
            let Monitor { namespace, name: monitor_name, .. } = monitor;
            Self {
                name: name(monitor, quiet_time),
                description: format!(
                    "Quiet time {}. Managed by VpcFlowMonitor {namespace}/{monitor_name}.",
                    quiet_time.name
                ),
                schedule: quiet_time.schedule.clone(),
                duration: quiet_time.duration.clone(),
                timezone: quiet_time.timezone.clone(),
                alarms,
                others: Vec::new(),
            }
        };
        let rules = monitor.spec.notifications.quiet_times.iter().map(of);
        rules.filter(|rule| !rule.alarms.is_empty()).collect()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Reads the mute rule of that name.
pub async fn observe(aws: &Aws, monitor: &Monitor, name: &str) -> Result<Option<FoundMuteRule>, AwsError> {
    let request = aws.cloudwatch.get_alarm_mute_rule().alarm_mute_rule_name(name);
    let Some(found) = request.send().await.op(ops::GET_ALARM_MUTE_RULE).optional()? else { return Ok(None) };
    let tags = cloudwatch_tags::read(aws, &arn(monitor, name)).await?;
    let is_active = found.status() == Some(&AlarmMuteRuleStatus::Active);
    Ok(Some(FoundMuteRule { rule: normalise(&found, name), is_active, tags }))
}

fn normalise(found: &GetAlarmMuteRuleOutput, name: &str) -> MuteRule {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let schedule = found.rule().and_then(Rule::schedule);
    let mut alarms = found.mute_targets().map(|targets| targets.alarm_names().to_vec()).unwrap_or_default();
    alarms.sort_unstable();
    let dates = [("startDate", found.start_date().is_some()), ("expireDate", found.expire_date().is_some())];
    MuteRule {
        name: name.to_owned(),
        description: text(found.description()),
        schedule: text(schedule.and_then(Schedule::expression)),
        duration: text(schedule.and_then(Schedule::duration)),
        // The default of AWS.
        timezone: schedule.and_then(Schedule::timezone).unwrap_or("UTC").to_owned(),
        alarms,
        others: set_members(dates),
    }
}

fn arn(monitor: &Monitor, name: &str) -> String {
    monitor.account_region.arn("cloudwatch", format!("alarm-mute-rule:{name}"))
}

impl Resource for MuteRule {
    const KIND: ResourceKind = ResourceKind::AlarmMuteRule;

    type Found = FoundMuteRule;
    type Call = Self;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(arn(monitor, name))
    }

    fn tags(found: &FoundMuteRule) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundMuteRule) -> Vec<Step<Self>> {
        rewrite(self, &self.name, &found.rule, self)
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self, Some(cloudwatch_tags::sdk(&monitor.tags))).await
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, rule: &Self) -> Result<Applied, AwsError> {
        put(aws, rule, None).await
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        cloudwatch_tags::change(aws, &arn(monitor, name), call).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundMuteRule) -> Result<Applied, AwsError> {
        let request = aws.cloudwatch.delete_alarm_mute_rule().alarm_mute_rule_name(name);
        request.send().await.op(ops::DELETE_ALARM_MUTE_RULE).or_gone()?;
        Ok(Applied::Done)
    }
}

async fn put(aws: &Aws, rule: &MuteRule, tags: Option<Vec<Tag>>) -> Result<Applied, AwsError> {
    let schedule = Schedule::builder().expression(&rule.schedule).duration(&rule.duration).timezone(&rule.timezone);
    let targets = MuteTargets::builder().set_alarm_names(Some(rule.alarms.clone()));
    aws.cloudwatch
        .put_alarm_mute_rule()
        .name(&rule.name)
        .description(&rule.description)
        .rule(Rule::builder().schedule(schedule.build()).build())
        .mute_targets(targets.build())
        .set_tags(tags)
        .send()
        .await
        .op(ops::PUT_ALARM_MUTE_RULE)
        .map_err(|error| with_remedy(error, rule))?;
    Ok(Applied::Done)
}

/// AWS names its own parameters, not the fields of the spec.
fn with_remedy(error: AwsError, rule: &MuteRule) -> AwsError {
    if error.class != Class::Terminal {
        return error;
    }
    let MuteRule { schedule, duration, timezone, .. } = rule;
    error.with_remedy(format!(
        "correct schedule, `{schedule}`, duration, `{duration}`, or timezone, `{timezone}`, of the entry of spec.{FIELD}"
    ))
}
