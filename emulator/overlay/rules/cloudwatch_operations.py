"""Operations of CloudWatch that ministack lacks: the table of their handlers, and their wire formats (CBOR and JSON)."""

import json
from datetime import datetime

import cbor2
from ministack.services import cloudwatch

from overlay.rules.patch import replace
from overlay.rules.refused import Refused

_handlers: dict = {}


class Time(float):
    """A time in an answer, in epoch seconds. Handlers get the times of a request as such seconds too."""


def operation(name: str):
    """Decorator: the function handles the operation. It takes the members of the request and returns those of the answer."""

    def install(function):
        _handlers[name] = function
        return function

    return install


def apply() -> None:
    replace(cloudwatch, "handle_request")(_handle_request)


async def _handle_request(original, method, path, headers, body, query_params):
    is_cbor = "/operation/" in path
    name = path.rsplit("/", 1)[-1] if is_cbor else headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    handler = _handlers.get(name)
    if handler is None:
        return await original(method, path, headers, body, query_params)
    request = (cbor2.loads(body) if is_cbor else json.loads(body)) if body else {}
    try:
        answer = handler(_with_times(request, datetime, lambda moment: moment.timestamp()))
    except Refused as refused:
        return cloudwatch._error(refused.code, refused.message, refused.status, use_json=not is_cbor, use_cbor=is_cbor)
    if is_cbor:
        return cloudwatch._cbor_ok(_with_times(answer, Time, lambda moment: cbor2.CBORTag(1, float(moment))))
    return cloudwatch._json_ok(cloudwatch._cbor_strip_none(answer))


def _with_times(value, kind: type, convert):
    """``value`` with every time of that kind converted."""
    if isinstance(value, kind):
        return convert(value)
    if isinstance(value, dict):
        return {name: _with_times(member, kind, convert) for name, member in value.items()}
    return [_with_times(each, kind, convert) for each in value] if isinstance(value, list) else value
