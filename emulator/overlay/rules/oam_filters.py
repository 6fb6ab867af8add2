"""The filters of an Observability Access Manager link. OAM API reference: MetricConfiguration, LogGroupConfiguration.

Conditions on one name (`Namespace` or `LogGroupName`) joined by AND and OR, at most five of those; LIKE only as a prefix.
"""

import re

_TEXT = r"'[^']*'"
_PREFIX = r"'[^'%]+%'"
_MAX_JOINTS = 5
EVERYTHING = "*"


def problem(text: str, name: str) -> str | None:
    """The error in a filter on ``name``, or None."""
    if text == EVERYTHING:
        return None
    parts = re.split(r"\s+(AND|OR)\s+(?=(?:[^']*'[^']*')*[^']*$)", text.strip())
    conditions, joints = parts[::2], parts[1::2]
    if len(joints) > _MAX_JOINTS:
        return f"The filter has more than {_MAX_JOINTS} conditional operands."
    for condition in conditions:
        if not _condition(name).fullmatch(condition):
            return f"The filter is invalid at: {condition}"
    return None


def _condition(name: str) -> re.Pattern:
    listed = rf"\(\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*\)"
    return re.compile(rf"{name}\s*(?:(?:=|!=)\s*{_TEXT}|\s(?:NOT\s+)?LIKE\s+{_PREFIX}|\s(?:NOT\s+)?IN\s*{listed})")
