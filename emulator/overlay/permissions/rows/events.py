"""EventBridge."""

import json

from overlay.permissions import new_roles
from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import (
    Check, Row, everything, gives_tags, pass_role, removed_tags, request_tags, resource_tags,
)

_DEFAULT = "default"
_SERVICE = "events.amazonaws.com"


def _bus_arn(request: Request, reference: str | None) -> str:
    """The ARN of a bus that is named by its name or its ARN."""
    reference = reference or _DEFAULT
    return reference if reference.startswith("arn:") else request.arn("events", f"event-bus/{reference}")


def _bus(request: Request) -> list[str]:
    members = request.members
    return [_bus_arn(request, members.get("Name") or members.get("EventBusName"))]


def _tagged(request: Request) -> list[str]:
    return [request.members.get("ResourceARN", "")]


def _rule(request: Request) -> list[str]:
    """A rule is a resource of the account and region of its bus."""
    members = request.members
    prefix, _, bus = _bus_arn(request, members.get("EventBusName")).partition(":event-bus/")
    name = members.get("Rule") or members.get("Name", "")
    return [f"{prefix}:rule/{name}" if bus == _DEFAULT else f"{prefix}:rule/{bus}/{name}"]


def _buses_of_entries(request: Request) -> list[str]:
    buses = [_bus_arn(request, entry.get("EventBusName")) for entry in request.members.get("Entries") or []]
    return list(dict.fromkeys(buses))


def _entries(request: Request, resource: str) -> Context:
    """Of one entry for the bus as a text; of several as a list."""
    entries = [entry for entry in request.members["Entries"] if _bus_arn(request, entry.get("EventBusName")) == resource]
    found: Context = {"events:eventbusinvocation": "false"}
    for key, member in (("events:source", "Source"), ("events:detail-type", "DetailType")):
        values = list(dict.fromkeys(entry.get(member, "") for entry in entries))
        found[key] = values[0] if len(values) == 1 else values
    return found


def _pattern(request: Request, _resource: str) -> Context:
    """The texts that a rule's pattern has for the source and the type."""
    try:
        pattern = json.loads(request.members.get("EventPattern") or "{}")
    except ValueError:
        return {}
    found: Context = {}
    for key, member in (("events:source", "source"), ("events:detail-type", "detail-type")):
        texts = [value for value in pattern.get(member) or [] if isinstance(value, str)]
        if texts:
            found[key] = texts
    return found


def _creator(request: Request, _resource: str) -> Context:
    return {"events:creatoraccount": request.account}


def _targets(request: Request, _resource: str) -> Context:
    return {"events:targetarn": [target["Arn"] for target in request.members.get("Targets", [])]}


def _roles_of_targets(request: Request) -> list[str]:
    roles = [target["RoleArn"] for target in request.members.get("Targets", []) if target.get("RoleArn")]
    return [new_roles.seen_arn(role) for role in dict.fromkeys(roles)]


def _to_events(_request: Request, _resource: str) -> Context:
    return {"iam:passedtoservice": _SERVICE}


def _on_rule(action: str, *keys) -> Check:
    return Check(action, _rule, (resource_tags, _creator, *keys))


def _on_bus(action: str, *keys) -> Check:
    return Check(action, _bus, (resource_tags, *keys))


def _on_tagged(action: str, *keys) -> Check:
    return Check(action, _tagged, (resource_tags, _creator, *keys))


_SAR = "SAR EventBridge"

ROWS = {
    "CreateEventBus": Row("SAR EventBridge; EventBridge API, CreateEventBus: Tags", (
        _on_bus("events:CreateEventBus", request_tags),
        Check("events:TagResource", _bus, (resource_tags, request_tags), when=gives_tags),
    )),
    "DescribeEventBus": Row(_SAR, (_on_bus("events:DescribeEventBus"),)),
    "UpdateEventBus": Row(_SAR, (_on_bus("events:UpdateEventBus"),)),
    "DeleteEventBus": Row(_SAR, (_on_bus("events:DeleteEventBus"),)),
    "ListEventBuses": Row(_SAR, (Check("events:ListEventBuses", everything),)),
    # They know no resources.
    "PutPermission": Row(_SAR, (Check("events:PutPermission", everything),)),
    "RemovePermission": Row(_SAR, (Check("events:RemovePermission", everything),)),
    "PutEvents": Row(_SAR, (Check("events:PutEvents", _buses_of_entries, (resource_tags, _entries)),)),
    "ListRules": Row(_SAR, (Check("events:ListRules", everything),)),
    "DescribeRule": Row(_SAR, (_on_rule("events:DescribeRule"),)),
    "PutRule": Row("SAR EventBridge; EventBridge API, PutRule: Tags, RoleArn", (
        _on_rule("events:PutRule", request_tags, _pattern),
        Check("events:TagResource", _rule, (resource_tags, request_tags), when=gives_tags),
        pass_role(lambda request: request.members.get("RoleArn"), _SERVICE),
    )),
    "EnableRule": Row(_SAR, (_on_rule("events:EnableRule"),)),
    "DisableRule": Row(_SAR, (_on_rule("events:DisableRule"),)),
    "DeleteRule": Row(_SAR, (_on_rule("events:DeleteRule"),)),
    "ListTargetsByRule": Row(_SAR, (_on_rule("events:ListTargetsByRule"),)),
    "PutTargets": Row("SAR EventBridge; EventBridge user guide: permissions for event buses: roles", (
        _on_rule("events:PutTargets", _targets),
        Check("iam:PassRole", _roles_of_targets, (_to_events,)),
    )),
    "RemoveTargets": Row(_SAR, (_on_rule("events:RemoveTargets"),)),
    "ListTagsForResource": Row(_SAR, (_on_tagged("events:ListTagsForResource"),)),
    "TagResource": Row(_SAR, (_on_tagged("events:TagResource", request_tags),)),
    "UntagResource": Row(_SAR, (_on_tagged("events:UntagResource", removed_tags),)),
}
