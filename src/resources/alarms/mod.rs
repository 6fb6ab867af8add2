//! The alarms: one on each detection's metric, and one on the detector's own errors. A detection may also have a band of what is usual: then a
//! composite alarm decides between the threshold and the band, and notifies. Mute rules keep alarms quiet at times.

mod alarm;
mod band;
mod bands;
mod calls;
mod condition;
mod custom;
mod decision;
mod model;
mod model_state;
mod mute_rule;
mod observation;
mod quiet_notices;
mod tags;
mod unread;
mod verdict;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use self::alarm::wanted;
pub use self::alarm::{Alarm, FoundAlarm};
use self::band::BandAlarm;
use self::bands::{Bands, learning};
use self::calls::described;
use self::model::Model;
use self::mute_rule::{FoundMuteRule, MuteRule};
pub use self::observation::Observed;
use self::observation::Seen;
use self::unread::{Unread, recorded_models, recorded_mute_rule, remembered};
use self::verdict::Verdict;
use crate::api::conditions::Reason;
use crate::api::status::{AlarmStatus, DetectionStatus};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{
    AnyCall, Details, Diff, Existing, Goal, Removal, Report, Resource, System, SystemHealth, existing, ownership,
};
use crate::monitor::{Claim, Claims, Monitor};
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::metric_filters::custom::CustomDetections;

/// The system [`Component::Alarms`].
#[derive(Debug)]
pub struct Alarms;

impl System for Alarms {
    /// The alarms on thresholds; the rest depends on the progress of learning, and so on the observation. The alarm of a detection of the user
    /// that is refused is an error: the metric counts by another condition, or by none.
    type Desired = Vec<(AlarmKind, Result<Alarm, Invalid>)>;
    type Observed = Observed;

    const COMPONENT: Component = Component::Alarms;
    const NEEDS: &'static [Component] = &[Component::Notifications];

    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid> {
        let enabled = AlarmKind::declared(monitor).into_iter().filter(|kind| kind.enabled(monitor));
        let own = CustomDetections::read(&monitor.spec);
        let alarm = |kind| custom::refusal(&own, kind).map_or_else(|| Ok(wanted(monitor, kind)), Err);
        let alarms: Vec<_> = enabled.map(|kind| (kind, alarm(kind))).collect();
        Ok(if alarms.is_empty() { None } else { Some(alarms) })
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        observation::observe(aws, monitor).await
    }

    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Observed) -> Diff<AnyCall> {
        match goal {
            Goal::Present(alarms) => diff_of_present(monitor, alarms, observed),
            Goal::Absent(removal) => diff_of_absent(monitor, removal, observed),
        }
    }

    fn report(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Observed) -> Report {
        let of_kinds = observed.kinds.iter().flat_map(|seen| resources(monitor, seen));
        let mute_rules = observed.mute_rules.iter().filter_map(|(name, found)| match found {
            Ok(found) => existing::<MuteRule, _>(monitor, name, found.as_ref()),
            Err(_) => recorded_mute_rule(monitor, name).map(remembered),
        });
        let notices = match goal {
            Goal::Present(_) => quiet_notices::all(&monitor.spec.notifications.quiet_times, observed.at),
            Goal::Absent(_) => Vec::new(),
        };
        Report { health: health(monitor, observed), notices, ..Report::of(of_kinds.chain(mute_rules)) }
    }

    fn details(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Observed) -> Details {
        let alarms = states(monitor, observed);
        let detections = match goal {
            Goal::Present(_) => {
                observed.kinds.iter().filter_map(|seen| detection(monitor, seen, observed.at)).collect()
            }
            Goal::Absent(_) => Vec::new(),
        };
        Details::new(move |status| {
            status.alarms.clone_from(&alarms);
            status.detections.clone_from(&detections);
        })
    }
}

