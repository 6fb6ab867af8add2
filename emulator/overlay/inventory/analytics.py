"""Athena workgroups with their saved queries; Glue databases with their tables."""

from overlay.inventory.client import Client, tags_as_object, without

_TABLE_MOVING = ("Name", "DatabaseName", "CreateTime", "UpdateTime", "LastAccessTime", "VersionId", "CatalogId",
                 "CreatedBy", "Parameters", "PartitionKeys", "StorageDescriptor")


def workgroups(client: Client) -> dict:
    listed = client.items("athena", "list_work_groups", "WorkGroups")
    return {group["Name"]: _workgroup(client, group["Name"]) for group in listed if group["Name"] != "primary"}


def _workgroup(client: Client, name: str) -> dict:
    group = client.call("athena", "get_work_group", WorkGroup=name)["WorkGroup"]
    arn = f"arn:aws:athena:{client.region}:{client.account}:workgroup/{name}"
    ids = client.items("athena", "list_named_queries", "NamedQueryIds", WorkGroup=name)
    queries = [
        query
        for start in range(0, len(ids), 50)
        for query in client.call("athena", "batch_get_named_query", NamedQueryIds=ids[start : start + 50])[
            "NamedQueries"
        ]
    ]
    return {
        **without(group, "Name", "CreationTime", "Configuration"),
        "configuration": group["Configuration"],
        "tags": tags_as_object(client.items("athena", "list_tags_for_resource", "Tags", ResourceARN=arn)),
        "namedQueries": _named_queries(queries),
    }


def _named_queries(queries: list[dict]) -> dict:
    """By name; those of the same name are a list in the order of their texts."""
    found: dict[str, list] = {}
    for query in queries:
        content = {
            "query": query["QueryString"],
            "database": query["Database"],
            "description": query.get("Description"),
        }
        found.setdefault(query["Name"], []).append(content)
    return {
        name: same[0] if len(same) == 1 else sorted(same, key=lambda each: each["query"])
        for name, same in found.items()
    }


def databases(client: Client) -> dict:
    return {
        database["Name"]: _database(client, database)
        for database in client.items("glue", "get_databases", "DatabaseList")
        if database["Name"] != "default"
    }


def _database(client: Client, database: dict) -> dict:
    name = database["Name"]
    arn = f"arn:aws:glue:{client.region}:{client.account}"
    tables = client.items("glue", "get_tables", "TableList", DatabaseName=name)
    return {
        "description": database.get("Description"),
        "parameters": database.get("Parameters", {}),
        "locationUri": database.get("LocationUri"),
        "tags": _tags(client, f"{arn}:database/{name}"),
        "tables": {table["Name"]: _table(table) for table in tables},
    }


def _table(table: dict) -> dict:
    storage = table.get("StorageDescriptor", {})
    return {
        **without(table, *_TABLE_MOVING),
        "columns": storage.get("Columns", []),
        "partitionKeys": table.get("PartitionKeys", []),
        "parameters": table.get("Parameters", {}),
        "storageDescriptor": without(storage, "Columns"),
    }


def _tags(client: Client, arn: str) -> dict[str, str]:
    return client.call("glue", "get_tags", ResourceArn=arn).get("Tags", {})
