"""CloudWatch Observability Access Manager: sinks of monitoring accounts, and links of source accounts. ministack has no such service.

OAM API reference: every operation, with its errors; PutSinkPolicy (who may link, and which types may be shared). CloudWatch user guide:
"CloudWatch cross-account observability", "Link monitoring accounts with source accounts", "quotas" (one sink per account and region, five links
per source account and region). CreateLink has no error for an absent sink: it is refused like a sink without a policy. The codes for a link to
the caller's own sink, to a sink of another region, and with an unknown variable in its label are guesses, as is the code for a second sink.
A denial has status 403: ministryofjustice/modernisation-platform#6926.
"""

import json
import re
import uuid
from urllib.parse import unquote

from ministack import app as ministack_app
from ministack.core import iam_evaluator
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, json_response

from overlay import operations, wire
from overlay.rules import member_checks, oam_filters, policy, policy_document
from overlay.rules.refused import Refused

_SINK = re.compile(r"arn:aws[\w-]*:oam:([a-z0-9-]+):(\d{12}):sink/([\w-]+)")
_VARIABLE = re.compile(r"\$\w*")
_VARIABLES = ("$AccountName", "$AccountEmail", "$AccountEmailNoDomain")
_MAX_LINKS = 5
_MAX_TAGS = 50
_PAGES = {"ListLinks": 5, "ListSinks": 100, "ListAttachedLinks": 1000}
_FILTERS = {"MetricConfiguration": "Namespace", "LogGroupConfiguration": "LogGroupName"}

# By ARN. A sink has Name, Policy and Tags; a link has the members of GetLink.
_sinks = AccountRegionScopedDict()
_links = AccountRegionScopedDict()


def apply() -> None:
    ministack_app.SERVICE_HANDLERS["oam"] = _handle_request


async def _handle_request(method, path, headers, body, query_params):
    path = unquote(path)
    name = operations.operation_name("oam", method, path, "", {}, b"")
    handler = _HANDLERS.get(name)
    try:
        if handler is None:
            raise Refused("UnknownOperationException", f"Unknown operation: {name}", 404)
        request = _request(name, path, body, query_params)
        _check(name, request)
        answer = handler(request, iam_evaluator.request_caller_arn(headers, query_params))
    except Refused as error:
        return wire.error("oam", method, path, {}, error.code, error.message, error.status)
    return json_response(answer)


def _request(name: str, path: str, body: bytes, query_params: dict) -> dict:
    try:
        request = json.loads(body) if body else {}
    except ValueError:
        raise Refused("SerializationException", "The request is no JSON.") from None
    if path.startswith("/tags/"):
        request["ResourceArn"] = path.removeprefix("/tags/")
    if name == "UntagResource":
        given = query_params.get("tagKeys") or []
        request["TagKeys"] = given if isinstance(given, list) else [given]
    return request


def _check(name: str, request: dict) -> None:
    shape = operations.service_model("oam").operation_model(name).input_shape
    missing = member_checks.missing(shape, request)
    if missing:
        raise Refused("MissingRequiredParameterException", f"{missing} is required.")
    problem = member_checks.problem(shape, request)
    if problem:
        raise Refused("ValidationException" if "ResourceArn" in shape.members else "InvalidParameterException", problem)


def _new_arn(kind: str) -> str:
    return f"arn:aws:oam:{get_region()}:{get_account_id()}:{kind}/{uuid.uuid4()}"


def _id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _found(kept: AccountRegionScopedDict, arn: str) -> dict:
    if arn not in kept:
        raise Refused("ResourceNotFoundException", f"The resource {arn} does not exist.", 404)
    return kept[arn]


def _page(operation: str, items: list[dict], request: dict) -> dict:
    size, token = request.get("MaxResults") or _PAGES[operation], request.get("NextToken") or "0"
    if not token.isdigit():
        raise Refused("InvalidParameterException", "NextToken is invalid.")
    start, end = int(token), int(token) + size
    return {"Items": items[start:end], **({"NextToken": str(end)} if end < len(items) else {})}


def _tags(kept: dict, request: dict) -> dict:
    return {"Tags": kept["Tags"]} if request.get("IncludeTags") else {}


# Sinks.


def _create_sink(request: dict, _caller: str) -> dict:
    if any(sink["Name"] == request["Name"] for sink in _sinks.values()):
        raise Refused("ConflictException", f"A sink with the name {request['Name']} already exists.", 409)
    if _sinks:
        raise Refused("ServiceQuotaExceededException", "An account can have one sink in a region.", 429)
    arn = _new_arn("sink")
    _sinks[arn] = {"Name": request["Name"], "Tags": dict(request.get("Tags") or {}), "Policy": None}
    return {"Arn": arn, "Id": _id(arn), "Name": request["Name"], "Tags": _sinks[arn]["Tags"]}


