use jiff::SignedDuration;
use proptest::prelude::*;

use super::band::FoundBand;
use super::decision::{TRAINED, rule};
use super::model::FoundModel;
use super::tags::Learnt;
use super::verdict::FoundVerdict;
use super::*;
use crate::api::anomaly_mode::{AnomalyMode, EffectiveMode};
use crate::api::spec::{Anomaly, DetectionName, QuietTime};
use crate::engine::Action;
use crate::monitor::fixtures;
use crate::resources::common::detections::Detection;

const HIGH: Detection = Detection::HighDataTransfer;
const KIND: AlarmKind = AlarmKind::Detection(HIGH);

fn begin() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn days(days: i64) -> Timestamp {
    begin() + SignedDuration::from_hours(24 * days)
}

fn monitor(mode: AnomalyMode) -> Monitor {
    let mut monitor = fixtures::monitor();
    monitor.spec.detections.high_data_transfer.anomaly = Anomaly { mode, ..Anomaly::default() };
    monitor
}

/// The parts of a band that AWS has.
#[derive(Clone, Copy, Debug)]
struct Has {
    loud: bool,
    band: bool,
    /// None: there is no composite alarm. True: it notifies.
    verdict: Option<bool>,
    model: Option<&'static str>,
}

const BEFORE: Has = Has { loud: true, band: false, verdict: None, model: None };
const AFTER: Has = Has { loud: false, band: true, verdict: Some(true), model: Some("PENDING_TRAINING") };

fn seen(monitor: &Monitor, has: Has, effective: EffectiveMode, at: Timestamp) -> Seen {
    let loud = wanted(monitor, KIND);
    let alarm = if has.loud { loud.clone() } else { loud.quiet() };
    let state = AlarmStatus { name: alarm.name.clone(), state: "OK".to_owned(), since: None };
    let band = BandAlarm::wanted(monitor, HIGH, at);
    let rule_of = |effective| rule(effective, &KIND.alarm_name(monitor), &KIND.band_name(monitor));
    let verdict = Verdict::wanted(monitor, HIGH, loud.actions(), (rule_of(effective), rule_of(EffectiveMode::Static)));
    let model = Model::wanted(monitor, HIGH, &Learnt::default());
    Seen {
        kind: KIND,
        alarm: Some(FoundAlarm { alarm, state, tags: monitor.tags.clone() }),
        band: has.band.then(|| FoundBand::of(&band, tags::of_new(monitor, HIGH, begin()))),
        verdict: has.verdict.map(|notifies| FoundVerdict::of(&verdict, notifies, monitor.tags.clone())),
        models: has.model.map(|state| FoundModel { model, state: state.to_owned() }).into_iter().collect(),
    }
}

fn steps(diff: &Diff<AnyCall>) -> Vec<(Action, ResourceKind, String)> {
    diff.steps.iter().map(|step| (step.change.action, step.change.kind, step.change.name.clone())).collect()
}

fn changes(monitor: &Monitor, seen: &Seen, at: Timestamp) -> Vec<(Action, ResourceKind, String)> {
    steps(&bands::diff(monitor, &wanted(monitor, KIND), seen, at))
}

