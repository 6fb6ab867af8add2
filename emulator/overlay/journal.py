"""The requests that were answered, and the faults to answer with, per account."""

import itertools
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

# Enough for the longest test of one account; a bound, so that a demo left running does not grow for ever.
_CALLS_KEPT = 200_000


class Call(NamedTuple):
    """One AWS request that was answered. ``caller`` is the assumed role's name, or None for the account itself."""

    seq: int
    service: str
    operation: str
    region: str
    mutating: bool
    status: int
    caller: str | None


@dataclass
class Fault:
    """An error that matching requests get instead of being carried out; ``times`` is None for without end."""

    service: str
    operation: str
    code: str
    message: str
    status: int = 400
    times: int | None = None


@dataclass
class Journal:
    _seq: itertools.count = field(default_factory=lambda: itertools.count(1))
    _calls: dict[str, deque[Call]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_CALLS_KEPT)))
    _faults: dict[str, list[Fault]] = field(default_factory=dict)

    def record(
        self, account: str, service: str, operation: str, region: str, mutating: bool, status: int, caller: str | None
    ) -> None:
        self._calls[account].append(Call(next(self._seq), service, operation, region, mutating, status, caller))

    def calls(self, account: str, since: int) -> list[Call]:
        return [call for call in self._calls.get(account, ()) if call.seq > since]

    def add_fault(self, account: str, fault: Fault) -> None:
        self._faults.setdefault(account, []).append(fault)

    def clear_faults(self, account: str) -> None:
        self._faults.pop(account, None)

    def take_fault(self, account: str, service: str, operation: str) -> Fault | None:
        """The fault that this request gets, used up by one."""
        for fault in self._faults.get(account, ()):
            if fault.service == service and fault.operation == operation and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
