"""Alarms on an anomaly detection band: the members they have, and their state by data and band.

CloudWatch API reference: PutMetricAlarm ("Anomaly Detection Model Alarm"), MetricDataQuery. User guide: "Create a CloudWatch alarm
based on anomaly detection". AWS does not document the state of such an alarm while its model is not trained: here it has
insufficient data.
"""

import re

from overlay.rules import alarm_evaluation, anomaly_models
from overlay.rules.alarm_evaluation import Verdict

_BAND = re.compile(r"ANOMALY_DETECTION_BAND\(\s*([a-z][A-Za-z0-9_]*)\s*(?:,\s*(\d+(?:\.\d+)?)\s*)?\)")
_NOT_WITH_METRICS = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit")
_OPERATORS = {
    "GreaterThanUpperThreshold": (lambda value, lower, upper: value > upper, "greater than the upper"),
    "LessThanLowerThreshold": (lambda value, lower, upper: value < lower, "less than the lower"),
    "LessThanLowerOrGreaterThanUpperThreshold": (
        lambda value, lower, upper: not lower <= value <= upper, "less than the lower or greater than the upper"),
}


def is_band(alarm: dict) -> bool:
    return bool(alarm.get("ThresholdMetricId"))


def problem(alarm: dict) -> str | None:
    """The sentence by which AWS refuses the alarm, if it concerns metrics or bands."""
    queries = alarm.get("Metrics") or []
    given = [member for member in _NOT_WITH_METRICS if alarm.get(member)]
    if queries and given:
        return f"Metrics cannot be used with {', '.join(given)}."
    if (alarm.get("ComparisonOperator") in _OPERATORS) != is_band(alarm):
        return "ThresholdMetricId and a comparison with a band must be used together."
    if not is_band(alarm):
        return None
    if alarm.get("Threshold") is not None:
        return "Threshold cannot be used with ThresholdMetricId."
    by_id = {query["Id"]: query for query in queries}
    threshold = by_id.get(alarm["ThresholdMetricId"])
    band = _BAND.fullmatch((threshold or {}).get("Expression") or "")
    if band is None:
        return "ThresholdMetricId must be the Id of an ANOMALY_DETECTION_BAND function."
    stat = (by_id.get(band[1]) or {}).get("MetricStat")
    if stat is None:
        return "The first argument of ANOMALY_DETECTION_BAND must be the Id of a metric."
    if any(not query.get("ReturnData", True) for query in (threshold, by_id[band[1]])):
        return "ReturnData must be true for the metric and for its band."
    if stat["Period"] % 60:
        return "The period of an alarm on a band must be a multiple of 60 seconds."
    return None


def metric(alarm: dict) -> dict | None:
    """The metric that the alarm watches, with its statistic and period; None for an alarm on anything else."""
    for query in alarm.get("Metrics") or []:
        stat = query.get("MetricStat")
        if stat:
            return {**stat["Metric"], "Stat": stat["Stat"], "Period": stat["Period"]}
    return None


def evaluate(alarm: dict, points: list[dict], now: float) -> tuple[Verdict, str]:
    """The verdict and its reason. The model that the alarm needs comes back if somebody deleted it."""
    watched = metric(alarm)
    anomaly_models.grow(watched)
    bounds = anomaly_models.band(watched)
    if bounds is None:
        return Verdict("INSUFFICIENT_DATA", [], 0), "Insufficient Data: the anomaly detection model has no band yet."
    compare, words = _OPERATORS[alarm["ComparisonOperator"]]
    seen = {**alarm, "Statistic": watched["Stat"], "Period": watched["Period"],
            "Breaches": lambda value: compare(value, *bounds)}
    verdict = alarm_evaluation.evaluate(seen, points, now)
    values = ", ".join(str(each.value) for each in verdict.used) or "none"
    negation = "" if verdict.state == "ALARM" else "not "
    return verdict, f"Thresholds Crossed: datapoints [{values}] were {negation}{words} threshold ({list(bounds)})."
