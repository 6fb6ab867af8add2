"""S3: tags of a new bucket where a partition does not know them, and tags of buckets with attribute-based access control.

S3 API reference: CreateBucket, PutBucketAbac, GetBucketAbac, PutBucketTagging ("you can no longer use this operation for that
bucket"). User guide: "Enabling ABAC in general purpose buckets". The code of that refusal is not documented.
"""

from defusedxml.ElementTree import ParseError, fromstring
from ministack.services import s3

from overlay import modes
from overlay.modes import BucketTags
from overlay.rules.patch import replace

_ABAC = "_abac_status"
_STATUSES = ("Enabled", "Disabled")


def apply() -> None:
    replace(s3, "_create_bucket")(_create_bucket)
    replace(s3, "_dispatch")(_dispatch)
    for name in ("_put_bucket_tagging", "_delete_bucket_tagging"):
        replace(s3, name)(_without_abac)


def _create_bucket(original, name, body, *args, **kwargs):
    mode = modes.current().bucket_tags
    if mode is BucketTags.REFUSED and _has_tags(body):
        return s3._error("UnsupportedArgument", "The request contained an unsupported argument.", 400, f"/{name}")
    is_new = name not in s3._buckets
    response = original(name, body, *args, **kwargs)
    if mode is BucketTags.IGNORED and is_new:
        s3._bucket_tags.pop(name, None)
    return response


def _has_tags(body: bytes) -> bool:
    try:
        return bool(s3._parse_tags_xml(body))
    except ParseError:
        return False


def _dispatch(original, method, bucket, key, headers, body, query_params):
    if bucket and not key and "abac" in query_params:
        if bucket not in s3._buckets:
            return s3._no_such_bucket(bucket)
        return _put_abac(bucket, body) if method == "PUT" else _get_abac(bucket)
    return original(method, bucket, key, headers, body, query_params)


def _put_abac(bucket: str, body: bytes):
    try:
        status = next((child.text for child in fromstring(body) if child.tag.endswith("Status")), None)
    except ParseError:
        status = None
    if status not in _STATUSES:
        return s3._error("MalformedXML", s3._MALFORMED_XML, 400)
    s3._buckets[bucket][_ABAC] = status
    return 200, {}, b""


def _get_abac(bucket: str):
    status = s3._buckets[bucket].get(_ABAC, "Disabled")
    document = f'<AbacStatus xmlns="{s3.S3_NS}"><Status>{status}</Status></AbacStatus>'
    return 200, {"Content-Type": "application/xml"}, document.encode()


def _without_abac(original, name, *args):
    if (s3._buckets.get(name) or {}).get(_ABAC) == "Enabled":
        return s3._error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405, f"/{name}")
    return original(name, *args)
