"""Glue: names in lower case, whole replacement on update, pages, and the resources that can be tagged.

Glue API reference: DatabaseInput, TableInput, UpdateTable, GetTables. Developer guide: "AWS tags in AWS Glue".
"""

import copy
import json
import time

from ministack.core.responses import error_response_json, json_response
from ministack.services import glue

from overlay.rules.patch import replace

_PAGE = 100
_DATABASE_MEMBERS = ("Description", "LocationUri", "Parameters")
_STORAGE_DEFAULTS = {"Compressed": False, "NumberOfBuckets": 0, "SortColumns": [], "StoredAsSubDirectories": False}
_TABLE_MEMBERS = ("Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText",
                  "ViewExpandedText", "TableType", "Parameters", "TargetTable")
_TABLE_DEFAULTS = {"Retention": 0, "PartitionKeys": [], "Parameters": {}}


def apply() -> None:
    replace(glue, "_create_database")(_create_database)
    replace(glue, "_update_database")(_update_database)
    replace(glue, "_get_databases")(_get_databases)
    for name in ("_get_database", "_delete_database"):
        replace(glue, name)(lambda original, data: _without_empty(original(_lower(data, "Name"))))
    replace(glue, "_create_table")(_create_table)
    replace(glue, "_update_table")(_update_table)
    replace(glue, "_get_tables")(_get_tables)
    for name in ("_get_table", "_delete_table"):
        replace(glue, name)(_with_database)
    for name in ("_tag_resource", "_untag_resource", "_get_tags"):
        replace(glue, name)(_tags_of_existing)


def _lower(data: dict, *names: str) -> dict:
    return {**data, **{name: data[name].lower() for name in names if isinstance(data.get(name), str)}}


def _missing(kind: str, name):
    return error_response_json("EntityNotFoundException", f"{kind} {name} not found.", 400, message_key="Message")


def _dropped(value):
    """AWS leaves members out that were never given."""
    if isinstance(value, dict):
        return {name: _dropped(member) for name, member in value.items()
                if member is not None and not (name in ("Description", "Owner") and member == "")}
    return value


def _without_empty(response):
    status, headers, body = response
    if status != 200:
        return response
    answer = json.loads(body)
    return status, headers, json.dumps({name: _dropped(member) for name, member in answer.items()}).encode()


def _page(items: list[dict], data: dict, key: str):
    start = int(data.get("NextToken") or 0)
    end = start + min(data.get("MaxResults") or _PAGE, _PAGE)
    more = {"NextToken": str(end)} if end < len(items) else {}
    return json_response({key: [_dropped(item) for item in items[start:end]], **more})


def _create_database(original, data):
    return original({**data, "DatabaseInput": _lower(data.get("DatabaseInput") or {}, "Name")})


def _update_database(_original, data):
    database = glue._databases.get((data.get("Name") or "").lower())
    if database is None:
        return _missing("Database", data.get("Name"))
    given = data.get("DatabaseInput") or {}
    for name in _DATABASE_MEMBERS:
        database[name] = given.get(name, {} if name == "Parameters" else None)
    return json_response({})


def _get_databases(_original, data):
    return _page(sorted(glue._databases.values(), key=lambda database: database["Name"]), data, "DatabaseList")


def _with_database(original, data):
    data = _lower(data, "DatabaseName", "Name")
    if data.get("DatabaseName") not in glue._databases:
        return _missing("Database", data.get("DatabaseName"))
    return _without_empty(original(data))


def _normalised(table_input: dict) -> dict:
    table = {**_TABLE_DEFAULTS, **copy.deepcopy(_lower(table_input, "Name"))}
    storage = table.get("StorageDescriptor")
    if storage is not None:
        table["StorageDescriptor"] = {**_STORAGE_DEFAULTS, **storage}
    for columns in (table["PartitionKeys"], (storage or {}).get("Columns", [])):
        for column in columns:
            column["Name"] = column["Name"].lower()
    return table


def _create_table(original, data):
    data = _lower(data, "DatabaseName")
    table = _normalised(data.get("TableInput") or {})
    response = original({**data, "TableInput": table})
    if response[0] == 200:
        stored = glue._tables[f"{data['DatabaseName']}/{table['Name']}"]
        stored["Retention"] = table["Retention"]
        if "TableType" not in table:
            stored["TableType"] = None
    return response


def _update_table(original, data):
    data = _lower(data, "DatabaseName")
    if data.get("DatabaseName") not in glue._databases:
        return _missing("Database", data.get("DatabaseName"))
    given = _normalised(data.get("TableInput") or {})
    response = original({**data, "TableInput": given})
    if response[0] == 200:
        stored = glue._tables[f"{data['DatabaseName']}/{given['Name']}"]
        for name in _TABLE_MEMBERS:
            stored[name] = given.get(name)
        stored["UpdateTime"] = int(time.time())
    return response


def _get_tables(_original, data):
    database = (data.get("DatabaseName") or "").lower()
    if database not in glue._databases:
        return _missing("Database", data.get("DatabaseName"))
    tables = [table for key, table in sorted(glue._tables.items()) if key.startswith(f"{database}/")]
    if data.get("Expression"):
        tables = [table for table in tables if glue._simple_glob_match(data["Expression"], table["Name"])]
    return _page(tables, data, "TableList")


def _tags_of_existing(original, data):
    """Databases take tags, tables do not."""
    kind, _, name = (data.get("ResourceArn") or "").rsplit(":", 1)[-1].partition("/")
    if kind == "table":
        return error_response_json("InvalidInputException", f"Resource type {kind} does not support tagging.", 400,
                                   message_key="Message")
    if kind == "database" and name not in glue._databases:
        return _missing("Database", name)
    return original(data)