def _get_sink(request: dict, _caller: str) -> dict:
    arn = request["Identifier"]
    sink = _found(_sinks, arn)
    return {"Arn": arn, "Id": _id(arn), "Name": sink["Name"], **_tags(sink, request)}


def _list_sinks(request: dict, _caller: str) -> dict:
    return _page("ListSinks", [{"Arn": arn, "Id": _id(arn), "Name": sink["Name"]} for arn, sink in _sinks.items()], request)


def _delete_sink(request: dict, _caller: str) -> dict:
    arn = request["Identifier"]
    _found(_sinks, arn)
    if _attached(arn):
        raise Refused("ConflictException", "The sink has links. Delete them before you delete the sink.", 409)
    del _sinks[arn]
    return {}


def _attached(sink_arn: str) -> list[dict]:
    """The links to a sink, of any account."""
    return [link for _, link in _links.all_items() if link["SinkArn"] == sink_arn]


def _list_attached_links(request: dict, _caller: str) -> dict:
    _found(_sinks, request["SinkIdentifier"])
    items = [{"LinkArn": link["Arn"], "Label": link["Label"], "ResourceTypes": link["ResourceTypes"]}
             for link in _attached(request["SinkIdentifier"])]
    return _page("ListAttachedLinks", items, request)


def _put_sink_policy(request: dict, _caller: str) -> dict:
    arn, text = request["SinkIdentifier"], request["Policy"]
    sink = _found(_sinks, arn)
    problem = _policy_problem(text)
    if problem:
        raise Refused("InvalidParameterException", f"The policy is invalid: {problem}")
    sink["Policy"] = text
    return {"SinkArn": arn, "SinkId": _id(arn), "Policy": text}


def _policy_problem(text: str) -> str | None:
    statements = policy_document.statements(text)
    if statements is None:
        return "it is no JSON document with statements."
    for statement in statements:
        problem = policy_document.statement_problem(statement) or policy_document.principal_problem(statement)
        actions = policy_document.as_list(statement.get("Action", statement.get("NotAction")))
        if not problem and not all(action == "*" or action.startswith("oam:") for action in actions):
            problem = "its actions must be actions of oam."
        if not problem and not policy_document.as_list(statement.get("Resource")):
            problem = "a statement needs a Resource."
        if problem:
            return problem
    return None


def _get_sink_policy(request: dict, _caller: str) -> dict:
    arn = request["SinkIdentifier"]
    sink = _found(_sinks, arn)
    if sink["Policy"] is None:
        raise Refused("ResourceNotFoundException", f"The sink {arn} has no policy.", 404)
    return {"SinkArn": arn, "SinkId": _id(arn), "Policy": sink["Policy"]}


# Links.


def _create_link(request: dict, caller: str) -> dict:
    sink_arn = request["SinkIdentifier"]
    match = _SINK.fullmatch(sink_arn)
    if match is None or match[1] != get_region():
        raise Refused("InvalidParameterException", f"SinkIdentifier must be the ARN of a sink in {get_region()}.")
    if match[2] == get_account_id():
        raise Refused("InvalidParameterException", "An account cannot link to its own sink.")
    _check_label(request["LabelTemplate"])
    filters = _filters(request)
    _check_sink_policy("oam:CreateLink", sink_arn, request["ResourceTypes"], caller)
    if any(link["SinkArn"] == sink_arn for link in _links.values()):
        raise Refused("ConflictException", f"A link to the sink {sink_arn} already exists.", 409)
    if len(_links) >= _MAX_LINKS:
        raise Refused("ServiceQuotaExceededException", f"An account can have {_MAX_LINKS} links in a region.", 429)
    arn = _new_arn("link")
    _links[arn] = {
        "Arn": arn, "Id": _id(arn), "Label": _label(request["LabelTemplate"]), "LabelTemplate": request["LabelTemplate"],
        "ResourceTypes": request["ResourceTypes"], "SinkArn": sink_arn, "LinkConfiguration": filters, "Tags": dict(request.get("Tags") or {}),
    }
    return _link(_links[arn], {"IncludeTags": True})


def _check_label(template: str) -> None:
    unknown = [name for name in _VARIABLE.findall(template) if name not in _VARIABLES]
    if unknown:
        raise Refused("InvalidParameterException", f"LabelTemplate has the unknown variable {unknown[0]}.")


