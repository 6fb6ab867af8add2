"""Roles made moments ago, which AWS may check without their path and without their tags. Only in accounts whose mode says so.

IAM user guide, "Changes that I make are not always immediately visible"; the ARN without a path is that of users' refusals.
"""

from ministack.core.responses import AccountScopedDict

_checks_left = AccountScopedDict()


def made(name: str, checks: int) -> None:
    """From now on that many requests see the role without its path and tags."""
    _checks_left[name] = checks


def is_new(name: str) -> bool:
    return _checks_left.get(name, 0) > 0


def seen_arn(arn: str) -> str:
    """The ARN that a role is checked under."""
    prefix, slash, rest = arn.partition("/")
    name = rest.rsplit("/", 1)[-1]
    return f"{prefix}/{name}" if slash and is_new(name) else arn


def checked(resources: set[str]) -> None:
    """Counts one request that was checked on these ARNs."""
    for name in {arn.rsplit("/", 1)[-1] for arn in resources if ":role/" in arn}:
        if is_new(name):
            _checks_left[name] -= 1
