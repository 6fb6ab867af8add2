"""A row of the table: the checks that AWS makes before it carries out an operation."""

from collections.abc import Callable
from dataclasses import dataclass

from overlay.permissions import new_roles, tags
from overlay.permissions.conditions import Context
from overlay.permissions.request import Request

Resources = Callable[[Request], list[str]]
# The condition keys (in lower case) that a check on one resource brings.
Keys = Callable[[Request, str], Context]


def _always(_request: Request) -> bool:
    return True


@dataclass(frozen=True)
class Check:
    """An action that must be allowed on each of the resources."""

    action: str
    resources: Resources
    keys: tuple[Keys, ...] = ()
    when: Callable[[Request], bool] = _always


@dataclass(frozen=True)
class Row:
    """The permissions that one operation needs, by AWS's documents. "SAR" is the Service Authorization Reference."""

    document: str
    checks: tuple[Check, ...] = ()
    # Actions that are decided one by one while the request is carried out; the request goes on without them.
    within: tuple[str, ...] = ()

    @property
    def actions(self) -> list[str]:
        return sorted({check.action for check in self.checks}.union(self.within))


def everything(_request: Request) -> list[str]:
    """The resource of actions that know no resources."""
    return ["*"]


def resource_tag_keys(found: dict[str, str]) -> Context:
    return {f"aws:resourcetag/{key}".lower(): value for key, value in found.items()}


def resource_tags(_request: Request, resource: str) -> Context:
    """The tags that the resource has now: where a service lets them be a condition."""
    return resource_tag_keys(tags.present(resource))


def request_tags(request: Request, _resource: str) -> Context:
    """The tags that the request gives."""
    given = tags.given(request)
    context: Context = {f"aws:requesttag/{key}".lower(): value for key, value in given.items()}
    return context | _tag_keys(list(given))


def removed_tags(request: Request, _resource: str) -> Context:
    """The names of the tags that the request takes away."""
    return _tag_keys(tags.removed(request))


def _tag_keys(names: list[str]) -> Context:
    return {"aws:tagkeys": names} if names else {}


def gives_tags(request: Request) -> bool:
    return bool(tags.given(request))


def pass_role(role: Callable[[Request], str | None], service: str) -> Check:
    """Handing a role to a service. A role's tags do not count (IAM user guide, "Granting a user permissions to pass a
    role to an AWS service": "This approach does not have reliable results")."""
    return Check(
        "iam:PassRole",
        lambda request: [new_roles.seen_arn(role(request) or "")],
        (lambda _request, _resource: {"iam:passedtoservice": service},),
        when=lambda request: bool(role(request)),
    )
