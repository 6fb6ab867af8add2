"""VPCs of other accounts, visible because their owners share subnets by AWS Resource Access Manager. A test sets the shares.

VPC user guide: "Share your VPC subnets with other accounts", "Responsibilities and permissions for owners and participants". A participant
describes the VPC with the owner's id and without the owner's tags: it has tags of its own, as ministack keeps tags by account. Subnets of a
default VPC cannot be shared.
"""

from collections.abc import Iterable

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

# The participants, by owner, region and VPC.
_shares: dict[tuple[str, str, str], frozenset[str]] = {}


def share(owner: str, region: str, vpc_id: str, participants: Iterable[str]) -> None:
    """Replaces the participants of a VPC. Raises ValueError if it cannot be shared."""
    vpc = ec2._vpcs.get_scoped(owner, region, vpc_id)
    if vpc is None:
        raise ValueError(f"no VPC {vpc_id} in {region} of account {owner}")
    if vpc["IsDefault"]:
        raise ValueError(f"{vpc_id} is a default VPC: its subnets cannot be shared")
    _shares[owner, region, vpc_id] = frozenset(participants)


def visible() -> list[dict]:
    """The VPCs that other accounts share with the account of the present request, in its region."""
    shared = (ec2._vpcs.get_scoped(*key) for key, participants in _shares.items()
              if key[1] == get_region() and get_account_id() in participants)
    return [vpc for vpc in shared if vpc is not None]


def owner_of(vpc_id: str) -> str | None:
    """The owner of a VPC that is shared with the account of the present request; None for any other VPC."""
    return next((vpc["OwnerId"] for vpc in visible() if vpc["VpcId"] == vpc_id), None)
