"""CloudWatch Logs: keys, names and deletion protection of log groups; limits of metric and subscription filters.

CloudWatch Logs API reference: CreateLogGroup, AssociateKmsKey, PutLogGroupDeletionProtection, PutMetricFilter,
PutSubscriptionFilter. User guide: "Encrypt log data", "Filter pattern syntax", "CloudWatch Logs quotas", "Log classes".
"""

import json
import re

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import cloudwatch_logs as logs
from ministack.services import lambda_svc

from overlay.rules import filter_pattern, keys, log_events, policy, subscription_delivery
from overlay.rules.patch import replace

_GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_RESERVED_PREFIX = "aws/"
_FILTER_NAME = re.compile(r"[^:*]{1,512}")
_METRIC_NAME = re.compile(r"[^:*$]{1,255}")
_KEY_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey")
_MAX_DIMENSIONS = 3
_MAX_METRIC_FILTERS = 100
_MAX_SUBSCRIPTION_FILTERS = 2
_MAX_REGEX_FILTERS = 5


def apply() -> None:
    replace(logs, "handle_request")(_handle_request)
    replace(logs, "_create_log_group")(_create_log_group)
    replace(logs, "_delete_log_group")(_delete_log_group)
    replace(logs, "_describe_log_groups")(_describe_log_groups)
    for action in ("_describe_metric_filters", "_describe_subscription_filters", "_filter_log_events"):
        replace(logs, action)(_standard_only)
    replace(logs, "_put_metric_filter")(_put_metric_filter)
    replace(logs, "_put_subscription_filter")(_put_subscription_filter)


def _invalid(message: str):
    return error_response_json("InvalidParameterException", message, 400)


def _limit(message: str = "Resource limit exceeded."):
    return error_response_json("LimitExceededException", message, 400)


async def _handle_request(original, method, path, headers, body, query_params):
    action = _ADDED.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
    if action is None:
        return await original(method, path, headers, body, query_params)
    return action(json.loads(body or b"{}"))


def _group(name: str | None):
    """The group and no error, or no group and the error."""
    group = logs._log_groups.get(name)
    if group is not None:
        return group, None
    return None, error_response_json("ResourceNotFoundException", "The specified log group does not exist.", 400)


def _key_error(name: str, key_arn: str):
    """API, AssociateKmsKey: a key that does not exist or is disabled is an InvalidParameterException. A key whose policy does not admit
    the log group is an AccessDeniedException that names the group: users' reports on Terraform's aws_cloudwatch_log_group."""
    if not keys.is_usable(key_arn):
        return _invalid("The specified KMS Key Id could not be found.")
    group_arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}"
    condition_keys = {**policy.source_keys(group_arn), "kms:encryptioncontext:aws:logs:arn": group_arn}
    if keys.service_may_use(key_arn, f"logs.{get_region()}.amazonaws.com", _KEY_ACTIONS, condition_keys):
        return None
    return error_response_json("AccessDeniedException", "The specified KMS key does not exist or is not allowed to be used with "
                               f"Arn '{group_arn}'", 400)


