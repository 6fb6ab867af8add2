"""EC2 VPCs and flow logs."""

from overlay.inventory.client import Client, tags_as_object, without


def flow_logs(client: Client) -> dict:
    return {
        flow_log["FlowLogId"]: {
            **without(flow_log, "FlowLogId", "CreationTime"),
            "Tags": tags_as_object(flow_log.get("Tags", [])),
        }
        for flow_log in client.items("ec2", "describe_flow_logs", "FlowLogs")
    }


def vpcs(client: Client) -> dict:
    """Those that the account owns."""
    filters = [{"Name": "is-default", "Values": ["false"]}, {"Name": "owner-id", "Values": [client.account]}]
    return {
        vpc["VpcId"]: {**without(vpc, "VpcId"), "Tags": tags_as_object(vpc.get("Tags", []))}
        for vpc in client.items("ec2", "describe_vpcs", "Vpcs", Filters=filters)
    }
