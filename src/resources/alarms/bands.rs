//! The steps to an alarm with or without a band. At every moment some alarm notifies: the composite alarm begins before the alarm on the
//! threshold ends, and the other way round.

use jiff::Timestamp;

use super::alarm::{Alarm, AlarmCall};
use super::band::BandAlarm;
use super::decision::{Learning, rule};
use super::is_ours;
use super::model::Model;
use super::observation::Seen;
use super::tags::{self, Learnt};
use super::unread::recorded_models;
use super::verdict::{FoundVerdict, Turn, Verdict};
use crate::api::anomaly_mode::EffectiveMode;
use crate::api::spec::Anomaly;
use crate::api::{Invalid, ResourceKind};
use crate::engine::{Action, AnyCall, Change, Diff, Goal, Removal, ResourceCall, ownership};
use crate::monitor::Monitor;
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::detections::Detection;

/// The resources of a band as declared.
#[derive(Debug)]
pub struct Bands {
    /// The model.
    pub model: Model,
    band: BandAlarm,
    learnt: Learnt,
}

impl Bands {
    /// Those that the spec asks for at the time `at`. Without the models that AWS has, or with a time that is none, they are not known.
    pub fn wanted(monitor: &Monitor, detection: Detection, seen: &Seen, at: Timestamp) -> Result<Self, Invalid> {
        if let Err(unread) = &seen.models {
            return Err(unread.of(field(detection)));
        }
        let tags =
            seen.band.as_ref().map(|found| tags::diff(monitor, detection, &found.tags, at).applied_to(&found.tags));
        let learnt = tags.as_ref().map(Learnt::read).unwrap_or_default();
        Ok(Self {
            model: Model::wanted(monitor, detection, &learnt)?,
            band: BandAlarm::wanted(monitor, detection, at),
            learnt,
        })
    }
}

/// The field of the spec that asks for a band.
fn field(detection: Detection) -> String {
    format!("detections.{}.anomaly", detection.in_spec())
}

/// The progress of learning that AWS shows.
pub fn learning(seen: &Seen, model: &Model) -> Learning {
    let found = seen.models().iter().find(|found| found.model.name() == model.name());
    let band = seen.band.as_ref();
    Learning {
        since: band.and_then(|found| Learnt::read(&found.tags).since),
        model: found.map(|found| found.state.clone()),
        is_stuck: band.is_some_and(|found| found.evaluation_error.is_some()),
    }
}

/// The steps for one kind of alarm that the spec asks for. `loud` is the alarm on the threshold as it notifies by itself.
pub fn diff(monitor: &Monitor, loud: &Alarm, seen: &Seen, at: Timestamp) -> Diff<AnyCall> {
    if let (AlarmKind::Detection(detection), Some(anomaly)) = (seen.kind, seen.kind.anomaly(monitor)) {
        return with_band(monitor, (detection, anomaly), loud, seen, at);
    }
    let mut diff = without_band(monitor, loud, seen);
    diff.append(absent(monitor, Removal::SwitchedOff, seen));
    diff
}

/// The alarm notifies again before the composite alarm is silenced. That one is deleted later, when no other system is at work.
fn without_band(monitor: &Monitor, loud: &Alarm, seen: &Seen) -> Diff<AnyCall> {
    let name = seen.kind.verdict_name(monitor);
    let notifying = seen.verdict.as_ref().filter(|found| found.notifies() && is_ours::<Verdict>(monitor, found));
    let Some(verdict) = notifying.map(|found| Verdict::silenced(&name, found)) else {
        return of_threshold(monitor, loud, seen);
    };
    let Some(found) = seen.alarm.as_ref().filter(|found| is_ours::<Alarm>(monitor, found) && found.alarm != *loud)
    else {
        let mut diff = of_threshold(monitor, loud, seen);
        if diff.conflicts.is_empty() && seen.alarm.is_some() {
            let change = Change::new(Action::Update, ResourceKind::CompositeAlarm, &name);
            let change = change.field("actionsEnabled", &true, &false);
            diff.step(change, AnyCall::new(ResourceCall::<Verdict>::Change(name, verdict)));
        }
        return diff;
    };
    // The tags first, as the ownership rule has it.
    let mut diff = of_threshold(monitor, &found.alarm, seen);
    let change = Change::new(Action::Update, ResourceKind::Alarm, &loud.name).between(&found.alarm, loud);
    let call = AlarmCall::HandBack(loud.clone(), verdict);
    diff.step(change, AnyCall::new(ResourceCall::<Alarm>::Change(loud.name.clone(), call)));
    diff
}

fn of_threshold(monitor: &Monitor, alarm: &Alarm, seen: &Seen) -> Diff<AnyCall> {
    ownership::diff(monitor, Goal::Present(alarm), &alarm.name, seen.alarm.as_ref()).erase()
}

