"""Subscription filters: matching events of one log stream go to a Lambda function, at least once.

CloudWatch Logs user guide: "Log group-level subscription filters" (Lambda). Lambda developer guide: "How Lambda handles errors
and retries with asynchronous invocation" (two retries; here without the pauses between them).
"""

import base64
import contextvars
import gzip
import json
import logging
import threading
import time
import uuid
from collections import defaultdict

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs as logs
from ministack.services import lambda_svc

from overlay.rules import policy
from overlay.rules.filter_pattern_match import compiled

_ATTEMPTS = 3
_BUSY_SECONDS = 60.0
_POLL_SECONDS = 0.05
_logger = logging.getLogger("subscriptions")


class _Pending:
    """Deliveries under way, by account; callers can wait for their end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count: dict[str, int] = defaultdict(int)

    def add(self, account: str, difference: int) -> None:
        with self._changed:
            self._count[account] += difference
            self._changed.notify_all()

    def wait(self, account: str, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._count[account] <= 0, seconds)


_pending = _Pending()
# One invocation of a function at a time: its process is used again instead of starting several.
_turns: dict[str, threading.Lock] = defaultdict(threading.Lock)


def wait(account: str, seconds: float) -> bool:
    """Waits for the end of every delivery of the account and of its consequences; false if that takes longer than this."""
    return _pending.wait(account, seconds)


def function_permits(function_arn: str, group_name: str) -> bool:
    """True if the function exists and its policy lets CloudWatch Logs invoke it for the group."""
    function = _function(function_arn)
    if function is None:
        return False
    source = policy.source_keys(f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group_name}:*")
    return any(
        policy.resource_policy_allows(function.get("policy"), service, "lambda:InvokeFunction", function_arn, source)
        for service in (f"logs.{get_region()}.amazonaws.com", "logs.amazonaws.com")
    )


def _function(arn: str) -> dict | None:
    parts = arn.split(":")
    return lambda_svc._functions.get_scoped(parts[4], parts[3], parts[6]) if len(parts) > 6 else None


def deliver(group_name: str, stream_name: str, events: list[dict]) -> None:
    """Start sending these events to the group's subscribers."""
    group = logs._log_groups.get(group_name) or {}
    for subscription in list((group.get("subscriptionFilters") or {}).values()):
        destination = subscription["destinationArn"]
        match = compiled(subscription["filterPattern"])
        matching = [event for event in events if match(event["message"]) is not None]
        if not matching or ":function:" not in destination:
            continue
        if not function_permits(destination, group_name):
            _logger.info("%s may not be invoked for %s", destination, group_name)
            continue
        _start(destination, _envelope({
            "messageType": "DATA_MESSAGE", "owner": get_account_id(), "logGroup": group_name,
            "logStream": stream_name, "subscriptionFilters": [subscription["filterName"]],
            "logEvents": [
                {"id": f"{uuid.uuid4().int:056d}"[-56:], "timestamp": event["timestamp"], "message": event["message"]}
                for event in matching
            ],
        }))


def _envelope(payload: dict) -> dict:
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()}}


def _start(function_arn: str, event: dict) -> None:
    account = get_account_id()
    _pending.add(account, 1)

    def run() -> None:
        try:
            with _turns[function_arn]:
                _invoke(function_arn, event)
        finally:
            _pending.add(account, -1)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()


def _invoke(function_arn: str, event: dict) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    attempts = 0
    while attempts < _ATTEMPTS and time.monotonic() < deadline:
        function = _function(function_arn)
        if function is None:
            return
        result: dict = {"throttle": True}
        if function["config"].get("State") != "Pending":
            result = lambda_svc._execute_function_with_config_scope(function, event)
        if result.get("throttle"):
            # The event stays in the function's queue until there is room.
            time.sleep(_POLL_SECONDS)
            continue
        if not result.get("error"):
            return
        attempts += 1
