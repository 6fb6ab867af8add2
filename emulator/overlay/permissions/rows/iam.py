"""IAM roles."""

from ministack.services import iam

from overlay.permissions import new_roles
from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, gives_tags, removed_tags, request_tags, resource_tags


def _role(request: Request) -> list[str]:
    """The API names roles by name alone: the path of one that does not exist is unknown."""
    name = request.members.get("RoleName", "")
    role = iam._roles.get(name)
    return [new_roles.seen_arn(role["Arn"]) if role else request.global_arn("iam", f"role/{name}")]


def _new_role(request: Request) -> list[str]:
    path = request.members.get("Path") or "/"
    return [request.global_arn("iam", f"role{path}{request.members.get('RoleName', '')}")]


def _boundary(request: Request, _resource: str) -> Context:
    """The boundary that the role has."""
    role = iam._roles.get(request.members.get("RoleName", "")) or {}
    return _boundary_key(role.get("PermissionsBoundary"))


def _asked_boundary(request: Request, _resource: str) -> Context:
    return _boundary_key(request.members.get("PermissionsBoundary"))


def _boundary_key(arn: str | None) -> Context:
    return {"iam:permissionsboundary": arn} if arn else {}


def _policy(request: Request, _resource: str) -> Context:
    return {"iam:policyarn": request.members.get("PolicyArn", "")}


def _tags(request: Request, resource: str) -> Context:
    """IAM has the global key, and one of its own."""
    found = resource_tags(request, resource)
    return found | {key.replace("aws:", "iam:", 1): value for key, value in found.items()}


def _on_role(action: str, *keys) -> tuple[Check, ...]:
    return (Check(action, _role, (_tags, *keys)),)


_SAR = "SAR IAM"
_BOUNDARY = "SAR IAM; user guide, IAM and AWS STS condition context keys: iam:PermissionsBoundary"

ROWS = {
    "CreateRole": Row("SAR IAM; user guide, Tagging IAM roles", (
        Check("iam:CreateRole", _new_role, (_asked_boundary, request_tags)),
        Check("iam:TagRole", _new_role, (request_tags,), when=gives_tags),
    )),
    "GetRole": Row(_BOUNDARY, _on_role("iam:GetRole", _boundary)),
    "DeleteRole": Row(_BOUNDARY, _on_role("iam:DeleteRole", _boundary)),
    "UpdateRole": Row(_BOUNDARY, _on_role("iam:UpdateRole", _boundary)),
    "UpdateAssumeRolePolicy": Row(_BOUNDARY, _on_role("iam:UpdateAssumeRolePolicy", _boundary)),
    "ListRolePolicies": Row(_SAR, _on_role("iam:ListRolePolicies")),
    "GetRolePolicy": Row(_SAR, _on_role("iam:GetRolePolicy")),
    "PutRolePolicy": Row(_BOUNDARY, _on_role("iam:PutRolePolicy", _boundary)),
    "DeleteRolePolicy": Row(_BOUNDARY, _on_role("iam:DeleteRolePolicy", _boundary)),
    "ListAttachedRolePolicies": Row(_SAR, _on_role("iam:ListAttachedRolePolicies")),
    "DetachRolePolicy": Row(_BOUNDARY, _on_role("iam:DetachRolePolicy", _boundary, _policy)),
    "PutRolePermissionsBoundary": Row(_BOUNDARY, _on_role("iam:PutRolePermissionsBoundary", _asked_boundary)),
    "TagRole": Row(_SAR, _on_role("iam:TagRole", request_tags)),
    "UntagRole": Row(_SAR, _on_role("iam:UntagRole", removed_tags)),
}
