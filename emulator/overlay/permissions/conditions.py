"""Condition blocks of a policy (IAM user guide, "IAM JSON policy elements: Condition operators" and "Conditions with
multiple context keys or values"). Keys of the request are given in lower case: their names are not case-sensitive."""

import operator
import re
from functools import lru_cache

from overlay.permissions.unmodelled import Unmodelled

Context = dict[str, str | list[str]]

_SET_QUALIFIERS = ("ForAllValues", "ForAnyValue")


@lru_cache(maxsize=4096)
def wildcard(pattern: str, ignore_case: bool = False) -> re.Pattern:
    """``*`` is any text and ``?`` any character; all else in the pattern stands for itself."""
    text = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def arn_matches(pattern: str, arn: str) -> bool:
    """A wildcard stays within its segment, but for one that ends the pattern (user guide, "Resource")."""
    if pattern == "*":
        return True
    wanted = pattern.split(":", 5)
    given = arn.split(":", len(wanted) - 1)
    return len(given) == len(wanted) and all(
        wildcard(part).fullmatch(segment) is not None for part, segment in zip(wanted, given)
    )


def _like(pattern: str, value: str) -> bool:
    return wildcard(pattern).fullmatch(value) is not None


def _same_text(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


def _numeric(compare):
    return lambda wanted, value: compare(float(value), float(wanted))


# Each takes the policy's value and the request's.
_OPERATORS = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": _same_text,
    "StringLike": _like,
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": _same_text,
    "NumericEquals": _numeric(operator.eq),
    "NumericLessThan": _numeric(operator.lt),
    "NumericLessThanEquals": _numeric(operator.le),
    "NumericGreaterThan": _numeric(operator.gt),
    "NumericGreaterThanEquals": _numeric(operator.ge),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


def check_operator(name: str) -> None:
    """Refuses an operator that this module does not know."""
    _, base, _ = _parts(name)
    if base != "Null" and base not in _OPERATORS and base not in _NEGATED:
        raise Unmodelled(f"the condition operator {name}")


def _parts(name: str) -> tuple[str | None, str, bool]:
    """Set qualifier, operator, and True if it is fulfilled where the key is absent."""
    qualifier, colon, rest = name.partition(":")
    if not colon or qualifier not in _SET_QUALIFIERS:
        qualifier, rest = None, name
    base = rest.removesuffix("IfExists")
    return qualifier, base, base != rest


def fulfilled(block: dict, context: Context) -> bool:
    """True if every key of every operator of a condition block is fulfilled."""
    return all(
        _key_fulfilled(name, key, wanted if isinstance(wanted, list) else [wanted], context)
        for name, keys in block.items()
        for key, wanted in keys.items()
    )


def _key_fulfilled(name: str, key: str, wanted: list, context: Context) -> bool:
    qualifier, base, if_exists = _parts(name)
    given = context.get(key.lower())
    if base == "Null":
        return any((given is None) == (_text(value) == "true") for value in wanted)
    negated = base in _NEGATED
    compare = _OPERATORS[_NEGATED.get(base, base)]
    if given is None:
        return if_exists or negated and qualifier != "ForAnyValue" or qualifier == "ForAllValues"

    def one(value: str) -> bool:
        return any(compare(_text(each), value) for each in wanted) != negated

    if qualifier == "ForAllValues":
        return all(one(value) for value in _values(given))
    if qualifier == "ForAnyValue":
        return any(one(value) for value in _values(given))
    if isinstance(given, list):
        raise Unmodelled(f"{name} on {key}, which has many values: it needs ForAllValues or ForAnyValue")
    return one(given)


def _values(given: str | list[str]) -> list[str]:
    return given if isinstance(given, list) else [given]


def _text(value) -> str:
    """A value as text. Policies may have true and 10 as JSON values."""
    return str(value).lower() if isinstance(value, bool) else str(value)
