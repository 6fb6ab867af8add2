"""Answers an AWS error in the wire protocol that the request speaks."""

import json
import uuid
from xml.sax.saxutils import escape

import cbor2

Response = tuple[int, dict[str, str], bytes]

# Their models are query-compatible: SDKs read the code from this header.
_QUERY_COMPATIBLE = frozenset({"monitoring", "sqs"})


def error(
    service: str, method: str, path: str, headers: dict[str, str], code: str, message: str, status: int
) -> Response:
    request_id = str(uuid.uuid4())
    answer = {"x-amzn-requestid": request_id, "x-amz-request-id": request_id}
    if service in _QUERY_COMPATIBLE:
        answer["x-amzn-query-error"] = f"{code};{'Sender' if status < 500 else 'Receiver'}"
    if headers.get("smithy-protocol") == "rpc-v2-cbor" or "/operation/" in path:
        answer |= {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return status, answer, cbor2.dumps({"__type": code, "message": message})
    if "x-amz-target" in headers:
        answer |= {"content-type": headers.get("content-type", "application/x-amz-json-1.1"), "x-amzn-errortype": code}
        return status, answer, json.dumps({"__type": code, "message": message}).encode()
    if service == "s3":
        answer["content-type"] = "application/xml"
        return status, answer, b"" if method == "HEAD" else _xml(
            f"<Error>{_code(code, message)}<RequestId>{request_id}</RequestId></Error>"
        )
    if service == "ec2":
        answer["content-type"] = "text/xml;charset=UTF-8"
        return status, answer, _xml(
            f"<Response><Errors><Error>{_code(code, message)}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        answer["content-type"] = "text/xml"
        side = "Sender" if status < 500 else "Receiver"
        return status, answer, _xml(
            f"<ErrorResponse><Error><Type>{side}</Type>{_code(code, message)}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    answer |= {"content-type": "application/json", "x-amzn-errortype": code}
    return status, answer, json.dumps({"Type": "User", "message": message, "Message": message}).encode()


def _code(code: str, message: str) -> str:
    return f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"


def _xml(text: str) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
