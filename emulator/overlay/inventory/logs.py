"""CloudWatch Logs groups with their filters."""

from overlay.inventory.client import Client, without


def log_groups(client: Client) -> dict:
    groups = client.items("logs", "describe_log_groups", "logGroups")
    return {group["logGroupName"]: _group(client, group) for group in groups}


def _group(client: Client, group: dict) -> dict:
    name = group["logGroupName"]
    metric_filters, subscriptions = [], []
    # Of other groups neither kind can even be listed.
    if group.get("logGroupClass") == "STANDARD":
        metric_filters = client.items("logs", "describe_metric_filters", "metricFilters", logGroupName=name)
        subscriptions = client.items("logs", "describe_subscription_filters", "subscriptionFilters", logGroupName=name)
    tags = client.call("logs", "list_tags_for_resource", resourceArn=group["arn"].removesuffix(":*"))
    return {
        "arn": group["arn"],
        "retention": group.get("retentionInDays"),
        "class": group.get("logGroupClass"),
        "kmsKeyId": group.get("kmsKeyId"),
        "tags": tags.get("tags", {}),
        "metricFilters": {
            filter_["filterName"]: without(filter_, "filterName", "creationTime", "logGroupName")
            for filter_ in metric_filters
        },
        "subscriptionFilters": {
            filter_["filterName"]: without(filter_, "filterName", "creationTime", "logGroupName")
            for filter_ in subscriptions
        },
    }
