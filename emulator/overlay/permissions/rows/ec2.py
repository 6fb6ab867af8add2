"""EC2 flow logs, and the look-up of their VPC. The other operations of VPCs have no rows: only tests call them."""

from ministack.services import ec2

from overlay.permissions.conditions import Context
from overlay.permissions.request import PARTITION, Request
from overlay.permissions.row import (
    Check, Row, everything, gives_tags, pass_role, request_tags, resource_tags,
)
from overlay.permissions.unmodelled import Unmodelled
from overlay.rules import ec2_shared_vpcs

_MONITORED = {"VPC": "vpc", "Subnet": "subnet", "NetworkInterface": "network-interface"}
_ECS_READS = ("ListClusters", "ListContainerInstances", "ListServices", "ListTaskDefinitions", "ListTasks")


def _region(request: Request, _resource: str) -> Context:
    return {"ec2:region": request.region}


def _monitored(request: Request) -> list[str]:
    kind = request.members.get("ResourceType", "")
    if kind not in _MONITORED:
        raise Unmodelled(f"flow logs of a {kind}")
    return [f"arn:{PARTITION}:ec2:{request.region}:{ec2_shared_vpcs.owner_of(name) or request.account}:{_MONITORED[kind]}/{name}"
            for name in request.members.get("ResourceId") or []]


def _vpc(_request: Request, resource: str) -> Context:
    name = resource.rsplit("/", 1)[-1]
    return {"ec2:vpcid": name} if name.startswith("vpc-") else {}


def _new_flow_log(request: Request) -> list[str]:
    return [request.arn("ec2", "vpc-flow-log/*")]


def _flow_logs(request: Request) -> list[str]:
    return [request.arn("ec2", f"vpc-flow-log/{name}") for name in request.members.get("FlowLogId") or []]


def _tagged(request: Request) -> list[str]:
    names = request.members.get("ResourceId") or []
    for name in names:
        if not name.startswith("fl-"):
            raise Unmodelled(f"tags of {name}")
    return [request.arn("ec2", f"vpc-flow-log/{name}") for name in names]


def _tags(request: Request, resource: str) -> Context:
    """EC2 has the global key, and one of its own."""
    found = resource_tags(request, resource)
    return found | {key.replace("aws:", "ec2:", 1): value for key, value in found.items()}


def _creation(_request: Request, _resource: str) -> Context:
    return {"ec2:createaction": "CreateFlowLogs"}


def _to_s3(request: Request) -> bool:
    return request.members.get("LogDestinationType") == "s3"


def _any_to_s3(request: Request) -> bool:
    logs = [ec2._flow_logs.get(name) for name in request.members.get("FlowLogId") or []]
    return any(log["Request"].destination_type == "s3" for log in logs if log)


def _with_ecs_fields(request: Request) -> bool:
    return "${ecs-" in request.members.get("LogFormat", "")


ROWS = {
    "DescribeVpcs": Row("SAR EC2: no resource type", (Check("ec2:DescribeVpcs", everything, (_region,)),)),
    "DescribeFlowLogs": Row("SAR EC2: no resource type", (Check("ec2:DescribeFlowLogs", everything, (_region,)),)),
    "CreateFlowLogs": Row(
        # The policy of a bucket is written as well, if the caller may: rules.partial_denials.
        "SAR EC2, with its dependent actions; VPC user guide, Publish flow logs to Amazon S3: the logs: actions", (
            Check("ec2:CreateFlowLogs", _monitored, (_tags, _vpc, _region)),
            Check("ec2:CreateFlowLogs", _new_flow_log, (request_tags, _region)),
            Check("ec2:CreateTags", _new_flow_log, (request_tags, _creation, _region), when=gives_tags),
            pass_role(lambda request: request.members.get("DeliverLogsPermissionArn"), "vpc-flow-logs.amazonaws.com"),
            Check("logs:CreateLogDelivery", everything, when=_to_s3),
            Check("logs:DeleteLogDelivery", everything, when=_to_s3),
            *(Check(f"ecs:{name}", everything, when=_with_ecs_fields) for name in _ECS_READS),
        ),
    ),
    "DeleteFlowLogs": Row("SAR EC2; VPC user guide, Publish flow logs to Amazon S3: the logs: actions", (
        Check("ec2:DeleteFlowLogs", _flow_logs, (_tags, _region)),
        Check("logs:DeleteLogDelivery", everything, when=_any_to_s3),
    )),
    "CreateTags": Row("SAR EC2", (Check("ec2:CreateTags", _tagged, (_tags, request_tags, _region)),)),
    "DeleteTags": Row("SAR EC2", (Check("ec2:DeleteTags", _tagged, (_tags, request_tags, _region)),)),
}
