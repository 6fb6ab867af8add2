"""EventBridge: rules and their targets, and events of S3.

EventBridge API reference: PutRule, DeleteRule, PutTargets, ListTargetsByRule, RemoveTargets. User guide: "Amazon EventBridge quotas" (300 rules a
bus, five targets a rule), "Sending and receiving events between AWS accounts", "Sending events between event buses in the same account and
Region" (a target that is a bus has a role). The texts about a missing role and a role that cannot be assumed are those of users' reports. The
reference says that inputs are "not available" for a bus of another account, without a code.
"""

import contextvars
import re

from ministack.core.responses import get_account_id
from ministack.services import eventbridge, s3

from overlay.rules import function_invocations, policy
from overlay.rules.event_buses import DEFAULT, on_bus
from overlay.rules.patch import replace
from overlay.rules.refused import Refused

_NAME = re.compile(r"[\.\-_A-Za-z0-9]{1,64}")
_BUS = re.compile(r"arn:aws[\w-]*:events:[\w-]*:(\d{12}):event-bus/.+")
_SERVICE = "events.amazonaws.com"
_MAX_TARGETS = 5
_MAX_RULES = 300
_MAX_PATTERN = 4096
# The members of a rule that a request without them clears.
_CLEARED = {"State": "ENABLED", "Description": "", "RoleArn": "", "ScheduleExpression": "", "EventPattern": ""}
_INPUTS = ("Input", "InputPath", "InputTransformer")
_is_counted: contextvars.ContextVar[bool] = contextvars.ContextVar("is_counted", default=False)


def apply() -> None:
    replace(eventbridge, "_put_rule")(on_bus(_put_rule))
    replace(eventbridge, "_delete_rule")(on_bus(_delete_rule))
    replace(eventbridge, "_list_rules")(on_bus(_of_bus))
    replace(eventbridge, "_put_targets")(on_bus(_put_targets))
    for name, member in (("_describe_rule", "Name"), ("_enable_rule", "Name"), ("_disable_rule", "Name"),
                         ("_list_targets_by_rule", "Rule"), ("_remove_targets", "Rule")):
        replace(eventbridge, name)(on_bus(_of_rule(member)))
    replace(s3, "_fire_s3_event_async")(_fire_s3_event_async)
    replace(s3, "_fire_s3_event")(_fire_s3_event)


def _key(data: dict, member: str) -> str:
    return eventbridge._rule_key(data.get(member), data["EventBusName"])


def _too_many() -> Refused:
    return Refused("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def _of_bus(original, data):
    return original(data)


def _of_rule(member: str):
    def of_existing_rule(original, data):
        _check_exists(data, member)
        return original(data)

    return of_existing_rule


def _check_exists(data: dict, member: str) -> None:
    if _key(data, member) not in eventbridge._rules:
        raise Refused("ResourceNotFoundException", f"Rule {data.get(member)} does not exist on EventBus {data['EventBusName']}.")


def _put_rule(original, data):
    """A rule is replaced whole, but for its tags: those of the request are for a new rule only."""
    if not _NAME.fullmatch(data.get("Name") or ""):
        raise Refused("ValidationException", "1 validation error detected: Value at 'name' failed to satisfy constraint: "
                                             "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+")
    if not data.get("EventPattern") and not data.get("ScheduleExpression"):
        raise Refused("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if data.get("ScheduleExpression") and data["EventBusName"] != DEFAULT:
        raise Refused("ValidationException", "ScheduleExpression is supported only on the default event bus.")
    if len(data.get("EventPattern") or "") > _MAX_PATTERN:
        raise Refused("ValidationException", "1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: "
                                             f"Member must have length less than or equal to {_MAX_PATTERN}")
    if data.get("RoleArn"):
        _check_role(data["RoleArn"])
    if _key(data, "Name") in eventbridge._rules:
        data = {name: value for name, value in data.items() if name != "Tags"}
    elif sum(rule["EventBusName"] == data["EventBusName"] for rule in eventbridge._rules.values()) >= _MAX_RULES:
        raise _too_many()
    return original({**_CLEARED, **data})


def _delete_rule(original, data):
    if eventbridge._targets.get(_key(data, "Name")):
        raise Refused("ValidationException", "Rule can't be deleted since it has targets.")
    return original(data)


def _put_targets(original, data):
    _check_exists(data, "Rule")
    present = {target["Id"]: target for target in eventbridge._targets.get(_key(data, "Rule")) or []}
    targets = [_with_known_role(target, present.get(target["Id"])) for target in data.get("Targets") or []]
    for target in targets:
        _check_target(target)
    if len({*present, *(target["Id"] for target in targets)}) > _MAX_TARGETS:
        raise _too_many()
    return original({**data, "Targets": targets})


def _with_known_role(target: dict, before: dict | None) -> dict:
    """A request without a role does not remove the role of a bus of another account."""
    if before and before["Arn"] == target["Arn"] and before.get("RoleArn") and _other_account(target["Arn"]):
        return {"RoleArn": before["RoleArn"], **target}
    return target


def _other_account(arn: str) -> bool:
    match = _BUS.fullmatch(arn)
    return match is not None and match[1] != get_account_id()


def _check_target(target: dict) -> None:
    arn = target["Arn"]
    if not _NAME.fullmatch(target["Id"]):
        raise Refused("ValidationException", f"1 validation error detected: Value '{target['Id']}' at 'targets.1.member.id' failed to "
                                             "satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+")
    inputs = [member for member in _INPUTS if target.get(member)]
    if len(inputs) > 1:
        raise Refused("ValidationException", f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}.")
    if _BUS.fullmatch(arn) and not target.get("RoleArn"):
        raise Refused("ValidationException", f"RoleArn is required for target {arn}.")
    if inputs and _other_account(arn):
        raise Refused("ValidationException", f"{inputs[0]} is not available for an event bus of another account: target {target['Id']}.")
    if target.get("RoleArn"):
        _check_role(target["RoleArn"])


def _check_role(arn: str) -> None:
    """The role must exist and trust EventBridge. Its conditions count when it is used."""
    if arn.split(":")[4:5] != [get_account_id()]:
        raise Refused("AccessDeniedException", "Cross-account pass role is not allowed.")
    role = policy.role_by_arn(arn)
    if role is None or not policy.names_in_trust(role, _SERVICE):
        raise Refused("ValidationException", f"Provided role '{arn}' cannot be assumed by principal '{_SERVICE}'.")


def _fire_s3_event_async(original, bucket_name, *rest, **named):
    """Counted as under way from here, so that waiting for consequences does not miss it."""
    if bucket_name not in s3._bucket_notifications:
        return original(bucket_name, *rest, **named)
    function_invocations.begin(get_account_id())
    # The thread of the event gets a copy of this context.
    token = _is_counted.set(True)
    try:
        return original(bucket_name, *rest, **named)
    finally:
        _is_counted.reset(token)


def _fire_s3_event(original, *arguments, **named):
    try:
        return original(*arguments, **named)
    finally:
        if _is_counted.get():
            function_invocations.end(get_account_id())
