"""Metric data within log events (CloudWatch user guide, "Specification: Embedded metric format")."""

import json

from overlay.rules.metric_data import Datum

_MARK = '"_aws"'
_MAX_VALUES = 100


def data(events: list[dict]) -> list[Datum]:
    """The metric data of those events that are documents of the format; others are left alone."""
    return [datum for event in events if _MARK in event["message"] for datum in _of(event)]


def _of(event: dict) -> list[Datum]:
    try:
        document = json.loads(event["message"])
        metadata = document["_aws"]
        timestamp = float(metadata.get("Timestamp", event["timestamp"])) / 1000
        return [
            datum for directive in metadata["CloudWatchMetrics"] for datum in _directive(document, directive, timestamp)
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        # "Documents that fail to meet the specification are not extracted": they stay ordinary log events.
        return []


def _directive(document: dict, directive: dict, timestamp: float) -> list[Datum]:
    published = []
    for names in directive["Dimensions"]:
        dimensions = {name: document[name] for name in names}
        if not all(isinstance(value, str) for value in dimensions.values()):
            raise TypeError("a dimension's value must be a string")
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            for value in values[:_MAX_VALUES] if isinstance(values, list) else [values]:
                if isinstance(value, bool) or not isinstance(value, (int, float)):
                    raise TypeError("a metric's value must be a number")
                published.append(Datum(directive["Namespace"], metric["Name"], dimensions, value, timestamp,
                                       metric.get("Unit", "None")))
    return published
