"""EC2 flow logs: CreateFlowLogs, DescribeFlowLogs, DeleteFlowLogs and their tags."""

import secrets
import uuid
from xml.sax.saxutils import escape

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import ec2

from overlay.rules import ec2_lists, ec2_shared_vpcs, flow_log_delivery, flow_log_request, new_buckets
from overlay.rules.ec2_operations import operation
from overlay.rules.flow_log_request import Request
from overlay.rules.patch import replace_action
from overlay.rules.refused import Refused

# VPC quotas: flow log subscriptions per resource. EC2 error codes: FlowLogsLimitExceeded.
_PER_RESOURCE = 250
_SIZES = range(1, 1001)

_tokens = AccountRegionScopedDict()
_NOT_FOUND = {
    "VPC": (ec2._vpcs, "InvalidVpcId.NotFound", "The vpc ID '{}' does not exist"),
    "Subnet": (ec2._subnets, "InvalidSubnetId.NotFound", "The subnet ID '{}' does not exist"),
    "NetworkInterface": (
        ec2._network_interfaces, "InvalidNetworkInterfaceId.NotFound", "The networkInterface ID '{}' does not exist",
    ),
}


def apply() -> None:
    operation("CreateFlowLogs")(_create)
    operation("DescribeFlowLogs")(_describe)
    operation("DeleteFlowLogs")(_delete)
    replace_action(ec2._ACTION_MAP, "CreateTags")(_create_tags)
    replace_action(ec2._ACTION_MAP, "DeleteTags")(_delete_tags)


def _create(params: dict):
    request = flow_log_request.parse(params)
    _check_owner(request)
    token = ec2._p(params, "ClientToken") or None
    if token in _tokens:
        earlier, ids = _tokens[token]
        if earlier != request:
            raise Refused("IdempotentParameterMismatch", "The client token was used before with other parameters.")
        return _created(ids, [], token)
    new_id = "fl-" + secrets.token_hex(9)[:17]
    if request.role_arn and not flow_log_delivery.role_assumable(request.role_arn, new_id):
        raise Refused("InvalidParameter", "Unable to assume given IAM role")
    ids: list[str] = []
    failures = []
    unreachable = _destination_failure(request) if request.destination_type == "s3" else None
    for resource in request.resource_ids:
        failure = _resource_failure(request, resource) or unreachable or _duplicate_failure(request, resource)
        if failure:
            failures.append((resource, *failure))
            continue
        flow_log_id = "fl-" + secrets.token_hex(9)[:17]
        ec2._flow_logs[flow_log_id] = {
            "FlowLogId": flow_log_id, "ResourceId": resource, "Request": request, "CreationTime": ec2._now_ts(),
        }
        if request.tags:
            ec2._tags[flow_log_id] = [{"Key": key, "Value": value} for key, value in request.tags]
        ids.append(flow_log_id)
    if ids and request.destination_type == "s3" and _writes_policy(request):
        flow_log_delivery.write_bucket_policy(request)
    if token and ids:
        _tokens[token] = (request, ids)
    return _created(ids, failures, token or str(uuid.uuid4()))


def _check_owner(request: Request) -> None:
    """VPC user guide, "Responsibilities and permissions for owners and participants": a participant cannot log what it does not own. The
    guide has no code. DeleteVpc and CreateSubnet of a participant get this one with these words (ekristen/aws-nuke#497,
    hashicorp/terraform-provider-aws#46953). AWS may as well list the resource in ``Unsuccessful``: no report shows it."""
    if any(ec2_shared_vpcs.owner_of(resource) for resource in request.resource_ids):
        raise Refused("UnauthorizedOperation", "You are not authorized to perform CreateFlowLogs operation. A subnet in this vpc is "
                      "shared but the provided object is not owned by you", 403)


def _writes_policy(request: Request) -> bool:
    """True if AWS puts its own policy on the bucket: the caller owns it and may do so."""
    bucket = flow_log_delivery.bucket_of(request)
    return flow_log_delivery.bucket_owner(bucket) == ec2.get_account_id() and flow_log_delivery.may_write_policy(bucket)


# The reason a resource gets no flow log: the code and message of an entry of ``Unsuccessful``.
_Failure = tuple[str, str] | None


def _resource_failure(request: Request, resource: str) -> _Failure:
    if request.resource_type in _NOT_FOUND:
        known, code, message = _NOT_FOUND[request.resource_type]
        if resource not in known:
            return code, message.format(resource)
    return None


def _destination_failure(request: Request) -> _Failure:
    """VPC user guide: "Troubleshoot VPC Flow Logs", "Access Denied for LogDestination"; "Amazon S3 bucket permissions for flow logs":
    without the permissions to write the policy "the flow log creation fails", unless the bucket has it already. The text for an absent
    bucket was recorded from AWS in September 2024 by localstack/localstack, TestEc2FlowLogs."""
    bucket = flow_log_delivery.bucket_of(request)
    if flow_log_delivery.bucket_owner(bucket) is None:
        return "400", f"LogDestination: {bucket} does not exist"
    if new_buckets.take_denial(bucket) or not (_writes_policy(request) or flow_log_delivery.bucket_accepts(request)):
        return "400", f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission"
    return None


