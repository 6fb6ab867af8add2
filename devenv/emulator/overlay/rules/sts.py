"""STS AssumeRole: the role must exist, and its trust policy must let the caller in.

ministack checks this only while it enforces IAM for every call. STS API reference: AssumeRole.
"""

import copy
import json
from urllib.parse import parse_qs

from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy
from ministack.core.responses import get_region
from ministack.services import sts

from overlay.rules import policy
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
    caller = sts._caller_identity(headers, query_params)["userArn"]
    role = policy.role_by_arn(role_arn)
    if role is not None and _trusted(role, caller, params):
        return None
    return sts._error(403, "AccessDenied",
                      f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}", ns="sts")


def _trusted(role: dict, caller: str, params: dict) -> bool:
    document = role["AssumeRolePolicyDocument"]
    document = copy.deepcopy(json.loads(document) if isinstance(document, str) else document)
    statements = document.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        # ministack's evaluator would take an account's root for any service.
        if isinstance(statement.get("Principal"), dict):
            statement["Principal"].pop("Service", None)
    context = EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole" if ":assumed-role/" in caller else "Account",
        principal_account=caller.split(":")[4],
        action="sts:AssumeRole",
        resource_arn=role["Arn"],
        region=get_region(),
        service_context={
            "sts:externalid": sts._p(params, "ExternalId", None),
            "sts:rolesessionname": sts._p(params, "RoleSessionName", None),
        },
    )
    return evaluate_trust_policy(document, caller, context)
