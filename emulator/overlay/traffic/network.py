"""The network interfaces of a VPC, each with a role in its traffic."""

import hashlib
import ipaddress
from dataclasses import dataclass

from ministack.services import ec2

ROLES = ("web", "app", "database", "bastion", "worker", "idle")
_FIRST_HOST = 10


@dataclass(frozen=True)
class Interface:
    """A network interface with the values that its flow log records have."""

    id: str
    subnet_id: str
    instance_id: str | None
    address: str
    ipv6_address: str
    az_id: str


@dataclass(frozen=True)
class Network:
    """A VPC with an interface for each role; ``others`` are interfaces without traffic."""

    vpc_id: str
    by_role: dict[str, Interface]
    others: tuple[Interface, ...]

    @property
    def interfaces(self) -> list[Interface]:
        return [*self.by_role.values(), *self.others]

    def address(self, role: str) -> str:
        return self.by_role[role].address


def of(vpc_id: str, hosts: int = 0) -> Network:
    """The VPC's own interfaces in order of their ids. For want of one, a role's interface is made up of the VPC's id, and so are those
    of so many further hosts."""
    vpc = ec2._vpcs[vpc_id]
    own = sorted((eni for eni in ec2._network_interfaces.values() if eni["VpcId"] == vpc_id),
                 key=lambda eni: eni["NetworkInterfaceId"])
    interfaces = [_existing(eni, number) for number, eni in enumerate(own)]
    taken = {interface.address for interface in interfaces}
    subnets = sorted((subnet for subnet in ec2._subnets.values() if subnet["VpcId"] == vpc_id),
                     key=lambda subnet: subnet["SubnetId"])
    subnet = subnets[0] if subnets else {"SubnetId": f"subnet-{_digest(vpc_id)}", "CidrBlock": vpc["CidrBlock"]}
    for role in [*ROLES[len(interfaces):], *(f"host-{number}" for number in range(hosts))]:
        interfaces.append(_made_up(vpc_id, role, subnet, taken, len(interfaces)))
        taken.add(interfaces[-1].address)
    return Network(vpc_id, dict(zip(ROLES, interfaces)), tuple(interfaces[len(ROLES):]))


def _existing(eni: dict, number: int) -> Interface:
    subnet = ec2._subnets.get(eni["SubnetId"], {})
    instance = (eni.get("Attachment") or {}).get("InstanceId")
    return Interface(eni["NetworkInterfaceId"], eni["SubnetId"], instance, eni["PrivateIpAddress"], _ipv6(number),
                     subnet.get("AvailabilityZoneId") or "-")


def _made_up(vpc_id: str, role: str, subnet: dict, taken: set[str], number: int) -> Interface:
    digest = _digest(f"{vpc_id}/{role}")
    hosts = ipaddress.ip_network(subnet["CidrBlock"])
    candidates = (str(hosts[index]) for index in range(min(_FIRST_HOST, hosts.num_addresses - 7), hosts.num_addresses))
    address = next(candidate for candidate in candidates if candidate not in taken)
    return Interface(f"eni-{digest}", subnet["SubnetId"], f"i-{digest}", address, _ipv6(number),
                     subnet.get("AvailabilityZoneId") or ec2._az_id_for_zone_name(f"{ec2.get_region()}a"))


def _ipv6(number: int) -> str:
    return f"2600:1f18:1234:5600::{number + 1:x}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:17]
