"""Lambda: the execution role, states and conflicts, settings, and the environment of a custom runtime.

Lambda API reference: CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration, GetPolicy. Developer guide:
"Lambda function states", "Defining Lambda function permissions with an execution role", "Environment variables".
"""

import hashlib
import json
import os

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs, lambda_svc, sts

from overlay.operations import service_model
from overlay.rules import policy
from overlay.rules.patch import replace

_TIMEOUT_SECONDS = range(1, 901)
_MEMORY_MB = range(128, 10241)
_ENVIRONMENT_BYTES = 4096
_RESERVED_VARIABLES = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
})


# Seconds that a new or changed function stays Pending or InProgress; AWS takes a second or more.
_PENDING_SECONDS = float(os.environ.get("EMULATOR_LAMBDA_PENDING_SECONDS", "0.2"))


def apply() -> None:
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = _PENDING_SECONDS
    replace(lambda_svc, "_create_function")(_create_function)
    replace(lambda_svc, "_update_config")(_update_config)
    replace(lambda_svc, "_update_code")(_update_code)
    replace(lambda_svc, "_invoke")(_invoke)
    replace(lambda_svc, "_get_policy")(_get_policy)
    replace(lambda_svc, "_emit_lambda_logs")(_emit_logs)
    replace(lambda_svc, "_provided_worker_env")(_worker_environment)
    replace(lambda_runtime.Worker, "_drain_stderr_bounded")(_drain_log)
    for module in (lambda_runtime, lambda_svc):
        replace(module, "execution_credentials")(_execution_credentials)


def _invalid(message: str):
    return error_response_json("InvalidParameterValueException", message, 400)


def _conflict(message: str):
    return error_response_json(
        "ResourceConflictException", f"The operation cannot be performed at this time. {message}", 409)


def _settings_error(name: str, data: dict):
    runtimes = service_model("lambda").shape_for("Runtime").enum
    if data.get("Runtime") is not None and data["Runtime"] not in runtimes:
        return _invalid(f"Value {data['Runtime']} at 'runtime' failed to satisfy constraint: "
                        f"Member must satisfy enum value set: [{', '.join(runtimes)}] or be a valid ARN")
    for member, allowed in (("Timeout", _TIMEOUT_SECONDS), ("MemorySize", _MEMORY_MB)):
        if member in data and data[member] not in allowed:
            return error_response_json(
                "ValidationException",
                f"1 validation error detected: Value '{data[member]}' at '{member[0].lower()}{member[1:]}' failed to "
                f"satisfy constraint: Member must have value between {allowed.start} and {allowed.stop - 1}", 400)
    variables = (data.get("Environment") or {}).get("Variables") or {}
    reserved = sorted(_RESERVED_VARIABLES.intersection(variables))
    if reserved:
        return _invalid("Lambda was unable to configure your environment variables because the environment variables "
                        "you have provided contains reserved keys that are currently not supported for modification. "
                        f"Reserved keys used in this request: {', '.join(reserved)}")
    if len(json.dumps(variables, separators=(",", ":"))) > _ENVIRONMENT_BYTES:
        return _invalid("Lambda was unable to configure your environment variables because the environment variables "
                        f"you have provided exceeded the {_ENVIRONMENT_BYTES // 1024}KB limit.")
    if "Role" in data:
        role = policy.role_by_arn(data["Role"])
        keys = policy.source_keys(lambda_svc._func_arn(name))
        if role is None or not policy.trusts(role, "lambda.amazonaws.com", keys):
            return _invalid("The role defined for the function cannot be assumed by Lambda.")
    return None


def _create_function(original, data):
    name = data.get("FunctionName") or ""
    if name in lambda_svc._functions:
        return original(data)
    return _settings_error(name.rsplit(":", 1)[-1], data) or original(data)


def _busy(name: str):
    """A function is changed by one call at a time."""
    function = lambda_svc._functions.get(name)
    if function is None:
        return None
    config = function["config"]
    if config["State"] == "Pending":
        return _conflict("The function is currently in the following state: Pending")
    if config["LastUpdateStatus"] == "InProgress":
        return _conflict(f"An update is in progress for resource: {config['FunctionArn']}")
    return None


def _update_config(original, name, data):
    error = _busy(name) or (_settings_error(name, data) if name in lambda_svc._functions else None)
    return error or _while_active(name, original(name, data))


def _update_code(original, name, data):
    if data.get("DryRun"):
        return original(name, data)
    return _busy(name) or _while_active(name, original(name, data))


def _while_active(name: str, response):
    """An update leaves the function Active: only its ``LastUpdateStatus`` shows it."""
    status, headers, body = response
    if status != 200:
        return response
    states = {"State": "Active", "StateReason": "", "StateReasonCode": ""}
    lambda_svc._functions[name]["config"].update(states)
    return status, headers, json.dumps({**json.loads(body), **states}).encode()


async def _invoke(original, name, *args, **kwargs):
    function = lambda_svc._functions.get(name)
    if function is not None and function["config"]["State"] == "Pending":
        return _conflict("The function is currently in the following state: Pending")
    return await original(name, *args, **kwargs)


def _get_policy(original, func_name, *args, **kwargs):
    function = lambda_svc._functions.get(func_name)
    if function is not None and not function["policy"]["Statement"]:
        return error_response_json("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return original(func_name, *args, **kwargs)


def _emit_logs(original, func, *args, **kwargs):
    """A function logs only if its role allows it; with ``logs:CreateLogGroup``, Lambda makes the group as well."""
    config = func.get("config") or func
    role = policy.role_by_arn(config.get("Role", ""))
    if role is None:
        return
    name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    group = _group_arn(config, name)
    if name not in cloudwatch_logs._log_groups and not policy.role_allows(role, "logs:CreateLogGroup", group):
        return
    stream = f"{group}:log-stream:x"
    if all(policy.role_allows(role, action, stream) for action in ("logs:CreateLogStream", "logs:PutLogEvents")):
        original(func, *args, **kwargs)


def _drain_log(original, worker, first_line_wait=0.15, idle_confirm=0.03, hard_cap=0.5):
    """ministack waits 5 ms for the next line: on a busy machine, half of the printed lines went to the next invocation."""
    return original(worker, first_line_wait, idle_confirm, hard_cap)


def _group_arn(config: dict, name: str) -> str:
    _, partition, _, region, account, *_ = config["FunctionArn"].split(":")
    return f"arn:{partition}:logs:{region}:{account}:log-group:{name}"


def _worker_environment(original, config, code_dir, port):
    environment = original(config, code_dir, port)
    # Its calls come back here, whatever the function's own settings say.
    environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    environment["AWS_LAMBDA_LOG_GROUP_NAME"] = (
        (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    )
    return environment


def _execution_credentials(_original, config):
    """A session of the execution role, where ministack gives the account's own key."""
    function_arn, role_arn = config["FunctionArn"], config.get("Role", "")
    account = function_arn.split(":")[4]
    role, session = role_arn.rsplit("/", 1)[-1], config["FunctionName"][:64]
    digest = hashlib.sha256(f"{function_arn}:{role_arn}".encode()).hexdigest()
    credentials = {
        "AWS_ACCESS_KEY_ID": f"ASIA{digest[:16].upper()}",
        "AWS_SECRET_ACCESS_KEY": digest[16:56],
        "AWS_SESSION_TOKEN": digest,
    }
    sts.register_session(credentials["AWS_ACCESS_KEY_ID"], {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "UserId": f"{role}:{session}",
        "SecretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": credentials["AWS_SESSION_TOKEN"],
    })
    return credentials
