"""S3: new buckets' public access block, bucket policies, lifecycle rules, the size of a batch of deletes.

S3 user guide: "Default settings for new S3 buckets", "Bucket policies", "Transitioning objects using Amazon S3
Lifecycle", "Verifying bucket ownership with bucket owner condition". API reference: PutBucketPolicy, PutBucketLifecycleConfiguration, PutPublicAccessBlock, DeleteObjects.
"""

import fnmatch
import uuid

from ministack.services import s3

from overlay.rules import lifecycle, policy_document
from overlay.rules.patch import replace

_MAX_DELETES = 1000
_TRANSITION_SIZE = "x-amz-transition-default-minimum-object-size"
# The first is the default.
_TRANSITION_SIZES = ("all_storage_classes_128K", "varies_by_storage_class")
_PUBLIC_ACCESS_SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# Bucket actions whose names contain "Object" or "Multipart" all the same.
_BUCKET_ACTIONS = frozenset({
    "s3:ListBucketMultipartUploads", "s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration",
})
_ACL_ACTIONS = frozenset({
    "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketAcl", "s3:CreateBucket",
})


def apply() -> None:
    replace(s3, "_new_bucket_public_access_block")(lambda _original: {"_public_access_block": _public_access_block({})})
    replace(s3, "_put_public_access_block")(_put_public_access_block)
    replace(s3, "_put_bucket_policy")(_put_bucket_policy)
    replace(s3, "_lifecycle_rules_error")(_lifecycle_rules_error)
    replace(s3, "_dispatch")(_dispatch)
    replace(s3, "_delete_objects")(_delete_objects)
    replace(s3, "_apply_bucket_scope")(_apply_bucket_scope)


def _public_access_block(given: dict[str, str], default: str = "true") -> str:
    settings = "".join(f"<{name}>{given.get(name, default)}</{name}>" for name in _PUBLIC_ACCESS_SETTINGS)
    return (f'<PublicAccessBlockConfiguration xmlns="{s3.S3_NS}">{settings}</PublicAccessBlockConfiguration>')


def _put_public_access_block(original, name, body):
    """A setting that a request leaves out is off."""
    try:
        root = s3.fromstring(body)
    except Exception:
        return s3._error("MalformedXML", s3._MALFORMED_XML, 400)
    given = {child.tag.rsplit("}", 1)[-1]: (child.text or "").strip().lower() for child in root}
    return original(name, _public_access_block(given, default="false").encode())


def _put_bucket_policy(original, name, body):
    if name in s3._buckets:
        problem = _policy_problem(name, body.decode("utf-8", errors="replace"))
        if problem:
            return s3._error("MalformedPolicy", problem, 400, f"/{name}")
    return original(name, body)


def _policy_problem(bucket: str, text: str) -> str | None:
    if not text.startswith("{"):
        return "Policies must be valid JSON and the first byte must be '{'"
    statements = policy_document.statements(text)
    if statements is None:
        return "This policy contains invalid Json"
    for statement in statements:
        problem = (policy_document.statement_problem(statement) or policy_document.principal_problem(statement)
                   or _reach_problem(bucket, statement))
        if problem:
            return problem
    return None


def _reach_problem(bucket: str, statement: dict) -> str | None:
    """Resources must be this bucket's, and every action and condition must apply to one of them."""
    resources = policy_document.as_list(statement.get("Resource", statement.get("NotResource")))
    if not resources:
        return "Missing required field Resource"
    names = [str(resource).partition(":::")[2] for resource in resources if resource != "*"]
    if not all(fnmatch.fnmatchcase(bucket, name.split("/")[0]) for name in names):
        return "Policy has invalid resource"
    anywhere = "*" in resources
    objects = anywhere or any("/" in name or name.endswith("*") for name in names)
    buckets = anywhere or any("/" not in name for name in names)
    actions = policy_document.as_list(statement.get("Action"))
    for action in actions:
        if action == "*" or "*" in action and action.startswith("s3:"):
            continue
        if not action.startswith("s3:"):
            return "Policy has invalid action"
        on_object = ("Object" in action or "Multipart" in action) and action not in _BUCKET_ACTIONS
        if not (objects if on_object else buckets):
            return "Action does not apply to any resource(s) in statement"
    keys = {key.lower() for block in statement.get("Condition", {}).values() for key in block}
    exact = [action for action in actions if "*" not in action]
    if "s3:x-amz-acl" in keys and any(action not in _ACL_ACTIONS for action in exact):
        return "Conditions do not apply to combination of actions and resources in statement"
    return None


def _lifecycle_rules_error(original, rules):
    error = original(rules)
    if error:
        return error
    problem = lifecycle.problem(rules)
    if problem:
        return s3._error(*problem, 400)
    for rule in rules:
        rule.setdefault("ID", str(uuid.uuid4()))
    return None


def _dispatch(original, method, bucket, key, headers, body, query_params):
    """A lifecycle configuration keeps the minimum size that was given with it, in a header (API, PutBucketLifecycleConfiguration:
    TransitionDefaultMinimumObjectSize)."""
    about_lifecycle = bucket and not key and "lifecycle" in query_params
    asked = headers.get(_TRANSITION_SIZE, _TRANSITION_SIZES[0])
    if about_lifecycle and method == "PUT" and asked not in _TRANSITION_SIZES:
        return s3._error("InvalidRequest", f"Invalid TransitionDefaultMinimumObjectSize found: {asked}", 400)
    status, answer_headers, answer = original(method, bucket, key, headers, body, query_params)
    if about_lifecycle and status == 200:
        if method == "PUT":
            s3._buckets[bucket][_TRANSITION_SIZE] = asked
        answer_headers[_TRANSITION_SIZE] = s3._buckets[bucket].get(_TRANSITION_SIZE, _TRANSITION_SIZES[0])
    return status, answer_headers, answer


def _delete_objects(original, bucket_name, body, headers=None):
    if body.count(b"<Object>") > _MAX_DELETES:
        return s3._error("MalformedXML", s3._MALFORMED_XML, 400)
    return original(bucket_name, body, headers)


def _apply_bucket_scope(original, method, bucket, key, headers, *rest, **named):
    """A request that names another owner than the bucket has is refused, whatever policies allow."""
    expected = headers.get("x-amz-expected-bucket-owner")
    owner = s3._bucket_owner_account(bucket) if expected and bucket else None
    if owner is not None and owner != expected:
        return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")
    return original(method, bucket, key, headers, *rest, **named)
