"""An account's whole AWS state as one JSON document, read through AWS's own API."""

import asyncio

from overlay.inventory import analytics, compute, events, insights, logs, monitoring, network, observability, security, storage, topics
from overlay.inventory.client import Client

_COLLECTORS = {
    "buckets": storage.buckets,
    "roles": security.roles,
    "logGroups": logs.log_groups,
    "queryDefinitions": insights.query_definitions,
    "flowLogs": network.flow_logs,
    "eventBuses": events.buses,
    "eventRules": events.rules,
    "topics": topics.topics,
    "alarms": monitoring.alarms,
    "anomalyModels": monitoring.anomaly_models,
    "alarmMuteRules": monitoring.alarm_mute_rules,
    "oamLinks": observability.links,
    "oamSinks": observability.sinks,
    "functions": compute.functions,
    "workgroups": analytics.workgroups,
    "databases": analytics.databases,
    "dashboards": monitoring.dashboards,
    "vpcs": network.vpcs,
}


def inventory(loop: asyncio.AbstractEventLoop, account: str, region: str) -> dict:
    """Read everything; runs in a thread and makes its calls on ``loop``, past the journal and the faults."""
    client = Client(loop, account, region)
    return {name: collect(client) for name, collect in _COLLECTORS.items()}
