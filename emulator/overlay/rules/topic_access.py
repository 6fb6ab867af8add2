"""Checks that an AWS service may publish to a topic: the topic's policy, and the policy of its key.

SNS developer guide: "Example cases for Amazon SNS access control", "Enable compatibility between event sources from AWS services and encrypted
topics".
"""

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import kms

from overlay.rules import keys

_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def policy_allows(topic: dict, service: str, source: dict[str, str]) -> bool:
    """True if the topic's policy lets ``service`` publish; ``source`` are the condition keys that it brings."""
    context = iam_evaluator.EvalContext(
        principal_arn="*", principal_type="Service", principal_account="", action="sns:Publish",
        resource_arn=topic["arn"], region=get_region(), secure_transport=True, service_context=source,
    )
    return iam_evaluator.evaluate_resource_policy(topic["attributes"].get("Policy"), context, service=service).decision == "Allow"


def key_allows(topic: dict, service: str, source: dict[str, str]) -> bool:
    """True if the topic is not encrypted, or if ``service`` may use its key."""
    key = topic["attributes"].get("KmsMasterKeyId")
    return not key or keys.service_may_use(_key_arn(key), service, _KEY_ACTIONS, source)


def _key_arn(key: str) -> str:
    """A topic names its key by id, ARN or alias. The AWS managed key admits no other service."""
    prefix = f"arn:aws:kms:{get_region()}:{get_account_id()}:"
    if key.startswith("alias/"):
        key = prefix + key
    if ":alias/" in key:
        key = kms._aliases.get(key) or key
    return key if key.startswith("arn:") else f"{prefix}key/{key}"
