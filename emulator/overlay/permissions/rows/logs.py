"""CloudWatch Logs. In policies the ARN of a log group ends in ``:*``, but for its tags (user guide, "Overview of
managing access permissions to your CloudWatch Logs resources")."""

from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, everything, gives_tags, removed_tags, request_tags, resource_tags


def _group(request: Request) -> list[str]:
    return [f"{arn}:*" for arn in _bare_group(request)]


def _bare_group(request: Request) -> list[str]:
    members = request.members
    named = members.get("logGroupName") or members.get("logGroupIdentifier") or members.get("resourceIdentifier")
    name = (named or members.get("resourceArn") or "*").removesuffix(":*").split(":log-group:")[-1]
    return [request.arn("logs", f"log-group:{name}")]


def _on_group(action: str) -> Row:
    return Row("SAR CloudWatch Logs", (Check(action, _group, (resource_tags,)),))


def _on_tags(action: str, *keys) -> Row:
    return Row("API, LogGroup: logGroupArn", (Check(action, _bare_group, (resource_tags, *keys)),))


def _without_resource(action: str) -> Row:
    return Row("SAR CloudWatch Logs: no resource type", (Check(action, everything),))


ROWS = {
    "DescribeLogGroups": _without_resource("logs:DescribeLogGroups"),
    "CreateLogGroup": Row("API, CreateLogGroup: tags", (
        Check("logs:CreateLogGroup", _group, (request_tags,)),
        Check("logs:TagResource", _bare_group, (request_tags,), when=gives_tags),
    )),
    "DeleteLogGroup": _on_group("logs:DeleteLogGroup"),
    "PutRetentionPolicy": _on_group("logs:PutRetentionPolicy"),
    "AssociateKmsKey": _on_group("logs:AssociateKmsKey"),
    "DisassociateKmsKey": _on_group("logs:DisassociateKmsKey"),
    "ListTagsForResource": _on_tags("logs:ListTagsForResource"),
    "TagResource": _on_tags("logs:TagResource", request_tags),
    "UntagResource": _on_tags("logs:UntagResource", removed_tags),
    "DescribeMetricFilters": _on_group("logs:DescribeMetricFilters"),
    "PutMetricFilter": _on_group("logs:PutMetricFilter"),
    "DeleteMetricFilter": _on_group("logs:DeleteMetricFilter"),
    "DescribeSubscriptionFilters": _on_group("logs:DescribeSubscriptionFilters"),
    "PutSubscriptionFilter": _on_group("logs:PutSubscriptionFilter"),
    "DeleteSubscriptionFilter": _on_group("logs:DeleteSubscriptionFilter"),
    "DescribeQueryDefinitions": _without_resource("logs:DescribeQueryDefinitions"),
    "PutQueryDefinition": _without_resource("logs:PutQueryDefinition"),
    "DeleteQueryDefinition": _without_resource("logs:DeleteQueryDefinition"),
    "DescribeLogStreams": _on_group("logs:DescribeLogStreams"),
    "FilterLogEvents": _on_group("logs:FilterLogEvents"),
}