def _create_log_group(original, data):
    name = data.get("logGroupName") or ""
    if not _GROUP_NAME.fullmatch(name):
        return _invalid(f"1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: "
                        r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+")
    if name.startswith(_RESERVED_PREFIX):
        return _invalid("Log groups starting with AWS/ are reserved for AWS.")
    if name not in logs._log_groups and data.get("kmsKeyId"):
        error = _key_error(name, data["kmsKeyId"])
        if error:
            return error
    response = original(data)
    if response[0] == 200 and data.get("deletionProtectionEnabled"):
        logs._log_groups[name]["deletionProtectionEnabled"] = True
    return response


def _delete_log_group(original, data):
    group, _ = _group(data.get("logGroupName"))
    if group and group.get("deletionProtectionEnabled"):
        return error_response_json("ValidationException", "Log group has deletion protection enabled.", 400)
    return original(data)


def _describe_log_groups(original, data):
    status, headers, body = original(data)
    if status == 200:
        answer = json.loads(body)
        for entry in answer["logGroups"]:
            group = logs._log_groups.get(entry["logGroupName"]) or {}
            entry["deletionProtectionEnabled"] = bool(group.get("deletionProtectionEnabled"))
        return json_response(answer)
    return status, headers, body


def _standard_only(original, data):
    named = data.get("logGroupName") or data.get("logGroupIdentifier") or ""
    return _class_error(logs._log_groups.get(named.removesuffix(":*").rsplit(":log-group:", 1)[-1])) or original(data)


def _class_error(group: dict | None):
    """User guide, "Log classes". The text is that of users' reports."""
    if group is None or group.get("logGroupClass", "STANDARD") == "STANDARD":
        return None
    return error_response_json("ValidationException", "This operation is only supported on the Standard log class.", 400)


def _associate_kms_key(data):
    group, error = _group(data.get("logGroupName"))
    error = error or _key_error(data["logGroupName"], data.get("kmsKeyId") or "")
    if error:
        return error
    group["kmsKeyId"] = data["kmsKeyId"]
    return json_response({})


def _disassociate_kms_key(data):
    group, error = _group(data.get("logGroupName"))
    if error:
        return error
    group["kmsKeyId"] = None
    return json_response({})


def _put_deletion_protection(data):
    name = (data.get("logGroupIdentifier") or "").removesuffix(":*").rsplit(":log-group:", 1)[-1]
    group, error = _group(name)
    if error:
        return error
    group["deletionProtectionEnabled"] = bool(data.get("deletionProtectionEnabled"))
    return json_response({})


_ADDED = {
    "AssociateKmsKey": _associate_kms_key,
    "DisassociateKmsKey": _disassociate_kms_key,
    "PutLogGroupDeletionProtection": _put_deletion_protection,
    "TestMetricFilter": log_events.test_metric_filter,
}


def _filter_error(data, other_patterns: list[str]):
    """The refusals common to both kinds of filter: the name, the pattern, too many regular expressions in the group."""
    name, pattern = data.get("filterName") or "", data.get("filterPattern", "")
    if not _FILTER_NAME.fullmatch(name):
        return _invalid("1 validation error detected: Value at 'filterName' failed to satisfy constraint: "
                        "Member must satisfy regular expression pattern: [^:*]*")
    problem = filter_pattern.problem(pattern)
    if problem:
        return _invalid(problem)
    if filter_pattern.regexes(pattern):
        with_regex = sum(1 for other in other_patterns if filter_pattern.regexes(other))
        if with_regex >= _MAX_REGEX_FILTERS:
            return _limit("The log group has the maximum number of filter patterns with regular expressions.")
    group, error = _group(data.get("logGroupName"))
    return error or _class_error(group)


def _patterns(group_name: str, without: tuple[str, str]) -> list[str]:
    """The patterns of a group's filters but the one that is about to be replaced: (kind, name)."""
    metric = [(("metric", name), each["filterPattern"])
              for (group, name), each in logs._metric_filters.items() if group == group_name]
    stored = (logs._log_groups.get(group_name) or {}).get("subscriptionFilters", {})
    subscription = [(("subscription", name), each["filterPattern"]) for name, each in stored.items()]
    return [pattern for identity, pattern in metric + subscription if identity != without]


def _put_metric_filter(original, data):
    group_name, name = data.get("logGroupName"), data.get("filterName")
    error = _filter_error(data, _patterns(group_name, ("metric", name)))
    error = error or _transformation_error(data.get("filterPattern", ""), data.get("metricTransformations") or [])
    if error:
        return error
    others = [key for key in logs._metric_filters.keys() if key[0] == group_name and key[1] != name]
    if len(others) >= _MAX_METRIC_FILTERS:
        return _limit()
    return original(data)


def _transformation_error(pattern: str, transformations: list[dict]):
    if len(transformations) != 1:
        return _invalid("1 validation error detected: Value at 'metricTransformations' failed to satisfy constraint: "
                        "Member must have length equal to 1")
    transformation = transformations[0]
    for member in ("metricName", "metricNamespace"):
        if not _METRIC_NAME.fullmatch(transformation.get(member) or ""):
            return _invalid(f"1 validation error detected: Value at 'metricTransformations.1.member.{member}' failed "
                            "to satisfy constraint: Member must satisfy regular expression pattern: [^:*$]*")
    value = transformation.get("metricValue") or ""
    if not 1 <= len(value) <= 100:
        return _invalid("1 validation error detected: Value at 'metricTransformations.1.member.metricValue' failed to "
                        "satisfy constraint: Member must have length less than or equal to 100")
    dimensions = transformation.get("dimensions") or {}
    if dimensions and transformation.get("defaultValue") is not None:
        return _invalid("Invalid metric transformation: dimensions and default value are mutually exclusive "
                        "properties.")
    if len(dimensions) > _MAX_DIMENSIONS:
        return _invalid(f"Invalid metric transformation: at most {_MAX_DIMENSIONS} dimensions can be assigned.")
    if dimensions and not filter_pattern.is_structured(pattern):
        return _invalid("Invalid metric transformation: dimensions need a JSON or space-delimited filter pattern.")
    return None


def _put_subscription_filter(original, data):
    group_name, name = data.get("logGroupName"), data.get("filterName")
    error = _filter_error(data, _patterns(group_name, ("subscription", name)))
    error = error or _destination_error(group_name, data.get("destinationArn") or "")
    if error:
        return error
    filters = logs._log_groups[group_name]["subscriptionFilters"]
    if name not in filters and len(filters) >= _MAX_SUBSCRIPTION_FILTERS:
        return _limit()
    response = original(data)
    # A Lambda destination has no role; AWS leaves the member out.
    if response[0] == 200 and not filters[name]["roleArn"]:
        del filters[name]["roleArn"]
    return response


def _destination_error(group_name: str, destination: str):
    if ":lambda:" not in destination:
        return None
    parts = destination.split(":")
    name = parts[6] if len(parts) > 6 else ""
    if not subscription_delivery.function_permits(destination, group_name):
        return _invalid("Could not execute the lambda function. Make sure you have given CloudWatch Logs permission "
                        "to execute your function.")
    config = lambda_svc._functions.get_scoped(parts[4], parts[3], name)["config"]
    own_group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    if group_name in (own_group, f"/aws/lambda/{name}"):
        return _invalid("The log group provided is reserved for the function logs of the destination function.")
    return None
