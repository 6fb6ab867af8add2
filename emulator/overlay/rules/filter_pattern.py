"""The shape of CloudWatch Logs filter patterns (user guide, "Filter pattern syntax")."""

import re

from overlay.rules.filter_pattern_expression import InvalidPattern
from overlay.rules.filter_pattern_match import compiled

_MAX_LENGTH = 1024
_MAX_REGEXES = 2
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')


def is_structured(pattern: str) -> bool:
    """A space-delimited or JSON pattern, whose fields have names."""
    return pattern.strip()[:1] in ("[", "{")


def regexes(pattern: str) -> int:
    """Number of regular expressions, each between two percent signs, in a pattern."""
    return _QUOTED.sub("", pattern).count("%") // 2


def problem(pattern: str) -> str | None:
    """The reason AWS refuses a pattern, or None."""
    if len(pattern) > _MAX_LENGTH:
        return ("1 validation error detected: Value at 'filterPattern' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_MAX_LENGTH}")
    text = pattern.strip()
    for opening, closing in ("[]", "{}"):
        if text.startswith(opening) != text.endswith(closing):
            return "Invalid filter pattern"
    if _QUOTED.sub("", pattern).count('"') or _QUOTED.sub("", pattern).count("%") % 2:
        return "Invalid filter pattern"
    if regexes(pattern) > _MAX_REGEXES:
        return f"Invalid filter pattern: at most {_MAX_REGEXES} regular expressions are supported"
    try:
        compiled(pattern)
    except InvalidPattern as error:
        return f"Invalid filter pattern: {error}"
    return None
