"""The HTTP server: control endpoints, faults and the journal in front of ministack's application."""

import asyncio
import logging
import os

from ministack import app as ministack_app
from ministack.core import hypercorn_compat
from ministack.core.responses import _account_from_sts_session
from ministack.services import sts

from overlay import control, operations, rules, wire
from overlay.journal import Journal
from overlay.permissions import refusal
from overlay.permissions.authorization import Authorizer, acting
from overlay.permissions.callers import Callers
from overlay.permissions.request import Request
from overlay.permissions.unmodelled import Unmodelled
from overlay.rules import session_tags

_NEEDED_HEADERS = frozenset({
    b"authorization", b"x-amz-target", b"content-type", b"x-amz-copy-source", b"smithy-protocol",
    b"x-amz-object-ownership",
})
_JOURNAL = Journal()
_CALLERS = Callers()


def run() -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    rules.apply()
    hypercorn_compat.install()
    config = Config()
    config.bind = [f"{os.environ.get('BIND_HOST', '127.0.0.1')}:{os.environ['GATEWAY_PORT']}"]
    # Longer than SDKs keep an idle connection: they would otherwise meet one that has just been closed.
    config.keep_alive_timeout = 600
    config.loglevel = os.environ["LOG_LEVEL"]
    config.backlog = 1024
    config.graceful_timeout = 0.2
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(application, config))
    except KeyboardInterrupt:
        return


async def application(scope, receive, send) -> None:
    if scope["type"] != "http":
        await ministack_app.app(scope, receive, send)
        return
    path = scope["path"]
    if path.startswith("/_devenv/"):
        await control.handle(_JOURNAL, _CALLERS, scope, receive, send)
        return
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name in _NEEDED_HEADERS
    }
    query = scope["query_string"].decode("latin-1")
    credential = operations.credential_scope(headers.get("authorization", ""), query)
    if credential is None:
        await ministack_app.app(scope, receive, send)
        return
    access_key, region, service = credential
    account, caller, arn = _caller(access_key)
    policies = _CALLERS.policies_of(account, caller)
    method = scope["method"]
    body = b""
    if policies is not None or operations.uses_query_protocol(method, headers.get("content-type", "")):
        body = await _read(receive)
        receive = _replay(body, receive)
    operation = operations.operation_name(service, method, path, query, headers, body)
    status = 0

    async def observed_send(message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            # Recorded before the answer leaves: a client that has the answer also finds the call.
            _JOURNAL.record(account, service, operation, region, operations.is_mutating(operation), status, caller)
        await send(message)

    async def refuse(code: str, message: str, status: int) -> None:
        if not body:
            await _read(receive)
        await respond(observed_send, wire.error(service, method, path, headers, code, message, status))

    fault = _JOURNAL.take_fault(account, service, operation)
    if fault is not None:
        await refuse(fault.code, fault.message, fault.status)
        return
    if policies is None:
        await ministack_app.app(scope, receive, observed_send)
        return
    tags = session_tags.transitive(access_key)
    request = Request(account, region, service, operation, method, path, query, headers, body, tags)
    authorizer = Authorizer(_CALLERS, request, arn, policies)
    try:
        refused = authorizer.refusal()
    except Unmodelled as gap:
        await refuse("Unmodelled", f"the emulator's IAM does not know {gap}", 500)
        return
    if refused:
        code, refused_status = refusal.code_and_status(service)
        await refuse(code, refusal.message(refused), refused_status)
        return
    with acting(authorizer):
        await ministack_app.app(scope, receive, observed_send)


def _caller(access_key: str) -> tuple[str, str | None, str]:
    """The account an access key acts in, the assumed role if it is a session's, and the caller's ARN."""
    session = sts._sessions.get(access_key)
    if session is None:
        return access_key, None, f"arn:aws:iam::{access_key}:root"
    arn = str(session.get("Arn", ""))
    role = arn.split("/")[1] if arn.count("/") > 1 else arn
    return _account_from_sts_session(access_key) or access_key, role, arn


async def _read(receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive):
    """A receive channel that gives the body once, and then whatever follows on the connection."""
    given = False

    async def replayed():
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def respond(send, response: wire.Response) -> None:
    status, headers, body = response
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
