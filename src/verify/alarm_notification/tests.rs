use super::subscribers::Pending;
use super::*;
use crate::monitor::fixtures;
use crate::verify::fixtures::time;

fn alarm(name: &str, state: StateValue) -> MetricAlarm {
    let topic = fixtures::monitor().topic_arn();
    MetricAlarm::builder().alarm_name(name).state_value(state).actions_enabled(true).alarm_actions(topic).build()
}

#[test]
fn an_alarm_in_state_ok_is_set_before_others() {
    use StateValue::{Alarm, InsufficientData, Ok};
    for (states, choice) in [
        (vec![Alarm, InsufficientData, Ok], Choice::Set("2".into())),
        (vec![Alarm, InsufficientData], Choice::Set("1".into())),
        (vec![Alarm, Alarm], Choice::Firing("0".into())),
        (vec![], Choice::None("the monitor has no alarm yet".into())),
    ] {
        let alarms: Vec<_> =
            states.into_iter().enumerate().map(|(index, state)| alarm(&index.to_string(), state)).collect();
        assert_eq!(choose(&fixtures::monitor(), &alarms), choice);
    }
}

#[test]
fn an_alarm_that_cannot_notify_is_never_set() {
    let mut muted = alarm("muted", StateValue::Ok);
    muted.actions_enabled = Some(false);
    let mut elsewhere = alarm("elsewhere", StateValue::Ok);
    elsewhere.alarm_actions = Some(vec!["arn:aws:sns:eu-west-1:123456789012:other".into()]);
    let choice = choose(&fixtures::monitor(), &[muted, elsewhere]);
    assert!(matches!(&choice, Choice::None(why) if why.contains("notifies arn:aws:sns:")), "{choice:?}");
}

#[test]
fn an_alarm_that_is_quiet_now_is_never_set() {
    let alarm = |name: &str, muted_by: Option<&str>| TestableAlarm {
        name: name.to_owned(),
        muted_by: muted_by.map(str::to_owned),
    };
    assert_eq!(names_to_set(vec![alarm("errors", None), alarm("high", Some("backup"))]).unwrap(), ["errors"]);
    assert_eq!(names_to_set(vec![alarm("high", None), alarm("rejected", None)]).unwrap(), ["high", "rejected"]);
    let why = names_to_set(vec![alarm("high", Some("backup"))]).unwrap_err();
    assert!(why.contains("quiet now") && why.contains("backup"), "{why}");
    assert_eq!(names_to_set(Vec::new()), Ok(Vec::new()));
}

/// A notification, failed or not.
fn action(error: Option<&str>) -> AlarmAction {
    AlarmAction { at: Some(time("11:30:00")), error: error.map(str::to_owned) }
}

fn known(confirmed: usize, pending: &[&str]) -> Subscribers {
    let pending = pending.iter().map(|&endpoint| Pending {
        protocol: "email".to_owned(),
        endpoint: endpoint.to_owned(),
        is_wanted: endpoint.starts_with("soc@"),
    });
    Subscribers::Known { confirmed, pending: pending.collect() }
}

#[test]
fn a_notification_passes_once_every_recipient_of_the_spec_gets_it() {
    let unknown = || Subscribers::Unknown(AwsError::reported(ops::LIST_SUBSCRIPTIONS, "AuthorizationError", "no"));
    let mail = ["soc@example.com"];
    let sent = || Some(action(None));
    for (action, subscribers, status, clue) in [
        (sent(), known(2, &[]), Status::Passed, None),
        (sent(), known(1, &mail), Status::Waiting, Some("not confirmed: soc@example.com")),
        (sent(), known(1, &["theirs@example.com"]), Status::Passed, Some("not confirmed: theirs@example.com")),
        (sent(), known(0, &mail), Status::Waiting, Some("not confirmed: soc@example.com")),
        (sent(), known(0, &[]), Status::Failed, Some("spec.notifications.subscriptions")),
        (sent(), unknown(), Status::Passed, None),
        (Some(action(Some("not authorized"))), known(1, &[]), Status::Failed, Some("cloudwatch.amazonaws.com")),
        (None, known(1, &[]), Status::Failed, Some("--timeout")),
    ] {
        for choice in [Choice::Set("a".into()), Choice::Firing("a".into())] {
            let check = judge(&fixtures::monitor(), &TestOutcome { choice, action: action.clone() }, &subscribers);
            assert_eq!(check.status, status, "{check:?}");
            assert_eq!(check.observed_at, action.as_ref().map(|_| time("11:30:00")));
            assert_eq!(check.next_step.is_some(), clue.is_some(), "{check:?}");
            assert!(check.next_step.as_deref().unwrap_or_default().contains(clue.unwrap_or_default()), "{check:?}");
            let error = action.as_ref().and_then(|action| action.error.as_deref());
            assert!(check.detail.contains(error.unwrap_or_default()), "{check:?}");
        }
    }
    let nothing =
        judge(&fixtures::monitor(), &TestOutcome { choice: Choice::None("why".into()), action: None }, &known(1, &[]));
    assert_eq!((nothing.status, nothing.detail.as_str()), (Status::Failed, "why"));
}

#[test]
fn without_a_test_the_check_waits_until_a_recipient_has_confirmed() {
    let check = untested(&known(0, &["soc@example.com"]));
    assert_eq!(check.status, Status::Waiting);
    assert!(check.next_step.unwrap().contains("soc@example.com"));
    let check = untested(&known(1, &["soc@example.com"]));
    assert_eq!(check.status, Status::Waiting, "one of two has not confirmed");
    let check = untested(&known(1, &["theirs@example.com"]));
    assert_eq!((check.status, check.detail.as_str()), (Status::Skipped, "pass --test-alarm"));
    assert!(check.next_step.unwrap().contains("theirs@example.com"), "the spec does not ask for it");
    let check = untested(&known(0, &[]));
    assert_eq!((check.status, check.next_step.as_deref()), (Status::Skipped, Some(ADD_RECIPIENTS)));
}
