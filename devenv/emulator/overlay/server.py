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

_NEEDED_HEADERS = frozenset({
    b"authorization", b"x-amz-target", b"content-type", b"x-amz-copy-source", b"smithy-protocol",
})
_JOURNAL = Journal()


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
        await control.handle(_JOURNAL, scope, receive, send)
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
    account, caller = _caller(access_key)
    method = scope["method"]
    body = b""
    if operations.uses_query_protocol(method, headers.get("content-type", "")):
        body = await _read(receive)
        receive = _replay(body, receive)
    operation = operations.operation_name(service, method, path, query, headers, body)
    status = 0

    async def observed_send(message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            # Recorded before the answer leaves: whoever has the answer also finds the call.
            _JOURNAL.record(account, service, operation, region, operations.is_mutating(operation), status, caller)
        await send(message)

    fault = _JOURNAL.take_fault(account, service, operation)
    if fault is not None:
        if not body:
            await _read(receive)
        await respond(
            observed_send,
            wire.error(service, method, path, headers, fault.code, fault.message, fault.status),
        )
        return
    await ministack_app.app(scope, receive, observed_send)


def _caller(access_key: str) -> tuple[str, str | None]:
    """The account an access key acts in, and the assumed role if it is a session's."""
    session = sts._sessions.get(access_key)
    if session is None:
        return access_key, None
    arn = str(session.get("Arn", ""))
    role = arn.split("/")[1] if arn.count("/") > 1 else arn
    return _account_from_sts_session(access_key) or access_key, role


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
