//! Check 4: an alarm reaches somebody. It is the only check that others notice, so it is made only if asked for.

mod action;
mod subscribers;

use std::time::Duration;

use action::AlarmAction;
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, HistoryItemType, MetricAlarm, ScanBy, StateValue};
use subscribers::{Subscribers, subscribers};
use tokio::time::{Instant, sleep};

use super::check::{Check, CheckName, Status, see_status};
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::engine::System as _;
use crate::monitor::Monitor;
use crate::resources::alarms::{self, Alarms, TestableAlarm};

const POLL: Duration = Duration::from_secs(1);

/// The reason that recipients read in the message.
const REASON: &str = "Test of the notification by `vpc-flow-operator verify --test-alarm`";

/// The next action, chosen by the states of the alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    /// Set this one to ALARM.
    Set(String),
    /// All are in ALARM already, so setting would send nothing: the last notification of this one shows as much.
    Firing(String),
    /// None can notify, for this reason.
    None(String),
}

/// The result of the test.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TestOutcome {
    choice: Choice,
    action: Option<AlarmAction>,
}

/// Sets an alarm if `test` says so, waits for its action, and judges that.
pub async fn check(aws: &Aws, monitor: &Monitor, test: bool, deadline: Instant) -> Check {
    let name = CheckName::AlarmNotification;
    match Alarms::desired(monitor) {
        Ok(Some(_)) => {}
        Ok(None) => return Check::new(name, Status::Disabled, "the spec enables nothing that has an alarm"),
        Err(invalid) => return Check::new(name, Status::Failed, invalid.to_string()).next("correct the spec"),
    }
    let subscribers = subscribers(aws, monitor).await;
    // Without the list, alarms that do not reach the recipients of the spec would go unnoticed.
    if let Subscribers::Unknown(error) = &subscribers
        && !monitor.spec.notifications.subscriptions.is_empty()
    {
        return Check::unanswered(name, monitor, error);
    }
    if !test {
        return untested(&subscribers);
    }
    let observed = match Alarms::observe(aws, monitor).await {
        Ok(observed) => observed,
        Err(error) => return Check::unanswered(name, monitor, &error),
    };
    // Only our own alarms are ever set.
    let names = match names_to_set(alarms::testable(monitor, &observed)) {
        Ok(names) if names.is_empty() && !alarms::states(monitor, &observed).is_empty() => {
            return Check::new(name, Status::Skipped, ONLY_COMPOSITE);
        }
        Ok(names) => names,
        Err(muted) => return Check::new(name, Status::Skipped, muted).next("run verify again after the quiet time"),
    };
    match notify(aws, monitor, names, deadline).await {
        Ok(outcome) => judge(monitor, &outcome, &subscribers),
        Err(error) => Check::unanswered(name, monitor, &error),
    }
}

/// See `SetAlarmState`: a composite alarm gets its state back only when an alarm below it changes.
const ONLY_COMPOSITE: &str =
    "only composite alarms notify, and CloudWatch does not put the state of one back that somebody has set";

/// The names of the alarms that notify now, in order of preference, or the reason if all are muted. An alarm that is muted sends nothing.
fn names_to_set(alarms: Vec<TestableAlarm>) -> Result<Vec<String>, String> {
    let (muted, able): (Vec<_>, Vec<_>) = alarms.into_iter().partition(|alarm| alarm.muted_by.is_some());
    match muted.into_iter().find_map(|alarm| alarm.muted_by) {
        Some(rule) if able.is_empty() => Err(format!(
            "every alarm that could be set is quiet now, see the alarm mute rule {rule} (spec.notifications.quietTimes)"
        )),
        _ => Ok(able.into_iter().map(|alarm| alarm.name).collect()),
    }
}

const ADD_RECIPIENTS: &str = "add recipients to spec.notifications.subscriptions";

/// The result without a test. The check waits as long as recipients of the spec have not confirmed: alarms do not reach them.
fn untested(subscribers: &Subscribers) -> Check {
    let reported = |status, detail| Check::new(CheckName::AlarmNotification, status, detail);
    let check = match subscribers {
        Subscribers::Known { confirmed: 0, pending } if pending.is_empty() => {
            return reported(Status::Skipped, "pass --test-alarm; the topic has no subscriptions").next(ADD_RECIPIENTS);
        }
        Subscribers::Known { confirmed: 0, .. } => {
            reported(Status::Waiting, "an alarm would reach nobody: no recipient has confirmed")
        }
        some if some.lack_a_wanted_one() => {
            reported(Status::Waiting, "an alarm would not reach all recipients of the spec")
        }
        _ => reported(Status::Skipped, "pass --test-alarm"),
    };
    match subscribers.pending_step() {
        Some(step) => check.next(step),
        None => check,
    }
}

