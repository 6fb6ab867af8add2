"""Decides whether a bound caller may do what a request asks, by the table."""

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass

from ministack.core.responses import request_scope

from overlay.permissions import new_roles
from overlay.permissions.callers import Callers
from overlay.permissions.conditions import Context
from overlay.permissions.policy import Decision, Policies
from overlay.permissions.request import Request
from overlay.permissions.row import Row
from overlay.permissions.rows import TABLE
from overlay.permissions.unmodelled import Unmodelled
from overlay.rules.policy import principal_arn

# The services that have one endpoint for all regions (user guide, aws:RequestedRegion).
_GLOBAL_REGION = "us-east-1"
_GLOBAL_SERVICES = frozenset({"iam"})


@dataclass(frozen=True)
class Refusal:
    """The first check that failed."""

    request: Request
    # The caller's ARN.
    caller: str
    action: str
    resource: str
    explicit: bool


@dataclass(frozen=True)
class Authorizer:
    """A bound caller's request."""

    callers: Callers
    request: Request
    # The caller's ARN.
    caller: str
    policies: Policies

    def refusal(self) -> Refusal | None:
        """The refusal of the request, or None if it is allowed. Raises Unmodelled where the table has no row."""
        row = TABLE.get(self.request.service, {}).get(self.request.operation)
        if row is None:
            raise Unmodelled(f"the operation {self.request.service}:{self.request.operation}")
        checked: set[str] = set()
        with request_scope(self.request.account, self.request.region):
            try:
                return self._first_refusal(row, checked)
            finally:
                new_roles.checked(checked)

    def _first_refusal(self, row: Row, checked: set[str]) -> Refusal | None:
        for check in row.checks:
            if not check.when(self.request):
                continue
            for resource in check.resources(self.request):
                checked.add(resource)
                keys: Context = {}
                for add in check.keys:
                    keys |= add(self.request, resource)
                refused = self.check(check.action, resource, keys)
                if refused:
                    return refused
        return None

    def check(self, action: str, resource: str, keys: Context | None = None) -> Refusal | None:
        """The refusal of one action on one resource, or None if it is allowed."""
        decision = self.policies.decide(action, resource, self._global_keys(resource) | (keys or {}))
        self.callers.record(self.request.account, self.request.operation, action, resource, decision)
        if decision is Decision.ALLOWED:
            return None
        return Refusal(self.request, self.caller, action, resource, decision is Decision.DENIED)

    def _global_keys(self, resource: str) -> Context:
        request = self.request
        owner = resource.split(":")[4] if resource.count(":") > 4 else ""
        return {
            "aws:principalaccount": request.account,
            "aws:principalarn": principal_arn(self.caller),
            "aws:principaltype": "AssumedRole" if ":assumed-role/" in self.caller else "Account",
            "aws:requestedregion": _GLOBAL_REGION if request.service in _GLOBAL_SERVICES else request.region,
            "aws:resourceaccount": owner or request.account,
            "aws:securetransport": "true",
            "aws:viaawsservice": "false",
        }


_current: ContextVar[Authorizer | None] = ContextVar("authorizer", default=None)


@contextlib.contextmanager
def acting(authorizer: Authorizer):
    """Lets the code that carries the request out check further actions of its caller."""
    token = _current.set(authorizer)
    try:
        yield
    finally:
        _current.reset(token)


def refusal_of(action: str, resource: str, keys: Context | None = None) -> Refusal | None:
    """The refusal of an action of the present request's caller; None if it is allowed, or if the caller is not bound."""
    authorizer = _current.get()
    return authorizer.check(action, resource, keys) if authorizer else None
