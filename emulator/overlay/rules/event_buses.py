"""EventBridge: event buses, their resource policies, and the references to a bus in requests.

EventBridge API reference: CreateEventBus, DescribeEventBus, UpdateEventBus, DeleteEventBus, ListEventBuses, PutPermission, RemovePermission.
User guide: "Permissions for event buses in Amazon EventBridge" (a bus is named by its name or its ARN), "Amazon EventBridge quotas". The text
for a bus with rules and the text for an absent bus are those of users' reports: anomalyco/sst#4325, hashicorp/terraform-provider-aws#31634.
The texts of refused policies are not documented. A statement of a known id is replaced: the reference says only that ids are unique.
"""

import base64
import functools
import json
import re

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import eventbridge

from overlay.rules import policy_document
from overlay.rules.patch import replace
from overlay.rules.refused import Refused

DEFAULT = "default"
_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,256}")
_PARTNER_NAME = re.compile(r"[/.\-_A-Za-z0-9]{1,256}")
_ARN = re.compile(r"arn:aws[\w-]*:events:([a-z]+-[a-z]+-[\w-]+):(\d{12}):event-bus/([/.\-_A-Za-z0-9]+)")
_STATEMENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PRINCIPAL = re.compile(r"\d{12}|\*")
_ACTION = "events:PutEvents"
_MAX_BUSES = 100
_MAX_PAGE = 100
_MAX_DESCRIPTION = 512
_MAX_POLICY = 10_240
_SETTINGS = ("Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")


def apply() -> None:
    replace(eventbridge, "_create_event_bus")(refusable(_create))
    replace(eventbridge, "_update_event_bus")(refusable(_update))
    replace(eventbridge, "_delete_event_bus")(refusable(_delete))
    replace(eventbridge, "_list_event_buses")(refusable(_list))
    replace(eventbridge, "_describe_event_bus")(on_bus(_describe, "Name"))
    replace(eventbridge, "_put_permission")(on_bus(_put_permission))
    replace(eventbridge, "_remove_permission")(on_bus(_remove_permission))


def refusable(handler):
    """Decorator: a handler that raises ``Refused``."""

    @functools.wraps(handler)
    def answered(original, data):
        try:
            return handler(original, data)
        except Refused as error:
            return error_response_json(error.code, error.message, error.status)

    return answered


def on_bus(handler, member: str = "EventBusName"):
    """Decorator: a handler that gets the name of an existing bus of the account and region, by whatever the request names the bus."""

    @refusable
    @functools.wraps(handler)
    def resolved(original, data):
        name = name_of(data.get(member) or DEFAULT)
        if name not in eventbridge._event_buses:
            raise absent(name)
        return handler(original, {**data, member: name})

    return resolved


def name_of(reference: str) -> str:
    """The name of a bus that a request names by its name or its ARN."""
    if _PARTNER_NAME.fullmatch(reference):
        return reference
    match = _ARN.fullmatch(reference)
    if match is None:
        raise invalid("eventBusName", reference, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?"
                                                 "[/\\.\\-_A-Za-z0-9]+")
    region, account, name = match.groups()
    if account != get_account_id():
        raise Refused("AccessDeniedException", f"User: arn:aws:iam::{get_account_id()}:root is not authorized to access the "
                                               f"event bus {reference}")
    if region != get_region():
        raise absent(name)
    return name


def absent(name: str) -> Refused:
    return Refused("ResourceNotFoundException", f"Event bus {name} does not exist.")


def invalid(member: str, value: str, pattern: str) -> Refused:
    return Refused("ValidationException", f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
                                          f"Member must satisfy regular expression pattern: {pattern}")


def arn_of(name: str) -> str:
    return f"arn:aws:events:{get_region()}:{get_account_id()}:event-bus/{name}"


def _settings(bus: dict) -> dict:
    return {member: bus[member] for member in _SETTINGS if bus.get(member)}


def _check_description(data: dict) -> None:
    if len(data.get("Description") or "") > _MAX_DESCRIPTION:
        raise Refused("ValidationException", "1 validation error detected: Value at 'description' failed to satisfy constraint: "
                                             f"Member must have length less than or equal to {_MAX_DESCRIPTION}")


