"""EventBridge: events that are put on a bus, and their delivery to the targets of the rules that they match.

EventBridge API reference: PutEvents, PutEventsResultEntry. User guide: "Sending and receiving events between AWS accounts", "Sending events
between event buses in the same account and Region" (the role of the target, the policy of the bus; an event that came from another bus is not
sent on to a third one), "Permissions for event buses", "Using resource-based policies for Amazon EventBridge" (topics, queues, functions),
"Monitoring Amazon EventBridge". The texts of failed entries are those of users' reports: localstack/localstack#11990,
baselime/lambda-node-opentelemetry#1. An event for an absent bus is accepted and lost: aws/aws-sdk-java-v2#3155.
"""

import contextvars
import json
import time
from datetime import datetime, timezone
from typing import NamedTuple

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, new_uuid, request_scope
from ministack.services import eventbridge, sns, sqs

from overlay.rules import event_buses, function_invocations, metric_data, policy, topic_access
from overlay.rules.patch import replace
from overlay.rules.refused import Refused

_SERVICE = "events.amazonaws.com"
_ACTION = "events:PutEvents"
_MAX_ENTRIES = 10
_MAX_BYTES = 1024 * 1024
# Of a Time in an entry (user guide: "Calculating PutEvents event entry size").
_TIME_BYTES = 14
# The member of an event that came from another bus.
_FROM_BUS = "_FromBus"


class _Delivery(NamedTuple):
    """A rule that matched, and the target that gets the event."""

    rule: dict
    target: dict


class _Failed(Exception):
    """The target did not get the event."""


_current: contextvars.ContextVar[_Delivery | None] = contextvars.ContextVar("delivery", default=None)
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="")


def apply() -> None:
    replace(eventbridge, "handle_request")(_handle_request)
    replace(eventbridge, "_put_events")(_put_events)
    replace(eventbridge, "_invoke_target")(_invoke_target)
    replace(eventbridge, "_target_matches_request_scope")(_target_matches_request_scope)
    for name, deliver in (("lambda", _to_function), ("sns", _to_topic), ("sqs", _to_queue), ("event_bus", _to_bus)):
        replace(eventbridge, f"_dispatch_to_{name}")(_counting_failures(deliver))


async def _handle_request(original, method, path, headers, body, query_params):
    token = _caller.set(iam_evaluator.request_caller_arn(headers, query_params))
    try:
        return await original(method, path, headers, body, query_params)
    finally:
        _caller.reset(token)