def _duplicate_failure(request: Request, resource: str) -> _Failure:
    present = [log["Request"] for log in ec2._flow_logs.values() if log["ResourceId"] == resource]
    if any(other.identity == request.identity for other in present):
        return ("FlowLogAlreadyExists",
                "Error. There is an existing Flow Log with the same configuration and log destination.")
    if len(present) >= _PER_RESOURCE:
        return "FlowLogsLimitExceeded", f"The maximum number of flow logs for {resource} has been reached."
    return None


def _created(ids: list[str], failures: list[tuple], token: str):
    listed = "".join(f"<item>{flow_log_id}</item>" for flow_log_id in ids)
    return ec2._xml(200, "CreateFlowLogsResponse",
                    f"<clientToken>{escape(token)}</clientToken><flowLogIdSet>{listed}</flowLogIdSet>"
                    f"{_unsuccessful(failures)}")


def _unsuccessful(failures: list[tuple]) -> str:
    items = "".join(
        f"<item><resourceId>{escape(resource)}</resourceId>"
        f"<error><code>{code}</code><message>{escape(message)}</message></error></item>"
        for resource, code, message in failures
    )
    return f"<unsuccessful>{items}</unsuccessful>"


_READERS: ec2_lists.Readers = {
    "deliver-log-status": lambda log: [_status(log)],
    "flow-log-id": lambda log: [log["FlowLogId"]],
    "log-destination-type": lambda log: [log["Request"].destination_type],
    "log-group-name": lambda log: [log["Request"].group_name] if log["Request"].group_name else [],
    "resource-id": lambda log: [log["ResourceId"]],
    "traffic-type": lambda log: [log["Request"].traffic_type] if log["Request"].traffic_type else [],
}


def _describe(params: dict):
    wanted = ec2._parse_member_list(params, "FlowLogId")
    records = {name: log for name, log in ec2._flow_logs.items() if not wanted or name in wanted}
    page, more = ec2_lists.page(params, records, "FlowLogIds", _SIZES, _READERS)
    return ec2._xml(200, "DescribeFlowLogsResponse", f"<flowLogSet>{''.join(map(_flow_log_xml, page))}</flowLogSet>{more}")


def _status(log: dict) -> str:
    return "SUCCESS" if flow_log_delivery.delivers(log["Request"], log["FlowLogId"]) else "FAILED"


def _flow_log_xml(log: dict) -> str:
    request: Request = log["Request"]
    status = _status(log)
    members = {
        "creationTime": log["CreationTime"],
        "deliverLogsErrorMessage": "Access error" if status == "FAILED" else None,
        "deliverLogsPermissionArn": request.role_arn,
        "deliverLogsStatus": status,
        "flowLogId": log["FlowLogId"],
        "flowLogStatus": "ACTIVE",
        "logGroupName": request.group_name if request.destination_type == "cloud-watch-logs" else None,
        "resourceId": log["ResourceId"],
        "trafficType": request.traffic_type,
        "logDestinationType": request.destination_type,
        "logDestination": request.destination,
        "logFormat": request.log_format,
        "maxAggregationInterval": str(request.interval),
    }
    text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items() if value is not None)
    if request.destination_type == "s3":
        text += (f"<destinationOptions><fileFormat>{request.file_format}</fileFormat>"
                 f"<hiveCompatiblePartitions>{str(request.hive_partitions).lower()}</hiveCompatiblePartitions>"
                 f"<perHourPartition>{str(request.hourly_partitions).lower()}</perHourPartition></destinationOptions>")
    return f"<item>{text}{ec2._tag_set_xml(log['FlowLogId'])}</item>"


def _delete(params: dict):
    failures = []
    for flow_log_id in ec2._parse_member_list(params, "FlowLogId"):
        if ec2._flow_logs.pop(flow_log_id, None) is None:
            failures.append((flow_log_id, "InvalidFlowLogId.NotFound",
                             f"These flow log ids in the input list are not found: [TotalCount: 1] {flow_log_id}"))
        ec2._tags.pop(flow_log_id, None)
    return ec2._xml(200, "DeleteFlowLogsResponse", _unsuccessful(failures))


def _unknown_flow_log(params: dict):
    for resource in ec2._parse_member_list(params, "ResourceId"):
        if resource.startswith("fl-") and resource not in ec2._flow_logs:
            return ec2._error("InvalidFlowLogId.NotFound", f"The flow log ID '{escape(resource)}' does not exist", 400)
    return None


def _create_tags(original, params: dict):
    return _unknown_flow_log(params) or original(params)


def _delete_tags(_original, params: dict):
    """A tag given with a value, also an empty one, is removed only if it has that value; none given at all removes every tag."""
    unknown = _unknown_flow_log(params)
    if unknown:
        return unknown
    given = [(tag["Key"], ec2._p(params, f"Tag.{number}.Value", None))
             for number, tag in enumerate(ec2._parse_tags(params), start=1)]
    for resource in ec2._parse_member_list(params, "ResourceId"):
        ec2._tags[resource] = [
            tag for tag in ec2._tags.get(resource, [])
            if given and not any(key == tag["Key"] and value in (None, tag["Value"]) for key, value in given)
        ]
    return ec2._xml(200, "DeleteTagsResponse", "<return>true</return>")
