"""The traffic of a VPC, seen by its flow logs and delivered to their destinations."""

import asyncio
import time
from dataclasses import dataclass

from ministack.core.responses import request_scope
from ministack.services import ec2

from overlay.inventory.client import Client
from overlay.rules import flow_log_delivery, function_invocations
from overlay.rules.flow_log_request import Request
from overlay.traffic import delivery_logs, delivery_s3, network, records, scenarios

_CONSEQUENCES_SECONDS = 240.0


class UnknownVpc(Exception):
    """The VPC does not exist in this account and region."""


@dataclass(frozen=True)
class Order:
    """An order for traffic: ``scenario`` is one of ``scenarios.NAMES``, during the last ``minutes`` minutes."""

    account: str
    region: str
    vpc_id: str
    scenario: str
    minutes: int
    seed: int


def send(loop: asyncio.AbstractEventLoop, order: Order) -> dict:
    """Sends the traffic, waits for the consequences of the log events, and returns the deliveries by flow log."""
    client = Client(loop, order.account, order.region)
    with request_scope(order.account, order.region):
        if order.vpc_id not in ec2._vpcs:
            raise UnknownVpc(order.vpc_id)
        now = int(time.time())
        span = (now - order.minutes * 60, now)
        vpc = network.of(order.vpc_id, scenarios.hosts(order.scenario))
        said = scenarios.conversations(order.scenario, vpc, span, order.seed)
        by_interval: dict[int, list[records.Record]] = {}
        answer = {}
        for log in ec2._flow_logs.values():
            request: Request = log["Request"]
            watched = _watched(vpc, request, log["ResourceId"])
            if not watched:
                continue
            if request.interval not in by_interval:
                by_interval[request.interval] = records.aggregate(vpc, said, request.interval, span)
            seen = [record for record in by_interval[request.interval]
                    if record.interface.id in watched and record.passes(request.traffic_type)]
            answer[log["FlowLogId"]] = _deliver(client, request, log["FlowLogId"], seen)
    if not function_invocations.wait(order.account, _CONSEQUENCES_SECONDS):
        raise TimeoutError(f"subscribers are still at work after {_CONSEQUENCES_SECONDS:.0f} s")
    return {"flowLogs": answer}


def _watched(vpc: network.Network, request: Request, resource_id: str) -> set[str]:
    """The interfaces whose traffic a flow log on this resource captures."""
    return {
        interface.id for interface in vpc.interfaces
        if resource_id == {"VPC": vpc.vpc_id, "Subnet": interface.subnet_id, "NetworkInterface": interface.id}.get(
            request.resource_type)
    }


def _deliver(client: Client, request: Request, flow_log_id: str, seen: list[records.Record]) -> dict:
    destination = request.group_name if request.destination_type == "cloud-watch-logs" else request.destination
    report = {"destination": destination, "delivered": 0, "refused": None, "files": [], "streams": []}
    if not flow_log_delivery.delivers(request, flow_log_id):
        return report | {"refused": "Access error"}
    if request.destination_type == "cloud-watch-logs":
        return report | {"delivered": len(seen), "streams": delivery_logs.deliver(client, request, seen)}
    if request.destination_type == "s3":
        return report | {"delivered": len(seen), "files": delivery_s3.deliver(client, request, flow_log_id, seen)}
    return report
