"""CloudWatch Logs Insights: saved queries, which ministack lacks.

CloudWatch Logs API reference: PutQueryDefinition, DescribeQueryDefinitions, DeleteQueryDefinition, QueryDefinition. User guide: "CloudWatch
Logs quotas". A definition is known by its id; the reference does not say that log groups must exist. Names are unique as far as users
report; the code of the refusal is not known.
"""

import json
import re
import time
import uuid

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import cloudwatch_logs as logs

from overlay.rules.patch import replace

_LANGUAGES = ("CWLI", "SQL", "PPL")
_TOKEN = re.compile(r"\S{36,128}")
_GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_PARAMETER_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,127}")
_MAX_PARAMETERS = 20
_MAX_DEFINITIONS = 1000
# The reference gives no default; this is that of the other lists of CloudWatch Logs.
_PAGE, _MAX_PAGE = 50, 1000
_definitions = AccountRegionScopedDict()
_tokens = AccountRegionScopedDict()


def apply() -> None:
    replace(logs, "handle_request")(_handle_request)


async def _handle_request(original, method, path, headers, body, query_params):
    action = _ACTIONS.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
    if action is None:
        return await original(method, path, headers, body, query_params)
    return action(json.loads(body or b"{}"))


def _invalid(message: str):
    return error_response_json("InvalidParameterException", message, 400)


def _not_found():
    return error_response_json("ResourceNotFoundException", "The specified query definition does not exist.", 400)


def _problem(data: dict) -> str | None:
    if not 1 <= len(data.get("name") or "") <= 255:
        return "name must have length between 1 and 255"
    if not 1 <= len(data.get("queryString") or "") <= 10_000:
        return "queryString must have length between 1 and 10000"
    if data.get("queryLanguage", "CWLI") not in _LANGUAGES:
        return f"queryLanguage must be one of {', '.join(_LANGUAGES)}"
    if "clientToken" in data and not _TOKEN.fullmatch(data["clientToken"]):
        return "clientToken must satisfy \\S{36,128}"
    if not all(_GROUP_NAME.fullmatch(name) for name in data.get("logGroupNames") or []):
        return "logGroupNames must satisfy [\\.\\-_/#A-Za-z0-9]+"
    parameters = data.get("parameters") or []
    if len(parameters) > _MAX_PARAMETERS or not all(_PARAMETER_NAME.fullmatch(each["name"]) for each in parameters):
        return "parameters are invalid"
    return None


def _put(data: dict):
    problem = _problem(data)
    if problem:
        return _invalid(problem)
    token = data.get("clientToken")
    if token in _tokens:
        earlier, definition_id = _tokens[token]
        if earlier != data:
            return _invalid("The clientToken was used with other parameters")
        return json_response({"queryDefinitionId": definition_id})
    definition_id = data.get("queryDefinitionId")
    if definition_id is None:
        if len(_definitions) >= _MAX_DEFINITIONS:
            return error_response_json("LimitExceededException", "Resource limit exceeded.", 400)
        definition_id = str(uuid.uuid4())
    elif definition_id not in _definitions:
        return _not_found()
    if any(each["name"] == data["name"] and each["queryDefinitionId"] != definition_id for each in _definitions.values()):
        return _invalid(f"A query definition with the name {data['name']} already exists.")
    # The new definition replaces the old one as a whole.
    _definitions[definition_id] = {
        "queryDefinitionId": definition_id,
        "name": data["name"],
        "queryString": data["queryString"],
        "queryLanguage": data.get("queryLanguage", "CWLI"),
        "lastModified": int(time.time() * 1000),
        **{name: data[name] for name in ("logGroupNames", "parameters") if data.get(name)},
    }
    if token:
        _tokens[token] = (data, definition_id)
    return json_response({"queryDefinitionId": definition_id})


def _describe(data: dict):
    size = data.get("maxResults", _PAGE)
    if not 1 <= size <= _MAX_PAGE:
        return _invalid(f"maxResults must be between 1 and {_MAX_PAGE}")
    prefix, language = data.get("queryDefinitionNamePrefix", ""), data.get("queryLanguage")
    found = sorted(
        (each for each in _definitions.values()
         if each["name"].startswith(prefix) and language in (None, each["queryLanguage"])),
        key=lambda each: (each["name"], each["queryDefinitionId"]),
    )
    start = int(data.get("nextToken") or 0)
    more = {"nextToken": str(start + size)} if start + size < len(found) else {}
    return json_response({"queryDefinitions": found[start:start + size], **more})


def _delete(data: dict):
    if data.get("queryDefinitionId") not in _definitions:
        return _not_found()
    del _definitions[data["queryDefinitionId"]]
    return json_response({"success": True})


_ACTIONS = {"PutQueryDefinition": _put, "DescribeQueryDefinitions": _describe, "DeleteQueryDefinition": _delete}