#[test]
fn the_composite_alarm_begins_before_the_alarm_on_the_threshold_ends() {
    let monitor = monitor(AnomalyMode::Both);
    let before = seen(&monitor, BEFORE, EffectiveMode::Static, begin());
    assert_eq!(
        changes(&monitor, &before, begin()),
        [
            (Action::Create, ResourceKind::AnomalyModel, format!("VPC/FlowLogs/{}", HIGH.metric_name(&monitor))),
            (Action::Create, ResourceKind::Alarm, KIND.band_name(&monitor)),
            (Action::Create, ResourceKind::CompositeAlarm, KIND.verdict_name(&monitor)),
            (Action::Update, ResourceKind::Alarm, KIND.alarm_name(&monitor)),
        ]
    );
    let after = seen(&monitor, AFTER, EffectiveMode::Static, begin());
    assert_eq!(changes(&monitor, &after, days(30)), [], "the model is not trained");
    let interrupted = seen(&monitor, Has { loud: true, ..AFTER }, EffectiveMode::Static, begin());
    let hand_over = (Action::Update, ResourceKind::Alarm, KIND.alarm_name(&monitor));
    assert_eq!(changes(&monitor, &interrupted, begin()), std::slice::from_ref(&hand_over));
    let silent = seen(&monitor, Has { loud: true, verdict: Some(false), ..AFTER }, EffectiveMode::Static, begin());
    assert_eq!(changes(&monitor, &silent, begin()), std::slice::from_ref(&hand_over));
    let nobody = seen(&monitor, Has { verdict: Some(false), ..AFTER }, EffectiveMode::Static, begin());
    assert_eq!(changes(&monitor, &nobody, begin()), [hand_over.clone(), hand_over], "it notifies again at once");
}

#[test]
fn the_rule_changes_once_when_the_band_has_learnt() {
    let monitor = monitor(AnomalyMode::Both);
    let has = Has { model: Some(TRAINED), ..AFTER };
    let learning = seen(&monitor, has, EffectiveMode::Static, begin());
    assert_eq!(changes(&monitor, &learning, days(13)), []);
    let diff = bands::diff(&monitor, &wanted(&monitor, KIND), &learning, days(14));
    assert_eq!(steps(&diff), [(Action::Update, ResourceKind::CompositeAlarm, KIND.verdict_name(&monitor))]);
    let change = &diff.steps[0].change;
    assert!(change.by_time && change.why.as_ref().unwrap().contains("takes part from now on"), "{change}");
    assert_eq!(change.fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>(), ["rule"]);

    let deciding = seen(&monitor, has, EffectiveMode::Both, begin());
    assert_eq!(changes(&monitor, &deciding, days(14)), []);
    let lost = seen(&monitor, AFTER, EffectiveMode::Both, begin());
    let diff = bands::diff(&monitor, &wanted(&monitor, KIND), &lost, days(20));
    assert!(diff.steps[0].change.why.as_ref().unwrap().contains("the threshold alone decides"), "it fails open");
}

#[test]
fn without_the_band_the_alarm_notifies_before_the_composite_alarm_is_silent() {
    let both = monitor(AnomalyMode::Both);
    let off = monitor(AnomalyMode::Disabled);
    let removal = [
        (Action::Delete, ResourceKind::CompositeAlarm, KIND.verdict_name(&off)),
        (Action::Delete, ResourceKind::Alarm, KIND.band_name(&off)),
        (Action::Delete, ResourceKind::AnomalyModel, format!("VPC/FlowLogs/{}", HIGH.metric_name(&off))),
    ];
    let hand_back = (Action::Update, ResourceKind::Alarm, KIND.alarm_name(&off));
    let silence = (Action::Update, ResourceKind::CompositeAlarm, KIND.verdict_name(&off));
    for (has, first) in [
        (AFTER, Some(hand_back)),
        (Has { loud: true, ..AFTER }, Some(silence)),
        (Has { loud: true, verdict: Some(false), ..AFTER }, None),
    ] {
        let found = seen(&both, has, EffectiveMode::Static, begin());
        let expected: Vec<_> = first.into_iter().chain(removal.clone()).collect();
        assert_eq!(changes(&off, &found, begin()), expected, "{has:?}");
    }
    let before = seen(&off, BEFORE, EffectiveMode::Static, begin());
    assert_eq!(changes(&off, &before, begin()), []);
}

