"""STS. A role's trust policy is ``rules.sts``'s."""

from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, gives_tags, request_tags


def _role(request: Request) -> list[str]:
    return [request.members.get("RoleArn", "")]


def _session(request: Request, _resource: str) -> Context:
    members = request.members
    named = {"sts:rolesessionname": members.get("RoleSessionName"), "sts:externalid": members.get("ExternalId")}
    return {key: value for key, value in named.items() if value is not None}


ROWS = {
    "AssumeRole": Row('SAR STS; IAM user guide, "Pass session tags in AWS STS"', (
        Check("sts:AssumeRole", _role, (_session, request_tags)),
        Check("sts:TagSession", _role, (request_tags,), when=gives_tags))),
    "GetCallerIdentity": Row('STS API, GetCallerIdentity: "No permissions are required to perform this operation"'),
}
