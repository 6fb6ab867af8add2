"""Alarm mute rules: while one is active, the alarms that it targets go on changing state, and their actions wait.

CloudWatch API reference: PutAlarmMuteRule, GetAlarmMuteRule, ListAlarmMuteRules, DeleteAlarmMuteRule. An action that was muted is
executed once the alarm is no longer muted, if the alarm is still in ALARM (DeleteAlarmMuteRule). The code of a refused member is a
guess: the reference names LimitExceeded alone.
"""

import time

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import cloudwatch

from overlay.rules import mute_schedule
from overlay.rules.cloudwatch_operations import Time, operation
from overlay.rules.refused import Refused

_MAX_TARGETS = 100
_MAX_RECORDS = 100
_DEFAULT_RECORDS = 50

_rules = AccountRegionScopedDict()
# The change of state whose actions wait, by the name of the alarm.
_waiting = AccountRegionScopedDict()


def apply() -> None:
    operation("PutAlarmMuteRule")(_put)
    operation("GetAlarmMuteRule")(_get)
    operation("ListAlarmMuteRules")(_list)
    operation("DeleteAlarmMuteRule")(_delete)


def has(arn: str) -> bool:
    return any(_arn(name) == arn for name in _rules.keys())


def mutes(alarm: str) -> bool:
    """True if some rule mutes the alarm now."""
    return muting(alarm) is not None


def muting(alarm: str) -> tuple[str, float, float] | None:
    """A rule that mutes the alarm now: its ARN, begin and end of the window."""
    now = time.time()
    for name, rule in _rules.items():
        if _status(rule, now) == "ACTIVE" and alarm in _targets(rule):
            return _arn(name), *mute_schedule.window(rule["Rule"]["Schedule"], now)
    return None


def wait(alarm: str, change: tuple, execute) -> None:
    """Keeps the change of state of a muted alarm, and the function for its actions; a later change takes its place."""
    _waiting[alarm] = (change, execute)


def release() -> None:
    """Executes the actions of alarms that are no longer muted and still in ALARM."""
    for name, ((old, new, reason), execute) in list(_waiting.items()):
        if mutes(name):
            continue
        _waiting.pop(name)
        alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
        if alarm is not None and new == "ALARM" == alarm["StateValue"]:
            execute(alarm, old, new, reason)


def _arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm-mute-rule:{name}"


def _targets(rule: dict) -> list[str]:
    return (rule.get("MuteTargets") or {}).get("AlarmNames") or []


def _put(data: dict) -> dict:
    name, rule = data.get("Name") or "", data.get("Rule") or {}
    targets = _targets(data)
    problem = mute_schedule.problem(rule.get("Schedule") or {})
    if not 1 <= len(name) <= 255:
        problem = "Name must have 1 to 255 characters."
    if len(targets) > _MAX_TARGETS:
        problem = f"A rule targets at most {_MAX_TARGETS} alarms."
    missing = [alarm for alarm in targets if alarm not in cloudwatch._alarms and alarm not in cloudwatch._composite_alarms]
    if missing:
        problem = f"Alarms do not exist: {', '.join(missing)}"
    if problem:
        raise Refused("ValidationError", problem)
    is_new = name not in _rules
    kept = ("Name", "Description", "Rule", "MuteTargets", "StartDate", "ExpireDate")
    _rules[name] = {member: data[member] for member in kept if data.get(member)} | {"updated": time.time()}
    if is_new and data.get("Tags"):
        cloudwatch._resource_tags[_arn(name)] = {tag["Key"]: tag["Value"] for tag in data["Tags"]}
    release()
    return {}


def _get(data: dict) -> dict:
    name = data.get("AlarmMuteRuleName") or ""
    rule = _rules.get(name)
    if rule is None:
        raise Refused("ResourceNotFoundException", f"Alarm mute rule {name} does not exist", 404)
    dates = {member: Time(rule[member]) for member in ("StartDate", "ExpireDate") if member in rule}
    definition = {member: value for member, value in rule.items() if member != "updated"}
    return {**definition, **dates, **_summary(name, rule)}


def _list(data: dict) -> dict:
    found = sorted(_rules.items())
    if data.get("AlarmName"):
        found = [(name, rule) for name, rule in found if data["AlarmName"] in _targets(rule)]
    if data.get("Statuses"):
        found = [(name, rule) for name, rule in found if _status(rule, time.time()) in data["Statuses"]]
    token, size = data.get("NextToken") or "0", data.get("MaxRecords") or _DEFAULT_RECORDS
    if not token.isdigit():
        raise Refused("InvalidNextToken", "The next token specified is invalid.")
    if not 1 <= size <= _MAX_RECORDS:
        raise Refused("ValidationError", f"MaxRecords must be from 1 to {_MAX_RECORDS}.")
    start, end = int(token), int(token) + size
    return {"AlarmMuteRuleSummaries": [_summary(name, rule) for name, rule in found[start:end]],
            "NextToken": str(end) if end < len(found) else None}


def _delete(data: dict) -> dict:
    """Deleting a rule that does not exist succeeds."""
    name = data.get("AlarmMuteRuleName") or ""
    _rules.pop(name, None)
    cloudwatch._resource_tags.pop(_arn(name), None)
    release()
    return {}


def _summary(name: str, rule: dict) -> dict:
    once = rule["Rule"]["Schedule"]["Expression"].startswith("at(")
    return {"AlarmMuteRuleArn": _arn(name), "Status": _status(rule, time.time()),
            "MuteType": "ONE_TIME" if once else "RECURRING", "LastUpdatedTimestamp": Time(rule["updated"])}


def _status(rule: dict, now: float) -> str:
    if "ExpireDate" in rule and rule["ExpireDate"] <= now:
        return "EXPIRED"
    begun = "StartDate" not in rule or rule["StartDate"] <= now
    return "ACTIVE" if begun and mute_schedule.is_active(rule["Rule"]["Schedule"], now) else "SCHEDULED"
