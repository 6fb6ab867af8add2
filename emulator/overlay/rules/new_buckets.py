"""Buckets made moments ago, which CreateFlowLogs may find inaccessible for a while: users report "Access Denied for LogDestination"
for them now and then. Only in accounts whose mode says so."""

from ministack.core.responses import AccountScopedDict
from ministack.services import s3

from overlay import modes
from overlay.rules.patch import replace

_denials_left = AccountScopedDict()


def apply() -> None:
    replace(s3, "_create_bucket")(_create_bucket)


def _create_bucket(original, name, *args, **kwargs):
    is_new = name not in s3._buckets
    response = original(name, *args, **kwargs)
    if is_new and response[0] == 200:
        _denials_left[name] = modes.current().new_bucket_denials
    return response


def take_denial(name: str) -> bool:
    """True if a request finds the bucket inaccessible; uses up one of the denials."""
    left = _denials_left.get(name, 0)
    _denials_left[name] = max(left - 1, 0)
    return left > 0