async fn notify(aws: &Aws, monitor: &Monitor, names: Vec<String>, deadline: Instant) -> Result<TestOutcome, AwsError> {
    // Without names, AWS would list everybody's alarms.
    let mut alarms = if names.is_empty() {
        Vec::new()
    } else {
        let described = aws.cloudwatch.describe_alarms().set_alarm_names(Some(names.clone())).send().await;
        described.op(ops::DESCRIBE_ALARMS)?.metric_alarms.unwrap_or_default()
    };
    alarms.sort_by_key(|alarm| names.iter().position(|name| alarm.alarm_name() == Some(name)));
    let (topic, choice) = (monitor.topic_arn(), choose(monitor, &alarms));
    let action = match &choice {
        Choice::None(_) => None,
        Choice::Firing(alarm) => actions(&history(aws, alarm).await?, &topic).into_iter().next(),
        Choice::Set(alarm) => {
            let before = history(aws, alarm).await?;
            let request = aws.cloudwatch.set_alarm_state().alarm_name(alarm).state_value(StateValue::Alarm);
            request.state_reason(REASON).send().await.op(ops::SET_ALARM_STATE)?;
            loop {
                let mut history = history(aws, alarm).await?;
                history.retain(|item| !before.contains(item));
                // The first: CloudWatch soon puts the true state back, which may notify once more.
                let action = actions(&history, &topic).pop();
                if action.is_some() || Instant::now() + POLL > deadline {
                    break action;
                }
                sleep(POLL).await;
            }
        }
    };
    Ok(TestOutcome { choice, action })
}

/// Prefers an alarm in state OK, since its change to ALARM is the real case, and among several the first.
fn choose(monitor: &Monitor, alarms: &[MetricAlarm]) -> Choice {
    let topic = monitor.topic_arn();
    let notifies =
        |alarm: &&MetricAlarm| alarm.actions_enabled() != Some(false) && alarm.alarm_actions().contains(&topic);
    let able: Vec<_> = alarms.iter().filter(notifies).collect();
    let in_state = |state: StateValue| able.iter().find(move |alarm| alarm.state_value() == Some(&state));
    let name = |alarm: &&MetricAlarm| alarm.alarm_name().unwrap_or_default().to_owned();
    if let Some(alarm) = in_state(StateValue::Ok).or_else(|| in_state(StateValue::InsufficientData)) {
        return Choice::Set(name(alarm));
    }
    match (able.first(), alarms.first()) {
        (Some(alarm), _) => Choice::Firing(name(alarm)),
        (None, Some(_)) => Choice::None(format!("no alarm of the monitor notifies {topic}")),
        (None, None) => Choice::None("the monitor has no alarm yet".to_owned()),
    }
}

/// The latest actions of the alarm, the latest first.
async fn history(aws: &Aws, alarm: &str) -> Result<Vec<AlarmHistoryItem>, AwsError> {
    let request = aws.cloudwatch.describe_alarm_history().alarm_name(alarm).history_item_type(HistoryItemType::Action);
    let answer = request.scan_by(ScanBy::TimestampDescending).max_records(50).send().await;
    Ok(answer.op(ops::DESCRIBE_ALARM_HISTORY)?.alarm_history_items.unwrap_or_default())
}

fn actions(history: &[AlarmHistoryItem], topic: &str) -> Vec<AlarmAction> {
    history.iter().filter_map(|item| AlarmAction::read(item, topic)).collect()
}

fn judge(monitor: &Monitor, outcome: &TestOutcome, subscribers: &Subscribers) -> Check {
    let reported = |status, detail| Check::new(CheckName::AlarmNotification, status, detail);
    let (alarm, how) = match &outcome.choice {
        Choice::Set(alarm) => (alarm, "was set to ALARM"),
        Choice::Firing(alarm) => (alarm, "is in ALARM by itself"),
        Choice::None(why) => return reported(Status::Failed, why.clone()).next(see_status(monitor)),
    };
    let Some(action) = &outcome.action else {
        let detail = format!("alarm {alarm} {how}, but its history shows no notification");
        return reported(Status::Failed, detail)
            .next("give it more time with --timeout, or see the alarm's history in CloudWatch");
    };
    if let Some(error) = &action.error {
        let detail = format!("alarm {alarm} {how}, and its notification failed: {error}");
        return reported(Status::Failed, detail).at(action.at).next(format!(
            "check that the policy of {}, and of its KMS key if it has one, lets cloudwatch.amazonaws.com publish to it",
            monitor.topic_arn()
        ));
    }
    let detail = |who: &str| format!("alarm {alarm} {how}, and its notification {who}");
    let check = match subscribers {
        Subscribers::Known { confirmed: 0, pending } if pending.is_empty() => {
            reported(Status::Failed, detail("reached the topic, but the topic has no subscriptions"))
                .next(ADD_RECIPIENTS)
        }
        Subscribers::Known { confirmed: 0, .. } => {
            reported(Status::Waiting, detail("reached the topic, but no recipient has confirmed"))
        }
        Subscribers::Known { confirmed, .. } => {
            let subscriptions = if *confirmed == 1 { "subscription" } else { "subscriptions" };
            let status = if subscribers.lack_a_wanted_one() { Status::Waiting } else { Status::Passed };
            reported(status, detail(&format!("went out to {confirmed} confirmed {subscriptions}")))
        }
        Subscribers::Unknown(AwsError { code, message, .. }) => {
            let unknown = format!("reached the topic, but its recipients are not known: {code}: {message}");
            reported(Status::Passed, detail(&unknown))
        }
    };
    let check = check.at(action.at);
    match subscribers.pending_step() {
        Some(step) => check.next(step),
        None => check,
    }
}

#[cfg(test)]
mod tests;
