"""Events about alarms: every change of state is an event on the default bus of the alarm's account and region.

CloudWatch user guide: "Alarm events and EventBridge" (the members of the event; it is independent of the alarm's actions). The events of
changed configurations and of contributors are not sent.
"""

import json
import time
import uuid
from datetime import datetime, timezone

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudwatch, eventbridge

from overlay.rules import alarm_mute_rules

_INITIAL = "Unchecked: Initial alarm creation"
_SUPPRESSOR = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
# The state that an alarm's last event had, by the alarm's ARN.
_last = AccountRegionScopedDict()


def timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _at(seconds: float) -> str:
    return timestamp(datetime.fromtimestamp(seconds, timezone.utc))


def send(alarm: dict, old_state: str) -> None:
    """Sends the event of a change from ``old_state`` to the state that the alarm has now."""
    arn = alarm["AlarmArn"]
    state = {"value": alarm["StateValue"], "reason": alarm.get("StateReason") or ""}
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    state["timestamp"] = _at(time.time())
    detail = {"alarmName": alarm["AlarmName"], "state": state, "previousState": _previous(alarm, old_state),
              "configuration": _configuration(alarm)}
    muting = alarm_mute_rules.muting(alarm["AlarmName"])
    if muting:
        rule, begin, end = muting
        detail["muteDetail"] = {"mutedByArn": rule, "muteWindowStart": _at(begin), "muteWindowEnd": _at(end)}
    _last[arn] = state
    eventbridge._put_events({"Entries": [{
        "Source": "aws.cloudwatch", "DetailType": "CloudWatch Alarm State Change", "Resources": [arn], "Detail": json.dumps(detail),
    }]}, allow_aws_source=True)


def _previous(alarm: dict, old_state: str) -> dict:
    """The state before; an alarm without an event of that state has it from its creation or from an earlier alarm of its name."""
    created = alarm.get("AlarmConfigurationUpdatedTimestamp", 0)
    last = _last.get(alarm["AlarmArn"])
    if last and last["value"] == old_state:
        return last
    return {"value": old_state, "reason": _INITIAL, "timestamp": _at(created)}


def _configuration(alarm: dict) -> dict:
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if alarm["AlarmName"] in cloudwatch._composite_alarms:
        suppressor = {member[0].lower() + member[1:]: alarm[member] for member in _SUPPRESSOR if alarm.get(member) is not None}
        return {**described, "alarmRule": alarm["AlarmRule"], **suppressor}
    if alarm.get("Metrics"):
        return {**described, "metrics": [_query(query) for query in alarm["Metrics"]]}
    statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
    metric = {"id": str(uuid.uuid4()), "metricStat": _metric_stat(alarm, alarm.get("Period"), statistic), "returnData": True}
    return {**described, "metrics": [metric]}


def _query(query: dict) -> dict:
    """A member of an alarm's Metrics, with names in lower case."""
    found = {"id": query["Id"]}
    if query.get("MetricStat"):
        stat = query["MetricStat"]
        found["metricStat"] = _metric_stat(stat["Metric"], stat.get("Period"), stat.get("Stat"), stat.get("Unit"))
    found |= {member.lower(): query[member] for member in ("Expression", "Label", "Period") if query.get(member)}
    return {**found, "returnData": query.get("ReturnData", True)}


def _metric_stat(metric: dict, period: int | None, stat: str | None, unit: str | None = None) -> dict:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or []}
    unit = unit or metric.get("Unit")
    return {"metric": {"namespace": metric["Namespace"], "name": metric["MetricName"], "dimensions": dimensions},
            "period": period, "stat": stat, **({"unit": unit} if unit else {})}