def _label(template: str) -> str:
    """Accounts have no names here: the account id takes their place, as in AWS GovCloud."""
    values = {"$AccountEmail": f"{get_account_id()}@example.com"}
    return _VARIABLE.sub(lambda name: values.get(name[0], get_account_id()), template)


def _filters(request: dict) -> dict:
    """The filters of a request. `*` stands for none."""
    found = {}
    for member, configuration in (request.get("LinkConfiguration") or {}).items():
        problem = oam_filters.problem(configuration["Filter"], _FILTERS[member])
        if problem:
            raise Refused("InvalidParameterException", problem)
        found[member] = configuration
    return found


def _check_sink_policy(action: str, sink_arn: str, types: list[str], caller: str) -> None:
    _, _, _, region, account, _ = sink_arn.split(":", 5)
    sink = _sinks.get_scoped(account, region, sink_arn) or {"Policy": None}
    principal = policy.principal_arn(caller)
    if not policy.principal_allowed(sink["Policy"], principal, action, sink_arn, {"oam:resourcetypes": types}, same_account=False):
        raise Refused("AccessDeniedException", f"User: {caller} is not authorized to perform: {action} on resource: {sink_arn} because no "
                                               f"resource-based policy allows the {action} action", 403)


def _link(link: dict, request: dict) -> dict:
    shown = {member: value for member, value in link.items() if member not in ("Tags", "LinkConfiguration")}
    filters = {member: value for member, value in link["LinkConfiguration"].items() if value["Filter"] != oam_filters.EVERYTHING}
    return {**shown, **({"LinkConfiguration": filters} if filters else {}), **_tags(link, request)}


def _get_link(request: dict, _caller: str) -> dict:
    return _link(_found(_links, request["Identifier"]), request)


def _list_links(request: dict, _caller: str) -> dict:
    shown = ("Arn", "Id", "Label", "ResourceTypes", "SinkArn")
    return _page("ListLinks", [{member: link[member] for member in shown} for link in _links.values()], request)


def _update_link(request: dict, caller: str) -> dict:
    """Filters that the request does not name stay."""
    link = _found(_links, request["Identifier"])
    filters = _filters(request)
    _check_sink_policy("oam:UpdateLink", link["SinkArn"], request["ResourceTypes"], caller)
    link["ResourceTypes"] = request["ResourceTypes"]
    link["LinkConfiguration"] = {**link["LinkConfiguration"], **filters}
    return _link(link, request)


def _delete_link(request: dict, _caller: str) -> dict:
    _found(_links, request["Identifier"])
    del _links[request["Identifier"]]
    return {}


# Tags.


def tags_of(arn: str) -> dict[str, str]:
    """The tags of a sink or link of the account and region; none if there is no such thing."""
    kept = _links.get(arn) or _sinks.get(arn)
    return kept["Tags"] if kept else {}


def sink_of(link_arn: str) -> str | None:
    """The sink of a link of the account and region."""
    link = _links.get(link_arn)
    return link["SinkArn"] if link else None


def _tagged(request: dict) -> dict:
    arn = request["ResourceArn"]
    return _found(_links if arn in _links else _sinks, arn)


def _tag_resource(request: dict, _caller: str) -> dict:
    tagged = _tagged(request)
    if len({**tagged["Tags"], **request["Tags"]}) > _MAX_TAGS:
        raise Refused("TooManyTagsException", f"A resource can have no more than {_MAX_TAGS} tags.")
    tagged["Tags"].update(request["Tags"])
    return {}


def _untag_resource(request: dict, _caller: str) -> dict:
    tagged = _tagged(request)
    for key in request["TagKeys"]:
        tagged["Tags"].pop(key, None)
    return {}


def _list_tags_for_resource(request: dict, _caller: str) -> dict:
    return {"Tags": _tagged(request)["Tags"]}


_HANDLERS = {
    "CreateLink": _create_link, "GetLink": _get_link, "ListLinks": _list_links, "UpdateLink": _update_link, "DeleteLink": _delete_link,
    "CreateSink": _create_sink, "GetSink": _get_sink, "ListSinks": _list_sinks, "DeleteSink": _delete_sink,
    "ListAttachedLinks": _list_attached_links, "PutSinkPolicy": _put_sink_policy, "GetSinkPolicy": _get_sink_policy,
    "TagResource": _tag_resource, "UntagResource": _untag_resource, "ListTagsForResource": _list_tags_for_resource,
}