#[test]
fn a_composite_alarm_of_others_is_a_conflict_and_the_alarm_goes_on_notifying() {
    let monitor = monitor(AnomalyMode::Both);
    let mut found = seen(&monitor, Has { loud: true, ..AFTER }, EffectiveMode::Static, begin());
    found.verdict.as_mut().unwrap().tags.clear();
    let diff = bands::diff(&monitor, &wanted(&monitor, KIND), &found, begin());
    assert_eq!(steps(&diff), []);
    assert_eq!(diff.conflicts.iter().map(|it| it.kind).collect::<Vec<_>>(), [ResourceKind::CompositeAlarm]);
    let mut found = seen(&monitor, Has { verdict: None, loud: true, ..AFTER }, EffectiveMode::Static, begin());
    found.band.as_mut().unwrap().tags.clear();
    let diff = bands::diff(&monitor, &wanted(&monitor, KIND), &found, begin());
    assert_eq!((diff.steps.len(), diff.conflicts.len()), (0, 1), "nothing decides by a band of others");
}

#[test]
fn another_namespace_has_another_model_and_the_old_one_goes_last() {
    let old = monitor(AnomalyMode::Both);
    let found = seen(&old, AFTER, EffectiveMode::Static, begin());
    let mut new = old.clone();
    new.spec.detections.namespace = "Other".to_owned();
    let kinds: Vec<_> = changes(&new, &found, days(1)).into_iter().map(|(action, kind, _)| (action, kind)).collect();
    assert_eq!(
        kinds,
        [
            (Action::Update, ResourceKind::Alarm),
            (Action::Create, ResourceKind::AnomalyModel),
            (Action::Update, ResourceKind::Alarm),
            (Action::Update, ResourceKind::Alarm),
            (Action::Delete, ResourceKind::AnomalyModel),
        ],
        "the alarm, the model, the tags and the definition of the band, the old model"
    );
}

#[test]
fn a_model_that_cannot_be_made_holds_up_no_other_detection() {
    let mut monitor = monitor(AnomalyMode::Both);
    monitor.spec.detections.rejected_connections.anomaly.mode = AnomalyMode::Both;
    let high = seen(&monitor, AFTER, EffectiveMode::Both, begin());
    let empty = |kind| Seen { kind, alarm: None, band: None, verdict: None, models: Vec::new() };
    let mut kinds: Vec<_> = AlarmKind::ALL.map(empty).to_vec();
    kinds[1] = high;
    let observed = Observed { at: begin(), kinds, mute_rules: Vec::new() };
    let desired = Alarms::desired(&monitor).unwrap().unwrap();
    let diff = Alarms::diff(&monitor, Goal::Present(&desired), &observed);
    let position = |kind: ResourceKind, name: &str| {
        diff.steps.iter().position(|step| step.change.kind == kind && step.change.name.contains(name)).unwrap()
    };
    let model = position(ResourceKind::AnomalyModel, "RejectedConnections");
    assert!(position(ResourceKind::CompositeAlarm, "high-data-transfer") < model, "{diff:?}");
    assert!(position(ResourceKind::Alarm, "detector-errors") < model, "{diff:?}");
}

#[test]
fn the_status_says_what_decides_and_from_when_the_band_does() {
    let monitor = monitor(AnomalyMode::Both);
    for (model, at, effective, message) in [
        ("PENDING_TRAINING", begin(), EffectiveMode::Static, Some("the model is not trained yet")),
        (TRAINED, days(1), EffectiveMode::Static, Some("the band learns for 14 days")),
        (TRAINED, days(14), EffectiveMode::Both, None),
    ] {
        let found = seen(&monitor, Has { model: Some(model), ..AFTER }, EffectiveMode::Static, begin());
        let status = detection(&monitor, &found, at).unwrap();
        assert_eq!((status.name.as_str(), status.effective), ("highDataTransfer", effective));
        assert_eq!((status.full_from, status.message.as_deref()), (Some(Time(days(14))), message));
    }
    let off = fixtures::monitor();
    assert_eq!(detection(&off, &seen(&off, BEFORE, EffectiveMode::Static, begin()), begin()), None);
}

