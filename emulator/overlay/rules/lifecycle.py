"""Which lifecycle rules S3 refuses (user guide, "Transitioning objects using Amazon S3 Lifecycle")."""

_WATERFALL = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
# "GLACIER within 30 days of": classes that an object stays in for 30 days before it moves on.
_MONTH_LONG = ("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING")
_MIN_DAYS = 30
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
    return (_steps_problem("Days", "Transition", rule.get("Transitions", []), expiration.get("Days"))
            or _steps_problem("NoncurrentDays", "NoncurrentVersionTransition",
                              rule.get("NoncurrentVersionTransitions", []), noncurrent.get("NoncurrentDays")))


def _steps_problem(member: str, action: str, transitions: list[dict], expires: int | None) -> Problem | None:
    steps = [(step[member], step["StorageClass"]) for step in transitions if member in step]
    for days, storage_class in steps:
        if days < 0:
            return "InvalidArgument", f"'{member}' for {action} action must be nonnegative"
        if storage_class in _INFREQUENT and days < _MIN_DAYS:
            return "InvalidArgument", (f"'{member}' in {action} action must be greater than or equal to {_MIN_DAYS} "
                                       f"for storageClass '{storage_class}'")
        if expires is not None and expires <= days:
            return "InvalidArgument", (f"'{member}' in the Expiration action for filter must be greater than "
                                       f"'{member}' in the {action} action")
    ordered = sorted(steps, key=lambda step: _WATERFALL.index(step[1]))
    for (days, storage_class), (later_days, later_class) in zip(ordered, ordered[1:], strict=False):
        if later_class == storage_class:
            return "InvalidRequest", f"StorageClass must be different for '{action}' actions in same 'Rule'"
        if later_days <= days:
            return "InvalidArgument", (f"'{member}' in the '{action}' action for StorageClass '{later_class}' must be "
                                       f"greater than in the '{action}' action for StorageClass '{storage_class}'")
        if storage_class in _MONTH_LONG and later_days < days + _MIN_DAYS:
            return "InvalidArgument", (f"'{member}' in the '{action}' action for StorageClass '{later_class}' must be "
                                       f"{_MIN_DAYS} days more than in the '{action}' action for StorageClass "
                                       f"'{storage_class}'")
    return None
