"""Anomaly detection models of single metrics, and the band that each of them learnt.

CloudWatch API reference: PutAnomalyDetector, DescribeAnomalyDetectors, DeleteAnomalyDetector. User guide: "Using CloudWatch
anomaly detection", "Create a CloudWatch alarm based on anomaly detection" (a deleted model comes back while an alarm needs it),
"CloudWatch service quotas" (500 models). Nothing is learnt here: a test sets the state and the band of a model.
"""

import hashlib
import json
import re
from zoneinfo import available_timezones

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, request_scope
from ministack.services import cloudwatch

from overlay.rules.cloudwatch_operations import Time, operation
from overlay.rules.refused import Refused

STATES = ("PENDING_TRAINING", "TRAINED_INSUFFICIENT_DATA", "TRAINED")
_MAX_MODELS = 500
_MAX_RANGES = 10
_MAX_RESULTS = 100
_OF_METRIC = ("Namespace", "MetricName", "Dimensions", "Stat")
_STATISTIC = re.compile(r"(SampleCount|Average|Sum|Minimum|Maximum|IQM|(p|tc|tm|ts|wm)\d{1,2}(\.\d{0,10})?)(_E|_L|_H)?")

# By namespace, metric, dimensions and statistic.
_models = AccountRegionScopedDict()
_bands = AccountRegionScopedDict()


def apply() -> None:
    operation("PutAnomalyDetector")(_put)
    operation("DescribeAnomalyDetectors")(_describe)
    operation("DeleteAnomalyDetector")(_delete)


def grow(metric: dict) -> None:
    """Makes the model that an alarm needs, if there is none."""
    if _key(metric) not in _models:
        _store(metric, {}, {})


def band(metric: dict) -> tuple[float, float] | None:
    """The lower and the upper bound that the model of a metric knows; None while it is not trained."""
    model = _models.get(_key(metric))
    return _bands.get(_key(metric)) if model is not None and model["StateValue"] == "TRAINED" else None


def teach(account: str, region: str, metric_name: str, state: str, lower: float, upper: float) -> int:
    """Sets the state and the band of all models on metrics of that name. Returns their number."""
    with request_scope(account, region):
        taught = [key for key in _models.keys() if key[1] == metric_name]
        for key in taught:
            _models[key]["StateValue"] = state
            _bands[key] = (lower, upper)
        return len(taught)


def _key(metric: dict) -> tuple:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or []}
    return metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions), metric["Stat"]


def _id(metric: dict) -> str:
    text = json.dumps([get_account_id(), get_region(), *map(str, _key(metric))])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _store(metric: dict, configuration: dict, characteristics: dict) -> str:
    key = _key(metric)
    shown = {name: metric.get(name) or [] if name == "Dimensions" else metric[name] for name in _OF_METRIC}
    before = _models.get(key)
    _models[key] = {
        "AnomalyDetectorId": _id(metric), **shown, "SingleMetricAnomalyDetector": shown,
        "Configuration": {"ExcludedTimeRanges": [_seen(each) for each in configuration.get("ExcludedTimeRanges") or []],
                          **{name: value for name, value in configuration.items() if name == "MetricTimezone"}},
        "MetricCharacteristics": {"PeriodicSpikes": bool(characteristics.get("PeriodicSpikes"))},
        "StateValue": before["StateValue"] if before else "PENDING_TRAINING",
    }
    return _models[key]["AnomalyDetectorId"]


def _seen(time_range: dict) -> dict:
    """A time range as an answer has it."""
    return {name: Time(moment) for name, moment in time_range.items()}


def _metric(data: dict) -> dict:
    """The metric that a request names, by the object or by the deprecated members."""
    single = data.get("SingleMetricAnomalyDetector")
    old = [name for name in _OF_METRIC if data.get(name)]
    if data.get("MetricMathAnomalyDetector"):
        raise Refused("InvalidParameterValue", "The emulator knows no models of metric math")
    if single and old:
        raise Refused("InvalidParameterCombination", "SingleMetricAnomalyDetector cannot be used with " + ", ".join(old))
    metric = single or {name: data.get(name) for name in old}
    for name in ("Namespace", "MetricName", "Stat"):
        if not metric.get(name):
            raise Refused("MissingParameter", f"The parameter {name} is required.")
    if not _STATISTIC.fullmatch(metric["Stat"]):
        raise Refused("InvalidParameterValue", f"The value {metric['Stat']} for parameter Stat is invalid.")
    return metric


def _put(data: dict) -> dict:
    metric = _metric(data)
    configuration = data.get("Configuration") or {}
    ranges = configuration.get("ExcludedTimeRanges") or []
    if len(ranges) > _MAX_RANGES:
        raise Refused("InvalidParameterValue", f"At most {_MAX_RANGES} time ranges can be excluded.")
    if any(each["StartTime"] >= each["EndTime"] for each in ranges):
        raise Refused("InvalidParameterValue", "The StartTime of a time range must be before its EndTime.")
    zone = configuration.get("MetricTimezone")
    if zone is not None and (len(zone) > 50 or zone not in available_timezones()):
        raise Refused("InvalidParameterValue", f"The value {zone} for parameter MetricTimezone is invalid.")
    if _key(metric) not in _models and len(_models) >= _MAX_MODELS:
        raise Refused("LimitExceededException", "The maximum number of anomaly detectors was reached.")
    return {"AnomalyDetectorId": _store(metric, configuration, data.get("MetricCharacteristics") or {})}


def _describe(data: dict) -> dict:
    ids = data.get("AnomalyDetectorIds")
    filters = [name for name in ("Namespace", "MetricName", "Dimensions", "AnomalyDetectorTypes") if data.get(name)]
    if ids and filters:
        raise Refused("InvalidParameterCombination", "AnomalyDetectorIds cannot be used with " + ", ".join(filters))
    types = data.get("AnomalyDetectorTypes") or ["SINGLE_METRIC"]
    found = sorted((model for model in _models.values() if "SINGLE_METRIC" in types),
                   key=lambda model: model["AnomalyDetectorId"])
    if ids:
        found = [model for model in found if model["AnomalyDetectorId"] in ids]
    for name in ("Namespace", "MetricName"):
        if data.get(name):
            found = [model for model in found if model[name] == data[name]]
    if data.get("Dimensions"):
        wanted = {each["Name"]: each["Value"] for each in data["Dimensions"]}
        found = [model for model in found if {each["Name"]: each["Value"] for each in model["Dimensions"]} == wanted]
    token = data.get("NextToken") or "0"
    if not token.isdigit():
        raise Refused("InvalidNextToken", "The next token specified is invalid.")
    size = data.get("MaxResults") or _MAX_RESULTS
    if not 1 <= size <= _MAX_RESULTS:
        raise Refused("InvalidParameterValue", f"MaxResults must be from 1 to {_MAX_RESULTS}.")
    start, end = int(token), int(token) + size
    return {"AnomalyDetectors": found[start:end], "NextToken": str(end) if end < len(found) else None}


def _delete(data: dict) -> dict:
    if data.get("AnomalyDetectorId"):
        keys = [key for key, model in _models.items() if model["AnomalyDetectorId"] == data["AnomalyDetectorId"]]
    else:
        keys = [key for key in (_key(_metric(data)),) if key in _models]
    if not keys:
        raise Refused("ResourceNotFoundException", "The anomaly detector does not exist.", 404)
    for key in keys:
        _models.pop(key)
        _bands.pop(key, None)
    return {}
