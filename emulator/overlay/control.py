"""The ``/_devenv`` endpoints: the emulator's interface for tests, besides AWS's own API."""

import asyncio
import dataclasses
import json
from urllib.parse import parse_qs

from ministack.core.responses import request_scope

from overlay import modes, traffic
from overlay.inventory import inventory
from overlay.journal import Fault, Journal
from overlay.permissions.callers import Callers
from overlay.permissions.policy import Policies
from overlay.permissions.rows import described
from overlay.permissions.unmodelled import Unmodelled
from overlay.rules import alarm_states, anomaly_models, ec2_shared_vpcs

_MINUTES = range(1, 61)


class _BadRequest(Exception):
    """The caller's mistake, described in a sentence."""


async def handle(journal: Journal, callers: Callers, scope, receive, send) -> None:
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    try:
        status, answer = 200, await _answer(journal, callers, scope["method"], scope["path"], query, receive)
    except _BadRequest as error:
        status, answer = 400, {"error": str(error)}
    body = json.dumps(answer).encode()
    fields = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def _answer(
    journal: Journal, callers: Callers, method: str, path: str, query: dict[str, str], receive
) -> dict:
    match method, path:
        case "GET", "/_devenv/health":
            return {"status": "ok"}
        case "GET", "/_devenv/calls":
            since = query.get("since", "0")
            if not since.isdigit():
                raise _BadRequest("`since` must be a sequence number")
            calls = journal.calls(_account(query), int(since))
            return {"calls": [call._asdict() for call in calls]}
        case "POST", "/_devenv/faults":
            request = await _json(receive)
            account = _account(request)
            known = {field.name for field in dataclasses.fields(Fault)}
            try:
                journal.add_fault(account, Fault(**{name: request[name] for name in request if name in known}))
            except TypeError as error:
                raise _BadRequest(f"a fault needs service, operation, code and message: {error}") from error
            return {}
        case "DELETE", "/_devenv/faults":
            journal.clear_faults(_account(query))
            return {}
        case "PUT", "/_devenv/permissions":
            return _bind(callers, await _json(receive))
        case "GET", "/_devenv/permissions":
            return {"needs": [need._asdict() for need in callers.needs(_account(query))]}
        case "GET", "/_devenv/permissions/table":
            return described()
        case "DELETE", "/_devenv/permissions":
            callers.release(_account(query))
            return {}
        case "PUT", "/_devenv/modes":
            request = await _json(receive)
            try:
                modes.choose(_account(request), {name: value for name, value in request.items() if name != "account"})
            except ValueError as error:
                raise _BadRequest(str(error)) from error
            return {}
        case "GET", "/_devenv/modes":
            return modes.described(_account(query))
        case "DELETE", "/_devenv/modes":
            modes.reset(_account(query))
            return {}
        case "PUT", "/_devenv/anomaly-models":
            return _teach(await _json(receive))
        case "PUT", "/_devenv/shared-vpcs":
            _share(await _json(receive))
            return {}
        case "GET", "/_devenv/inventory":
            loop = asyncio.get_running_loop()
            return await asyncio.to_thread(inventory, loop, _account(query), query.get("region", "us-east-1"))
        case "POST", "/_devenv/traffic":
            order = _order(await _json(receive))
            try:
                return await asyncio.to_thread(traffic.send, asyncio.get_running_loop(), order)
            except traffic.UnknownVpc as error:
                raise _BadRequest(f"no VPC {error} in {order.region} of account {order.account}") from error
    raise _BadRequest(f"no such endpoint: {method} {path}")


def _bind(callers: Callers, request: dict) -> dict:
    documents, role, tags = request.get("policies"), request.get("role"), request.get("transitiveTags", {})
    if not isinstance(documents, list) or not (role is None or isinstance(role, str)):
        raise _BadRequest("`policies` must be a list of policy documents, and `role` a name or null")
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise _BadRequest("`transitiveTags` must be an object of texts")
    try:
        credentials = callers.bind(_account(request), role, Policies(documents), tags)
    except ValueError as error:
        raise _BadRequest(f"IAM would not take the policies: {error}") from error
    except Unmodelled as gap:
        raise _BadRequest(f"the emulator's IAM does not know {gap}") from gap
    if credentials is None:
        return {}
    names = ("accessKeyId", "secretAccessKey", "sessionToken")
    return dict(zip(names, credentials))


def _teach(request: dict) -> dict:
    state, metric = request.get("state"), request.get("metric")
    lower, upper = request.get("lower", 0.0), request.get("upper", 0.0)
    if state not in anomaly_models.STATES:
        raise _BadRequest(f"`state` must be one of {', '.join(anomaly_models.STATES)}")
    if not isinstance(metric, str) or not all(isinstance(bound, int | float) for bound in (lower, upper)):
        raise _BadRequest("`metric` must be a name, `lower` and `upper` numbers")
    account, region = _account(request), str(request.get("region", "us-east-1"))
    taught = anomaly_models.teach(account, region, metric, state, float(lower), float(upper))
    if not taught:
        raise _BadRequest(f"no anomaly model on {metric} in {region} of account {account}")
    with request_scope(account, region):
        alarm_states.band_changed(metric)
    return {"models": taught}


def _share(request: dict) -> None:
    owner, participants = _account(request), request.get("participants")
    if not isinstance(participants, list):
        raise _BadRequest("`participants` must be a list of accounts")
    if owner in (accounts := [_account({"account": each}) for each in participants]):
        raise _BadRequest("the owner is no participant")
    region, vpc_id = str(request.get("region", "us-east-1")), str(request.get("vpcId", ""))
    try:
        ec2_shared_vpcs.share(owner, region, vpc_id, accounts)
    except ValueError as error:
        raise _BadRequest(str(error)) from error


def _order(request: dict) -> traffic.Order:
    scenario, minutes, seed = request.get("scenario"), request.get("minutes", 15), request.get("seed", 1)
    if scenario not in traffic.scenarios.NAMES:
        raise _BadRequest(f"`scenario` must be one of {', '.join(traffic.scenarios.NAMES)}")
    if minutes not in _MINUTES:
        raise _BadRequest(f"`minutes` must be from {_MINUTES.start} to {_MINUTES.stop - 1}")
    if not isinstance(seed, int):
        raise _BadRequest("`seed` must be an integer")
    return traffic.Order(_account(request), str(request.get("region", "us-east-1")), str(request.get("vpcId", "")),
                         scenario, minutes, seed)


def _account(values: dict) -> str:
    account = str(values.get("account", ""))
    if len(account) != 12 or not account.isdigit():
        raise _BadRequest("`account` must be 12 digits")
    return account


async def _json(receive) -> dict:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    try:
        value = json.loads(b"".join(chunks))
    except ValueError as error:
        raise _BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise _BadRequest("the body must be a JSON object")
    return value
