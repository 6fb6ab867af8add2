"""botocore clients whose requests go to the emulator's application in process, without a socket."""

import asyncio
import json
import threading
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from ministack import app as ministack_app

_VOLATILE = frozenset({"ResponseMetadata"})
_CREATING_A_CLIENT = threading.Lock()
_caller = threading.local()


class _Body:
    """The body of an answer, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_args, **_kwargs):
        yield self._content


class Client:
    """Calls AWS operations for one account and region."""

    def __init__(self, loop: asyncio.AbstractEventLoop, account: str, region: str) -> None:
        self.loop = loop
        self.account = account
        self.region = region

    def call(self, service: str, operation: str, **parameters) -> dict:
        _caller.scope = (self.loop, self.account, self.region, service)
        answer = getattr(_client(service), operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer

    def items(self, service: str, operation: str, key: str, **parameters) -> list:
        """All entries of a list, over all of its pages."""
        _caller.scope = (self.loop, self.account, self.region, service)
        client = _client(service)
        if not client.can_paginate(operation):
            return self._items_by_token(service, operation, key, parameters)
        pages = client.get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page.get(key) or []]

    def _items_by_token(self, service: str, operation: str, key: str, parameters: dict) -> list:
        page = self.call(service, operation, **parameters)
        items = page.get(key, [])
        token = next((name for name in ("NextToken", "nextToken") if name in page), None)
        while token in page:
            page = self.call(service, operation, **parameters, **{token: page[token]})
            items += page.get(key, [])
        return items

    def call_or_none(self, service: str, operation: str, **parameters) -> dict | None:
        """The answer, or None if the thing asked for does not exist."""
        try:
            return self.call(service, operation, **parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404 or "NotFound" in code or "NoSuch" in code:
                return None
            raise

    def in_region(self, region: str) -> "Client":
        return Client(self.loop, self.account, region)


@lru_cache(maxsize=None)
def _new_client(service: str):
    client = botocore.session.get_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1",
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    client.meta.events.register_first("before-send.*.*", _send_in_process)
    return client


def _client(service: str):
    with _CREATING_A_CLIENT:
        return _new_client(service)


_SIGNING_NAMES = {"cloudwatch": "monitoring"}


def _send_in_process(request, **_kwargs) -> AWSResponse:
    loop, account, region, service = _caller.scope
    url = urlsplit(request.url)
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, (bytes, bytearray)):
        body = body.read()
    signing = _SIGNING_NAMES.get(service, service)
    headers = {
        name.lower(): value if isinstance(value, str) else value.decode() for name, value in request.headers.items()
    }
    headers["host"] = "127.0.0.1"
    # The account is the access key id: nothing is signed, for nothing verifies it.
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{signing}/aws4_request, "
        "SignedHeaders=host, Signature=0"
    )
    headers["content-length"] = str(len(body))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": request.method, "path": unquote(url.path), "raw_path": url.path.encode(),
        "query_string": url.query.encode(), "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 0),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    }
    status, answer, content = asyncio.run_coroutine_threadsafe(_exchange(scope, bytes(body)), loop).result()
    return AWSResponse(request.url, status, answer, _Body(content))


async def _exchange(scope: dict, body: bytes) -> tuple[int, dict[str, str], bytes]:
    messages = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        messages.append(message)

    await ministack_app.app(scope, receive, send)
    start = messages[0]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return start["status"], headers, b"".join(message.get("body", b"") for message in messages[1:])


def without(value: dict, *names: str) -> dict:
    """``value`` with everything but the named members, and with times and the like as JSON."""
    return {name: member for name, member in value.items() if name not in names and name not in _VOLATILE}


def tags_as_object(tags: list[dict]) -> dict[str, str]:
    return {tag.get("Key", tag.get("TagKey")): tag.get("Value", "") for tag in tags}


def parsed(document: str | None):
    """The JSON document in a string, or the string if it is none."""
    if not document:
        return None
    try:
        return json.loads(document)
    except ValueError:
        return document
