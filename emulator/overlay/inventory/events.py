"""EventBridge buses, and the rules of every bus with their targets."""

from overlay.inventory.client import Client, parsed, tags_as_object, without

_DEFAULT = "default"


def buses(client: Client) -> dict:
    """All but a default bus without a policy."""
    found = {bus["Name"]: bus for bus in _listed(client)}
    return {name: _bus(client, name) for name, bus in found.items() if name != _DEFAULT or bus.get("Policy")}


def _listed(client: Client) -> list[dict]:
    return client.items("events", "list_event_buses", "EventBuses")


def _bus(client: Client, name: str) -> dict:
    bus = client.call("events", "describe_event_bus", Name=name)
    return {
        "settings": without(bus, "Name", "Arn", "Policy", "CreationTime", "LastModifiedTime"),
        "policy": parsed(bus.get("Policy")),
        "tags": _tags(client, bus["Arn"]),
    }


def rules(client: Client) -> dict:
    """By name; those of another bus than the default one by `bus/rule`."""
    return {
        rule["Name"] if bus["Name"] == _DEFAULT else f"{bus['Name']}/{rule['Name']}": _rule(client, rule)
        for bus in _listed(client)
        for rule in client.items("events", "list_rules", "Rules", EventBusName=bus["Name"])
    }


def _rule(client: Client, rule: dict) -> dict:
    bus = rule["EventBusName"]
    return {
        "settings": without({**rule, "EventPattern": parsed(rule.get("EventPattern"))}, "Name", "Arn"),
        "targets": client.call("events", "list_targets_by_rule", Rule=rule["Name"], EventBusName=bus)["Targets"],
        "tags": _tags(client, rule["Arn"]),
    }


def _tags(client: Client, arn: str) -> dict[str, str]:
    return tags_as_object(client.call("events", "list_tags_for_resource", ResourceARN=arn)["Tags"])
