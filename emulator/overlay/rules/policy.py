"""The permissions that policies give to an AWS service, by ministack's policy evaluation."""

import json

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from overlay.rules import policy_document


def _context(principal: str, action: str, resource: str, keys: dict[str, str]) -> iam_evaluator.EvalContext:
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={**keys, "aws:principalisawsservice": "true", "aws:principalservicename": principal},
    )


def resource_policy_allows(document, service: str, action: str, resource: str, keys: dict[str, str]) -> bool:
    """True if a resource policy lets ``service`` act; ``keys`` are the lower-case condition keys it brings."""
    if not document:
        return False
    context = _context(service, action, resource, keys)
    return iam_evaluator.evaluate_resource_policy(document, context, service=service).decision == "Allow"


def role_by_arn(arn: str) -> dict | None:
    """The role an ARN names, path included."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        return None
    role = iam._roles.get_scoped(parts[4], None, arn.rsplit("/", 1)[-1])
    return role if role is not None and role["Arn"] == arn else None


def principal_arn(caller: str) -> str:
    """``aws:PrincipalArn``: a role's ARN, not its session's (IAM user guide, "AWS global condition context keys")."""
    partition, account, resource = (caller.split(":", 5)[part] for part in (1, 4, 5))
    if not resource.startswith("assumed-role/"):
        return caller
    name = resource.split("/")[1]
    role = iam._roles.get_scoped(account, None, name)
    return f"arn:{partition}:iam::{account}:role/{name}" if role is None else role["Arn"]


def principal_allowed(document, principal: str, action: str, resource: str, keys: dict[str, str], same_account: bool) -> bool:
    """True if a resource policy lets an identity act. Within one account it is enough that the policy does not deny it."""
    context = iam_evaluator.EvalContext(
        principal_arn=principal, principal_type="AssumedRole" if ":role/" in principal else "Root",
        principal_account=principal.split(":")[4], action=action, resource_arn=resource, region=get_region(), secure_transport=True,
        service_context=keys,
    )
    return iam_evaluator.resource_policy_allows(document, context, same_account)


def trusts(role: dict, service: str, keys: dict[str, str]) -> bool:
    """True if a role's trust policy lets ``service`` assume it."""
    # A trust policy names no resource; the evaluator of resource policies wants one.
    whole = {"Statement": [{**statement, "Resource": "*"} for statement in _trust_statements(role)]}
    return resource_policy_allows(whole, service, "sts:AssumeRole", role["Arn"], keys)


def names_in_trust(role: dict, service: str) -> bool:
    """True if a role's trust policy would let ``service`` assume it under some condition."""
    return any(
        statement.get("Effect") == "Allow" and isinstance(statement.get("Principal"), dict)
        and service in policy_document.as_list(statement["Principal"].get("Service"))
        for statement in _trust_statements(role)
    )


def _trust_statements(role: dict) -> list[dict]:
    document = role.get("AssumeRolePolicyDocument")
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return []
    return policy_document.as_list(document.get("Statement"))


def role_allows(role: dict, action: str, resource: str, keys: dict[str, str] | None = None) -> bool:
    """True if a role's own policies, within its permissions boundary, allow an action."""
    account = role["Arn"].split(":")[4]
    context = _context(role["Arn"], action, resource, keys or {})
    policies = iam_evaluator._gather_role_policies(role["RoleName"], account)
    limits = iam_evaluator._permissions_boundary(iam._roles, role["RoleName"], account)
    return iam_evaluator.evaluate(context, policies, *limits).decision == "Allow"


def source_keys(arn: str) -> dict[str, str]:
    """The condition keys that a service brings when it acts for a resource of the caller's account."""
    return {"aws:sourceaccount": get_account_id(), "aws:sourcearn": arn}
