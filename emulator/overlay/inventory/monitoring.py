"""CloudWatch alarms and dashboards."""

from overlay import modes
from overlay.inventory.client import Client, parsed, tags_as_object, without
from overlay.modes import DashboardTags

_MOVING = (
    "AlarmConfigurationUpdatedTimestamp", "StateUpdatedTimestamp", "StateTransitionedTimestamp",
    "StateReason", "StateReasonData", "StateValue", "AlarmName",
)


def alarms(client: Client) -> dict:
    kinds = ("MetricAlarms", "CompositeAlarms")
    listed = [
        alarm
        for kind in kinds
        for alarm in client.items("cloudwatch", "describe_alarms", kind, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    ]
    return {
        alarm["AlarmName"]: {
            **without(alarm, *_MOVING),
            "state": alarm["StateValue"],
            "tags": _tags(client, alarm["AlarmArn"]),
        }
        for alarm in listed
    }


def dashboards(client: Client) -> dict:
    found = {}
    with_tags = modes.of(client.account).dashboard_tags is not DashboardTags.UNSUPPORTED
    for entry in client.items("cloudwatch", "list_dashboards", "DashboardEntries"):
        name = entry["DashboardName"]
        dashboard = client.call("cloudwatch", "get_dashboard", DashboardName=name)
        found[name] = {
            "arn": dashboard["DashboardArn"],
            "body": parsed(dashboard["DashboardBody"]),
            "tags": _tags(client, dashboard["DashboardArn"]) if with_tags else {},
        }
    return found


def _tags(client: Client, arn: str) -> dict[str, str]:
    return tags_as_object(client.call("cloudwatch", "list_tags_for_resource", ResourceARN=arn).get("Tags", []))
