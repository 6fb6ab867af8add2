"""SNS topics with their subscriptions."""

from overlay.inventory.client import Client, parsed, tags_as_object, without

_COUNTS = ("SubscriptionsConfirmed", "SubscriptionsPending", "SubscriptionsDeleted")


def topics(client: Client) -> dict:
    arns = [topic["TopicArn"] for topic in client.items("sns", "list_topics", "Topics")]
    return {arn.rsplit(":", 1)[-1]: _topic(client, arn) for arn in arns}


def _topic(client: Client, arn: str) -> dict:
    attributes = without(client.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"], *_COUNTS)
    for name in ("Policy", "DeliveryPolicy", "EffectiveDeliveryPolicy"):
        if name in attributes:
            attributes[name] = parsed(attributes[name])
    subscriptions = client.items("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    return {
        "attributes": attributes,
        "tags": tags_as_object(client.call("sns", "list_tags_for_resource", ResourceArn=arn).get("Tags", [])),
        "subscriptions": sorted(
            (
                {
                    "protocol": subscription["Protocol"],
                    "endpoint": subscription["Endpoint"],
                    "pending": subscription["SubscriptionArn"] == "PendingConfirmation",
                }
                for subscription in subscriptions
            ),
            key=lambda subscription: (subscription["protocol"], subscription["endpoint"]),
        ),
    }