def _create(original, data):
    name = data.get("Name") or ""
    if not (_PARTNER_NAME if data.get("EventSourceName") else _NAME).fullmatch(name):
        raise invalid("name", name, "[/\\.\\-_A-Za-z0-9]+")
    _check_description(data)
    if name in eventbridge._event_buses:
        raise Refused("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
    if len(eventbridge._event_buses) >= _MAX_BUSES:
        raise Refused("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    original(data)
    bus = eventbridge._event_buses[name]
    return json_response({"EventBusArn": bus["Arn"], **_settings(bus)})


def _update(original, data):
    name = data.get("Name") or DEFAULT
    if not _PARTNER_NAME.fullmatch(name):
        raise invalid("name", name, "[/\\.\\-_A-Za-z0-9]+")
    if name not in eventbridge._event_buses:
        raise absent(name)
    _check_description(data)
    # The request has no tags.
    return original({"Name": name, **{member: data[member] for member in _SETTINGS if member in data}})


def _delete(original, data):
    """Deleting an absent bus succeeds."""
    name = data.get("Name") or ""
    if not _PARTNER_NAME.fullmatch(name):
        raise invalid("name", name, "[/\\.\\-_A-Za-z0-9]+")
    if name == DEFAULT:
        raise Refused("ValidationException", "Cannot delete event bus default.")
    if any(rule["EventBusName"] == name for rule in eventbridge._rules.values()):
        raise Refused("ValidationException", "EventBus can't be deleted since it has rules.")
    eventbridge._event_bus_policies.pop(name, None)
    return original(data)


def _list(_original, data):
    prefix, size = data.get("NamePrefix") or "", data.get("Limit") or _MAX_PAGE
    found = sorted(name for name in eventbridge._event_buses.keys() if name.startswith(prefix))
    start = _position(data.get("NextToken"))
    if not 1 <= size <= _MAX_PAGE:
        raise Refused("ValidationException", f"1 validation error detected: Value '{size}' at 'limit' failed to satisfy constraint: "
                                             f"Member must have value less than or equal to {_MAX_PAGE}")
    answer: dict = {"EventBuses": [_summary(name) for name in found[start:start + size]]}
    if start + size < len(found):
        answer["NextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return json_response(answer)


def _position(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError:
        raise Refused("InvalidToken", "The token is invalid.") from None


def _summary(name: str) -> dict:
    bus, policy = eventbridge._event_buses[name], eventbridge._event_bus_policies.get(name)
    summary = {member: bus[member] for member in ("Name", "Arn", "CreationTime", "LastModifiedTime")}
    if bus.get("Description"):
        summary["Description"] = bus["Description"]
    return {**summary, **({"Policy": json.dumps(policy)} if policy else {})}


def _describe(_original, data):
    name = data["Name"]
    return json_response({**_summary(name), **_settings(eventbridge._event_buses[name])})


def _put_permission(_original, data):
    name = data["EventBusName"]
    by_parts = [member for member in ("StatementId", "Principal", "Action", "Condition") if data.get(member)]
    if data.get("Policy") and by_parts:
        raise Refused("ValidationException", f"Parameter(s) {', '.join(by_parts)} cannot be specified with Policy.")
    policy = _document(data["Policy"]) if data.get("Policy") else _with_statement(name, _statement(name, data))
    if len(json.dumps(policy, separators=(",", ":"))) > _MAX_POLICY:
        raise Refused("PolicyLengthExceededException", "The policy is too long.")
    eventbridge._event_bus_policies[name] = policy
    return json_response({})


def _document(text: str) -> dict:
    statements = policy_document.statements(text)
    if statements is None:
        raise Refused("ValidationException", "The policy is invalid: it is no JSON document with statements.")
    ids = [statement["Sid"] for statement in statements if "Sid" in statement]
    if len(ids) != len(set(ids)):
        raise Refused("ValidationException", "The policy is invalid: statement ids must be unique.")
    for statement in statements:
        problem = policy_document.statement_problem(statement) or policy_document.principal_problem(statement)
        actions = policy_document.as_list(statement.get("Action", statement.get("NotAction")))
        if not problem and not all(action == "*" or action.startswith("events:") for action in actions):
            problem = "Policy statement action out of service scope!"
        if not problem and not policy_document.as_list(statement.get("Resource", statement.get("NotResource"))):
            problem = "Missing required field Resource"
        if problem:
            raise Refused("ValidationException", f"The policy is invalid: {problem}")
    return json.loads(text)


def _statement(name: str, data: dict) -> dict:
    missing = [member for member in ("StatementId", "Principal", "Action") if not data.get(member)]
    if missing:
        raise Refused("ValidationException", f"Parameter(s) {', '.join(missing)} must be specified.")
    if not _STATEMENT_ID.fullmatch(data["StatementId"]):
        raise invalid("statementId", data["StatementId"], "[a-zA-Z0-9-_]+")
    if not _PRINCIPAL.fullmatch(data["Principal"]):
        raise invalid("principal", data["Principal"], "(\\d{12}|\\*)")
    if data["Action"] != _ACTION:
        raise Refused("ValidationException", "Provided value in parameter 'action' is not supported.")
    principal = data["Principal"]
    statement = {
        "Sid": data["StatementId"], "Effect": "Allow",
        "Principal": principal if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": _ACTION, "Resource": arn_of(name),
    }
    if data.get("Condition"):
        statement["Condition"] = _condition(data["Condition"])
    return statement


def _condition(condition: dict) -> dict:
    kind, key, value = (condition.get(member) for member in ("Type", "Key", "Value"))
    if kind != "StringEquals" or key != "aws:PrincipalOrgID" or not value:
        raise Refused("ValidationException", "The only supported condition is StringEquals on aws:PrincipalOrgID.")
    return {kind: {key: value}}


def _with_statement(name: str, statement: dict) -> dict:
    policy = eventbridge._event_bus_policies.get(name) or {"Version": "2012-10-17", "Statement": []}
    others = [each for each in policy_document.as_list(policy["Statement"]) if each.get("Sid") != statement["Sid"]]
    return {**policy, "Statement": [*others, statement]}


def _remove_permission(_original, data):
    name, policies = data["EventBusName"], eventbridge._event_bus_policies
    if data.get("RemoveAllPermissions"):
        policies.pop(name, None)
        return json_response({})
    if not data.get("StatementId"):
        raise Refused("ValidationException", "Parameter StatementId must be specified.")
    if name not in policies:
        raise Refused("ResourceNotFoundException", "EventBus does not have a policy.")
    statements = policy_document.as_list(policies[name]["Statement"])
    kept = [each for each in statements if each.get("Sid") != data["StatementId"]]
    if len(kept) == len(statements):
        raise Refused("ResourceNotFoundException", "Statement with the provided id does not exist.")
    if kept:
        policies[name] = {**policies[name], "Statement": kept}
    else:
        del policies[name]
    return json_response({})
