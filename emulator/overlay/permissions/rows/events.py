"""EventBridge."""

from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, gives_tags, removed_tags, request_tags, resource_tags


def _rule(request: Request) -> list[str]:
    members = request.members
    return [members.get("ResourceARN") or request.arn("events", f"rule/{members.get('Rule') or members.get('Name', '')}")]


def _targets(request: Request, _resource: str) -> Context:
    return {"events:targetarn": [target["Arn"] for target in request.members.get("Targets", [])]}


def _on_rule(action: str, *keys) -> Check:
    return Check(action, _rule, (resource_tags, *keys))


_SAR = "SAR EventBridge"

ROWS = {
    "DescribeRule": Row(_SAR, (_on_rule("events:DescribeRule"),)),
    "PutRule": Row("SAR EventBridge; EventBridge API, PutRule: Tags", (
        _on_rule("events:PutRule", request_tags),
        Check("events:TagResource", _rule, (resource_tags, request_tags), when=gives_tags),
    )),
    "DeleteRule": Row(_SAR, (_on_rule("events:DeleteRule"),)),
    "ListTargetsByRule": Row(_SAR, (_on_rule("events:ListTargetsByRule"),)),
    "PutTargets": Row(_SAR, (_on_rule("events:PutTargets", _targets),)),
    "RemoveTargets": Row(_SAR, (_on_rule("events:RemoveTargets"),)),
    "ListTagsForResource": Row(_SAR, (_on_rule("events:ListTagsForResource"),)),
    "TagResource": Row(_SAR, (_on_rule("events:TagResource", request_tags),)),
    "UntagResource": Row(_SAR, (_on_rule("events:UntagResource", removed_tags),)),
}
