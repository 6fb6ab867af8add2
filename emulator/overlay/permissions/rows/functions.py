"""Lambda functions."""

from ministack.services import lambda_svc

from overlay.permissions import tags
from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import (
    Check, Row, gives_tags, pass_role, removed_tags, request_tags, resource_tag_keys, resource_tags,
)


def _name(request: Request) -> str:
    """From the path: ``…/functions/NAME/…`` or ``…/tags/ARN``; a new one is named in the body."""
    parts = request.segments
    found = parts[2] if len(parts) > 2 else request.members.get("FunctionName", "")
    return found.split(":function:")[-1].split(":")[0]


def _function(request: Request) -> list[str]:
    return [request.arn("lambda", f"function:{_name(request)}")]


def _tags_to_be(request: Request, _resource: str) -> Context:
    return resource_tag_keys(tags.given(request))


def _principal(request: Request, _resource: str) -> Context:
    return {"lambda:principal": request.members.get("Principal", "")}


def _principal_of_statement(request: Request, _resource: str) -> Context:
    function = lambda_svc._functions.get(_name(request))
    for statement in function["policy"]["Statement"] if function else ():
        if statement.get("Sid") == request.segments[-1]:
            principal = statement.get("Principal")
            if isinstance(principal, dict):
                principal = principal.get("Service") or principal.get("AWS")
            return {"lambda:principal": principal}
    return {}


def _asked_role(request: Request) -> str | None:
    return request.members.get("Role")


def _on_function(action: str, *keys) -> Check:
    return Check(action, _function, (resource_tags, *keys))


_SAR = "SAR Lambda"
_PASS_ROLE = pass_role(_asked_role, "lambda.amazonaws.com")

ROWS = {
    # Without lambda:ListTags the answer has no tags: rules.partial_denials.
    "GetFunction": Row("SAR Lambda; API, GetFunction: Tags, TagsError", (_on_function("lambda:GetFunction"),),
                       within=("lambda:ListTags",)),
    # Both kinds of tag keys are there: developer guide, "Secure your functions by tag", step 1.
    "CreateFunction": Row("SAR Lambda; developer guide, Using tags on Lambda functions; Secure your functions by tag", (
        Check("lambda:CreateFunction", _function, (request_tags, _tags_to_be)),
        Check("lambda:TagResource", _function, (request_tags, _tags_to_be), when=gives_tags),
        _PASS_ROLE,
    )),
    "DeleteFunction": Row(_SAR, (_on_function("lambda:DeleteFunction"),)),
    "UpdateFunctionCode": Row(_SAR, (_on_function("lambda:UpdateFunctionCode"),)),
    "UpdateFunctionConfiguration": Row("SAR Lambda; developer guide, Defining Lambda function permissions with an "
                                       "execution role", (
        _on_function("lambda:UpdateFunctionConfiguration"), _PASS_ROLE,
    )),
    "GetPolicy": Row(_SAR, (_on_function("lambda:GetPolicy"),)),
    "AddPermission": Row(_SAR, (_on_function("lambda:AddPermission", _principal),)),
    "RemovePermission": Row(_SAR, (_on_function("lambda:RemovePermission", _principal_of_statement),)),
    "TagResource": Row(_SAR, (_on_function("lambda:TagResource", request_tags),)),
    "UntagResource": Row(_SAR, (_on_function("lambda:UntagResource", removed_tags),)),
}
