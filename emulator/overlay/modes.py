"""Ways in which AWS treats one account otherwise than most: its partition or region lacks a feature, Lake Formation governs its
catalog, or it is slow to know new resources. A test chooses them per account; an account without a choice has the defaults."""

import dataclasses
import enum

from ministack.core.responses import get_account_id


class BucketTags(enum.StrEnum):
    """The treatment of tags by CreateBucket. Refusals are reported for aws-us-gov, aws-cn and aws-eusc:
    hashicorp/terraform-provider-aws#45566, #45684. Older services ignore the unknown member."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    IGNORED = "ignored"


class DashboardTags(enum.StrEnum):
    """The treatment of tags by PutDashboard; ``unsupported``: as before June 2026, when dashboards could not have tags at all."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    IGNORED = "ignored"
    UNSUPPORTED = "unsupported"


@dataclasses.dataclass(frozen=True)
class Modes:
    bucket_tags: BucketTags = BucketTags.ACCEPTED
    dashboard_tags: DashboardTags = DashboardTags.ACCEPTED
    # True if Lake Formation refuses requests to the Glue catalog that IAM allows.
    lake_formation: bool = False
    # Number of CreateFlowLogs requests that find a bucket made from now on inaccessible.
    new_bucket_denials: int = 0
    # Number of requests of bound callers that see a role made from now on without its path and tags.
    new_role_checks: int = 0


# The names in JSON, with the types that read their values.
_MEMBERS = {
    "bucketTags": ("bucket_tags", BucketTags),
    "dashboardTags": ("dashboard_tags", DashboardTags),
    "lakeFormation": ("lake_formation", bool),
    "newBucketDenials": ("new_bucket_denials", int),
    "newRoleChecks": ("new_role_checks", int),
}
_DEFAULTS = Modes()
_chosen: dict[str, Modes] = {}


def of(account: str) -> Modes:
    return _chosen.get(account, _DEFAULTS)


def current() -> Modes:
    """Those of the account that the present request acts in."""
    return of(get_account_id())


def choose(account: str, values: dict) -> None:
    """Replaces the account's modes. A member that is left out has its default. Raises ValueError for anything unknown."""
    given = {}
    for member, value in values.items():
        if member not in _MEMBERS:
            raise ValueError(f"unknown mode `{member}`: the modes are {', '.join(_MEMBERS)}")
        name, read = _MEMBERS[member]
        if issubclass(read, enum.Enum):
            given[name] = read(value)
        elif type(value) is read and value >= 0:
            given[name] = value
        else:
            raise ValueError(f"`{member}` must be {'true or false' if read is bool else 'a number of 0 or more'}")
    _chosen[account] = Modes(**given)


def reset(account: str) -> None:
    _chosen.pop(account, None)


def described(account: str) -> dict:
    """The modes of an account, as ``choose`` takes them."""
    modes = of(account)
    return {member: getattr(modes, name) for member, (name, _) in _MEMBERS.items()}