fn diff_of_present(
    monitor: &Monitor,
    alarms: &[(AlarmKind, Result<Alarm, Invalid>)],
    observed: &Observed,
) -> Diff<AnyCall> {
    let mut parts: Vec<Diff<AnyCall>> = observed
        .kinds
        .iter()
        .map(|seen| match alarms.iter().find(|(kind, _)| *kind == seen.kind) {
            Some((_, Ok(alarm))) => bands::diff(monitor, alarm, seen, observed.at),
            Some((_, Err(refusal))) => custom::diff_of_refused(monitor, refusal, seen),
            None => absent(monitor, Removal::SwitchedOff, seen),
        })
        .collect();
    let is_refused = |kind| alarms.iter().any(|(refused, alarm)| *refused == kind && alarm.is_err());
    let alarms_of = |kind: AlarmKind| {
        let of_kind = observed.kinds.iter().zip(&parts).filter(|(seen, _)| seen.kind == kind);
        let mut of_kind = of_kind.filter(|(seen, _)| seen.alarm.is_some() || !is_refused(kind));
        of_kind.next().map(|(seen, part)| alarms_of_ours(monitor, seen, part)).unwrap_or_default()
    };
    let mute_rules = diff_of_mute_rules(monitor, &alarms_of, observed);
    // A failed creation holds up the later steps: a region that has no room for one more model must not hold up other detections.
    parts.sort_by_key(creates_model);
    let mut diff = Diff::default();
    for part in parts {
        diff.append(part);
    }
    diff.append(mute_rules);
    diff
}

fn creates_model(diff: &Diff<AnyCall>) -> bool {
    diff.steps.iter().any(|step| step.change.kind == ResourceKind::AnomalyModel && step.change.creates())
}

fn creates_verdict(diff: &Diff<AnyCall>) -> bool {
    diff.steps.iter().any(|step| step.change.kind == ResourceKind::CompositeAlarm && step.change.creates())
}

/// The names of the alarms of a kind that may notify and that are ours once the steps of `part` are taken. Nothing of ours mutes an alarm of
/// somebody else.
fn alarms_of_ours(monitor: &Monitor, seen: &Seen, part: &Diff<AnyCall>) -> Vec<String> {
    let has_verdict = seen.kind.anomaly(monitor).is_some() && (seen.verdict.is_some() || creates_verdict(part));
    let mut names = vec![seen.kind.alarm_name(monitor)];
    names.extend(has_verdict.then(|| seen.kind.verdict_name(monitor)));
    names.retain(|name| part.conflicts.iter().all(|conflict| conflict.name != *name));
    names
}

fn diff_of_mute_rules(
    monitor: &Monitor,
    alarms_of: &dyn Fn(AlarmKind) -> Vec<String>,
    observed: &Observed,
) -> Diff<AnyCall> {
    let mut diff = Diff::default();
    if let Err(invalid) = mute_rule::check(monitor) {
        diff.invalid.push(invalid);
        return diff;
    }
    let wanted = MuteRule::wanted(monitor, alarms_of);
    for (name, found) in &observed.mute_rules {
        let rule = wanted.iter().find(|rule| rule.name() == name);
        let goal = rule.map_or(Goal::Absent(Removal::SwitchedOff), Goal::Present);
        diff.append(diff_of_mute_rule(monitor, goal, name, found));
    }
    diff
}

fn diff_of_mute_rule(
    monitor: &Monitor,
    goal: Goal<&MuteRule>,
    name: &str,
    found: &Result<Option<FoundMuteRule>, Unread>,
) -> Diff<AnyCall> {
    let mut diff = Diff::default();
    match found {
        Ok(found) => diff.include(ownership::diff(monitor, goal, name, found.as_ref())),
        Err(unread) => {
            let matters = matches!(goal, Goal::Present(_)) || recorded_mute_rule(monitor, name).is_some();
            diff.invalid.extend(matters.then(|| unread.of(mute_rule::FIELD)));
        }
    }
    diff
}

fn diff_of_absent(monitor: &Monitor, removal: Removal, observed: &Observed) -> Diff<AnyCall> {
    let mut diff = Diff::default();
    // No document says whether an alarm that a mute rule targets can be deleted.
    for (name, found) in &observed.mute_rules {
        diff.append(diff_of_mute_rule(monitor, Goal::Absent(removal), name, found));
    }
    for seen in &observed.kinds {
        diff.append(absent(monitor, removal, seen));
    }
    diff
}

/// A composite alarm goes before its children, which AWS would not delete. A model goes last: it comes back while an alarm on its band lives.
fn absent(monitor: &Monitor, removal: Removal, seen: &Seen) -> Diff<AnyCall> {
    let mut diff = bands::absent(monitor, removal, seen);
    let name = seen.kind.alarm_name(monitor);
    diff.include(ownership::diff::<Alarm, _>(monitor, Goal::Absent(removal), &name, seen.alarm.as_ref()));
    diff
}

