"""EventBridge rules of the default bus with their targets."""

from overlay.inventory.client import Client, parsed, tags_as_object, without


def rules(client: Client) -> dict:
    return {rule["Name"]: _rule(client, rule) for rule in client.items("events", "list_rules", "Rules")}


def _rule(client: Client, rule: dict) -> dict:
    return {
        "settings": without({**rule, "EventPattern": parsed(rule.get("EventPattern"))}, "Name", "Arn"),
        "targets": client.call("events", "list_targets_by_rule", Rule=rule["Name"])["Targets"],
        "tags": tags_as_object(client.call("events", "list_tags_for_resource", ResourceARN=rule["Arn"])["Tags"]),
    }
