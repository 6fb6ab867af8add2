"""Checks that an AWS service may use a KMS key, by its state and its key policy (KMS developer guide, "Key policies")."""

from ministack.services import kms

from overlay.rules import policy


def is_usable(key_arn: str) -> bool:
    """True if the key exists and is enabled."""
    return _enabled_key(key_arn) is not None


def service_may_use(key_arn: str, service: str, actions: tuple[str, ...], condition_keys: dict[str, str]) -> bool:
    """True if the key exists, is enabled, and its policy lets ``service`` do ``actions``."""
    key = _enabled_key(key_arn)
    return key is not None and all(
        policy.resource_policy_allows(key.get("Policy"), service, action, key_arn, condition_keys)
        for action in actions
    )


def _enabled_key(key_arn: str) -> dict | None:
    parts = key_arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "kms" or not parts[5].startswith("key/"):
        return None
    key = kms._keys.get_scoped(parts[4], parts[3], parts[5].removeprefix("key/"))
    return key if key is not None and key["KeyState"] == "Enabled" else None
