"""S3 general purpose buckets. Their tags are no condition: attribute-based access control is never enabled here (user
guide, "Enabling ABAC in general purpose buckets")."""

import re

from ministack.services import s3

from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, gives_tags, request_tags

_LOCATION = re.compile(rb"<LocationConstraint>([^<]+)</LocationConstraint>")
_DOCUMENT = "S3 user guide, Required permissions for Amazon S3 API operations"
_LIST_PARAMETERS = ("prefix", "delimiter", "max-keys")


def bucket_arn(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def _bucket(request: Request) -> list[str]:
    return [bucket_arn(request.segments[0])]


def _object(request: Request) -> list[str]:
    return [bucket_arn("/".join(request.segments))]


def _owner(request: Request, resource: str) -> Context:
    """A bucket that does not exist yet will be the caller's."""
    name = resource.split(":::")[1].split("/")[0]
    return {"s3:resourceaccount": s3._bucket_owner_account(name) or request.account}


def _listing(request: Request, _resource: str) -> Context:
    return {f"s3:{name}": request.query[name] for name in _LIST_PARAMETERS if name in request.query}


def _creation(request: Request, _resource: str) -> Context:
    location = _LOCATION.search(request.body)
    found = {
        "s3:locationconstraint": location[1].decode() if location else None,
        "s3:x-amz-object-ownership": request.headers.get("x-amz-object-ownership"),
    }
    return {key: value for key, value in found.items() if value}


def _names_ownership(request: Request) -> bool:
    return "x-amz-object-ownership" in request.headers


def _on_bucket(action: str, *keys) -> Row:
    return Row(_DOCUMENT, (Check(f"s3:{action}", _bucket, (_owner, *keys)),))


ROWS = {
    "CreateBucket": Row("S3 API, CreateBucket: permissions; CreateBucketConfiguration: Tags", (
        Check("s3:CreateBucket", _bucket, (_owner, _creation, request_tags)),
        Check("s3:PutBucketOwnershipControls", _bucket, (_owner,), when=_names_ownership),
        Check("s3:TagResource", _bucket, (_owner, request_tags), when=gives_tags),
    )),
    "DeleteBucket": _on_bucket("DeleteBucket"),
    "GetBucketTagging": _on_bucket("GetBucketTagging"),
    "PutBucketTagging": _on_bucket("PutBucketTagging"),
    "GetBucketVersioning": _on_bucket("GetBucketVersioning"),
    "PutBucketVersioning": _on_bucket("PutBucketVersioning"),
    "GetBucketEncryption": _on_bucket("GetEncryptionConfiguration"),
    "PutBucketEncryption": _on_bucket("PutEncryptionConfiguration"),
    "GetPublicAccessBlock": _on_bucket("GetBucketPublicAccessBlock"),
    "PutPublicAccessBlock": _on_bucket("PutBucketPublicAccessBlock"),
    "GetBucketOwnershipControls": _on_bucket("GetBucketOwnershipControls"),
    "PutBucketOwnershipControls": _on_bucket("PutBucketOwnershipControls"),
    "GetBucketPolicy": _on_bucket("GetBucketPolicy"),
    "PutBucketPolicy": _on_bucket("PutBucketPolicy"),
    "GetBucketLifecycleConfiguration": _on_bucket("GetLifecycleConfiguration"),
    "PutBucketLifecycleConfiguration": _on_bucket("PutLifecycleConfiguration"),
    "GetBucketNotificationConfiguration": _on_bucket("GetBucketNotification"),
    "PutBucketNotificationConfiguration": _on_bucket("PutBucketNotification"),
    "ListObjectsV2": _on_bucket("ListBucket", _listing),
    "ListObjectVersions": _on_bucket("ListBucketVersions", _listing),
    "ListMultipartUploads": _on_bucket("ListBucketMultipartUploads"),
    "GetObject": Row("S3 API, GetObject: permissions", (Check("s3:GetObject", _object, (_owner,)),), within=("s3:ListBucket",)),
    "PutObject": Row(_DOCUMENT, (Check("s3:PutObject", _object, (_owner,)),)),
    "AbortMultipartUpload": Row(_DOCUMENT, (Check("s3:AbortMultipartUpload", _object, (_owner,)),)),
    # Each object is decided on its own, within the answer: rules.partial_denials.
    "DeleteObjects": Row("S3 API, DeleteObjects: permissions", within=("s3:DeleteObject", "s3:DeleteObjectVersion")),
}
