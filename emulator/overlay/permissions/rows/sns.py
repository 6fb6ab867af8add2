"""SNS."""

from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, gives_tags, pass_role, removed_tags, request_tags, resource_tags


def _topic(request: Request) -> list[str]:
    members = request.members
    return [members.get("TopicArn") or members.get("ResourceArn") or request.arn("sns", members.get("Name", ""))]


def _topic_of_subscription(request: Request) -> list[str]:
    """A subscription's ARN is its topic's and an id. Text that is not an ARN, such as `PendingConfirmation`, has no topic."""
    return [request.members.get("SubscriptionArn", "").rpartition(":")[0] or "*"]


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


def _on_subscription(action: str) -> Check:
    return Check(action, _topic_of_subscription, (resource_tags,))


_SAR = "SAR SNS"
# Since August 2026 the topic is their resource type, with its tags; the reference of June 2026 has none.
_SUBSCRIPTION = "SAR SNS of August 2026: topic"
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
    "GetSubscriptionAttributes": Row(_SUBSCRIPTION, (_on_subscription("sns:GetSubscriptionAttributes"),)),
    "SetSubscriptionAttributes": Row(f"{_SUBSCRIPTION}; API, SetSubscriptionAttributes: SubscriptionRoleArn", (
        _on_subscription("sns:SetSubscriptionAttributes"), _PASS_ROLE,
    )),
    "Subscribe": Row("SAR SNS; API, Subscribe: SubscriptionRoleArn", (
        _on_topic("sns:Subscribe", _subscription), _PASS_ROLE,
    )),
    "Publish": Row(_SAR, (_on_topic("sns:Publish"),)),
    "Unsubscribe": Row(_SUBSCRIPTION, (_on_subscription("sns:Unsubscribe"),)),
}
