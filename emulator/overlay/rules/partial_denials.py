"""The changes that a missing permission makes within an answer, where AWS does not refuse the request.

S3 API reference: DeleteObjects (an error per object), GetObject (an absent object is denied to those who may not list the bucket). Lambda API reference: GetFunction (Tags, TagsError). VPC user
guide: "Amazon S3 bucket permissions for flow logs" (the policy is put only if the caller may). CloudWatch API reference:
DescribeAlarms (composite alarms only with a permission "scoped to *").
"""

import json
from xml.etree.ElementTree import tostring
from xml.sax.saxutils import escape

from defusedxml.ElementTree import ParseError, fromstring
from ministack.services import cloudwatch, lambda_svc, s3

from overlay.permissions import refusal
from overlay.permissions.authorization import Refusal, refusal_of
from overlay.permissions.row import resource_tag_keys
from overlay.rules import flow_log_delivery
from overlay.rules.patch import replace


def apply() -> None:
    replace(s3, "_delete_objects")(_delete_objects)
    replace(s3, "_get_object")(_get_object)
    replace(lambda_svc, "_get_function")(_get_function)
    replace(flow_log_delivery, "may_write_policy")(_may_write_policy)
    replace(cloudwatch, "_describe_alarms")(_describe_alarms)


def _delete_objects(original, bucket_name, body, headers=None):
    """Keeps the objects that the caller may not delete, and reports them in the answer."""
    try:
        root = fromstring(body)
    except ParseError:
        return original(bucket_name, body, headers)
    errors = ""
    for entry in [child for child in root if child.tag.endswith("Object")]:
        members = {child.tag.rsplit("}", 1)[-1]: child.text or "" for child in entry}
        refused = _deletion_refused(bucket_name, members["Key"], members.get("VersionId"))
        if refused:
            errors += _error(members, refused)
            root.remove(entry)
    if not errors:
        return original(bucket_name, body, headers)
    status, answer_headers, answer = original(bucket_name, tostring(root), headers)
    if status == 200:
        # Without entries of its own the answer is one empty element.
        opened = answer.decode().removesuffix("</DeleteResult>").removesuffix(" />")
        opened += "" if opened.endswith(">") else ">"
        answer = f"{opened}{errors}</DeleteResult>".encode()
    return status, answer_headers, answer


def _get_object(original, bucket_name, *args, **kwargs):
    answer = original(bucket_name, *args, **kwargs)
    if answer[0] != 404 or b"<Code>NoSuchKey<" not in answer[2]:
        return answer
    refused = refusal_of("s3:ListBucket", f"arn:aws:s3:::{bucket_name}")
    return answer if refused is None else s3._error("AccessDenied", refusal.message(refused), 403)


def _deletion_refused(bucket: str, key: str, version: str | None) -> Refusal | None:
    resource = f"arn:aws:s3:::{bucket}/{key}"
    refused = refusal_of("s3:DeleteObject", resource)
    if refused or not version:
        return refused
    return refusal_of("s3:DeleteObjectVersion", resource, {"s3:versionid": version})


def _error(members: dict[str, str], refused: Refusal) -> str:
    version = f"<VersionId>{escape(members['VersionId'])}</VersionId>" if "VersionId" in members else ""
    return (f"<Error><Key>{escape(members['Key'])}</Key>{version}<Code>AccessDenied</Code>"
            f"<Message>{escape(refusal.message(refused))}</Message></Error>")


def _get_function(original, name, *args, **kwargs):
    response = original(name, *args, **kwargs)
    status, headers, body = response
    answer = json.loads(body)
    if status != 200 or not answer.get("Tags"):
        return response
    refused = refusal_of("lambda:ListTags", lambda_svc._func_arn(name), resource_tag_keys(answer["Tags"]))
    if refused is None:
        return response
    del answer["Tags"]
    answer["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": refusal.message(refused)}
    return status, headers, json.dumps(answer).encode()


def _may_write_policy(_original, name):
    bucket = f"arn:aws:s3:::{name}"
    return not any(refusal_of(f"s3:{verb}BucketPolicy", bucket) for verb in ("Get", "Put"))


_COMPOSITE = "CompositeAlarm"
# No alarm has this type.
_NO_TYPE = ["none"]


def _describe_alarms(original, params, data, is_cbor, is_json=False):
    """Hides composite alarms from a caller whose permission has a narrower scope than every resource."""
    types = data.get("AlarmTypes") or []
    if _COMPOSITE in types and cloudwatch._composite_alarms and refusal_of("cloudwatch:DescribeAlarms", "*"):
        data = {**data, "AlarmTypes": [each for each in types if each != _COMPOSITE] or _NO_TYPE}
    return original(params, data, is_cbor, is_json)
