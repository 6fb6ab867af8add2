"""EventBridge: rules and their targets, the permission of a target function, and events of S3.

EventBridge API reference: PutRule, DeleteRule, PutTargets, ListTargetsByRule, RemoveTargets. User guide: "Amazon EventBridge quotas" (five
targets a rule), "Resource-based policies for EventBridge" (Lambda permissions).
"""

import contextvars
import json
import re

from ministack.core.responses import error_response_json, get_account_id
from ministack.services import eventbridge, s3

from overlay.rules import function_invocations
from overlay.rules.patch import replace

_NAME = re.compile(r"[\.\-_A-Za-z0-9]{1,64}")
_MAX_TARGETS = 5
# The members of a rule that a request without them clears.
_CLEARED = {"State": "ENABLED", "Description": "", "RoleArn": "", "ScheduleExpression": "", "EventPattern": ""}
_is_counted: contextvars.ContextVar[bool] = contextvars.ContextVar("is_counted", default=False)
_rule_arn: contextvars.ContextVar[str] = contextvars.ContextVar("rule_arn", default="")


def apply() -> None:
    replace(eventbridge, "_put_rule")(_put_rule)
    replace(eventbridge, "_delete_rule")(_delete_rule)
    replace(eventbridge, "_put_targets")(_put_targets)
    replace(eventbridge, "_list_targets_by_rule")(_of_existing_rule)
    replace(eventbridge, "_remove_targets")(_of_existing_rule)
    replace(eventbridge, "_invoke_target")(_invoke_target)
    replace(eventbridge, "_dispatch_to_lambda")(_dispatch_to_lambda)
    replace(s3, "_fire_s3_event_async")(_fire_s3_event_async)
    replace(s3, "_fire_s3_event")(_fire_s3_event)


def _key(data: dict, name: str) -> str:
    return eventbridge._rule_key(data.get(name), data.get("EventBusName", "default"))


def _put_rule(original, data):
    """A rule is replaced whole, but for its tags: those of the request are for a new rule only."""
    if not _NAME.fullmatch(data.get("Name") or ""):
        return error_response_json("ValidationException", "1 validation error detected: Value at 'name' failed to satisfy "
                                   "constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+", 400)
    if not data.get("EventPattern") and not data.get("ScheduleExpression"):
        return error_response_json("ValidationException",
                                   "Parameter(s) EventPattern or ScheduleExpression must be specified.", 400)
    if _key(data, "Name") in eventbridge._rules:
        data = {name: value for name, value in data.items() if name != "Tags"}
    return original({**_CLEARED, **data})


def _delete_rule(original, data):
    if eventbridge._targets.get(_key(data, "Name")):
        return error_response_json("ValidationException", "Rule can't be deleted since it has targets.", 400)
    return original(data)


def _put_targets(original, data):
    key = _key(data, "Rule")
    ids = {target["Id"] for target in [*(eventbridge._targets.get(key) or []), *data.get("Targets", [])]}
    if len(ids) > _MAX_TARGETS:
        return error_response_json("LimitExceededException",
                                   "The requested resource exceeds the maximum number allowed.", 400)
    return original(data)


def _of_existing_rule(original, data):
    if _key(data, "Rule") not in eventbridge._rules:
        return error_response_json("ResourceNotFoundException",
                                   f"Rule {data.get('Rule')} does not exist on EventBus default.", 400)
    return original(data)


def _invoke_target(original, target, event, rule, *rest):
    token = _rule_arn.set(rule["Arn"])
    try:
        return original(target, event, rule, *rest)
    finally:
        _rule_arn.reset(token)


def _dispatch_to_lambda(_original, arn, payload):
    """EventBridge needs the function's permission, and Lambda retries an asynchronous invocation that fails."""
    if function_invocations.permitted(arn, ("events.amazonaws.com",), _rule_arn.get()):
        function_invocations.start(arn, json.loads(payload))


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
