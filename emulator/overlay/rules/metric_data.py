"""Metric data that AWS services publish themselves, kept where GetMetricData and alarms find it."""

import threading
import time
from typing import NamedTuple

from ministack.services import cloudwatch

from overlay.rules import alarm_states
from overlay.rules.patch import replace

_RETAINED_SECONDS = 14 * 24 * 3600
_SWEEP_SECONDS = 3600
# Functions run in threads of their own: the data that they publish must not get lost in a sweep.
_lock = threading.Lock()
_swept = time.time()


class Datum(NamedTuple):
    """A value seen ``count`` times at ``timestamp`` (epoch seconds)."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    value: float
    timestamp: float
    unit: str = "None"
    count: int = 1


def apply() -> None:
    replace(cloudwatch, "_evict_old_metrics")(_evict_old_metrics)


def publish(data: list[Datum]) -> None:
    """Store data of the current account and region, and evaluate the alarms on it."""
    if not data:
        return
    with _lock:
        for datum in data:
            key = (datum.namespace, datum.name, cloudwatch._dims_key(datum.dimensions))
            cloudwatch._metric_bucket(key).append({
                "Timestamp": datum.timestamp, "Value": float(datum.value), "Count": float(datum.count),
                "Unit": datum.unit, "Dimensions": datum.dimensions,
            })
    alarm_states.data_arrived({(datum.namespace, datum.name) for datum in data})


def _evict_old_metrics(_original) -> None:
    """ministack sweeps on every request; data is kept for weeks, so once an hour will do."""
    global _swept
    if time.time() - _swept < _SWEEP_SECONDS:
        return
    with _lock:
        _swept = time.time()
        stored = cloudwatch._metrics._data
        for key, points in list(stored.items()):
            stored[key] = [point for point in points if point["Timestamp"] >= _swept - _RETAINED_SECONDS]
            if not stored[key]:
                del stored[key]
