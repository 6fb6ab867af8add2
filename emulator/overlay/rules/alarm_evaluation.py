"""The state of a metric alarm by its data and the time: pure functions.

CloudWatch user guide: "Alarm evaluation", "Configuring how CloudWatch alarms treat missing data", "Avoiding premature
transitions to alarm state", "Evaluating an alarm".
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from ministack.services import cloudwatch

# "CloudWatch attempts to retrieve a higher number of data points than the number specified as Evaluation Periods": its
# examples have five for three.
_MORE_PERIODS = 2
# Alarms are evaluated every minute, over periods that end with that minute.
_STEP = 60
_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (lambda value, bound: value >= bound, "greater than or equal to"),
    "GreaterThanThreshold": (lambda value, bound: value > bound, "greater than"),
    "LessThanThreshold": (lambda value, bound: value < bound, "less than"),
    "LessThanOrEqualToThreshold": (lambda value, bound: value <= bound, "less than or equal to"),
}


@dataclass(frozen=True)
class Datapoint:
    """The statistic of one period that starts at ``start`` (epoch seconds); no value: nothing was reported."""

    start: float
    value: float | None
    samples: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The state the data asks for; None: as it is."""

    state: str | None
    used: list[Datapoint]
    filled: int


def is_evaluated(alarm: dict) -> bool:
    """True if it is an alarm on one metric with a static threshold."""
    return bool(alarm.get("MetricName")) and alarm.get("ComparisonOperator") in _COMPARISONS


def evaluate(alarm: dict, points: list[dict], now: float) -> Verdict:
    """The verdict on the metric's stored ``points``."""
    periods = int(alarm["EvaluationPeriods"])
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    treatment = alarm.get("TreatMissingData") or "missing"
    compare = alarm.get("Breaches") or _static(alarm)
    datapoints = _datapoints(alarm, points, now, periods + _MORE_PERIODS)
    breaches = [None if each.value is None else compare(each.value) for each in datapoints]
    real = [each for each in datapoints if each.value is not None][:periods]
    return Verdict(state(breaches, periods, needed, treatment), real, periods - len(real))


def _static(alarm: dict) -> Callable[[float], bool]:
    compare, _ = _COMPARISONS[alarm["ComparisonOperator"]]
    return lambda value: compare(value, alarm["Threshold"])


def state(breaches: list[bool | None], periods: int, needed: int, treatment: str) -> str | None:
    """The state by which data points of the evaluation range breach, newest first (None: missing)."""
    real = [breach for breach in breaches if breach is not None]
    if len(real) >= periods:
        return "ALARM" if sum(real[:periods]) >= needed else "OK"
    if treatment in ("breaching", "notBreaching"):
        filled = periods - len(real) if treatment == "breaching" else 0
        return "ALARM" if sum(real) + filled >= needed else "OK"
    if not real:
        return "INSUFFICIENT_DATA" if treatment == "missing" else None
    if sum(real) >= needed:
        return "ALARM"
    if not all(real):
        return "OK"
    oldest = max(index for index, breach in enumerate(breaches) if breach) + 1
    return "ALARM" if treatment == "missing" and oldest >= needed else None


def _datapoints(alarm: dict, points: list[dict], now: float, count: int) -> list[Datapoint]:
    """One per period, newest first. The newest ends with the running minute, so data that was just reported counts."""
    period = int(alarm["Period"])
    step = min(period, _STEP)
    end = math.floor(now / step) * step + step
    buckets: list[list[dict]] = [[] for _ in range(count)]
    unit = alarm.get("Unit")
    for point in points:
        index = math.ceil((end - point["Timestamp"]) / period) - 1
        if 0 <= index < count and (not unit or point["Unit"] == unit):
            buckets[index].append(point)
    return [_datapoint(alarm, end - (index + 1) * period, bucket) for index, bucket in enumerate(buckets)]


def _datapoint(alarm: dict, start: float, points: list[dict]) -> Datapoint:
    statistics = cloudwatch._calc_stats(points)
    if not statistics:
        return Datapoint(start, None)
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    return Datapoint(start, cloudwatch._stat_value(statistics, name, points), statistics["SampleCount"])


def reason(alarm: dict, verdict: Verdict) -> str:
    """The sentence AWS gives for a state."""
    if verdict.state == "INSUFFICIENT_DATA":
        periods = alarm["EvaluationPeriods"]
        return f"Insufficient Data: {_counted(periods, 'datapoint')} {_be(periods)} unknown."
    compare, words = _COMPARISONS[alarm["ComparisonOperator"]]
    threshold, periods = alarm["Threshold"], int(alarm["EvaluationPeriods"])
    if not verdict.used:
        kind = "Breaching" if alarm.get("TreatMissingData") == "breaching" else "NonBreaching"
        return (f"Threshold Crossed: no datapoints were received for {_counted(periods, 'period')} and "
                f"{_counted(periods, 'missing datapoint')} {_be(periods)} treated as [{kind}].")
    wanted = verdict.state == "ALARM"
    telling = [each for each in verdict.used if compare(each.value or 0.0, threshold) == wanted] or verdict.used
    shown = ", ".join(f"{each.value} ({_date(each.start)})" for each in telling)
    negation = "" if wanted else "not "
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    minimum, transition = (needed, "OK -> ALARM") if wanted else (periods - needed + 1, "ALARM -> OK")
    return (f"Threshold Crossed: {len(telling)} out of the last {_counted(len(verdict.used), 'datapoint')} [{shown}] "
            f"{_be(len(telling))} {negation}{words} the threshold ({threshold}) "
            f"(minimum {_counted(minimum, 'datapoint')} for {transition} transition).")


def reason_data(alarm: dict, verdict: Verdict, now: float) -> dict:
    """The same for machines: StateReasonData."""
    data = {"version": "1.0", "queryDate": _timestamp(now)}
    if verdict.used:
        data["startDate"] = _timestamp(verdict.used[-1].start)
    data |= {
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic"), "period": alarm["Period"],
        "recentDatapoints": [each.value for each in reversed(verdict.used)], "threshold": alarm["Threshold"],
        "evaluatedDatapoints": [
            {"timestamp": _timestamp(each.start), "sampleCount": each.samples, "value": each.value}
            for each in verdict.used
        ],
    }
    return data


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _be(count: int) -> str:
    return "was" if count == 1 else "were"


def _date(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%d/%m/%y %H:%M:%S")


def _timestamp(epoch: float) -> str:
    moment = datetime.fromtimestamp(epoch, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
