"""Metrics of every invocation, however it came about (Lambda developer guide, "Types of metrics for Lambda functions")."""

import time

from ministack.services import lambda_svc

from overlay.rules.metric_data import Datum, publish
from overlay.rules.patch import replace

_NAMESPACE = "AWS/Lambda"


def apply() -> None:
    replace(lambda_svc, "_execute_function_dispatch")(_execute)
    replace(lambda_svc, "_emit_lambda_metrics")(_emit)


def _execute(original, func: dict, config: dict, event, request_id: str, started: float) -> dict:
    result = original(func, config, event, request_id, started)
    failed = bool(isinstance(result, dict) and result.get("error"))
    name = config.get("FunctionName", "unknown")
    now = time.time()
    _publish(name, now, Invocations=(1, "Count"), Errors=(int(failed), "Count"), Throttles=(0, "Count"),
             Duration=((now - started) * 1000, "Milliseconds"))
    return result


def _emit(_original, function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    """ministack reports some invocations here a second time; only a refusal for want of capacity is reported here alone."""
    if throttle and duration_ms == 0:
        _publish(function_name, time.time(), Throttles=(1, "Count"))


def _publish(function_name: str, now: float, **metrics: tuple[float, str]) -> None:
    dimensions = {"FunctionName": function_name}
    publish([Datum(_NAMESPACE, name, dimensions, value, now, unit) for name, (value, unit) in metrics.items()])
