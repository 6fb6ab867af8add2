use jiff::SignedDuration;
use proptest::prelude::*;

use super::band::FoundBand;
use super::decision::rule;
use super::model::FoundModel;
use super::model_state::ModelState;
use super::tags::Learnt;
use super::verdict::FoundVerdict;
use super::*;
use crate::api::anomaly_mode::{AnomalyMode, EffectiveMode};
use crate::api::spec::{Anomaly, ExcludedRange, QuietTime};
use crate::api::status::VpcFlowMonitorStatus;
use crate::aws::operations as ops;
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
#[derive(Clone, Debug)]
struct Has {
    loud: bool,
    band: bool,
    /// None: there is no composite alarm. True: it notifies.
    verdict: Option<bool>,
    model: Option<ModelState>,
}

const BEFORE: Has = Has { loud: true, band: false, verdict: None, model: None };
const AFTER: Has = Has { loud: false, band: true, verdict: Some(true), model: Some(ModelState::Pending) };

fn seen(monitor: &Monitor, has: Has, effective: EffectiveMode, at: Timestamp) -> Seen {
    let loud = wanted(monitor, KIND);
    let alarm = if has.loud { loud.clone() } else { loud.quiet() };
    let state = AlarmStatus { name: alarm.name.clone(), state: "OK".to_owned(), since: None };
    let band = BandAlarm::wanted(monitor, HIGH, at);
    let rule_of = |effective| rule(effective, &KIND.alarm_name(monitor), &KIND.band_name(monitor));
    let verdict = Verdict::wanted(monitor, HIGH, loud.actions(), rule_of(effective), None);
    let model = Model::wanted(monitor, HIGH, &Learnt::default()).unwrap();
    Seen {
        kind: KIND,
        alarm: Some(FoundAlarm { alarm, state, tags: monitor.tags.clone() }),
        band: has.band.then(|| FoundBand::of(&band, tags::of_new(monitor, HIGH, begin()))),
        verdict: has.verdict.map(|notifies| FoundVerdict::of(&verdict, notifies, monitor.tags.clone())),
        models: Ok(has.model.map(|state| FoundModel { model, state }).into_iter().collect()),
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

/// The only change, of the composite alarm: its reason, if it is due by time.
fn change_of_rule(monitor: &Monitor, found: &Seen, at: Timestamp) -> Option<String> {
    let diff = bands::diff(monitor, &wanted(monitor, KIND), found, at);
    assert_eq!(steps(&diff), [(Action::Update, ResourceKind::CompositeAlarm, KIND.verdict_name(monitor))]);
    let change = &diff.steps[0].change;
    assert_eq!(change.by_time, change.why.is_some(), "{change}");
    assert!(change.fields.iter().any(|field| field.path == "rule"), "{change}");
    change.why.clone()
}

/// The same monitor after a pass that found this decider.
fn after(monitor: &Monitor, mode: EffectiveMode) -> Monitor {
    let found = seen(monitor, AFTER, mode, begin());
    let detections = vec![DetectionStatus { effective: mode, ..detection(monitor, &found, begin()).unwrap() }];
    let status = VpcFlowMonitorStatus { detections, ..VpcFlowMonitorStatus::default() };
    let Monitor { namespace, name, spec, account_region, settings, .. } = monitor.clone();
    Monitor::new(&namespace, &name, spec, Some(&status), account_region, settings)
}

#[test]
fn the_rule_changes_once_when_the_band_has_learnt() {
    let monitor = after(&monitor(AnomalyMode::Both), EffectiveMode::Static);
    let has = Has { model: Some(ModelState::Trained), ..AFTER };
    let learning = seen(&monitor, has.clone(), EffectiveMode::Static, begin());
    assert_eq!(changes(&monitor, &learning, days(13)), []);
    assert!(change_of_rule(&monitor, &learning, days(14)).unwrap().contains("takes part from now on"));

    let monitor = after(&monitor, EffectiveMode::Both);
    let deciding = seen(&monitor, has, EffectiveMode::Both, begin());
    assert_eq!(changes(&monitor, &deciding, days(14)), []);
    let lost = seen(&monitor, AFTER, EffectiveMode::Both, begin());
    let why = change_of_rule(&monitor, &lost, days(20)).unwrap();
    assert_eq!(why, "the model is not trained yet, so the threshold alone decides", "it fails open");
}

#[test]
fn a_rule_that_somebody_edits_is_repaired_without_a_word_about_the_band() {
    let has = |model| Has { model: Some(model), ..AFTER };
    let trained = || has(ModelState::Trained);
    let both = monitor(AnomalyMode::Both);
    // By hand, the rule of the other decider.
    let edited = seen(&both, trained(), EffectiveMode::Static, begin());
    assert_eq!(change_of_rule(&after(&both, EffectiveMode::Both), &edited, days(20)), None);
    let edited = seen(&both, has(ModelState::Pending), EffectiveMode::Both, begin());
    assert_eq!(change_of_rule(&after(&both, EffectiveMode::Static), &edited, days(20)), None);
    // By hand, another rule, just when the band has learnt.
    let mut edited = seen(&both, trained(), EffectiveMode::Either, begin());
    assert_eq!(change_of_rule(&after(&both, EffectiveMode::Static), &edited, days(20)), None);
    // A longer time of learning.
    let mut longer = after(&both, EffectiveMode::Both);
    longer.spec.detections.high_data_transfer.anomaly.training_days = 30;
    edited = seen(&longer, trained(), EffectiveMode::Both, begin());
    let why = change_of_rule(&longer, &edited, days(20)).unwrap();
    assert_eq!(why, "the band learns for 30 days, so the threshold alone decides");
}

#[test]
fn models_that_may_not_be_read_hold_up_the_band_alone() {
    let monitor = monitor(AnomalyMode::Both);
    let unread = || Err(tests::denied(ops::DESCRIBE_ANOMALY_DETECTORS));
    let empty = Seen { kind: KIND, alarm: None, band: None, verdict: None, models: unread() };
    let diff = bands::diff(&monitor, &wanted(&monitor, KIND), &empty, begin());
    assert_eq!(steps(&diff), [(Action::Create, ResourceKind::Alarm, KIND.alarm_name(&monitor))]);
    assert_eq!(diff.invalid[0].reason, Reason::AccessDenied);
    let problem = diff.invalid[0].to_string();
    assert!(
        problem.contains("spec.detections.highDataTransfer.anomaly: ")
            && problem.contains("cloudwatch:DescribeAnomalyDetectors")
    );

    // A permission that is taken away later: nothing changes, and the drift of the alarm is repaired.
    let mut later = Seen { models: unread(), ..seen(&monitor, AFTER, EffectiveMode::Both, begin()) };
    assert_eq!(changes(&monitor, &later, days(20)), []);
    later.alarm.as_mut().unwrap().alarm.threshold = 7.0;
    let repair = [(Action::Update, ResourceKind::Alarm, KIND.alarm_name(&monitor))];
    assert_eq!(changes(&monitor, &later, days(20)), repair);
    assert_eq!(detection(&monitor, &later, days(20)), None, "what is not known is not shown");

    // A deletion waits only for a model that may be there.
    let deleted = |monitor: &Monitor, seen| bands::absent(monitor, Removal::OwnerDeleted, seen).invalid.len();
    assert_eq!((deleted(&monitor, &empty), deleted(&monitor, &later)), (0, 1));
    let name = format!("VPC/FlowLogs/{}", HIGH.metric_name(&monitor));
    let recorded = vec![tests::recorded(ResourceKind::AnomalyModel, &name)];
    let monitor = Monitor { recorded, ..monitor };
    assert_eq!(deleted(&monitor, &empty), 1);
    assert_eq!(resources(&monitor, &empty)[0].name, name, "the status keeps it");
}

#[test]
fn a_day_that_is_none_is_invalid_and_holds_up_the_band_alone() {
    let mut monitor = monitor(AnomalyMode::Both);
    let range = |start: &str| ExcludedRange { start: start.to_owned(), end: "2026-03-05T00:00:00Z".to_owned() };
    let excluded = &mut monitor.spec.detections.high_data_transfer.anomaly.excluded_ranges;
    *excluded = vec![range("2026-02-28T00:00:00Z"), range("2026-02-30T00:00:00Z")];
    let empty = Seen { kind: KIND, alarm: None, band: None, verdict: None, models: Ok(Vec::new()) };
    let diff = bands::diff(&monitor, &wanted(&monitor, KIND), &empty, begin());
    assert_eq!(steps(&diff), [(Action::Create, ResourceKind::Alarm, KIND.alarm_name(&monitor))]);
    let problem = diff.invalid[0].to_string();
    assert!(
        problem.starts_with("spec.detections.highDataTransfer.anomaly.excludedRanges[1].start: `2026-02-30T00:00:00Z`"),
        "{problem}"
    );
}

#[test]
fn a_band_that_aws_cannot_evaluate_leaves_the_decision_to_the_threshold() {
    let monitor = after(&monitor(AnomalyMode::Both), EffectiveMode::Both);
    let has = Has { model: Some(ModelState::Trained), ..AFTER };
    let mut stuck = seen(&monitor, has, EffectiveMode::Both, begin());
    assert_eq!(changes(&monitor, &stuck, days(20)), []);
    stuck.band.as_mut().unwrap().evaluation_error = Some("a reason of AWS".to_owned());
    let why = change_of_rule(&monitor, &stuck, days(20)).unwrap();
    assert_eq!(why, "CloudWatch cannot evaluate the alarm on the band, so the threshold alone decides");
    let status = detection(&monitor, &stuck, days(20)).unwrap();
    assert_eq!(status.effective, EffectiveMode::Static);
    assert_eq!(status.message.as_deref(), Some("CloudWatch cannot evaluate the alarm on the band"));
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
        let found = seen(&both, has.clone(), EffectiveMode::Static, begin());
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
    let empty = |kind| Seen { kind, alarm: None, band: None, verdict: None, models: Ok(Vec::new()) };
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
        (ModelState::Pending, begin(), EffectiveMode::Static, Some("the model is not trained yet")),
        (ModelState::Trained, days(1), EffectiveMode::Static, Some("the band learns for 14 days")),
        (ModelState::Trained, days(14), EffectiveMode::Both, None),
    ] {
        let word = model.as_str().to_owned();
        let found = seen(&monitor, Has { model: Some(model), ..AFTER }, EffectiveMode::Static, begin());
        let status = detection(&monitor, &found, at).unwrap();
        assert_eq!(status.model, Some(word), "in the words of AWS");
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
        (states, testable(&monitor, &observed).into_iter().map(|alarm| alarm.name).collect::<Vec<_>>())
    };
    assert_eq!(names(AFTER), (vec![KIND.verdict_name(&monitor)], vec![]));
    let loud = vec![KIND.alarm_name(&monitor)];
    assert_eq!(names(Has { loud: true, verdict: Some(false), ..AFTER }), (loud.clone(), loud));
}

fn quiet_time(duration: &str, detections: &[&str]) -> QuietTime {
    QuietTime {
        name: "backup".to_owned(),
        schedule: "cron(0 2 * * *)".to_owned(),
        duration: duration.to_owned(),
        timezone: "UTC".to_owned(),
        detections: detections.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_quiet_time_mutes_what_may_notify_of_its_detections_and_never_the_detectors_errors() {
    let mut monitor = monitor(AnomalyMode::Both);
    let alarms = |monitor: &Monitor| {
        let alarms_of = |kind: AlarmKind| {
            let verdict = (kind == KIND).then(|| kind.verdict_name(monitor));
            std::iter::once(kind.alarm_name(monitor)).chain(verdict).collect()
        };
        let rules = MuteRule::wanted(monitor, alarms_of);
        rules.iter().map(|rule| serde_json::to_value(rule).unwrap()["alarms"].clone()).collect::<Vec<_>>()
    };
    monitor.spec.notifications.quiet_times = vec![quiet_time("PT1H", &[])];
    let base = monitor.names.base();
    let all = ["external-connections", "high-data-transfer", "high-data-transfer-verdict", "rejected-connections"];
    assert_eq!(alarms(&monitor), [serde_json::json!(all.map(|slug| format!("{base}-{slug}")))]);
    monitor.spec.notifications.quiet_times = vec![quiet_time("PT1H", &["rejectedConnections"])];
    assert_eq!(alarms(&monitor), [serde_json::json!([format!("{base}-rejected-connections")])]);
    let own = serde_json::json!({"name": "smb-out", "when": "dstport == 445", "threshold": 5, "tests": []});
    monitor.spec.detections.custom = vec![serde_json::from_value(own).unwrap()];
    assert_eq!(alarms(&monitor), [serde_json::json!([format!("{base}-rejected-connections")])]);
    monitor.spec.notifications.quiet_times = vec![quiet_time("PT1H", &["smb-out"])];
    assert_eq!(alarms(&monitor), [serde_json::json!([format!("{base}-c-smb-out")])]);
    monitor.spec.notifications.quiet_times = vec![quiet_time("PT1H", &["rejectedConnections"])];
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
        let checked = mute_rule::check(&monitor);
        assert_eq!(checked.is_ok(), is_valid, "{duration}");
        let expected = format!(
            "spec.notifications.quietTimes[0].duration: the duration `{duration}` of `backup` is not from PT1M (a minute) to P15D (15 days)"
        );
        assert!(checked.err().is_none_or(|invalid| invalid.to_string() == expected), "{duration}");
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
        let model = Some(if trained { ModelState::Trained } else { ModelState::Pending });
        let has = Has { loud, band: band || verdict.is_some(), verdict, model };
        let found = seen(&both, has.clone(), EffectiveMode::Static, begin());
        let diff = bands::diff(&goal, &wanted(&goal, KIND), &found, begin());
        prop_assert!(diff.conflicts.is_empty());
        let at_rest = if is_on { !loud && verdict == Some(true) && found.band.is_some() } else { loud && verdict.is_none() && !has.band && has.model.is_none() };
        prop_assert_eq!(diff.steps.is_empty(), at_rest, "{:?}", steps(&diff));
        // Without an alarm that notifies, the first step makes the alarm on the threshold notify.
        if !loud && verdict != Some(true) {
            let alarm = (Action::Update, ResourceKind::Alarm, KIND.alarm_name(&goal));
            prop_assert_eq!(&steps(&diff)[0], &alarm);
        }
    }
}
