"""Metric filters: they turn log events into metric data.

CloudWatch Logs user guide: "Creating metrics from log events using filters" (metric value, default value, dimensions, unit).
API reference: MetricTransformation.
"""

from collections import Counter

from ministack.services import cloudwatch, cloudwatch_logs as logs

from overlay.rules.filter_pattern_expression import number
from overlay.rules.filter_pattern_match import compiled
from overlay.rules.metric_data import Datum

_MINUTE = 60


def data(group_name: str, events: list[dict]) -> list[Datum]:
    """The data that a group's metric filters make of arriving events, at the minutes of the events."""
    published: list[Datum] = []
    for (filtered, _), metric_filter in logs._metric_filters.items():
        if filtered == group_name:
            for transformation in metric_filter["metricTransformations"]:
                published += _transformed(metric_filter["filterPattern"], transformation, events)
    return published


def _transformed(pattern: str, transformation: dict, events: list[dict]) -> list[Datum]:
    match = compiled(pattern)
    counts: Counter[tuple] = Counter()
    silent: set[int] = set()
    matched: set[int] = set()
    for event in events:
        minute = event["timestamp"] // 1000 // _MINUTE * _MINUTE
        fields = match(event["message"])
        if fields is None:
            silent.add(minute)
            continue
        matched.add(minute)
        value = _value(transformation["metricValue"], fields)
        dimensions = _dimensions(transformation.get("dimensions") or {}, fields)
        if value is not None and dimensions is not None:
            counts[minute, value, tuple(sorted(dimensions.items()))] += 1
    if transformation.get("defaultValue") is not None:
        for minute in silent - matched:
            if not _has_data(transformation, minute):
                counts[minute, float(transformation["defaultValue"]), ()] += 1
    unit = transformation.get("unit") or "None"
    return [
        Datum(transformation["metricNamespace"], transformation["metricName"], dict(dimensions), value, minute, unit, count)
        for (minute, value, dimensions), count in counts.items()
    ]


def _has_data(transformation: dict, minute: int) -> bool:
    """A default value stands for a minute in which events arrived and none of them matched."""
    key = (transformation["metricNamespace"], transformation["metricName"], "")
    return any(point["Timestamp"] == minute for point in reversed(cloudwatch._metrics.get(key) or []))


def _value(given: str, fields: dict) -> float | None:
    """A literal, or the number in a field of the event; a field without one publishes nothing."""
    return number(_field(given, fields))


def _dimensions(given: dict[str, str], fields: dict) -> dict[str, str] | None:
    found = {name: _field(source, fields) for name, source in given.items()}
    if any(value in (None, "") for value in found.values()):
        return None
    return {name: value if isinstance(value, str) else str(value) for name, value in found.items()}


def _field(given: str, fields: dict):
    if not given.startswith("$"):
        return given
    try:
        return fields[given]
    except KeyError:
        return None
