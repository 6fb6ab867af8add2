"""Asynchronous invocations of Lambda functions by other services.

Lambda developer guide: "How Lambda handles errors and retries with asynchronous invocation" (two retries; here without the pauses
between them), "Using resource-based policies for Lambda".
"""

import contextlib
import contextvars
import threading
import time
from collections import defaultdict

from ministack.core.responses import get_account_id
from ministack.services import lambda_svc

from overlay.rules import policy

_ATTEMPTS = 3
_BUSY_SECONDS = 60.0
_POLL_SECONDS = 0.05


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
# Other accounts, whose events led to what happens now.
_origins: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("origins", default=frozenset())
# One invocation of a function at a time: its process is used again instead of starting several.
_turns: dict[str, threading.Lock] = defaultdict(threading.Lock)


def wait(account: str, seconds: float) -> bool:
    """Waits for the end of every delivery of the account and of its consequences; false if that takes longer than this."""
    return _pending.wait(account, seconds)


def begin(account: str) -> None:
    """Counts a delivery of the account that has not come to a function yet."""
    _pending.add(account, 1)


def end(account: str) -> None:
    """The end of what ``begin`` has counted."""
    _pending.add(account, -1)


@contextlib.contextmanager
def counted_for(account: str):
    """Deliveries that begin within count for this account, too, and not only for the one that they belong to."""
    token = _origins.set(_origins.get() | {account})
    try:
        yield
    finally:
        _origins.reset(token)


def permitted(function_arn: str, services: tuple[str, ...], source_arn: str) -> bool:
    """True if the function exists and its policy lets one of these names of a service invoke it for the source."""
    function = _function(function_arn)
    if function is None:
        return False
    source = policy.source_keys(source_arn)
    return any(
        policy.resource_policy_allows(function.get("policy"), service, "lambda:InvokeFunction", function_arn, source)
        for service in services
    )


def _function(arn: str) -> dict | None:
    parts = arn.split(":")
    return lambda_svc._functions.get_scoped(parts[4], parts[3], parts[6]) if len(parts) > 6 else None


def start(function_arn: str, event: dict) -> None:
    """Hands the function an event, in a thread of its own."""
    accounts = _origins.get() | {get_account_id()}
    for account in accounts:
        begin(account)

    def run() -> None:
        try:
            with _turns[function_arn]:
                _invoke(function_arn, event)
        finally:
            for account in accounts:
                end(account)

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
