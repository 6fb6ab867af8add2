"""Checks that a flow log's destination accepts its records.

VPC user guide: "Publish flow logs to Amazon S3" (bucket policy, key policy) and "IAM role for publishing flow logs to
CloudWatch Logs" (trust and permissions).
"""

import json
import re

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, s3

from overlay.rules import keys, policy
from overlay.rules.flow_log_request import Request

_DELIVERY = "delivery.logs.amazonaws.com"
_FLOW_LOGS = "vpc-flow-logs.amazonaws.com"


def role_assumable(role_arn: str, flow_log_id: str) -> bool:
    role = policy.role_by_arn(role_arn)
    if role is None:
        return False
    source = f"arn:aws:ec2:{get_region()}:{get_account_id()}:vpc-flow-log/{flow_log_id}"
    return policy.trusts(role, _FLOW_LOGS, policy.source_keys(source))


def bucket_of(request: Request) -> str:
    return (request.destination or "").split(":::", 1)[1].split("/")[0]


def bucket_owner(bucket: str) -> str | None:
    return s3._bucket_owner_account(bucket)


def delivers(request: Request, flow_log_id: str) -> bool:
    """True if records get through right now, as DeliverLogsStatus reports it."""
    if request.destination_type == "cloud-watch-logs":
        return _group_accepts(request, flow_log_id)
    if request.destination_type == "s3":
        return bucket_accepts(request)
    return True


def _group_accepts(request: Request, flow_log_id: str) -> bool:
    role = policy.role_by_arn(request.role_arn or "")
    if role is None or not role_assumable(request.role_arn or "", flow_log_id):
        return False
    group = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{request.group_name}"
    # Streams lie below the group: a statement on the group's ARN without `:*` does not reach them.
    stream = f"{group}:log-stream:eni-all"
    needed = [("logs:CreateLogStream", stream), ("logs:PutLogEvents", stream)]
    if request.group_name not in cloudwatch_logs._log_groups:
        needed.append(("logs:CreateLogGroup", group))
    return all(policy.role_allows(role, action, resource) for action, resource in needed)


def bucket_accepts(request: Request) -> bool:
    bucket = bucket_of(request)
    owner = bucket_owner(bucket)
    if owner is None:
        return False
    document = s3._bucket_policies.get_scoped(owner, None, bucket)
    source = policy.source_keys(f"arn:aws:logs:{get_region()}:{get_account_id()}:vpc-flow-logs")
    write_keys = {**source, "s3:x-amz-acl": "bucket-owner-full-control"}
    if not policy.resource_policy_allows(document, _DELIVERY, "s3:PutObject", f"{key_prefix(request)}/x", write_keys):
        return False
    if not policy.resource_policy_allows(document, _DELIVERY, "s3:GetBucketAcl", f"arn:aws:s3:::{bucket}", source):
        return False
    return _key_accepts(owner, bucket, source)


def _key_accepts(owner: str, bucket: str, source: dict[str, str]) -> bool:
    """SSE-KMS needs a customer managed key whose policy names the delivery service."""
    encryption = s3._bucket_encryption.get_scoped(owner, None, bucket)
    if not encryption or b"aws:kms" not in (encryption if isinstance(encryption, bytes) else encryption.encode()):
        return True
    text = encryption if isinstance(encryption, str) else encryption.decode()
    key_arn = re.search(r"<KMSMasterKeyID>\s*(arn:[^<\s]+)\s*</KMSMasterKeyID>", text)
    if key_arn is None:
        return False
    return keys.service_may_use(key_arn[1], _DELIVERY, ("kms:GenerateDataKey", "kms:Decrypt"), source)


def key_prefix(request: Request) -> str:
    """The ARN under which this account's records are put."""
    account = get_account_id()
    folder = f"aws-account-id={account}" if request.hive_partitions else account
    return f"{(request.destination or '').rstrip('/')}/AWSLogs/{folder}"


def may_write_policy(_bucket: str) -> bool:
    """True if the caller may replace the policy of a bucket. A caller without policies of its own may do anything."""
    return True


def write_bucket_policy(request: Request) -> None:
    """Puts the documented delivery policy on the caller's own bucket, in place of any other policy."""
    account = get_account_id()
    equals = {"aws:SourceAccount": account}
    source = {"aws:SourceArn": f"arn:aws:logs:{get_region()}:{account}:*"}
    principal = {"Service": _DELIVERY}
    bucket = bucket_of(request)
    document = {
        "Version": "2012-10-17",
        "Id": "AWSLogDeliveryWrite20150319",
        "Statement": [
            {
                "Sid": "AWSLogDeliveryWrite",
                "Effect": "Allow",
                "Principal": principal,
                "Action": "s3:PutObject",
                "Resource": f"{key_prefix(request)}/*",
                "Condition": {
                    "StringEquals": {**equals, "s3:x-amz-acl": "bucket-owner-full-control"},
                    "ArnLike": source,
                },
            },
            {
                "Sid": "AWSLogDeliveryAclCheck",
                "Effect": "Allow",
                "Principal": principal,
                "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": {"StringEquals": equals, "ArnLike": source},
            },
        ],
    }
    s3._bucket_policies[bucket] = json.dumps(document)
