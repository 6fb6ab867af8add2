//! Reads alarms, models and mute rules from AWS.

use aws_sdk_cloudwatch::types::{CompositeAlarm, MetricAlarm};
use futures::future::{join_all, try_join_all};
use jiff::Timestamp;

use super::alarm::{self, FoundAlarm};
use super::band::{self, FoundBand};
use super::calls::described;
use super::model::{self, FoundModel};
use super::mute_rule::{self, FoundMuteRule};
use super::unread::{Unread, recorded_models, unless_denied};
use super::verdict::{self, FoundVerdict};
use crate::api::ResourceKind;
use crate::aws::{About, Aws, AwsError};
use crate::monitor::Monitor;
use crate::resources::common::alarm_kind::{self, AlarmKind};
use crate::resources::common::cloudwatch_tags;

/// The resources of the system as AWS has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The time of the observation.
    pub(super) at: Timestamp,
    /// Every kind, in the order of [`AlarmKind::known`].
    pub(super) kinds: Vec<Seen>,
    /// Mute rules by their names, whether AWS has them or not.
    pub(super) mute_rules: Vec<(String, Result<Option<FoundMuteRule>, Unread>)>,
}

/// The alarms and models of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub kind: AlarmKind,
    pub alarm: Option<FoundAlarm>,
    pub band: Option<FoundBand>,
    pub verdict: Option<FoundVerdict>,
    pub models: Result<Vec<FoundModel>, Unread>,
}

impl Seen {
    /// The models that AWS shows.
    pub fn models(&self) -> &[FoundModel] {
        self.models.as_deref().unwrap_or_default()
    }
}

/// Reads all of them. Models and mute rules are read only where there may be some: not every operator has the permission. Without it, the
/// other alarms go on.
pub async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
    let known = AlarmKind::known(monitor);
    let names = known.iter().flat_map(|kind| names(*kind, monitor)).collect();
    let (metric_alarms, composites) = described(aws, names).await?;
    let at = Timestamp::now();
    // The first failure in the order of the alarms counts, not the first in time: a failure that lasts is reported in the same words.
    let kinds = known.into_iter().map(async |kind| seen(aws, monitor, kind, (&metric_alarms, &composites), at).await);
    let mut all = Vec::new();
    for kind in join_all(kinds).await {
        all.push(kind?);
    }
    let mute_rules = mute_rule::names(monitor).into_iter().map(async |name| {
        let found = mute_rule::observe(aws, monitor, &name).await.about(ResourceKind::AlarmMuteRule, &name);
        Ok((name, unless_denied(found)?))
    });
    Ok(Observed { at, kinds: all, mute_rules: try_join_all(mute_rules).await? })
}

fn names(kind: AlarmKind, monitor: &Monitor) -> Vec<String> {
    match kind.with_band() {
        Some(_) => vec![kind.alarm_name(monitor), kind.band_name(monitor), kind.verdict_name(monitor)],
        None => vec![kind.alarm_name(monitor)],
    }
}

async fn seen(
    aws: &Aws,
    monitor: &Monitor,
    kind: AlarmKind,
    (metric_alarms, composites): (&[MetricAlarm], &[CompositeAlarm]),
    at: Timestamp,
) -> Result<Seen, AwsError> {
    let tags_of = async |resource: ResourceKind, name: &str| {
        cloudwatch_tags::read(aws, &alarm_kind::arn(monitor, name)).await.about(resource, name)
    };
    let metric_alarm = |name: &str| metric_alarms.iter().find(|alarm| alarm.alarm_name() == Some(name));
    let mut seen = Seen { kind, alarm: None, band: None, verdict: None, models: Ok(Vec::new()) };
    let name = kind.alarm_name(monitor);
    if let Some(found) = metric_alarm(&name) {
        seen.alarm = Some(alarm::normalise(found, tags_of(ResourceKind::Alarm, &name).await?));
    }
    let Some(detection) = kind.with_band() else { return Ok(seen) };
    let name = kind.band_name(monitor);
    if let Some(found) = metric_alarm(&name) {
        seen.band = Some(band::normalise(found, detection, tags_of(ResourceKind::Alarm, &name).await?, at));
    }
    let name = kind.verdict_name(monitor);
    if let Some(found) = composites.iter().find(|alarm| alarm.alarm_name() == Some(&name)) {
        seen.verdict = Some(verdict::normalise(found, tags_of(ResourceKind::CompositeAlarm, &name).await?));
    }
    if kind.anomaly(monitor).is_some()
        || seen.band.is_some()
        || seen.verdict.is_some()
        || recorded_models(monitor, detection).next().is_some()
    {
        let metric_name = detection.metric_name(monitor);
        let models = model::observe(aws, &metric_name).await.about(ResourceKind::AnomalyModel, &metric_name);
        seen.models = unless_denied(models)?;
    }
    Ok(seen)
}
