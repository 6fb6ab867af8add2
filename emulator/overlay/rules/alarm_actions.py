"""The actions of an alarm when its state changes: it notifies topics, and records the result in its history.

CloudWatch user guide: "Notifying users on alarm changes", "Permissions for Amazon SNS notifications"; API reference:
DescribeAlarmHistory. AWS re:Post: "Why didn't I receive an SNS notification for my CloudWatch alarm trigger?".
"""

import json
import time
from datetime import datetime, timezone
from functools import lru_cache

import botocore.session
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, sns

from overlay.rules import alarm_events, alarm_mute_rules, topic_access
from overlay.rules.alarm_events import timestamp
from overlay.rules.patch import replace

_SERVICE = "cloudwatch.amazonaws.com"
_ACTION_MEMBERS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_MAX_SUBJECT = 100


def apply() -> None:
    replace(cloudwatch, "_dispatch_alarm_actions")(_dispatch)
    replace(cloudwatch, "_record_history")(_record_history)


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"))


def _record_history(original, name, old_state, new_state, reason, alarm_type="MetricAlarm", reason_data=None):
    """Creating an alarm is a change of its configuration, not of its state."""
    if old_state != new_state or not reason.startswith("Unchecked: Initial"):
        original(name, old_state, new_state, reason, alarm_type, reason_data)
        return
    _add_history(name, alarm_type, "ConfigurationUpdate", f'Alarm "{name}" created',
                 {"version": "1.0", "type": "Create"})


def _add_history(name: str, alarm_type: str, item_type: str, summary: str, data: dict) -> None:
    cloudwatch._history_entries().append({
        "AlarmName": name, "AlarmType": alarm_type, "Timestamp": cloudwatch._ts_iso(time.time()),
        "HistoryItemType": item_type, "HistorySummary": summary, "HistoryData": compact(data),
    })


def _dispatch(_original, alarm: dict, old_state: str, new_state: str, reason: str) -> None:
    alarm_events.send(alarm, old_state)
    _execute(alarm, old_state, new_state, reason)


def _execute(alarm: dict, old_state: str, new_state: str, reason: str) -> None:
    name = alarm["AlarmName"]
    alarm_type = "CompositeAlarm" if name in cloudwatch._composite_alarms else "MetricAlarm"
    actions = [arn for arn in alarm.get(_ACTION_MEMBERS[new_state]) or [] if cloudwatch._is_sns_action_arn(arn)]
    if not alarm.get("ActionsEnabled", True):
        for arn in actions:
            _add_history(name, alarm_type, "Action", f"Did not execute action {arn} because actions are disabled.",
                         {"actionState": "Failed", "notificationResource": arn, "error": "Actions are disabled"})
        return
    if actions and alarm_mute_rules.mutes(name):
        alarm_mute_rules.wait(name, (old_state, new_state, reason), _execute)
        for arn in actions:
            _add_history(name, alarm_type, "Action", f"Did not execute action {arn} because the alarm is muted.",
                         {"actionState": "Muted", "notificationResource": arn, "error": None})
        return
    now = time.time()
    message = compact(_message(alarm, old_state, new_state, reason, now))
    subject = f'{new_state}: "{name}" in {_region_name(get_region())}'[:_MAX_SUBJECT]
    for arn in actions:
        error = _publish(alarm, arn, subject, message)
        summary = (f"Successfully executed action {arn}" if error is None
                   else f'Failed to execute action {arn}. Received error: "{error}"')
        _add_history(name, alarm_type, "Action", summary, {
            "actionState": "Succeeded" if error is None else "Failed",
            "stateUpdateTimestamp": int(now * 1000), "notificationResource": arn,
            "publishedMessage": message if error is None else None, "error": error,
        })


def _publish(alarm: dict, topic_arn: str, subject: str, message: str) -> str | None:
    """The reason the topic did not take the message; None if it did."""
    topic = sns._topic_by_arn_any_scope(topic_arn)
    if topic is None:
        return f"Topic does not exist: {topic_arn}"
    source = _source_keys(alarm["AlarmArn"])
    if not topic_access.policy_allows(topic, _SERVICE, source):
        return f"Resource: {alarm['AlarmArn']} is not authorized to perform: SNS:Publish on resource: {topic_arn}"
    if not topic_access.key_allows(topic, _SERVICE, source):
        return "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
    sns.publish_internal(topic_arn, message, subject)
    return None


def _source_keys(alarm_arn: str) -> dict[str, str]:
    """A topic's default policy admits alarms of its own account by AWS:SourceOwner."""
    account = get_account_id()
    return {"aws:sourceaccount": account, "aws:sourceowner": account, "aws:sourcearn": alarm_arn}


def _message(alarm: dict, old_state: str, new_state: str, reason: str, now: float) -> dict:
    moment = datetime.fromtimestamp(now, timezone.utc)
    configured = datetime.fromtimestamp(alarm.get("AlarmConfigurationUpdatedTimestamp", now), timezone.utc)
    message = {
        "AlarmName": alarm["AlarmName"], "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": get_account_id(), "AlarmConfigurationUpdatedTimestamp": timestamp(configured),
        "NewStateValue": new_state, "NewStateReason": reason, "StateChangeTime": timestamp(moment),
        "Region": _region_name(get_region()), "AlarmArn": alarm["AlarmArn"], "OldStateValue": old_state,
        **{member: alarm.get(member) or [] for member in ("OKActions", "AlarmActions", "InsufficientDataActions")},
    }
    if alarm.get("MetricName"):
        message["Trigger"] = _trigger(alarm)
    elif alarm.get("AlarmRule"):
        message["AlarmRule"] = alarm["AlarmRule"]
    return message


def _trigger(alarm: dict) -> dict:
    statistic = alarm.get("Statistic")
    return {
        "MetricName": alarm["MetricName"], "Namespace": alarm["Namespace"],
        "StatisticType": "Statistic" if statistic else "ExtendedStatistic",
        **({"Statistic": "SAMPLE_COUNT" if statistic == "SampleCount" else statistic.upper()} if statistic
           else {"ExtendedStatistic": alarm.get("ExtendedStatistic")}),
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": each["Value"], "name": each["Name"]} for each in alarm.get("Dimensions") or []],
        "Period": alarm["Period"], "EvaluationPeriods": alarm["EvaluationPeriods"],
        **({"DatapointsToAlarm": alarm["DatapointsToAlarm"]} if alarm.get("DatapointsToAlarm") else {}),
        "ComparisonOperator": alarm["ComparisonOperator"], "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData", "missing"), "EvaluateLowSampleCountPercentile": "",
    }


@lru_cache(maxsize=None)
def _region_name(region: str) -> str:
    """The region as people know it, such as US East (N. Virginia)."""
    partitions = botocore.session.get_session().get_data("endpoints")["partitions"]
    names = {code: known["description"] for partition in partitions for code, known in partition["regions"].items()}
    return names.get(region, region)
