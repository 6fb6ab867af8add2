"""The lifecycle rules that S3 refuses (user guide, "Transitioning objects using Amazon S3 Lifecycle"; the texts are those that users
report, such as the one about 90 days between GLACIER and DEEP_ARCHIVE)."""

from typing import NamedTuple

_WATERFALL = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
_MIN_DAYS = 30
# Days that an object stays in a class before the same rule may move it on: the class's minimum storage duration.
_STAY = {"STANDARD_IA": 30, "INTELLIGENT_TIERING": 30, "ONEZONE_IA": 30, "GLACIER_IR": 90, "GLACIER": 90}
_MAX_RULES = 1000
_MAX_ID = 255
_ACTIONS = ("Transitions", "NoncurrentVersionTransitions", "Expiration", "NoncurrentVersionExpiration",
            "AbortIncompleteMultipartUpload")

Problem = tuple[str, str]
_MALFORMED: Problem = (
    "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema",
)


def problem(rules: list[dict]) -> Problem | None:
    """The code and message of the first refusal, or None."""
    if not rules or len(rules) > _MAX_RULES:
        return _MALFORMED
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(ids)) < len(ids):
        return "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule"
    if any(len(rule_id) > _MAX_ID for rule_id in ids):
        return "InvalidArgument", f"ID length should not exceed allowed limit of {_MAX_ID}"
    for rule in rules:
        found = _rule_problem(rule)
        if found:
            return found
    return None


def _rule_problem(rule: dict) -> Problem | None:
    if not any(rule.get(action) for action in _ACTIONS):
        return "InvalidRequest", "At least one action needs to be specified in a rule"
    expiration = rule.get("Expiration", {})
    if expiration.get("ExpiredObjectDeleteMarker") and ("Days" in expiration or "Date" in expiration):
        return _MALFORMED
    filter_ = rule.get("Filter", {})
    tagged = "Tag" in filter_ or "Tags" in filter_.get("And", {})
    if tagged and "AbortIncompleteMultipartUpload" in rule:
        return "InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags"
    if tagged and expiration.get("ExpiredObjectDeleteMarker"):
        return "InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags"
    noncurrent = rule.get("NoncurrentVersionExpiration", {})
    where = _filter_text(filter_)
    return (_steps_problem(_CURRENT, where, rule.get("Transitions", []), expiration.get("Days"))
            or _steps_problem(_NONCURRENT, where, rule.get("NoncurrentVersionTransitions", []),
                              noncurrent.get("NoncurrentDays")))


class _Actions(NamedTuple):
    """The names of a rule's actions on one kind of version."""

    days: str
    transition: str
    expiration: str


_CURRENT = _Actions("Days", "Transition", "Expiration")
_NONCURRENT = _Actions("NoncurrentDays", "NoncurrentVersionTransition", "NoncurrentVersionExpiration")


def _filter_text(filter_: dict) -> str:
    """A rule's filter as S3 writes it into a refusal."""
    members = {**filter_, **filter_.get("And", {})}
    parts = [f"prefix={members['Prefix']}"] if "Prefix" in members else []
    parts += [f"{name.lower()}={members[name]}" for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in members]
    return f"({' and '.join(parts)})"


def _steps_problem(names: _Actions, where: str, transitions: list[dict], expires: int | None) -> Problem | None:
    days_name, action = names.days, names.transition
    steps = [(step[days_name], step["StorageClass"]) for step in transitions if days_name in step]
    for days, storage_class in steps:
        if days < 0:
            return "InvalidArgument", f"'{days_name}' for {action} action must be nonnegative"
        if storage_class in _INFREQUENT and days < _MIN_DAYS:
            return "InvalidArgument", (f"'{days_name}' in {action} action must be greater than or equal to {_MIN_DAYS} "
                                       f"for storageClass '{storage_class}'")
        if expires is not None and expires <= days:
            return "InvalidArgument", (f"'{days_name}' in the {names.expiration} action for filter '{where}' must be "
                                       f"greater than '{days_name}' in the {action} action")
    ordered = sorted(steps, key=lambda step: _WATERFALL.index(step[1]))
    for (days, storage_class), (later_days, later_class) in zip(ordered, ordered[1:], strict=False):
        if later_class == storage_class:
            return "InvalidRequest", (f"'StorageClass' must be different for '{action}' actions in same 'Rule' with filter "
                                      f"'{where}'")
        if later_days <= days:
            return "InvalidArgument", (f"'{days_name}' in the {action} action for StorageClass '{later_class}' for filter "
                                       f"'{where}' must be greater than '{days_name}' in the {action} action for "
                                       f"StorageClass '{storage_class}' for filter '{where}'")
        stay = _STAY[storage_class]
        if later_days < days + stay:
            return "InvalidArgument", (f"'{days_name}' in the '{action}' action for StorageClass '{later_class}' for filter "
                                       f"'{where}' must be {stay} days more than 'filter '{where}'' in the '{action}' "
                                       f"action for StorageClass '{storage_class}'")
    return None
