"""Athena: workgroups with all their settings, saved queries with update, tokens and pages.

Athena API reference: WorkGroupConfiguration, WorkGroupConfigurationUpdates, DeleteWorkGroup, CreateNamedQuery,
UpdateNamedQuery, ListNamedQueries.
"""

import copy
import json
import re

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import athena

from overlay.rules.patch import replace

_NAME = re.compile(r"[a-zA-Z0-9._-]{1,128}")
_MIN_CUTOFF_BYTES = 10_000_000
_PAGE = 50
_ENGINE = "Athena engine version 3"
_DEFAULTS = {"EnforceWorkGroupConfiguration": True, "PublishCloudWatchMetricsEnabled": False,
             "RequesterPaysEnabled": False}
_REPLACED = (
    "EnforceWorkGroupConfiguration", "PublishCloudWatchMetricsEnabled", "BytesScannedCutoffPerQuery",
    "RequesterPaysEnabled", "EngineVersion", "AdditionalConfiguration", "ExecutionRole",
    "CustomerContentEncryptionConfiguration", "EnableMinimumEncryptionConfiguration",
    "ManagedQueryResultsConfiguration", "QueryResultsS3AccessGrantsConfiguration", "MonitoringConfiguration",
    "EngineConfiguration",
)
_RESULT_MEMBERS = ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration")
_QUERY_MEMBERS = ("Name", "Description", "QueryString")
_tokens = AccountRegionScopedDict()


def apply() -> None:
    replace(athena, "handle_request")(_handle_request)
    replace(athena, "_create_workgroup")(_create_workgroup)
    replace(athena, "_get_workgroup")(_get_workgroup)
    replace(athena, "_list_workgroups")(_list_workgroups)
    replace(athena, "_update_workgroup")(_update_workgroup)
    replace(athena, "_delete_workgroup")(_delete_workgroup)
    for name in ("_tag_resource", "_untag_resource", "_list_tags_for_resource"):
        replace(athena, name)(_tags_of_existing)
    replace(athena, "_create_named_query")(_create_named_query)
    replace(athena, "_get_named_query")(_get_named_query)
    replace(athena, "_batch_get_named_query")(_batch_get_named_query)
    replace(athena, "_list_named_queries")(_list_named_queries)


async def _handle_request(original, method, path, headers, body, query_params):
    if headers.get("x-amz-target", "").endswith(".UpdateNamedQuery"):
        return _update_named_query(json.loads(body or b"{}"))
    return await original(method, path, headers, body, query_params)


def _invalid(message: str):
    return error_response_json("InvalidRequestException", message, 400)


def _not_found(name):
    return _invalid(f"WorkGroup {name} is not found.")


def _configuration_problem(configuration: dict) -> str | None:
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < _MIN_CUTOFF_BYTES:
        return f"BytesScannedCutoffPerQuery must be at least {_MIN_CUTOFF_BYTES}"
    for results in ("ResultConfiguration", "ResultConfigurationUpdates"):
        location = configuration.get(results, {}).get("OutputLocation")
        if location is not None and not location.startswith("s3://"):
            return "outputLocation is not a valid S3 path."
    return None


def _with_engine(configuration: dict) -> dict:
    selected = configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    return {**configuration, "EngineVersion": {"SelectedEngineVersion": selected, "EffectiveEngineVersion": _ENGINE}}


def _create_workgroup(original, data):
    name, configuration = data.get("Name") or "", data.get("Configuration") or {}
    if not _NAME.fullmatch(name):
        return _invalid("WorkGroup name is invalid. It must match [a-zA-Z0-9._-]{1,128}.")
    if name in athena._workgroups:
        return _invalid("WorkGroup is already created")
    problem = _configuration_problem(configuration)
    if problem:
        return _invalid(problem)
    return original({**data, "Configuration": _with_engine({**_DEFAULTS, **configuration})})


def _shown(record: dict) -> dict:
    """AWS leaves an empty description out."""
    return {name: value for name, value in record.items() if name != "Description" or value}


def _get_workgroup(_original, data):
    group = athena._workgroups.get(data.get("WorkGroup"))
    return json_response({"WorkGroup": _shown(group)}) if group else _not_found(data.get("WorkGroup"))


def _page(items: list, data: dict) -> tuple[list, dict]:
    start = int(data.get("NextToken") or 0)
    end = start + min(data.get("MaxResults") or _PAGE, _PAGE)
    return items[start:end], {"NextToken": str(end)} if end < len(items) else {}


