"""CloudWatch: the checks of alarms and dashboards, their tags, and the errors and times of its CBOR protocol.

CloudWatch API reference: PutMetricAlarm, DeleteAlarms, PutDashboard, TagResource, Dashboard body structure and syntax.
Smithy specification: RPC v2 CBOR; AWS query compatibility.
"""

from datetime import datetime

import cbor2
from ministack.core.responses import AccountScopedDict, get_account_id, get_region
from ministack.services import cloudwatch

from overlay import modes
from overlay.modes import DashboardTags
from overlay.operations import service_model
from overlay.rules import alarm_bands, alarm_mute_rules, dashboard_body
from overlay.rules.patch import replace

_DAY, _WEEK = 86_400, 604_800
_MAX_ACTIONS = 5
_MAX_RULE = 10_240
_SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
_MISSING_DATA = ("breaching", "notBreaching", "ignore", "missing")
_ENUMERATIONS = {"ComparisonOperator": "ComparisonOperator", "Statistic": "Statistic", "Unit": "StandardUnit"}
_ACTION_MEMBERS = ("AlarmActions", "OKActions", "InsufficientDataActions")
# Members that an alarm has only if the request names them, or that an alarm on a query has not.
_OPTIONAL = ("AlarmDescription", "Unit", "ExtendedStatistic")
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit")


def apply() -> None:
    # Dashboards belong to the account, not to a region.
    cloudwatch._dashboards = AccountScopedDict()
    replace(cloudwatch, "_error")(_error)
    replace(cloudwatch, "_put_metric_alarm")(_put_metric_alarm)
    replace(cloudwatch, "_put_composite_alarm")(_put_composite_alarm)
    replace(cloudwatch, "_delete_alarms")(_delete_alarms)
    replace(cloudwatch, "_validate_alarm_tag_arn")(_validate_tag_arn)
    replace(cloudwatch, "_put_dashboard")(_put_dashboard)
    replace(cloudwatch, "_delete_dashboards")(_delete_dashboards)
    replace(cloudwatch, "_list_dashboards")(_list_dashboards)


def _error(original, code, message, status, use_json=False, use_cbor=False):
    status, headers, body = original(code, message, status, use_json=use_json, use_cbor=use_cbor)
    if use_json or use_cbor:
        headers["x-amzn-query-error"] = f"{code};{'Sender' if status < 500 else 'Receiver'}"
    return status, headers, body


def _put_metric_alarm(original, params, data, is_cbor, is_json=False):
    if is_cbor or is_json:
        problem = _alarm_problem(data)
        if data.get("AlarmName") in cloudwatch._composite_alarms:
            problem = f"An alarm of another type has the name {data['AlarmName']}."
        if problem:
            return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
    response = original(params, data, is_cbor, is_json)
    alarm = cloudwatch._alarms.get(data.get("AlarmName"))
    if response[0] == 200 and alarm is not None:
        for member in _OPTIONAL:
            if not alarm.get(member):
                alarm.pop(member, None)
        if alarm.get("ExtendedStatistic"):
            alarm.pop("Statistic", None)
        shown = service_model("cloudwatch").shape_for("MetricAlarm").members
        alarm.update({member: value for member, value in data.items() if member in shown and member not in alarm})
        if data.get("Metrics"):
            for member in _OF_ONE_METRIC:
                alarm.pop(member, None)
            alarm.pop("Dimensions", None)
        if alarm_bands.is_band(alarm):
            alarm.pop("Threshold", None)
            # Only now does the alarm have all of its members.
            cloudwatch._evaluate_alarm(alarm)
    return response


def _unsatisfied(value: str, member: str, constraint: str) -> str:
    return f"1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"


def _alarm_problem(alarm: dict) -> str | None:
    name = alarm.get("AlarmName") or ""
    if not 1 <= len(name) <= 255:
        return _unsatisfied(f"'{name}'", "alarmName", "Member must have length between 1 and 255")
    shapes = service_model("cloudwatch")
    for member, shape in _ENUMERATIONS.items():
        allowed = shapes.shape_for(shape).enum
        if alarm.get(member) is not None and alarm[member] not in allowed:
            return _unsatisfied(f"'{alarm[member]}'", member, f"Member must satisfy enum value set: {allowed}")
    if alarm.get("ComparisonOperator") is None:
        return _unsatisfied("null", "comparisonOperator", "Member must not be null")
    if alarm.get("TreatMissingData", "missing") not in _MISSING_DATA:
        return f"The value for parameter TreatMissingData is invalid. Valid values are {', '.join(_MISSING_DATA)}."
    evaluations = alarm.get("EvaluationPeriods") or 0
    if evaluations < 1:
        return "The parameter EvaluationPeriods must be greater than or equal to 1."
    if (alarm.get("DatapointsToAlarm") or 1) > evaluations:
        return "DatapointsToAlarm must be less than or equal to EvaluationPeriods."
    if not alarm.get("Metrics"):
        if not alarm.get("MetricName") or not alarm.get("Namespace"):
            return "MetricName and Namespace, or Metrics, must be set."
        if (alarm.get("Statistic") is None) == (alarm.get("ExtendedStatistic") is None):
            return "Exactly one of Statistic and ExtendedStatistic must be set."
        problem = _period_problem(alarm.get("Period") or 0, evaluations)
        if problem:
            return problem
    return alarm_bands.problem(alarm) or _actions_problem(alarm)


