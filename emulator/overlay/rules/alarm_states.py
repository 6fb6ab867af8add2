"""The times at which alarms are evaluated, and the effects of a change of state.

CloudWatch user guide: "Alarm evaluation" (every minute). API reference: PutMetricAlarm, SetAlarmState ("the alarm returns to
its actual state quickly, often within seconds").
"""

import os
import threading
import time

from ministack.services import cloudwatch

from overlay.rules import alarm_actions, alarm_bands, alarm_evaluation, alarm_mute_rules
from overlay.rules.patch import replace

# Seconds between an alarm's evaluations without new data.
_INTERVAL_SECONDS = float(os.environ.get("EMULATOR_ALARM_INTERVAL_SECONDS", "60"))
_STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
# The time of the next evaluation without new data, by the alarm's ARN.
_due: dict[str, float] = {}
# Data arrives from threads: two evaluations at once could both see the old state and act on it.
_lock = threading.RLock()


def apply() -> None:
    replace(cloudwatch, "_evaluate_alarm")(_put)
    replace(cloudwatch, "_evaluate_all_alarms")(lambda _original: _each(cloudwatch._alarms.values()))
    replace(cloudwatch, "_set_alarm_state")(_set_alarm_state)
    for name in ("_describe_alarms", "_describe_alarms_for_metric", "_describe_alarm_history"):
        replace(cloudwatch, name)(_described)


def data_arrived(metrics: set[tuple[str, str]]) -> None:
    """Evaluates the account's alarms on these metrics, each a namespace and a name."""
    _each([alarm for alarm in cloudwatch._alarms.values() if _watched(alarm) in metrics])


def band_changed(metric_name: str) -> None:
    """Evaluates the account's alarms on a metric of that name, whose band has changed."""
    _each([alarm for alarm in cloudwatch._alarms.values() if _watched(alarm)[1] == metric_name])


def _watched(alarm: dict) -> tuple[str | None, str | None]:
    metric = alarm_bands.metric(alarm) or alarm
    return metric.get("Namespace"), metric.get("MetricName")


def _each(alarms: list[dict]) -> None:
    with _lock:
        for alarm in alarms:
            _evaluate(alarm)


def _put(_original, alarm: dict) -> None:
    """A new alarm without data waits for its first evaluation."""
    # MetricAlarm: the time at which StateValue most recently changed, which begins with the creation.
    alarm.setdefault("StateTransitionedTimestamp", alarm["StateUpdatedTimestamp"])
    if alarm_bands.is_band(alarm) or _points(alarm):
        _each([alarm])
    else:
        first = time.time() + _INTERVAL_SECONDS
        if alarm["StateReason"].startswith("Unchecked"):
            # Another alarm may have had the name before.
            _due[alarm["AlarmArn"]] = first
        _due.setdefault(alarm["AlarmArn"], first)


def _described(original, *args, **kwargs):
    now = time.time()
    _each([alarm for alarm in cloudwatch._alarms.values() if _due.get(alarm["AlarmArn"], 0) <= now])
    with _lock:
        alarm_mute_rules.release()
    return original(*args, **kwargs)


def _set_alarm_state(original, params, data, is_cbor, is_json=False):
    value = data.get("StateValue", "") if is_cbor or is_json else cloudwatch._p(params, "StateValue")
    if value not in _STATES:
        message = (f"1 validation error detected: Value '{value}' at 'stateValue' failed to satisfy constraint: "
                   f"Member must satisfy enum value set: [{', '.join(_STATES)}]")
        return cloudwatch._error("ValidationError", message, 400, use_json=is_json, use_cbor=is_cbor)
    with _lock:
        alarm = cloudwatch._alarms.get(data.get("AlarmName") or cloudwatch._p(params, "AlarmName"))
        before = None if alarm is None else alarm["StateValue"]
        response = original(params, data, is_cbor, is_json)
        if alarm is not None:
            if alarm["StateValue"] != before:
                alarm["StateTransitionedTimestamp"] = alarm["StateUpdatedTimestamp"]
            _due[alarm["AlarmArn"]] = time.time() + _INTERVAL_SECONDS
    return response


def _points(alarm: dict) -> list[dict]:
    metric = alarm_bands.metric(alarm) or alarm
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or []}
    key = (metric.get("Namespace"), metric.get("MetricName"), cloudwatch._dims_key(dimensions))
    return cloudwatch._metrics.get(key) or []


def _evaluate(alarm: dict) -> None:
    now = time.time()
    _due[alarm["AlarmArn"]] = now + _INTERVAL_SECONDS
    reason = None
    if alarm_bands.is_band(alarm):
        verdict, reason = alarm_bands.evaluate(alarm, _points(alarm), now)
    elif alarm_evaluation.is_evaluated(alarm):
        verdict = alarm_evaluation.evaluate(alarm, _points(alarm), now)
    else:
        return
    old = alarm["StateValue"]
    if verdict.state is None or verdict.state == old:
        return
    data = {"version": "1.0"} if reason else alarm_evaluation.reason_data(alarm, verdict, now)
    reason = reason or alarm_evaluation.reason(alarm, verdict)
    alarm.update({
        "StateValue": verdict.state, "StateReason": reason, "StateReasonData": alarm_actions.compact(data),
        "StateUpdatedTimestamp": int(now), "StateTransitionedTimestamp": int(now),
    })
    cloudwatch._record_history(alarm["AlarmName"], old, verdict.state, reason, "MetricAlarm", data)
    cloudwatch._dispatch_alarm_actions(alarm, old, verdict.state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