def _list_workgroups(_original, data):
    groups, more = _page(sorted(athena._workgroups.values(), key=lambda group: group["Name"]), data)
    members = ("Name", "State", "Description", "CreationTime")
    return json_response({"WorkGroups": [
        {**{name: group[name] for name in members if group.get(name)},
         "EngineVersion": group["Configuration"]["EngineVersion"]} for group in groups], **more})


def _update_workgroup(_original, data):
    group = athena._workgroups.get(data.get("WorkGroup"))
    if group is None:
        return _not_found(data.get("WorkGroup"))
    updates = data.get("ConfigurationUpdates") or {}
    problem = _configuration_problem(updates)
    if problem:
        return _invalid(problem)
    configuration = copy.deepcopy(group["Configuration"])
    configuration.update({name: updates[name] for name in _REPLACED if name in updates})
    for name in ("BytesScannedCutoffPerQuery", "CustomerContentEncryptionConfiguration"):
        if updates.get(f"Remove{name}"):
            configuration.pop(name, None)
    given = updates.get("ResultConfigurationUpdates")
    if given is not None:
        results = configuration.setdefault("ResultConfiguration", {})
        for name in _RESULT_MEMBERS:
            if given.get(f"Remove{name}"):
                results.pop(name, None)
            if name in given:
                results[name] = given[name]
    group["Configuration"] = _with_engine(configuration)
    group.update({name: data[name] for name in ("Description", "State") if name in data})
    return json_response({})


def _delete_workgroup(original, data):
    name = data.get("WorkGroup")
    if name == "primary":
        return original(data)
    if name not in athena._workgroups:
        return _not_found(name)
    queries = [key for key, query in athena._named_queries.items() if query["WorkGroup"] == name]
    executions = [key for key, execution in athena._executions.items() if execution.get("WorkGroup") == name]
    if (queries or executions) and not data.get("RecursiveDeleteOption"):
        return _invalid(f"WorkGroup {name} is not empty")
    for key in queries:
        athena._named_queries.pop(key, None)
    for key in executions:
        athena._executions.pop(key, None)
    return original(data)


def _tags_of_existing(original, data):
    kind, _, name = (data.get("ResourceARN") or "").rsplit(":", 1)[-1].partition("/")
    if kind == "workgroup" and name not in athena._workgroups:
        return error_response_json("ResourceNotFoundException", f"Resource {data['ResourceARN']} not found", 400)
    return original(data)


def _create_named_query(original, data):
    if data.get("WorkGroup", "primary") not in athena._workgroups:
        return _not_found(data["WorkGroup"])
    if not 1 <= len(data.get("Name") or "") <= 128:
        return _invalid("Name must have length between 1 and 128")
    token = data.get("ClientRequestToken")
    if token in _tokens:
        earlier, query_id = _tokens[token]
        if earlier != data:
            return _invalid("Idempotent parameters do not match")
        return json_response({"NamedQueryId": query_id})
    response = original(data)
    if token:
        _tokens[token] = (data, json.loads(response[2])["NamedQueryId"])
    return response


def _get_named_query(_original, data):
    query = athena._named_queries.get(data.get("NamedQueryId"))
    if query is None:
        return _invalid(f"NamedQuery {data.get('NamedQueryId')} was not found")
    return json_response({"NamedQuery": _shown(query)})


def _batch_get_named_query(original, data):
    if not 1 <= len(data.get("NamedQueryIds") or []) <= _PAGE:
        return _invalid(f"NamedQueryIds must have length between 1 and {_PAGE}")
    status, headers, body = original(data)
    answer = json.loads(body)
    answer["NamedQueries"] = [_shown(query) for query in answer["NamedQueries"]]
    return status, headers, json.dumps(answer).encode()


def _list_named_queries(_original, data):
    group = data.get("WorkGroup", "primary")
    if group not in athena._workgroups:
        return _not_found(group)
    ids = [key for key, query in athena._named_queries.items() if query["WorkGroup"] == group]
    page, more = _page(ids, data)
    return json_response({"NamedQueryIds": page, **more})


def _update_named_query(data):
    query = athena._named_queries.get(data.get("NamedQueryId"))
    if query is None:
        return _invalid(f"NamedQuery {data.get('NamedQueryId')} was not found")
    query.update({name: data[name] for name in _QUERY_MEMBERS if name in data})
    return json_response({})
