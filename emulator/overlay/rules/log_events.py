"""The processing of log events as they arrive, whoever puts them: metric filters, embedded metrics, subscription filters;
and the search for them."""

import json
import time

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs as logs

from overlay.rules import embedded_metrics, metric_data, metric_filters, subscription_delivery
from overlay.rules.filter_pattern_expression import InvalidPattern
from overlay.rules.filter_pattern_match import compiled
from overlay.rules.patch import replace

_MAX_EVENTS = 10_000
_MAX_TESTED = 50


def apply() -> None:
    replace(logs, "_fanout_to_subscription_filters")(_arrived)
    replace(logs, "_subscription_pattern_matches")(_matches)
    replace(logs, "_compile_filter_pattern")(_compile_filter_pattern)
    replace(logs, "_filter_log_events")(_filter_log_events)


def _arrived(_original, group_name: str, stream_name: str, events: list[dict]) -> None:
    group = logs._log_groups.get(group_name)
    if group is None or not events or group.get("logGroupClass", "STANDARD") != "STANDARD":
        return
    now = int(time.time() * 1000)
    stamped = [{"timestamp": event.get("timestamp", now), "message": event.get("message", "")} for event in events]
    metric_data.publish(metric_filters.data(group_name, stamped) + embedded_metrics.data(stamped))
    subscription_delivery.deliver(group_name, stream_name, stamped)


def _matches(_original, pattern: str, message: str) -> bool:
    return compiled(pattern or "")(message or "") is not None


def _compile_filter_pattern(_original, pattern: str):
    match = compiled(pattern or "")
    return lambda message: match(message) is not None


def _filter_log_events(original, data):
    """The latest events first, if asked for."""
    from_head = data.get("startFromHead", True)
    try:
        status, headers, body = original(data if from_head else {**data, "limit": _MAX_EVENTS})
    except InvalidPattern as error:
        return _invalid(error)
    if from_head or status != 200:
        return status, headers, body
    found = json.loads(body)
    events = found["events"][::-1][:data.get("limit", _MAX_EVENTS)]
    return json_response({**found, "events": events})


def _invalid(error: InvalidPattern):
    return error_response_json("InvalidParameterException", f"Invalid filter pattern: {error}", 400)


def test_metric_filter(data):
    """TestMetricFilter: the messages that match, and the fields taken out of them."""
    messages = data.get("logEventMessages") or []
    if not 1 <= len(messages) <= _MAX_TESTED:
        return error_response_json("InvalidParameterException", "1 validation error detected: Value at "
                                   "'logEventMessages' failed to satisfy constraint: Member must have length between "
                                   f"1 and {_MAX_TESTED}", 400)
    try:
        match = compiled(data.get("filterPattern", ""))
    except InvalidPattern as error:
        return _invalid(error)
    found = [(number, message, match(message)) for number, message in enumerate(messages, start=1)]
    return json_response({"matches": [
        {"eventNumber": number, "eventMessage": message,
         "extractedValues": {name: value if isinstance(value, str) else json.dumps(value)
                             for name, value in fields.items()}}
        for number, message, fields in found if fields is not None
    ]})
