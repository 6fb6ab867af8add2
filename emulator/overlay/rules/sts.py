"""STS AssumeRole: the role must exist, and its trust policy must let the caller in, with the session tags it brings.

ministack checks this only while it enforces IAM for every call, and knows no inherited tags. STS API reference:
AssumeRole. IAM user guide: "Pass session tags in AWS STS". EKS user guide, "Access AWS Resources using EKS Pod Identity
Target IAM Roles": inherited tags are ``aws:RequestTag`` in the trust policy. Service Authorization Reference: the
condition keys of each action.
"""

import copy
import json
from urllib.parse import parse_qs

from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy
from ministack.core.responses import get_region
from ministack.services import sts

from overlay.rules import policy, session_tags
from overlay.rules.patch import replace


def apply() -> None:
    replace(sts, "handle_request")(_handle_request)


async def _handle_request(original, method, path, headers, body, query_params):
    params = {**query_params, **parse_qs(body.decode("utf-8", errors="replace"))} if body else dict(query_params)
    if sts._p(params, "Action") == "AssumeRole":
        refused = _refused(params, headers, query_params)
        if refused:
            return refused
    return await original(method, path, headers, body, query_params)


def _refused(params: dict, headers: dict, query_params: dict):
    role_arn = sts._p(params, "RoleArn")
    caller = sts._caller_identity(headers, query_params)
    role = policy.role_by_arn(role_arn)
    given, _ = sts._session_tags(params, check=False)
    tags = {tag["Key"]: tag["Value"] for tag in given} | session_tags.transitive(caller["accessKey"])
    named = {"sts:externalid": sts._p(params, "ExternalId", None),
             "sts:rolesessionname": sts._p(params, "RoleSessionName", None)}
    # TagSession knows neither the external id nor the session's name.
    checks = [("sts:AssumeRole", named), *([("sts:TagSession", {})] if tags else [])]
    for action, keys in checks:
        if role is None or not _trusted(role, caller["userArn"], action, keys, tags):
            return sts._error(
                403, "AccessDenied",
                f"User: {caller['userArn']} is not authorized to perform: {action} on resource: {role_arn}", ns="sts")
    return None


def _trusted(role: dict, caller: str, action: str, keys: dict, tags: dict[str, str]) -> bool:
    document = role["AssumeRolePolicyDocument"]
    document = copy.deepcopy(json.loads(document) if isinstance(document, str) else document)
    statements = document.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        # ministack's evaluator would match an account's root with any service.
        if isinstance(statement.get("Principal"), dict):
            statement["Principal"].pop("Service", None)
    context = EvalContext(
        principal_arn=policy.principal_arn(caller),
        principal_type="AssumedRole" if ":assumed-role/" in caller else "Account",
        principal_account=caller.split(":")[4],
        action=action,
        resource_arn=role["Arn"],
        region=get_region(),
        request_tags=tags,
        tag_keys=list(tags),
        service_context=keys,
    )
    return evaluate_trust_policy(document, caller, context)
