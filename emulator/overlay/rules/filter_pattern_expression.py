"""Conditions within a structured filter pattern: comparisons joined by && and ||, with parentheses.

CloudWatch Logs user guide, "Filter pattern syntax": metric filters with JSON and space-delimited log events, and
"Supported regular expressions (regex) syntax".
"""

import re
from collections.abc import Callable

# Gives the candidate values of the name on a comparison's left side.
Lookup = Callable[[str], list]
Condition = Callable[[Lookup], bool]

_TOKEN = re.compile(
    r'\s*(?:(?P<operator>&&|\|\||<=|>=|!=|[=<>(),])|(?P<quoted>"(?:\\.|[^"\\])*")|(?P<regex>%(?:\\.|[^%\\])*%)'
    r"|(?P<word>[^\s()&|=<>!\"%,]+))"
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# "Filter patterns with regex can only include the following": no parentheses, no spaces, ASCII only.
_REGEX_CHARACTERS = re.compile(r"(?:[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|*+.]|\\[!-~])*")
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


class InvalidPattern(Exception):
    """The pattern is not one of the user guide's."""


def tokens(text: str) -> list[tuple[str, str]]:
    """Pairs of kind (operator, quoted, regex, word) and text."""
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidPattern(f"unexpected {text[position:position + 10]!r}")
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        position = match.end()
    return found


def number(value) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def regex(text: str) -> re.Pattern:
    """The expression between two percent signs; it matches anywhere unless it is anchored."""
    if not _REGEX_CHARACTERS.fullmatch(text):
        raise InvalidPattern("unsupported character in a regular expression")
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise InvalidPattern(f"regular expression: {error}") from error


class Parser:
    """Parses the tokens of one condition."""

    def __init__(self, given: list[tuple[str, str]]) -> None:
        self._tokens = given
        self._position = 0

    def whole(self) -> Condition:
        condition = self._any()
        if self._position != len(self._tokens):
            raise InvalidPattern(f"unexpected {self._tokens[self._position][1]!r}")
        return condition

    def _next(self) -> tuple[str, str]:
        if self._position == len(self._tokens):
            raise InvalidPattern("unexpected end")
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _take(self, *texts: str) -> bool:
        """Consumes these tokens if they are the next ones."""
        end = self._position + len(texts)
        if tuple(text for _, text in self._tokens[self._position:end]) != texts:
            return False
        self._position = end
        return True

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._take("||"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda lookup: any(part(lookup) for part in parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._take("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda lookup: all(part(lookup) for part in parts)

    def _one(self) -> Condition:
        if self._take("("):
            condition = self._any()
            if not self._take(")"):
                raise InvalidPattern("missing )")
            return condition
        kind, name = self._next()
        if kind != "word":
            raise InvalidPattern(f"expected a field, not {name!r}")
        if self._take("IS", "NULL"):
            return lambda lookup: any(value is None for value in lookup(name))
        if self._take("IS", "TRUE"):
            return lambda lookup: any(value is True for value in lookup(name))
        if self._take("IS", "FALSE"):
            return lambda lookup: any(value is False for value in lookup(name))
        if self._take("NOT", "EXISTS"):
            return lambda lookup: not lookup(name)
        operator = self._next()[1]
        if operator not in _COMPARISONS:
            raise InvalidPattern(f"expected a comparison, not {operator!r}")
        test = _test(operator, *self._next())
        return lambda lookup: any(test(value) for value in lookup(name))


def _test(operator: str, kind: str, operand: str) -> Callable[[object], bool]:
    if kind == "operator":
        raise InvalidPattern(f"expected a value, not {operand!r}")
    if operator in ("=", "!="):
        equals = _equals(kind, operand)
        return equals if operator == "=" else lambda value: not equals(value)
    bound = number(operand)
    if bound is None:
        raise InvalidPattern(f"{operator} needs a number, not {operand!r}")

    def ordered(value) -> bool:
        given = number(value)
        if given is None:
            return False
        return {"<": given < bound, "<=": given <= bound, ">": given > bound, ">=": given >= bound}[operator]

    return ordered


def _equals(kind: str, operand: str) -> Callable[[object], bool]:
    if kind == "regex":
        expression = regex(operand[1:-1])
        return lambda value: expression.search(_text(value)) is not None
    text = unquoted(operand) if kind == "quoted" else operand
    if "*" in text:
        glob = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
        return lambda value: glob.fullmatch(_text(value)) is not None
    wanted = number(text) if kind == "word" else None
    return lambda value: _text(value) == text or (wanted is not None and number(value) == wanted)


def _text(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else "" if value is None else str(value)