#[test]
fn the_composite_alarm_speaks_for_the_alarms_below_it() {
    let monitor = monitor(AnomalyMode::Both);
    let names = |has| {
        let kinds = vec![seen(&monitor, has, EffectiveMode::Static, begin())];
        let observed = Observed { at: begin(), kinds, mute_rules: Vec::new() };
        let states: Vec<_> = states(&monitor, &observed).into_iter().map(|alarm| alarm.name).collect();
        (states, names_to_test(&monitor, &observed))
    };
    assert_eq!(names(AFTER), (vec![KIND.verdict_name(&monitor)], vec![]));
    let loud = vec![KIND.alarm_name(&monitor)];
    assert_eq!(names(Has { loud: true, verdict: Some(false), ..AFTER }), (loud.clone(), loud));
}

fn quiet_time(duration: &str, detections: &[DetectionName]) -> QuietTime {
    QuietTime {
        name: "backup".to_owned(),
        schedule: "cron(0 2 * * *)".to_owned(),
        duration: duration.to_owned(),
        timezone: "UTC".to_owned(),
        detections: detections.to_vec(),
    }
}

#[test]
fn a_quiet_time_mutes_what_may_notify_of_its_detections_and_never_the_detectors_errors() {
    let mut monitor = monitor(AnomalyMode::Both);
    let alarms = |monitor: &Monitor| {
        let rules = MuteRule::wanted(monitor, |kind| kind == KIND);
        rules.iter().map(|rule| serde_json::to_value(rule).unwrap()["alarms"].clone()).collect::<Vec<_>>()
    };
    monitor.spec.notifications.quiet_times = vec![quiet_time("PT1H", &[])];
    let base = monitor.names.base();
    let all = ["external-connections", "high-data-transfer", "high-data-transfer-verdict", "rejected-connections"];
    assert_eq!(alarms(&monitor), [serde_json::json!(all.map(|slug| format!("{base}-{slug}")))]);
    monitor.spec.notifications.quiet_times = vec![quiet_time("PT1H", &[DetectionName::RejectedConnections])];
    assert_eq!(alarms(&monitor), [serde_json::json!([format!("{base}-rejected-connections")])]);
    monitor.spec.detections.rejected_connections.enabled = false;
    assert_eq!(alarms(&monitor), Vec::<serde_json::Value>::new(), "a rule without alarms would mute nothing");
}

#[test]
fn a_quiet_time_has_a_minute_to_15_days() {
    let mut monitor = fixtures::monitor();
    for (duration, is_valid) in [
        ("PT1M", true),
        ("P15D", true),
        ("P2DT12H", true),
        ("PT360H", true),
        ("PT0M", false),
        ("P15DT1M", false),
        ("PT361H", false),
    ] {
        monitor.spec.notifications.quiet_times = vec![quiet_time(duration, &[])];
        assert_eq!(mute_rule::check(&monitor).is_ok(), is_valid, "{duration}");
    }
}

proptest! {
    /// Wherever the steps are cut short, an alarm notifies, and the rest of the steps follows.
    #[test]
    fn some_alarm_notifies_in_every_state(
        loud: bool, band: bool, verdict: Option<bool>, is_on: bool, trained: bool,
    ) {
        let mode = if is_on { AnomalyMode::Both } else { AnomalyMode::Disabled };
        let (both, goal) = (monitor(AnomalyMode::Both), monitor(mode));
        let model = Some(if trained { TRAINED } else { "PENDING_TRAINING" });
        let has = Has { loud, band: band || verdict.is_some(), verdict, model };
        let found = seen(&both, has, EffectiveMode::Static, begin());
        let diff = bands::diff(&goal, &wanted(&goal, KIND), &found, begin());
        prop_assert!(diff.conflicts.is_empty());
        let at_rest = if is_on { !loud && verdict == Some(true) && found.band.is_some() } else { loud && verdict.is_none() && !has.band && model.is_none() };
        prop_assert_eq!(diff.steps.is_empty(), at_rest, "{:?}", steps(&diff));
        // Without an alarm that notifies, the first step makes the alarm on the threshold notify.
        if !loud && verdict != Some(true) {
            let alarm = (Action::Update, ResourceKind::Alarm, KIND.alarm_name(&goal));
            prop_assert_eq!(&steps(&diff)[0], &alarm);
        }
    }
}