fn with_band(
    monitor: &Monitor,
    (detection, anomaly): (Detection, &Anomaly),
    loud: &Alarm,
    seen: &Seen,
    at: Timestamp,
) -> Diff<AnyCall> {
    let kind = seen.kind;
    let (quiet, verdict_name) = (loud.quiet(), kind.verdict_name(monitor));
    let notifies = seen.verdict.as_ref().is_some_and(|found| found.notifies() && is_ours::<Verdict>(monitor, found));
    let is_quiet = seen.alarm.as_ref().is_some_and(|found| found.alarm.is_quiet());
    // The alarm changes in one step where it hands over, and is loud until the composite alarm notifies.
    let hands_over = !notifies || !is_quiet;
    let mut diff = of_threshold(monitor, if hands_over { loud } else { &quiet }, seen);

    let Bands { model, band, learnt } = match Bands::wanted(monitor, detection, seen, at) {
        Ok(bands) => bands,
        Err(invalid) => {
            diff.invalid.push(invalid);
            return diff;
        }
    };
    let found_model = seen.models().iter().find(|found| found.model.name() == model.name());
    diff.include(ownership::diff(monitor, Goal::Present(&model), &model.name(), found_model));
    diff.include(ownership::diff(monitor, Goal::Present(&band), &kind.band_name(monitor), seen.band.as_ref()));

    let progress = Learning { since: learnt.since, ..learning(seen, &model) };
    let rule_of = |effective| rule(effective, &kind.alarm_name(monitor), &kind.band_name(monitor));
    let effective = progress.effective(anomaly, at);
    let former = monitor.recorded_modes.get(detection.in_spec().as_ref()).copied();
    let takes_part = |mode: EffectiveMode| mode != EffectiveMode::Static;
    let turn = former.filter(|former| takes_part(*former) != takes_part(effective)).map(|former| Turn {
        former_rule: rule_of(former),
        why: match progress.still_needs(anomaly, at) {
            None => "the band has learnt what is usual, and takes part from now on".to_owned(),
            Some(need) => format!("{need}, so the threshold alone decides"),
        },
    });
    let verdict = Verdict::wanted(monitor, detection, loud.actions(), rule_of(effective), turn);
    // A composite alarm over alarms of others would decide by what they do.
    if diff.conflicts.is_empty() {
        diff.include(of_verdict(monitor, &verdict, &verdict_name, seen.verdict.as_ref()));
    }
    if diff.conflicts.is_empty() && hands_over {
        let change = Change::new(Action::Update, ResourceKind::Alarm, &loud.name)
            .between(loud, &quiet)
            .because(format!("{} notifies from now on", ResourceKind::CompositeAlarm.named(&verdict_name)));
        let call = ResourceCall::<Alarm>::Change(loud.name.clone(), AlarmCall::HandOver(quiet, verdict));
        diff.step(change, AnyCall::new(call));
    }
    let superseded = seen.models().iter().filter(|found| found.model.name() != model.name());
    for found in superseded {
        let goal = Goal::<&Model>::Absent(Removal::Superseded);
        diff.include(ownership::diff(monitor, goal, &found.model.name(), Some(found)));
    }
    diff
}

/// The step that hands over switches the actions on.
fn of_verdict(
    monitor: &Monitor,
    verdict: &Verdict,
    name: &str,
    found: Option<&FoundVerdict>,
) -> Diff<ResourceCall<Verdict>> {
    let declared = found.map_or_else(|| verdict.clone(), |found| verdict.with_actions_of(found));
    ownership::diff(monitor, Goal::Present(&declared), name, found)
}

/// The steps that remove a band: the composite alarm first, since AWS deletes no alarm that another one names, and the model last, since it
/// comes back while the alarm on its band lives.
pub fn absent(monitor: &Monitor, removal: Removal, seen: &Seen) -> Diff<AnyCall> {
    let mut diff = Diff::default();
    let goal = Goal::<&Verdict>::Absent(removal);
    diff.include(ownership::diff(monitor, goal, &seen.kind.verdict_name(monitor), seen.verdict.as_ref()));
    let goal = Goal::<&BandAlarm>::Absent(removal);
    diff.include(ownership::diff(monitor, goal, &seen.kind.band_name(monitor), seen.band.as_ref()));
    for found in seen.models() {
        diff.include(ownership::diff(monitor, Goal::<&Model>::Absent(removal), &found.model.name(), Some(found)));
    }
    if let (Some(detection), Err(unread)) = (seen.kind.with_band(), &seen.models) {
        let had_a_model = seen.band.is_some() || recorded_models(monitor, detection).next().is_some();
        diff.invalid.extend(had_a_model.then(|| unread.of(field(detection))));
    }
    diff
}
