//! The alarms: one on each detection's metric, and one on the detector's own errors. A detection may also have a band of what is usual: then a
//! composite alarm decides between the threshold and the band, and notifies. Mute rules keep alarms quiet at times.

mod alarm;
mod band;
mod bands;
mod calls;
mod condition;
mod decision;
mod model;
mod mute_rule;
mod observation;
mod tags;
mod verdict;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use self::alarm::wanted;
pub use self::alarm::{Alarm, FoundAlarm};
use self::band::BandAlarm;
use self::bands::{Bands, learning};
use self::calls::described;
use self::model::Model;
use self::mute_rule::MuteRule;
pub use self::observation::Observed;
use self::observation::Seen;
use self::verdict::Verdict;
use crate::api::conditions::Reason;
use crate::api::status::{AlarmStatus, DetectionStatus};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{
    AnyCall, Details, Diff, Existing, Goal, Removal, Report, Resource, System, SystemHealth, existing, ownership,
};
use crate::monitor::{Claim, Monitor};
use crate::resources::common::alarm_kind::AlarmKind;

/// The system [`Component::Alarms`].
#[derive(Debug)]
pub struct Alarms;

impl System for Alarms {
    /// The alarms on thresholds. The rest depends on the progress of learning, and so on the observation.
    type Desired = Vec<(AlarmKind, Alarm)>;
    type Observed = Observed;

    const COMPONENT: Component = Component::Alarms;
    const NEEDS: &'static [Component] = &[Component::Notifications];

    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid> {
        let enabled = AlarmKind::declared(monitor).into_iter().filter(|kind| kind.enabled(monitor));
        let alarms: Vec<_> = enabled.map(|kind| (kind, wanted(monitor, kind))).collect();
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

    fn report(monitor: &Monitor, _goal: Goal<&Self::Desired>, observed: &Observed) -> Report {
        let of_kinds = observed.kinds.iter().flat_map(|seen| resources(monitor, seen));
        let of_rule = |(name, found): &(String, Option<_>)| existing::<MuteRule>(monitor, name, found.as_ref());
        let mute_rules = observed.mute_rules.iter().filter_map(of_rule);
        Report { health: health(monitor, observed), ..Report::of(of_kinds.chain(mute_rules)) }
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

fn diff_of_present(monitor: &Monitor, alarms: &[(AlarmKind, Alarm)], observed: &Observed) -> Diff<AnyCall> {
    let mut parts: Vec<Diff<AnyCall>> = observed
        .kinds
        .iter()
        .map(|seen| match alarms.iter().find(|(kind, _)| *kind == seen.kind) {
            Some((_, alarm)) => bands::diff(monitor, alarm, seen, observed.at),
            None => absent(monitor, Removal::SwitchedOff, seen),
        })
        .collect();
    let has_verdict = |kind: AlarmKind| {
        let mut seen = observed.kinds.iter().zip(&parts).filter(|(seen, _)| seen.kind == kind);
        kind.anomaly(monitor).is_some() && seen.any(|(seen, part)| seen.verdict.is_some() || creates_verdict(part))
    };
    let mute_rules = diff_of_mute_rules(monitor, &has_verdict, observed);
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

fn diff_of_mute_rules(
    monitor: &Monitor,
    has_verdict: &dyn Fn(AlarmKind) -> bool,
    observed: &Observed,
) -> Diff<AnyCall> {
    let mut diff = Diff::default();
    if let Err(invalid) = mute_rule::check(monitor) {
        diff.invalid.push(invalid);
        return diff;
    }
    let wanted = MuteRule::wanted(monitor, has_verdict);
    for (name, found) in &observed.mute_rules {
        let rule = wanted.iter().find(|rule| rule.name() == name);
        let goal = rule.map_or(Goal::Absent(Removal::SwitchedOff), Goal::Present);
        diff.include(ownership::diff(monitor, goal, name, found.as_ref()));
    }
    diff
}

fn diff_of_absent(monitor: &Monitor, removal: Removal, observed: &Observed) -> Diff<AnyCall> {
    let mut diff = Diff::default();
    // No document says whether an alarm that a mute rule targets can be deleted.
    for (name, found) in &observed.mute_rules {
        diff.include(ownership::diff::<MuteRule>(monitor, Goal::Absent(removal), name, found.as_ref()));
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
    diff.include(ownership::diff::<Alarm>(monitor, Goal::Absent(removal), &name, seen.alarm.as_ref()));
    diff
}

fn resources(monitor: &Monitor, seen: &Seen) -> Vec<Existing> {
    let Seen { kind, alarm, band, verdict, models } = seen;
    let models = models.iter().filter_map(|found| existing::<Model>(monitor, &found.model.name(), Some(found)));
    existing::<Alarm>(monitor, &kind.alarm_name(monitor), alarm.as_ref())
        .into_iter()
        .chain(existing::<BandAlarm>(monitor, &kind.band_name(monitor), band.as_ref()))
        .chain(existing::<Verdict>(monitor, &kind.verdict_name(monitor), verdict.as_ref()))
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

/// The names of the metric alarms among them. CloudWatch does not put a composite alarm back whose state somebody has set.
#[must_use]
pub fn names_to_test(monitor: &Monitor, observed: &Observed) -> Vec<String> {
    let able = observed.kinds.iter().filter_map(|seen| seen.alarm.as_ref()).filter(|found| !found.alarm.is_quiet());
    able.filter(|found| is_ours::<Alarm>(monitor, found)).map(|found| found.state.name.clone()).collect()
}

fn is_ours<R: Resource>(monitor: &Monitor, found: &R::Found) -> bool {
    R::tags(found).is_some_and(|tags| monitor.claim(tags) == Claim::Ours)
}

fn detection(monitor: &Monitor, seen: &Seen, at: Timestamp) -> Option<DetectionStatus> {
    let AlarmKind::Detection(detection) = seen.kind else { return None };
    let anomaly = seen.kind.anomaly(monitor).filter(|_| seen.kind.enabled(monitor))?;
    let Bands { model, .. } = Bands::wanted(monitor, detection, seen, at);
    let learning = learning(seen, &model);
    Some(DetectionStatus {
        name: detection.in_spec()?.as_str().to_owned(),
        mode: anomaly.mode,
        effective: learning.effective(anomaly, at),
        full_from: learning.full_from(anomaly).map(Time),
        message: learning.still_needs(anomaly, at),
        model: learning.model,
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