def _put_events(_original, data, allow_aws_source=False):
    entries = data.get("Entries") or []
    if not 1 <= len(entries) <= _MAX_ENTRIES:
        bound = "less than or equal to 10" if entries else "greater than or equal to 1"
        return error_response_json("ValidationException", f"1 validation error detected: Value '{entries}' at 'entries' failed to "
                                   f"satisfy constraint: Member must have length {bound}", 400)
    if sum(_size(entry) for entry in entries) > _MAX_BYTES:
        return error_response_json("ValidationException", "Total size of the entries in the request is over the limit.", 400)
    try:
        buses = [_bus_of(entry) for entry in entries]
    except Refused as error:
        return error_response_json(error.code, error.message, error.status)
    results = [_put_event(entry, bus, allow_aws_source) for entry, bus in zip(entries, buses)]
    return json_response({"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results})


def _size(entry: dict) -> int:
    texts = [entry.get(member) or "" for member in ("Source", "DetailType", "Detail")] + (entry.get("Resources") or [])
    return sum(len(text.encode()) for text in texts) + (_TIME_BYTES if entry.get("Time") else 0)


class _Bus(NamedTuple):
    account: str
    region: str
    name: str


def _bus_of(entry: dict) -> _Bus:
    """The bus of an entry. A bus of another account must admit the caller."""
    reference = entry.get("EventBusName") or event_buses.DEFAULT
    parts = reference.split(":", 5)
    if len(parts) < 6 or parts[4] == get_account_id():
        return _Bus(get_account_id(), get_region(), event_buses.name_of(reference))
    bus = _Bus(parts[4], get_region(), parts[5].removeprefix("event-bus/"))
    caller = policy.principal_arn(_caller.get() or f"arn:aws:iam::{get_account_id()}:root")
    if parts[3] != get_region() or not _bus_admits(bus, caller, _event_keys(entry.get("Source"), entry.get("DetailType"), from_bus=False)):
        raise Refused("AccessDeniedException", f"User: {caller} is not authorized to perform: {_ACTION} on resource: {reference} because no "
                                               f"resource-based policy allows the {_ACTION} action")
    return bus


def _event_keys(source: str | None, detail_type: str | None, from_bus: bool) -> dict[str, str]:
    return {"events:source": source or "", "events:detail-type": detail_type or "", "events:eventbusinvocation": str(from_bus).lower()}


def _bus_admits(bus: _Bus, principal: str, keys: dict[str, str]) -> bool:
    document = eventbridge._event_bus_policies.get_scoped(*bus)
    arn = f"arn:aws:events:{bus.region}:{bus.account}:event-bus/{bus.name}"
    return policy.principal_allowed(document, principal, _ACTION, arn, keys, same_account=principal.split(":")[4] == bus.account)


def _put_event(entry: dict, bus: _Bus, allow_aws_source: bool) -> dict:
    problem = _entry_problem(entry, allow_aws_source)
    if problem:
        return dict(zip(("ErrorCode", "ErrorMessage"), problem))
    event = {
        "EventId": new_uuid(), "Source": entry["Source"], "DetailType": entry["DetailType"], "Detail": entry["Detail"],
        "EventBusName": bus.name, "Time": _time(entry.get("Time")), "Resources": entry.get("Resources") or [],
        "Account": get_account_id(), "Region": get_region(),
    }
    with request_scope(bus.account, bus.region):
        _arrive(event)
    return {"EventId": event["EventId"]}


def _entry_problem(entry: dict, allow_aws_source: bool) -> tuple[str, str] | None:
    for member in ("Source", "DetailType", "Detail"):
        if not entry.get(member):
            return "InvalidArgument", f"Parameter {member} is not valid. Reason: {member} is a required argument."
    if not allow_aws_source and entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    try:
        is_object = isinstance(json.loads(entry["Detail"]), dict)
    except (ValueError, RecursionError):
        is_object = False
    return None if is_object else ("MalformedDetail", "Detail is malformed.")


def _time(given) -> int:
    if isinstance(given, str):
        return int(datetime.fromisoformat(given.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp())
    return int(given or time.time())


def _arrive(event: dict) -> None:
    """An event is on a bus of the account and region now."""
    kept = {member: value for member, value in event.items() if not member.startswith("_")}
    eventbridge._events_log_list().append(kept)
    view = eventbridge._pattern_event_view(event)
    eventbridge._dispatch_event(event, view)
    eventbridge._archive_event(kept, view)


def _invoke_target(original, target, event, rule, *rest):
    token = _current.set(_Delivery(rule, target))
    try:
        return original(target, event, rule, *rest)
    finally:
        _current.reset(token)


def _counting_failures(deliver):
    def counted(original, *arguments):
        try:
            deliver(original, *arguments)
        except _Failed:
            _count_failure(_current.get().rule)

    return counted


def _count_failure(rule: dict) -> None:
    """In the account and region of the rule."""
    bus = rule.get("EventBusName", event_buses.DEFAULT)
    dimensions = {"RuleName": rule["Name"], **({} if bus == event_buses.DEFAULT else {"EventBusName": bus})}
    metric_data.publish([metric_data.Datum("AWS/Events", "FailedInvocations", dimensions, 1, time.time(), "Count")])


def _target_matches_request_scope(original, spec):
    """Another target than a bus must be in the account and region of its rule."""
    matches = original(spec)
    if not matches:
        _count_failure(_current.get().rule)
    return matches


def _source() -> dict[str, str]:
    return policy.source_keys(_current.get().rule["Arn"])


def _to_function(_original, arn: str, payload: str) -> None:
    """EventBridge needs the function's permission, and Lambda retries an asynchronous invocation that fails."""
    if not function_invocations.permitted(arn, (_SERVICE,), _current.get().rule["Arn"]):
        raise _Failed
    function_invocations.start(arn, json.loads(payload))


def _to_topic(original, arn: str, payload: str) -> None:
    """"You can't use Condition blocks in Amazon SNS topic policies for EventBridge", nor in the policy of the topic's key."""
    topic = sns._topic_by_arn_any_scope(arn)
    if topic is None or not topic_access.policy_allows(topic, _SERVICE, {}) or not topic_access.key_allows(topic, _SERVICE, {}):
        raise _Failed
    original(arn, payload)


def _to_queue(original, spec, payload: str, *rest) -> None:
    queue = sqs._queue_by_arn(str(spec))
    document = (queue or {}).get("attributes", {}).get("Policy")
    if queue is None or not policy.resource_policy_allows(document, _SERVICE, "sqs:SendMessage", str(spec), _source()):
        raise _Failed
    original(spec, payload, *rest)


def _to_bus(_original, spec, event: dict, rule: dict, _path, payload: str | None = None) -> None:
    bus = _Bus(spec.account_id, spec.region, spec.resource.removeprefix("event-bus/"))
    here = (get_account_id(), get_region())
    _check_role(bus, event)
    if event.get(_FROM_BUS) or event.get("Account", here[0]) != here[0] != bus.account:
        raise _Failed
    key = eventbridge._rule_key(rule["Name"], rule.get("EventBusName", event_buses.DEFAULT))
    forwarded = {**event, "EventBusName": bus.name, _FROM_BUS: True, **({} if payload is None else {"Detail": payload}),
                 # The rule does not match what it sends itself.
                 "_DispatchPath": [key] if bus[:2] == here else []}
    with request_scope(bus.account, bus.region), function_invocations.counted_for(here[0]):
        eventbridge._ensure_default_bus()
        exists = bus.name in eventbridge._event_buses
        if exists:
            _arrive(forwarded)
    if not exists:
        raise _Failed


def _check_role(bus: _Bus, event: dict) -> None:
    """The role of the target must trust EventBridge and allow the call; a bus of another account must admit the role."""
    arn = f"arn:aws:events:{bus.region}:{bus.account}:event-bus/{bus.name}"
    keys = {**_event_keys(event["Source"], event["DetailType"], from_bus=True), **_source()}
    role = policy.role_by_arn(_current.get().target.get("RoleArn") or "")
    if role is None or not policy.trusts(role, _SERVICE, _source()) or not policy.role_allows(role, _ACTION, arn, keys):
        raise _Failed
    if not _bus_admits(bus, role["Arn"], keys):
        raise _Failed
