"""CloudWatch alarms, their models and mute rules, and dashboards."""

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


def anomaly_models(client: Client) -> dict:
    """By namespace, metric and statistic. The state is what was learnt, not what was declared."""
    found = {}
    for model in client.items("cloudwatch", "describe_anomaly_detectors", "AnomalyDetectors"):
        for excluded in model["Configuration"].get("ExcludedTimeRanges", []):
            excluded.update({name: moment.isoformat() for name, moment in excluded.items()})
        model["Configuration"].setdefault("MetricTimezone", "UTC")
        name = "/".join(model[part] for part in ("Namespace", "MetricName", "Stat"))
        found[name] = without(model, "AnomalyDetectorId", "StateValue", "Namespace", "MetricName", "Stat", "Dimensions")
    return found


def alarm_mute_rules(client: Client) -> dict:
    found = {}
    for summary in client.items("cloudwatch", "list_alarm_mute_rules", "AlarmMuteRuleSummaries"):
        arn = summary["AlarmMuteRuleArn"]
        rule = client.call("cloudwatch", "get_alarm_mute_rule", AlarmMuteRuleName=arn.split(":alarm-mute-rule:")[1])
        found[rule["Name"]] = {**without(rule, "Name", "Status", "LastUpdatedTimestamp"), "tags": _tags(client, arn)}
    return found


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
