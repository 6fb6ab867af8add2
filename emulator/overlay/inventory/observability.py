"""Links and sinks of CloudWatch Observability Access Manager."""

from overlay.inventory.client import Client, parsed, without


def links(client: Client) -> dict:
    """By the ARN of the sink: an account has at most one link to a sink."""
    arns = [link["Arn"] for link in client.items("oam", "list_links", "Items")]
    found = [client.call("oam", "get_link", Identifier=arn, IncludeTags=True) for arn in arns]
    return {link["SinkArn"]: without(link, "Arn", "Id", "SinkArn") for link in found}


def sinks(client: Client) -> dict:
    found = {}
    for sink in client.items("oam", "list_sinks", "Items"):
        policy = client.call_or_none("oam", "get_sink_policy", SinkIdentifier=sink["Arn"])
        found[sink["Name"]] = {
            "policy": parsed(policy["Policy"]) if policy else None,
            "tags": client.call("oam", "list_tags_for_resource", ResourceArn=sink["Arn"])["Tags"],
            "links": len(client.items("oam", "list_attached_links", "Items", SinkIdentifier=sink["Arn"])),
        }
    return found
