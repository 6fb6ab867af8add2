"""Names the AWS operation of a request, as AWS's service models name it."""

import re
from functools import lru_cache
from urllib.parse import parse_qs, unquote

import botocore.session

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z0-9]+)")
_RPC_CBOR_PATH = re.compile(r"/service/[^/]+/operation/([^/]+)$")
_READ_PREFIXES = (
    "Get", "List", "Describe", "Head", "BatchGet", "Select", "Filter", "Query", "Search", "Lookup", "Simulate",
    "Generate", "Test", "Decode",
)
# Start and stop of reads: they change nothing a person would call state.
_READS = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "StartQuery", "StopQuery", "StartLiveTail"})


def is_mutating(operation: str) -> bool:
    return not operation.startswith(_READ_PREFIXES) and operation not in _READS


def credential_scope(authorization: str, query: str) -> tuple[str, str, str] | None:
    """Access key id, region and service of a SigV4 signature in the header or a presigned query."""
    match = _CREDENTIAL.search(authorization) or _CREDENTIAL.search(
        unquote(query).replace("X-Amz-Credential=", "Credential=")
    )
    return (match[1], match[2], match[3]) if match else None


def uses_query_protocol(method: str, content_type: str) -> bool:
    return method == "POST" and content_type.startswith("application/x-www-form-urlencoded")


def operation_name(service: str, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> str:
    target = headers.get("x-amz-target")
    if target:
        return target.rsplit(".", 1)[-1]
    rpc = _RPC_CBOR_PATH.match(path)
    if rpc:
        return rpc[1]
    if service == "s3":
        return _s3_operation(method, path, query, headers)
    action = _ACTION.search(body) or _ACTION.search(query.encode())
    if action:
        return action[1].decode()
    return _rest_operation(service, method, path, query)


@lru_cache(maxsize=None)
def service_model(name: str):
    return botocore.session.get_session().get_service_model(name)


@lru_cache(maxsize=None)
def _rest_routes(service: str) -> tuple:
    """Routes of a REST service, the most specific first."""
    try:
        model = service_model(service)
    except Exception:  # a signing name that is no service name of botocore's
        return ()
    routes = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri, _, query = operation.http.get("requestUri", "/").partition("?")
        # An ARN at the end has slashes, which the path has decoded.
        pattern = re.sub(r"\\{[^}]+\\\+\\}|\\{\w+Arn\\}$", ".+", re.escape(uri))
        pattern = re.sub(r"\\{[^}]+\\}", "[^/]+", pattern)
        literal = len(re.sub(r"\{[^}]+\}", "", uri))
        keys = frozenset(part.partition("=")[0] for part in query.split("&") if part)
        routes.append((operation.http["method"], re.compile(pattern + "/?$"), keys, literal, name))
    return tuple(sorted(routes, key=lambda route: (-len(route[2]), -route[3])))


def _rest_operation(service: str, method: str, path: str, query: str) -> str:
    given = parse_qs(query, keep_blank_values=True).keys()
    for route_method, pattern, keys, _, name in _rest_routes(service):
        if route_method == method and pattern.match(path) and keys <= given:
            return name
    return f"{method} {path}"


_S3_PLAIN = {
    ("GET", 0): "ListBuckets",
    ("HEAD", 1): "HeadBucket",
    ("GET", 1): "ListObjects",
    ("PUT", 1): "CreateBucket",
    ("DELETE", 1): "DeleteBucket",
    ("POST", 1): "PostObject",
    ("HEAD", 2): "HeadObject",
    ("GET", 2): "GetObject",
    ("PUT", 2): "PutObject",
    ("DELETE", 2): "DeleteObject",
}
_S3_UPLOADS = {
    "GET": "ListParts", "PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload",
}


@lru_cache(maxsize=None)
def _s3_subresources() -> dict[tuple[str, int, str], str]:
    model = service_model("s3")
    found: dict[tuple[str, int, str], str] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        if not query or operation.deprecated:
            continue
        level = 2 if "{Key+}" in path else 1 if "{Bucket}" in path else 0
        subresource = query.split("&")[0].partition("=")[0]
        # GetBucketAnalyticsConfiguration and ListBucketAnalyticsConfigurations share a route; the latter has no id.
        key = (operation.http["method"], level, subresource)
        if key not in found or not name.startswith("List"):
            found[key] = name
        if name.startswith("ListBucket") and name.endswith("Configurations"):
            found[(*key[:2], subresource + "*")] = name
    return found


def _s3_operation(method: str, path: str, query: str, headers: dict[str, str]) -> str:
    segments = path.lstrip("/")
    bucket, slash, key = segments.partition("/")
    level = 2 if slash and key else 1 if bucket else 0
    copies = "x-amz-copy-source" in headers
    if query:
        given = [part.partition("=")[0] for part in query.split("&")]
        if "uploadId" in given and level == 2:
            name = _S3_UPLOADS.get(method, method)
            return name + "Copy" if copies and name == "UploadPart" else name
        table = _s3_subresources()
        for name in given:
            if "id" not in given and (method, level, name + "*") in table:
                return table[(method, level, name + "*")]
            if (method, level, name) in table:
                return table[(method, level, name)]
    if copies and method == "PUT":
        return "CopyObject"
    return _S3_PLAIN.get((method, level), method)
