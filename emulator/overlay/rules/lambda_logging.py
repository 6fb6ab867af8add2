"""Lambda's logging configuration: its defaults and refusals, and the application log lines that its level leaves out.

Lambda API reference: LoggingConfig. Developer guide: "Configuring JSON and plain text log formats", "Log-level filtering" (a line that
names no level counts as INFO: embedded metrics do not), and the variables that a custom runtime finds its level and format in. The text
of the refusal is that of users' reports: aws/aws-cdk#28045. System logs are not filtered.
"""

import json

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from overlay.operations import service_model
from overlay.rules.patch import replace

# From the most detailed to the least.
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_DEFAULT_LEVEL = "INFO"
_LEVEL_MEMBERS = ("ApplicationLogLevel", "SystemLogLevel")
# Each is the name of its enumeration as well.
_ENUMERATIONS = ("LogFormat", *_LEVEL_MEMBERS)


def apply() -> None:
    replace(lambda_svc, "_create_function")(_create_function)
    replace(lambda_svc, "_update_config")(_update_config)
    replace(lambda_svc, "_emit_lambda_logs")(_emit_logs)
    replace(lambda_svc, "_provided_worker_env")(_worker_environment)


def _error(given: dict, whole: dict):
    for member in _ENUMERATIONS:
        allowed = service_model("lambda").shape_for(member).enum
        if member in given and given[member] not in allowed:
            return error_response_json(
                "ValidationException", f"1 validation error detected: Value '{given[member]}' at 'loggingConfig.{member[0].lower()}"
                f"{member[1:]}' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(allowed)}]", 400)
    if whole["LogFormat"] == "Text" and any(member in given for member in _LEVEL_MEMBERS):
        return error_response_json(
            "InvalidParameterValueException", 'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your '
            'request or change the LogFormat to "JSON" and try again.', 400)
    return None


def _whole(given: dict, present: dict) -> dict:
    """A request's members over those that are there. Text has no levels; JSON has them all."""
    merged = {**present, **given}
    if merged["LogFormat"] == "Text":
        return {name: value for name, value in merged.items() if name not in _LEVEL_MEMBERS}
    return {**dict.fromkeys(_LEVEL_MEMBERS, _DEFAULT_LEVEL), **merged}


def _create_function(original, data):
    given = data.get("LoggingConfig") or {}
    whole = _whole(given, {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{(data.get('FunctionName') or '').rsplit(':', 1)[-1]}"})
    return _error(given, whole) or original({**data, "LoggingConfig": whole})


def _update_config(original, name, data):
    function = lambda_svc._functions.get(name)
    if function is None or "LoggingConfig" not in data:
        return original(name, data)
    given = data["LoggingConfig"] or {}
    whole = _whole(given, function["config"]["LoggingConfig"])
    return _error(given, whole) or original(name, {**data, "LoggingConfig": whole})


def _emit_logs(original, func, request_id, log_text, *args, **kwargs):
    least = (func.get("config") or func).get("LoggingConfig", {}).get("ApplicationLogLevel")
    if least and log_text:
        log_text = "\n".join(line for line in log_text.splitlines() if _LEVELS.index(_level(line)) >= _LEVELS.index(least))
    return original(func, request_id, log_text, *args, **kwargs)


def _level(line: str) -> str:
    try:
        level = str(json.loads(line)["level"]).upper()
    except (ValueError, KeyError, TypeError):
        return _DEFAULT_LEVEL
    return level if level in _LEVELS else _DEFAULT_LEVEL


def _worker_environment(original, config, code_dir, port):
    environment = original(config, code_dir, port)
    logging = config.get("LoggingConfig") or {}
    if "ApplicationLogLevel" in logging:
        environment |= {"AWS_LAMBDA_LOG_FORMAT": logging["LogFormat"], "AWS_LAMBDA_LOG_LEVEL": logging["ApplicationLogLevel"]}
    return environment
