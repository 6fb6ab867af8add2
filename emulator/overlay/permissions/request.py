"""A request as the table reads it: caller, operation and members, independent of the wire protocol."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

import cbor2

PARTITION = "aws"


@dataclass(frozen=True)
class Request:
    account: str
    region: str
    # As in the signature: `monitoring` is CloudWatch.
    service: str
    operation: str
    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    # Of the caller's session.
    transitive_tags: dict[str, str] = field(default_factory=dict)

    @cached_property
    def members(self) -> dict:
        """The input's members. Lists of the query protocol are lists, without the ``member`` between."""
        if "x-amz-target" in self.headers:
            return json.loads(self.body or b"{}")
        if self.headers.get("smithy-protocol") == "rpc-v2-cbor":
            return cbor2.loads(self.body) if self.body else {}
        content_type = self.headers.get("content-type", "")
        if content_type.startswith("application/x-www-form-urlencoded"):
            return _nested(parse_qsl(self.body.decode() or self.query_string, keep_blank_values=True))
        if self.service in ("lambda", "oam"):
            return json.loads(self.body) if self.body.startswith(b"{") else {}
        return {}

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query_string, keep_blank_values=True)

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(self.query_pairs)

    @cached_property
    def segments(self) -> list[str]:
        return self.path.lstrip("/").split("/")

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{PARTITION}:{service}:{self.region}:{self.account}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        return f"arn:{PARTITION}:{service}::{self.account}:{resource}"


def _nested(pairs: list[tuple[str, str]]) -> dict:
    """``Tags.member.1.Key=a`` (or EC2's ``Tag.1.Key=a``) as ``{"Tags": [{"Key": "a"}]}``."""
    root: dict = {}
    for name, value in pairs:
        node = root
        *parents, last = [part for part in name.split(".") if part != "member"]
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = value
    return _lists(root)


def _lists(node):
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _lists(value) for key, value in node.items()}
