"""Delivery to CloudWatch Logs (VPC user guide, "Publish flow logs to CloudWatch Logs"): a log stream per interface."""

from collections import defaultdict
from collections.abc import Iterator

from botocore.exceptions import ClientError

from overlay.inventory.client import Client
from overlay.rules import flow_log_fields
from overlay.rules.flow_log_request import Request
from overlay.traffic.records import Record

# PutLogEvents takes 1,048,576 bytes, 26 of them for each event's overhead, and 10,000 events.
_BATCH_BYTES, _EVENT_OVERHEAD, _BATCH_EVENTS = 1_048_576, 26, 10_000


def deliver(client: Client, request: Request, records: list[Record]) -> list[str]:
    """Puts the records into the log group. Returns the names of the streams."""
    names = flow_log_fields.of_format(request.log_format)
    streams: dict[str, list[dict]] = defaultdict(list)
    for record in records:
        # AWS stamps an event with the start of its capture window.
        event = {"timestamp": record.start * 1000, "message": record.line(names)}
        streams[f"{record.interface.id}-{(request.traffic_type or 'ALL').lower()}"].append(event)
    if streams:
        # Delivery makes a deleted group again if the role lets it, which has been checked.
        _create(client, "create_log_group", logGroupName=request.group_name)
    for stream, events in streams.items():
        _create(client, "create_log_stream", logGroupName=request.group_name, logStreamName=stream)
        for batch in _batches(events):
            client.call("logs", "put_log_events", logGroupName=request.group_name, logStreamName=stream,
                        logEvents=batch)
    return list(streams)


def _create(client: Client, operation: str, **names: str) -> None:
    try:
        client.call("logs", operation, **names)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _batches(events: list[dict]) -> Iterator[list[dict]]:
    batch: list[dict] = []
    size = 0
    for event in events:
        length = len(event["message"]) + _EVENT_OVERHEAD
        if batch and (size + length > _BATCH_BYTES or len(batch) == _BATCH_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
