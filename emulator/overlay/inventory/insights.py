"""Saved queries of CloudWatch Logs Insights."""

from overlay.inventory.client import Client, without


def query_definitions(client: Client) -> dict:
    """By name, which is unique."""
    return {
        definition["name"]: without(definition, "name", "queryDefinitionId", "lastModified")
        for definition in client.items("logs", "describe_query_definitions", "queryDefinitions")
    }