def _period_problem(period: int, evaluations: int) -> str | None:
    if period not in (10, 20, 30) and (period < 60 or period % 60):
        return "Invalid metric period: must be 10, 20, 30 or a multiple of 60 seconds."
    limit = _DAY if period < 3600 else _WEEK
    if period * evaluations > limit:
        span = "a day" if limit == _DAY else "a week"
        return f"Metrics cannot be checked across more than {span} (EvaluationPeriods * Period must be <= {limit})."
    return None


def _actions_problem(alarm: dict) -> str | None:
    for member in _ACTION_MEMBERS:
        actions = alarm.get(member) or []
        if len(actions) > _MAX_ACTIONS:
            return _unsatisfied("", member, f"Member must have length less than or equal to {_MAX_ACTIONS}")
        for action in actions:
            parts = action.split(":")
            if len(parts) < 6 or parts[0] != "arn":
                return f"Invalid arn syntax: {action}"
            if parts[2] == "sns" and parts[3] != get_region():
                return f"Invalid region {parts[3]} specified. Only {get_region()} is supported."
    return None


def _put_composite_alarm(original, params, data, is_cbor, is_json=False):
    """An alarm's name is unique among all kinds of alarms. Members that ministack forgets are kept."""
    name = data.get("AlarmName") or ""
    problem = _actions_problem(data)
    if name in cloudwatch._alarms:
        problem = f"An alarm of another type has the name {name}."
    elif not 1 <= len(data.get("AlarmRule") or "") <= _MAX_RULE:
        problem = _unsatisfied("", "alarmRule", f"Member must have length between 1 and {_MAX_RULE}")
    if problem and (is_cbor or is_json):
        return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
    response = original(params, data, is_cbor, is_json)
    alarm = cloudwatch._composite_alarms.get(name)
    if response[0] == 200 and alarm is not None:
        alarm.update({member: data[member] for member in _SUPPRESSION if member in data})
        if not alarm.get("AlarmDescription"):
            alarm.pop("AlarmDescription", None)
    return response


def _delete_alarms(original, params, data, is_cbor, is_json=False):
    missing = [name for name in data.get("AlarmNames", [])
               if name not in cloudwatch._alarms and name not in cloudwatch._composite_alarms]
    if missing:
        return cloudwatch._error("ResourceNotFound", f"Unknown alarm(s): {', '.join(missing)}", 404,
                                 use_json=is_json, use_cbor=is_cbor)
    return original(params, data, is_cbor, is_json)


def _dashboard_arn(name: str) -> str:
    return f"arn:aws:cloudwatch::{get_account_id()}:dashboard/{name}"


def _validate_tag_arn(original, arn, is_json=False, is_cbor=False):
    """Alarms, mute rules and dashboards take tags. Where dashboards do not, the code of the refusal is a guess: the reference documents no
    other for a resource that cannot have tags."""
    if modes.current().dashboard_tags is DashboardTags.UNSUPPORTED and arn.startswith(_dashboard_arn("")):
        return cloudwatch._error("InvalidParameterValue", f"The resource type of {arn} does not support tags", 400,
                                 use_json=is_json, use_cbor=is_cbor)
    if any(_dashboard_arn(name) == arn for name in cloudwatch._dashboards) or alarm_mute_rules.has(arn):
        return None
    if original(arn, is_json=is_json, is_cbor=is_cbor) is None:
        return None
    return cloudwatch._error("ResourceNotFoundException", f"Resource {arn} not found", 404,
                             use_json=is_json, use_cbor=is_cbor)


def _put_dashboard(original, params, data, is_cbor, is_json=False):
    if not (is_cbor or is_json):
        return original(params, data, is_cbor, is_json)
    name = data.get("DashboardName") or ""
    problem = dashboard_body.problem(name, data.get("DashboardBody") or "")
    if problem:
        return cloudwatch._error("InvalidParameterInput", problem, 400, use_json=is_json, use_cbor=is_cbor)
    mode = modes.current().dashboard_tags
    if mode is DashboardTags.REFUSED and data.get("Tags"):
        return cloudwatch._error("InvalidParameterInput", "The parameter Tags is not supported", 400, use_json=is_json,
                                 use_cbor=is_cbor)
    is_new = name not in cloudwatch._dashboards
    response = original(params, data, is_cbor, is_json)
    # Tags apply on create only.
    if is_new and data.get("Tags") and mode is DashboardTags.ACCEPTED:
        cloudwatch._resource_tags[_dashboard_arn(name)] = {tag["Key"]: tag["Value"] for tag in data["Tags"]}
    return response


def _delete_dashboards(original, params, data, is_cbor, is_json=False):
    missing = [name for name in data.get("DashboardNames", []) if name not in cloudwatch._dashboards]
    if missing:
        return cloudwatch._error("ResourceNotFound", f"Dashboard {', '.join(missing)} does not exist", 404,
                                 use_json=is_json, use_cbor=is_cbor)
    return original(params, data, is_cbor, is_json)


def _list_dashboards(original, params, data, is_cbor, is_json=False):
    """Times are CBOR tag 1, epoch seconds; ministack writes a string that typed decoders refuse."""
    status, headers, body = original(params, data, is_cbor, is_json)
    if not is_cbor or status != 200:
        return status, headers, body
    answer = cbor2.loads(body)
    for entry in answer["DashboardEntries"]:
        entry["LastModified"] = cbor2.CBORTag(1, _epoch(entry["LastModified"]))
    return status, headers, cbor2.dumps(answer)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
