"""Whether an AWS service may use a KMS key: its state and its key policy (KMS developer guide, "Key policies")."""

from ministack.services import kms

from overlay.rules import policy


def service_may_use(key_arn: str, service: str, actions: tuple[str, ...], condition_keys: dict[str, str]) -> bool:
    """Whether the key exists, is enabled, and its policy lets ``service`` do ``actions``."""
    parts = key_arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "kms" or not parts[5].startswith("key/"):
        return False
    key = kms._keys.get_scoped(parts[4], parts[3], parts[5].removeprefix("key/"))
    if key is None or key["KeyState"] != "Enabled":
        return False
    return all(
        policy.resource_policy_allows(key.get("Policy"), service, action, key_arn, condition_keys)
        for action in actions
    )
