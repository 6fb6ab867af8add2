"""Subscription filters: matching events of one log stream go to a Lambda function, at least once.

CloudWatch Logs user guide: "Log group-level subscription filters" (Lambda).
"""

import base64
import gzip
import json
import logging
import uuid

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs as logs

from overlay.rules import function_invocations
from overlay.rules.filter_pattern_match import compiled

_logger = logging.getLogger("subscriptions")


def function_permits(function_arn: str, group_name: str) -> bool:
    """True if the function exists and its policy lets CloudWatch Logs invoke it for the group."""
    source = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group_name}:*"
    services = (f"logs.{get_region()}.amazonaws.com", "logs.amazonaws.com")
    return function_invocations.permitted(function_arn, services, source)


def deliver(group_name: str, stream_name: str, events: list[dict]) -> None:
    """Start sending these events to the group's subscribers."""
    group = logs._log_groups.get(group_name) or {}
    for subscription in list((group.get("subscriptionFilters") or {}).values()):
        destination = subscription["destinationArn"]
        match = compiled(subscription["filterPattern"])
        matching = [event for event in events if match(event["message"]) is not None]
        if not matching or ":function:" not in destination:
            continue
        if not function_permits(destination, group_name):
            _logger.info("%s may not be invoked for %s", destination, group_name)
            continue
        function_invocations.start(destination, _envelope({
            "messageType": "DATA_MESSAGE", "owner": get_account_id(), "logGroup": group_name,
            "logStream": stream_name, "subscriptionFilters": [subscription["filterName"]],
            "logEvents": [
                {"id": f"{uuid.uuid4().int:056d}"[-56:], "timestamp": event["timestamp"], "message": event["message"]}
                for event in matching
            ],
        }))


def _envelope(payload: dict) -> dict:
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()}}
