"""EC2 VPCs: DescribeVpcs.

EC2 API reference: DescribeVpcs (the filters; MaxResults from 5 to 1,000), "Error codes for the Amazon EC2 API".
"""

import re

from ministack.services import ec2

from overlay.rules import ec2_lists, ec2_shared_vpcs
from overlay.rules.ec2_operations import operation
from overlay.rules.refused import Refused

_SIZES = range(5, 1001)
_ID = re.compile(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})")
_READERS: ec2_lists.Readers = {
    "cidr": lambda vpc: [vpc["CidrBlock"]],
    "cidr-block-association.association-id": lambda vpc: [f"vpc-cidr-assoc-{vpc['VpcId'].removeprefix('vpc-')}"],
    "cidr-block-association.cidr-block": lambda vpc: [vpc["CidrBlock"]],
    "cidr-block-association.state": lambda _vpc: ["associated"],
    "dhcp-options-id": lambda vpc: [vpc["DhcpOptionsId"]],
    "is-default": lambda vpc: ["true" if vpc["IsDefault"] else "false"],
    "owner-id": lambda vpc: [vpc["OwnerId"]],
    "state": lambda vpc: [vpc["State"]],
    "vpc-id": lambda vpc: [vpc["VpcId"]],
    # ministack's VPCs have no blocks of IPv6.
    **{f"ipv6-cidr-block-association.{name}": lambda _vpc: []
       for name in ("association-id", "ipv6-cidr-block", "ipv6-pool", "state")},
}


def apply() -> None:
    operation("DescribeVpcs")(_describe)


def _describe(params: dict):
    vpcs = {vpc["VpcId"]: vpc for vpc in [*ec2._vpcs.values(), *ec2_shared_vpcs.visible()]}
    wanted = ec2._parse_member_list(params, "VpcId")
    for vpc_id in wanted:
        if not _ID.fullmatch(vpc_id):
            raise Refused("InvalidVpcID.Malformed", f'Invalid id: "{vpc_id}"')
        if vpc_id not in vpcs:
            raise Refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    records = {vpc_id: vpcs[vpc_id] for vpc_id in wanted} if wanted else vpcs
    page, more = ec2_lists.page(params, records, "VpcIds", _SIZES, _READERS)
    return ec2._xml(200, "DescribeVpcsResponse", f"<vpcSet>{''.join(map(ec2._vpc_xml, page))}</vpcSet>{more}")
