"""SNS."""

from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import (
    Check, Row, everything, gives_tags, pass_role, removed_tags, request_tags, resource_tags,
)


def _topic(request: Request) -> list[str]:
    members = request.members
    return [members.get("TopicArn") or members.get("ResourceArn") or request.arn("sns", members.get("Name", ""))]


def _subscription(request: Request, _resource: str) -> Context:
    members = request.members
    return {"sns:protocol": members.get("Protocol", ""), "sns:endpoint": members.get("Endpoint", "")}


def _asked_role(request: Request) -> str | None:
    """The role that lets SNS write to Firehose, as an attribute of a new subscription or as the one to set."""
    members = request.members
    if members.get("AttributeName") == "SubscriptionRoleArn":
        return members.get("AttributeValue")
    attributes = {entry.get("key"): entry.get("value") for entry in (members.get("Attributes") or {}).get("entry", [])}
    return attributes.get("SubscriptionRoleArn")


def _on_topic(action: str, *keys) -> Check:
    return Check(action, _topic, (resource_tags, *keys))


_SAR = "SAR SNS"
# The reference of April 2026 has no resource type for them; later ones have the topic, not as a required one.
_ANY = "SAR SNS: no resource type is required"
_PASS_ROLE = pass_role(_asked_role, "sns.amazonaws.com")

ROWS = {
    "CreateTopic": Row("SNS API, CreateTopic: Tags", (
        Check("sns:CreateTopic", _topic, (request_tags,)),
        Check("sns:TagResource", _topic, (request_tags,), when=gives_tags),
    )),
    "DeleteTopic": Row(_SAR, (_on_topic("sns:DeleteTopic"),)),
    "GetTopicAttributes": Row(_SAR, (_on_topic("sns:GetTopicAttributes"),)),
    "SetTopicAttributes": Row(_SAR, (_on_topic("sns:SetTopicAttributes"),)),
    "ListTagsForResource": Row(_SAR, (_on_topic("sns:ListTagsForResource"),)),
    "TagResource": Row(_SAR, (_on_topic("sns:TagResource", request_tags),)),
    "UntagResource": Row(_SAR, (_on_topic("sns:UntagResource", removed_tags),)),
    "ListSubscriptionsByTopic": Row(_SAR, (_on_topic("sns:ListSubscriptionsByTopic"),)),
    "GetSubscriptionAttributes": Row(_ANY, (Check("sns:GetSubscriptionAttributes", everything),)),
    "SetSubscriptionAttributes": Row(f"{_ANY}; API, SetSubscriptionAttributes: SubscriptionRoleArn", (
        Check("sns:SetSubscriptionAttributes", everything), _PASS_ROLE,
    )),
    "Subscribe": Row("SAR SNS; API, Subscribe: SubscriptionRoleArn", (
        _on_topic("sns:Subscribe", _subscription), _PASS_ROLE,
    )),
    "Unsubscribe": Row(_ANY, (Check("sns:Unsubscribe", everything),)),
}
