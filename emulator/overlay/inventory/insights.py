"""Saved queries of CloudWatch Logs Insights."""

from overlay.inventory.client import Client, without


def query_definitions(client: Client) -> dict:
    """By name; those of the same name are a list in the order of their texts."""
    found: dict[str, list] = {}
    for definition in client.items("logs", "describe_query_definitions", "queryDefinitions"):
        content = without(definition, "name", "queryDefinitionId", "lastModified")
        found.setdefault(definition["name"], []).append(content)
    return {
        name: same[0] if len(same) == 1 else sorted(same, key=lambda each: each["queryString"])
        for name, same in found.items()
    }
