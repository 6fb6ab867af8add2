"""Glue: an action on a part of the Data Catalog must be allowed on its ancestors as well, and a deletion on its
descendants (developer guide, "Specifying AWS Glue resource ARNs")."""

from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, gives_tags, removed_tags, request_tags, resource_tags


def _catalog(request: Request) -> list[str]:
    return [request.arn("glue", "catalog")]


def _database_name(request: Request) -> str:
    members = request.members
    given = members.get("DatabaseName") or members.get("Name") or (members.get("DatabaseInput") or {}).get("Name", "")
    return given.lower()


def _database(request: Request) -> list[str]:
    return [request.arn("glue", f"database/{_database_name(request)}")]


def _in_catalog(request: Request) -> list[str]:
    return _catalog(request) + _database(request)


def _with_all_tables(request: Request) -> list[str]:
    return _in_catalog(request) + [request.arn("glue", f"table/{_database_name(request)}/*")]


def _with_contents(request: Request) -> list[str]:
    return _with_all_tables(request) + [request.arn("glue", f"userDefinedFunction/{_database_name(request)}/*")]


def _with_table(request: Request) -> list[str]:
    # Of the members that can have the table's name, `Name` is the database's elsewhere.
    members = request.members
    name = ((members.get("TableInput") or {}).get("Name") or members.get("Name") or "").lower()
    return _in_catalog(request) + [request.arn("glue", f"table/{_database_name(request)}/{name}")]


def _tagged(request: Request) -> list[str]:
    return [request.members.get("ResourceArn", "")]


def _tagged_in_catalog(request: Request) -> list[str]:
    return _catalog(request) + _tagged(request)


def _row(action: str, resources) -> Row:
    return Row("SAR Glue", (Check(action, resources, (resource_tags,)),))


def _on_tags(action: str, *keys) -> Row:
    return Row('SAR Glue; developer guide, "AWS tags in AWS Glue": the glue:GetDatabase permission', (
        Check(action, _tagged, (resource_tags, *keys)),
        Check("glue:GetDatabase", _tagged_in_catalog, (resource_tags,)),
    ))


ROWS = {
    "GetDatabase": _row("glue:GetDatabase", _in_catalog),
    "CreateDatabase": Row('SAR Glue; developer guide, "AWS tags in AWS Glue"', (
        Check("glue:CreateDatabase", _in_catalog, (request_tags,)),
        Check("glue:TagResource", _database, (request_tags,), when=gives_tags),
    )),
    "UpdateDatabase": _row("glue:UpdateDatabase", _in_catalog),
    "DeleteDatabase": _row("glue:DeleteDatabase", _with_contents),
    "GetTags": _on_tags("glue:GetTags"),
    "TagResource": _on_tags("glue:TagResource", request_tags),
    "UntagResource": _on_tags("glue:UntagResource", removed_tags),
    "GetTables": _row("glue:GetTables", _with_all_tables),
    "CreateTable": _row("glue:CreateTable", _with_table),
    "UpdateTable": _row("glue:UpdateTable", _with_table),
    "DeleteTable": _row("glue:DeleteTable", _with_table),
}
