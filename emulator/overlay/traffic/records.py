"""Flow log records: the conversations of a VPC as its interfaces see them, aggregation interval by aggregation interval.

VPC user guide: "Flow log records" (available fields, examples of records), "Aggregation interval".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from ministack.core.responses import get_account_id, get_region

from overlay.rules import flow_log_fields
from overlay.traffic.network import Interface, Network
from overlay.traffic.scenarios import TCP, Conversation, Span

_SYN, _SYN_ACK, _FIN = 2, 18, 1
_INTERNET_GATEWAY, _SAME_VPC, _GATEWAY_ENDPOINT = 8, 1, 7


@dataclass
class Record:
    """Field values by name; an absent value is shown as ``-``."""

    interface: Interface
    values: dict[str, str | int] = field(default_factory=dict)

    @property
    def start(self) -> int:
        return int(self.values["start"])

    def passes(self, traffic_type: str | None) -> bool:
        """True if a flow log of this traffic type has it; a record without data is in all of them."""
        return traffic_type in (None, "ALL", self.values.get("action")) or "action" not in self.values

    def line(self, names: list[str]) -> str:
        return " ".join(str(self.of(name, names)) for name in names)

    def of(self, name: str, names: list[str]) -> str | int:
        return flow_log_fields.version(names) if name == "version" else self.values.get(name, "-")


@dataclass(frozen=True)
class _Part:
    """The packets of one direction within one aggregation interval."""

    begin: float
    end: float
    source: str
    destination: str
    source_port: int
    destination_port: int
    packets: int
    bytes: int
    flags: int
    source_service: str | None
    destination_service: str | None


def aggregate(network: Network, conversations: list[Conversation], interval: int, span: Span) -> list[Record]:
    """The records of all interfaces, oldest first, with NODATA where an interface was silent for an interval."""
    flows: dict[tuple, Record] = {}
    heard: set[tuple[str, int]] = set()
    by_address = {address: each for each in network.interfaces for address in (each.address, each.ipv6_address)}
    for conversation in conversations:
        for part in _parts(conversation, interval):
            for interface, direction in _sides(part, by_address):
                window = int(part.begin // interval)
                heard.add((interface.id, window))
                key = (interface.id, window, direction, part.source, part.destination, part.source_port,
                       part.destination_port, conversation.protocol, conversation.accepted)
                _add(flows, key, _record(network, interface, direction, part, conversation, by_address))
    silent = _silent(network, heard, interval, span)
    return sorted([*flows.values(), *silent], key=lambda record: (record.start, record.interface.id))


def _add(flows: dict[tuple, Record], key: tuple, record: Record) -> None:
    known = flows.setdefault(key, record)
    if known is record:
        return
    ours, theirs = known.values, record.values
    for name in ("packets", "bytes"):
        ours[name] = int(ours[name]) + int(theirs[name])
    ours["start"], ours["end"] = min(ours["start"], theirs["start"]), max(ours["end"], theirs["end"])
    ours["tcp-flags"] = int(ours["tcp-flags"]) | int(theirs["tcp-flags"])


def _parts(conversation: Conversation, interval: int) -> Iterator[_Part]:
    """Both directions, cut where an aggregation interval ends; packets and bytes add up to the whole."""
    first, last = int(conversation.begin // interval), int(conversation.end // interval)
    length = conversation.end - conversation.begin
    done = 0.0
    for window in range(first, last + 1):
        begin = max(conversation.begin, window * interval)
        end = min(conversation.end, math.nextafter((window + 1) * interval, 0))
        share = 1.0 if window == last else (end - conversation.begin) / length
        opens, closes = window == first, window == last
        yield _part(conversation, begin, end, done, share, opens, closes, answer=False)
        if conversation.server_packets:
            yield _part(conversation, begin, end, done, share, opens, closes, answer=True)
        done = share


def _part(
    conversation: Conversation, begin: float, end: float, done: float, share: float, opens: bool, closes: bool,
    answer: bool,
) -> _Part:
    one = conversation
    packets, size = (one.server_packets, one.server_bytes) if answer else (one.client_packets, one.client_bytes)
    flags = 0
    if one.protocol == TCP:
        flags |= (_SYN_ACK if answer else _SYN) if opens else 0
        flags |= _FIN if closes and packets > 1 else 0
    ends = [(one.client, one.client_port, None), (one.server, one.server_port, one.server_service)]
    source, destination = reversed(ends) if answer else ends
    return _Part(begin, end, source[0], destination[0], source[1], destination[1],
                 max(1, round(packets * share) - round(packets * done)), round(size * share) - round(size * done),
                 flags, source[2], destination[2])


def _sides(part: _Part, by_address: dict[str, Interface]) -> list[tuple[Interface, str]]:
    """The interfaces that log it: both ends, if within the VPC. Rejected traffic from within was sent all the same."""
    sides = [(by_address.get(part.source), "egress"), (by_address.get(part.destination), "ingress")]
    return [(interface, direction) for interface, direction in sides if interface is not None]


def _record(
    network: Network, interface: Interface, direction: str, part: _Part, conversation: Conversation,
    by_address: dict[str, Interface],
) -> Record:
    rejected = not conversation.accepted and direction == "ingress"
    values: dict[str, str | int] = {
        **_common(interface, int(part.begin), int(part.end)),
        "srcaddr": part.source, "dstaddr": part.destination, "pkt-srcaddr": part.source, "pkt-dstaddr": part.destination,
        "srcport": part.source_port, "dstport": part.destination_port, "protocol": conversation.protocol,
        "packets": part.packets, "bytes": part.bytes, "action": "REJECT" if rejected else "ACCEPT", "log-status": "OK",
        "vpc-id": network.vpc_id, "subnet-id": interface.subnet_id, "tcp-flags": part.flags,
        "type": "IPv6" if ":" in part.source else "IPv4", "region": get_region(), "az-id": interface.az_id,
        "flow-direction": direction,
    }
    if interface.instance_id:
        values["instance-id"] = interface.instance_id
    if part.source_service:
        values["pkt-src-aws-service"] = part.source_service
    if part.destination_service:
        values["pkt-dst-aws-service"] = part.destination_service
    if direction == "egress":
        values["traffic-path"] = (_SAME_VPC if part.destination in by_address
                                  else _GATEWAY_ENDPOINT if part.destination_service == "S3" else _INTERNET_GATEWAY)
    return Record(interface, values)


def _common(interface: Interface, start: int, end: int) -> dict[str, str | int]:
    return {"account-id": get_account_id(), "interface-id": interface.id, "start": start, "end": end}


def _silent(network: Network, heard: set[tuple[str, int]], interval: int, span: Span) -> Iterator[Record]:
    """NODATA: there was no network traffic to or from the network interface during the aggregation interval."""
    for window in range(int(span[0] // interval), int(span[1] // interval)):
        start, end = max(window * interval, int(span[0])), (window + 1) * interval - 1
        for interface in network.interfaces:
            if (interface.id, window) not in heard:
                yield Record(interface, {**_common(interface, start, end), "log-status": "NODATA"})
