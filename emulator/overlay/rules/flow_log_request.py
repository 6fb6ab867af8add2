"""CreateFlowLogs' parameters and their validation.

EC2 API reference: CreateFlowLogs, DestinationOptionsRequest. VPC user guide: flow log records, publish to S3.
"""

import re
from dataclasses import dataclass

from ministack.services import ec2

from overlay.rules import flow_log_fields
from overlay.rules.refused import Refused

DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
_FORMAT = re.compile(r"(\$\{[^}]*\})(\s+\$\{[^}]*\})*")
_RESOURCE_TYPES = ("VPC", "Subnet", "NetworkInterface", "TransitGateway", "TransitGatewayAttachment",
                   "RegionalNatGateway")
_TRANSIT_TYPES = ("TransitGateway", "TransitGatewayAttachment")
_DESTINATION_TYPES = ("cloud-watch-logs", "s3", "kinesis-data-firehose")
_MAX_RESOURCES = 300


@dataclass(frozen=True)
class Request:
    """A CreateFlowLogs request that is well formed."""

    resource_ids: tuple[str, ...]
    resource_type: str
    traffic_type: str | None
    destination_type: str
    destination: str | None
    log_group_name: str | None
    role_arn: str | None
    log_format: str
    interval: int
    file_format: str
    hive_partitions: bool
    hourly_partitions: bool
    tags: tuple[tuple[str, str], ...]

    @property
    def identity(self) -> tuple[str, str]:
        """The destination, however it is spelled: two flow logs of one resource with the same destination are the same."""
        if self.destination_type == "s3":
            return "s3", (self.destination or "").rstrip("/")
        if self.destination_type == "cloud-watch-logs":
            return self.destination_type, self.group_name
        return self.destination_type, self.destination or ""

    @property
    def group_name(self) -> str:
        """The log group's name, given as such or within an ARN."""
        if self.log_group_name:
            return self.log_group_name
        return (self.destination or "").removesuffix(":*").partition(":log-group:")[2]


def parse(params: dict) -> Request:
    def value(name: str) -> str | None:
        return ec2._p(params, name) or None

    resource_ids = tuple(ec2._parse_member_list(params, "ResourceId"))
    resource_type = value("ResourceType")
    if not resource_ids:
        raise Refused("MissingParameter", "The request must contain the parameter ResourceId")
    if len(resource_ids) > _MAX_RESOURCES:
        raise Refused("InvalidParameterValue", f"The maximum number of resource ids is {_MAX_RESOURCES}")
    if resource_type is None:
        raise Refused("MissingParameter", "The request must contain the parameter ResourceType")
    _one_of("ResourceType", resource_type, _RESOURCE_TYPES)
    traffic_type = value("TrafficType")
    if traffic_type is None and resource_type not in _TRANSIT_TYPES:
        raise Refused("MissingParameter", "The request must contain the parameter TrafficType")
    if traffic_type is not None:
        _one_of("TrafficType", traffic_type, ("ACCEPT", "REJECT", "ALL"))
    destination_type = value("LogDestinationType") or "cloud-watch-logs"
    _one_of("LogDestinationType", destination_type, _DESTINATION_TYPES)
    options = _options(value)
    request = Request(
        resource_ids=resource_ids,
        resource_type=resource_type,
        traffic_type=traffic_type,
        destination_type=destination_type,
        destination=value("LogDestination"),
        log_group_name=value("LogGroupName"),
        role_arn=value("DeliverLogsPermissionArn"),
        log_format=_log_format(value("LogFormat")),
        interval=_interval(value("MaxAggregationInterval"), resource_type),
        **options,
        tags=_tags(params),
    )
    _check_destination(request)
    if destination_type != "s3" and any(params.get(name) for name in params if name.startswith("DestinationOptions")):
        raise Refused("InvalidParameter", "DestinationOptions is only applicable for s3 delivery")
    return request


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise Refused("InvalidParameterValue", f"Value ({value}) for parameter {name} is invalid. "
                                               f"Valid values: {', '.join(allowed)}")


def _interval(text: str | None, resource_type: str) -> int:
    if text is None:
        return 60 if resource_type in _TRANSIT_TYPES else 600
    if text not in ("60", "600"):
        raise Refused("InvalidParameter", "Invalid Flow Log Max Aggregation Interval")
    return int(text)


def _log_format(text: str | None) -> str:
    if text is None:
        return DEFAULT_FORMAT
    if not _FORMAT.fullmatch(text):
        raise Refused("InvalidParameter", "Invalid Log Format: fields must be written as ${field-id}, apart by spaces")
    unknown = [field for field in flow_log_fields.of_format(text) if field not in flow_log_fields.NAMES]
    if unknown:
        raise Refused("InvalidParameter", f"Unknown fields provided: {', '.join(unknown)}")
    return text


def _options(value) -> dict:
    file_format = value("DestinationOptions.FileFormat") or "plain-text"
    _one_of("FileFormat", file_format, ("plain-text", "parquet"))
    return {
        "file_format": file_format,
        "hive_partitions": value("DestinationOptions.HiveCompatiblePartitions") == "true",
        "hourly_partitions": value("DestinationOptions.PerHourPartition") == "true",
    }


def _tags(params: dict) -> tuple[tuple[str, str], ...]:
    tags = []
    number = 1
    while kind := ec2._p(params, f"TagSpecification.{number}.ResourceType"):
        if kind != "vpc-flow-log":
            raise Refused("InvalidParameterValue",
                          f"'{kind}' is not a valid taggable resource type for this operation.")
        position = 1
        while key := ec2._p(params, f"TagSpecification.{number}.Tag.{position}.Key"):
            tags.append((key, ec2._p(params, f"TagSpecification.{number}.Tag.{position}.Value", "") or ""))
            position += 1
        number += 1
    return tuple(tags)


def _check_destination(request: Request) -> None:
    if request.log_group_name and request.destination:
        raise Refused("InvalidParameter", "Please only provide LogGroupName or only provide LogDestination.")
    if request.log_group_name and request.destination_type != "cloud-watch-logs":
        raise Refused("InvalidParameter",
                      "LogDestination type must be cloud-watch-logs if LogGroupName is provided.")
    if not request.log_group_name and not request.destination:
        raise Refused("InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided.")
    if request.destination_type == "cloud-watch-logs":
        if request.role_arn is None:
            raise Refused("InvalidParameter",
                          "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.")
        if not request.group_name:
            raise Refused("InvalidParameter", f"LogDestination: {request.destination} is not a log group ARN.")
        return
    if request.role_arn is not None and request.destination_type == "s3":
        raise Refused("InvalidParameter", "DeliverLogsPermissionArn is not applicable for s3 delivery")
    if request.destination_type == "s3":
        match = re.fullmatch(r"arn:aws[a-z-]*:s3:::([^/]+)(/.*)?", request.destination or "")
        if match is None:
            raise Refused("InvalidParameter", f"LogDestination: {request.destination} is not a valid S3 ARN.")
        if "AWSLogs" in (match[2] or "").split("/"):
            raise Refused("InvalidParameter", "AWSLogs is a reserved term and cannot be used as a subfolder name.")
