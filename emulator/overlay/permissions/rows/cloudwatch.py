"""CloudWatch alarms, anomaly models, mute rules and dashboards."""

from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, everything, gives_tags, removed_tags, request_tags, resource_tags


def _alarm(request: Request) -> list[str]:
    members = request.members
    names = members.get("AlarmNames") or [members.get("AlarmName", "")]
    return [request.arn("cloudwatch", f"alarm:{name}") for name in names]


def _all_alarms(request: Request) -> list[str]:
    return [request.arn("cloudwatch", "alarm:*")]


def _mute_rule(request: Request) -> list[str]:
    members = request.members
    name = members.get("Name") or members.get("AlarmMuteRuleName", "")
    return [request.arn("cloudwatch", f"alarm-mute-rule:{name}")]


def _muted_alarms(request: Request) -> list[str]:
    targets = request.members.get("MuteTargets") or {}
    return [request.arn("cloudwatch", f"alarm:{name}") for name in targets.get("AlarmNames") or []]


def _dashboard(request: Request) -> list[str]:
    members = request.members
    names = members.get("DashboardNames") or [members.get("DashboardName", "")]
    return [request.global_arn("cloudwatch", f"dashboard/{name}") for name in names]


def _tagged(request: Request) -> list[str]:
    return [request.members.get("ResourceARN", "")]


def _actions(request: Request, _resource: str) -> Context:
    members = ("AlarmActions", "OKActions", "InsufficientDataActions")
    actions = [action for member in members for action in request.members.get(member) or []]
    return {"cloudwatch:alarmactions": actions} if actions else {}


_SAR = "SAR CloudWatch"

ROWS = {
    # Refusals name all alarms: aws-samples/amazon-cloudwatch-auto-alarms#1. Composite alarms need a permission for every resource:
    # rules.partial_denials.
    "DescribeAlarms": Row("SAR CloudWatch; API, DescribeAlarms", (Check("cloudwatch:DescribeAlarms", _all_alarms),)),
    "DescribeAlarmHistory": Row(_SAR, (Check("cloudwatch:DescribeAlarmHistory", _alarm, (resource_tags,)),)),
    "PutMetricAlarm": Row("SAR CloudWatch; API, PutMetricAlarm: Tags", (
        Check("cloudwatch:PutMetricAlarm", _alarm, (resource_tags, request_tags, _actions)),
        Check("cloudwatch:TagResource", _alarm, (resource_tags, request_tags), when=gives_tags),
    )),
    "PutCompositeAlarm": Row('API, PutCompositeAlarm: "scoped to *"', (
        Check("cloudwatch:PutCompositeAlarm", _all_alarms),
        Check("cloudwatch:TagResource", _alarm, (resource_tags, request_tags), when=gives_tags),
    )),
    # "Permissions for anomaly detector operations apply to all anomaly detectors in the account."
    "PutAnomalyDetector": Row("API, AnomalyDetector", (Check("cloudwatch:PutAnomalyDetector", everything),)),
    "DescribeAnomalyDetectors": Row("API, AnomalyDetector", (Check("cloudwatch:DescribeAnomalyDetectors", everything),)),
    "DeleteAnomalyDetector": Row("API, AnomalyDetector", (Check("cloudwatch:DeleteAnomalyDetector", everything),)),
    "PutAlarmMuteRule": Row('API, PutAlarmMuteRule: "on two types of resources"', (
        Check("cloudwatch:PutAlarmMuteRule", _mute_rule, (resource_tags, request_tags)),
        Check("cloudwatch:PutAlarmMuteRule", _muted_alarms, (resource_tags,)),
        Check("cloudwatch:TagResource", _mute_rule, (resource_tags, request_tags), when=gives_tags),
    )),
    "GetAlarmMuteRule": Row("API, GetAlarmMuteRule", (Check("cloudwatch:GetAlarmMuteRule", _mute_rule, (resource_tags,)),)),
    "ListAlarmMuteRules": Row("API, ListAlarmMuteRules", (Check("cloudwatch:ListAlarmMuteRules", everything),)),
    "DeleteAlarmMuteRule": Row(
        "API, DeleteAlarmMuteRule", (Check("cloudwatch:DeleteAlarmMuteRule", _mute_rule, (resource_tags,)),)),
    "DeleteAlarms": Row(_SAR, (Check("cloudwatch:DeleteAlarms", _alarm, (resource_tags,)),)),
    "SetAlarmState": Row(_SAR, (Check("cloudwatch:SetAlarmState", _alarm, (resource_tags,)),)),
    "GetDashboard": Row(_SAR, (Check("cloudwatch:GetDashboard", _dashboard, (resource_tags,)),)),
    "PutDashboard": Row("SAR CloudWatch; API, PutDashboard: Tags", (
        Check("cloudwatch:PutDashboard", _dashboard, (resource_tags, request_tags)),
        Check("cloudwatch:TagResource", _dashboard, (resource_tags, request_tags), when=gives_tags),
    )),
    "DeleteDashboards": Row(_SAR, (Check("cloudwatch:DeleteDashboards", _dashboard, (resource_tags,)),)),
    "ListTagsForResource": Row(_SAR, (Check("cloudwatch:ListTagsForResource", _tagged, (resource_tags,)),)),
    "TagResource": Row(_SAR, (Check("cloudwatch:TagResource", _tagged, (resource_tags, request_tags)),)),
    "UntagResource": Row(_SAR, (Check("cloudwatch:UntagResource", _tagged, (resource_tags, removed_tags)),)),
}