fn resources(monitor: &Monitor, seen: &Seen) -> Vec<Existing> {
    let Seen { kind, alarm, band, verdict, models } = seen;
    let unread = kind.with_band().filter(|_| models.is_err());
    let unread = unread.into_iter().flat_map(|detection| recorded_models(monitor, detection)).map(remembered);
    let models = seen.models().iter();
    let models =
        models.filter_map(|found| existing::<Model, _>(monitor, &found.model.name(), Some(found))).chain(unread);
    existing::<Alarm, _>(monitor, &kind.alarm_name(monitor), alarm.as_ref())
        .into_iter()
        .chain(existing::<BandAlarm, _>(monitor, &kind.band_name(monitor), band.as_ref()))
        .chain(existing::<Verdict, _>(monitor, &kind.verdict_name(monitor), verdict.as_ref()))
        .chain(models)
        .collect()
}

/// An alarm on a band that AWS cannot evaluate has no opinion.
fn health(monitor: &Monitor, observed: &Observed) -> SystemHealth {
    let failing = observed.kinds.iter().find_map(|seen| {
        let reason = seen.band.as_ref()?.evaluation_error.as_ref()?;
        Some(format!("CloudWatch cannot evaluate the alarm {}: {reason}", seen.kind.band_name(monitor)))
    });
    failing.map_or(SystemHealth::Good, |message| SystemHealth::Failing(Reason::AwsError, message))
}

/// The states of the alarms that are ours and that may notify. The composite alarm speaks for the alarms below it.
#[must_use]
pub fn states(monitor: &Monitor, observed: &Observed) -> Vec<AlarmStatus> {
    let state = |seen: &Seen| {
        let verdict = seen.verdict.as_ref().filter(|found| found.notifies() && is_ours::<Verdict>(monitor, found));
        let alarm = || seen.alarm.as_ref().filter(|found| is_ours::<Alarm>(monitor, found));
        verdict.map(|found| found.state.clone()).or_else(|| alarm().map(|found| found.state.clone()))
    };
    observed.kinds.iter().filter_map(state).collect()
}

/// An alarm that a test may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestableAlarm {
    /// Its name.
    pub name: String,
    /// The mute rule that keeps it quiet now.
    pub muted_by: Option<String>,
}

/// The metric alarms among those that may notify. CloudWatch does not put a composite alarm back whose state somebody has set. The alarm on errors
/// of the detector comes first, since no quiet time mutes it.
#[must_use]
pub fn testable(monitor: &Monitor, observed: &Observed) -> Vec<TestableAlarm> {
    let mut kinds: Vec<_> = observed.kinds.iter().collect();
    kinds.sort_by_key(|seen| seen.kind != AlarmKind::DetectorErrors);
    let able = kinds.into_iter().filter_map(|seen| seen.alarm.as_ref()).filter(|found| !found.alarm.is_quiet());
    able.filter(|found| is_ours::<Alarm>(monitor, found))
        .map(|found| {
            let name = found.state.name.clone();
            let mutes =
                |rule: &Result<Option<FoundMuteRule>, Unread>| matches!(rule, Ok(Some(rule)) if rule.mutes_now(&name));
            let muted_by = observed.mute_rules.iter().find(|(_, found)| mutes(found)).map(|(rule, _)| rule.clone());
            TestableAlarm { name, muted_by }
        })
        .collect()
}

fn is_ours<R: Resource>(monitor: &Monitor, found: &R::Found) -> bool {
    R::tags(found).is_some_and(|tags| monitor.claim(tags) == Claim::Ours)
}

fn detection(monitor: &Monitor, seen: &Seen, at: Timestamp) -> Option<DetectionStatus> {
    let AlarmKind::Detection(detection) = seen.kind else { return None };
    let anomaly = seen.kind.anomaly(monitor).filter(|_| seen.kind.enabled(monitor))?;
    let Bands { model, .. } = Bands::wanted(monitor, detection, seen, at).ok()?;
    let learning = learning(seen, &model);
    Some(DetectionStatus {
        name: detection.in_spec().into_owned(),
        mode: anomaly.mode,
        effective: learning.effective(anomaly, at),
        full_from: learning.full_from(anomaly).map(Time),
        message: learning.still_needs(anomaly, at),
        model: learning.model.map(|state| state.as_str().to_owned()),
    })
}

/// The states of alarms, read by their names.
pub async fn states_of_names(aws: &Aws, names: Vec<String>) -> Result<Vec<AlarmStatus>, AwsError> {
    let (metric_alarms, composites) = described(aws, names).await?;
    Ok(metric_alarms.iter().map(alarm::state).chain(composites.iter().map(verdict::state)).collect())
}

#[cfg(test)]
mod bands_tests;
#[cfg(test)]
mod tests;
