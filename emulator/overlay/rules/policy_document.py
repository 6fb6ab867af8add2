"""The grammar of policy documents, as IAM and S3 check it when they store one (IAM user guide, "Policy grammar")."""

import json
import re

from ministack.services import iam

_SERVICE = re.compile(r"[a-z0-9][a-z0-9.-]*\.amazonaws\.com(\.cn)?")
_ACTION = re.compile(r"\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+")
_VERSIONS = ("2012-10-17", "2008-10-17")
_MEMBERS = frozenset({
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
})


def as_list(value) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def statements(text: str) -> list[dict] | None:
    """The statements of a document that is JSON of the right shape; None for any other text."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("Version", _VERSIONS[1]) not in _VERSIONS:
        return None
    found = as_list(document.get("Statement"))
    if not found or not all(isinstance(statement, dict) for statement in found):
        return None
    return found


def statement_problem(statement: dict) -> str | None:
    """The error in the members that every kind of policy has, or None."""
    if statement.get("Effect") not in ("Allow", "Deny"):
        return f"Invalid effect: {statement.get('Effect')}"
    if set(statement) - _MEMBERS:
        return "Syntax errors in policy."
    actions = as_list(statement.get("Action", statement.get("NotAction")))
    if not actions:
        return "Missing required field Action"
    if not all(isinstance(action, str) and _ACTION.fullmatch(action) for action in actions):
        return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(isinstance(keys, dict) for keys in condition.values()):
        return "Syntax errors in policy."
    return None


def identity_problem(statement: dict) -> str | None:
    """The error in a statement of a policy that is attached to an identity, or None."""
    if "Principal" in statement or "NotPrincipal" in statement:
        return "Policy document should not specify a principal."
    resources = as_list(statement.get("Resource", statement.get("NotResource")))
    if not resources:
        return "Policy statement must contain resources."
    for resource in resources:
        if resource != "*" and not str(resource).startswith("arn:"):
            return f'Resource {resource} must be in ARN format or "*".'
    return None


def principal_problem(statement: dict) -> str | None:
    """The error in the principals, or None: missing or malformed ones, as services that resolve principals check them."""
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if principal is None:
        return "Missing required field Principal"
    if principal == "*":
        return None
    if not isinstance(principal, dict) or not principal:
        return "Invalid principal in policy"
    for kind, values in principal.items():
        for value in as_list(values):
            if not _known(kind, value):
                return f'Invalid principal in policy: "{kind}":"{value}"'
    return None


def _known(kind: str, value: str) -> bool:
    if not isinstance(value, str):
        return False
    if kind == "Service":
        return _SERVICE.fullmatch(value) is not None
    if kind != "AWS" or value == "*" or re.fullmatch(r"\d{12}", value):
        return kind in ("AWS", "Federated", "CanonicalUser")
    match = re.fullmatch(r"arn:aws[a-z-]*:(iam|sts)::(\d{12}):(.+)", value)
    if match is None:
        return False
    account, resource = match[2], match[3]
    if resource.startswith("role/"):
        role = iam._roles.get_scoped(account, None, resource.rsplit("/", 1)[-1])
        return role is not None and role["Arn"] == value
    if resource.startswith("user/"):
        return iam._users.get_scoped(account, None, resource.rsplit("/", 1)[-1]) is not None
    return True
