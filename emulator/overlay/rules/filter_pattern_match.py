"""Matches log events against filter patterns, and extracts their fields.

CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live
Tail": unstructured terms, space-delimited events, JSON events.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache

from overlay.rules.filter_pattern_expression import InvalidPattern, Parser, regex, tokens, unquoted

# The fields that a pattern found in a message, by the name under which a transformation asks for them. None: no match.
Match = Callable[[str], dict | None]

_EVENT_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_TERM = re.compile(r'\s*([?-]?)("(?:\\.|[^"\\])*"|%(?:\\.|[^%\\])*%|\S+)')
_SELECTOR_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Match:
    """Raises InvalidPattern if it is none."""
    text = pattern.strip()
    if text.startswith("["):
        return _space_delimited(text)
    if text.startswith("{"):
        return _json(text)
    return _unstructured(text)


def _unstructured(text: str) -> Match:
    """Every plain term and no excluded one; with ``?`` before every term, any of them."""
    required, excluded, optional = [], [], []
    for sign, term in _TERM.findall(text):
        {"": required, "-": excluded, "?": optional}[sign].append(_contains(term))
    # "If you combine ? with other terms, the ? is ignored": those terms then decide nothing.
    any_of = optional if not required and not excluded else []

    def match(message: str) -> dict | None:
        found = all(term(message) for term in required) and not any(term(message) for term in excluded)
        return {} if found and (not any_of or any(term(message) for term in any_of)) else None

    return match


def _contains(term: str) -> Callable[[str], bool]:
    if len(term) > 1 and term[0] == term[-1] == "%":
        expression = regex(term[1:-1])
        return lambda message: expression.search(message) is not None
    text = unquoted(term) if term.startswith('"') else term
    return lambda message: text in message


def event_fields(message: str) -> list[str]:
    """The fields of a space-delimited event: text in brackets or quotes is one field."""
    if '"' not in message and "[" not in message:
        return message.split()
    return [next(group for group in found.groups() if group is not None) for found in _EVENT_FIELD.finditer(message)]


def _space_delimited(text: str) -> Match:
    if not text.endswith("]"):
        raise InvalidPattern("missing ]")
    names: list[str | None] = []
    conditions = []
    for term in _split(tokens(text[1:-1])):
        if [part for _, part in term] == ["..."]:
            names.append(None)
            continue
        name = next((part for kind, part in term if kind == "word"), "")
        if not _FIELD_NAME.fullmatch(name) or name in names:
            raise InvalidPattern(f"{name!r} is no name of a field")
        names.append(name)
        if len(term) > 1:
            conditions.append(Parser(term).whole())
    if names.count(None) > 1:
        raise InvalidPattern("only one ... is allowed")
    gap = names.index(None) if None in names else None

    def match(message: str) -> dict | None:
        values = event_fields(message)
        fields = _named(names, gap, values)
        if fields is None:
            return None
        lookup = lambda name: [fields[name]] if name in fields else []
        if not all(condition(lookup) for condition in conditions):
            return None
        return {f"${name}": value for name, value in fields.items()}

    return match


def _named(names: list[str | None], gap: int | None, values: list[str]) -> dict | None:
    if gap is None:
        return dict(zip(names, values)) if len(names) == len(values) else None
    before, after = names[:gap], names[gap + 1:]
    if len(values) < len(before) + len(after):
        return None
    return dict(zip(before, values)) | dict(zip(after, values[len(values) - len(after):]))


def _split(given: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    terms: list[list[tuple[str, str]]] = [[]]
    for token in given:
        if token == ("operator", ","):
            terms.append([])
        else:
            terms[-1].append(token)
    return terms


def _json(text: str) -> Match:
    if not text.endswith("}"):
        raise InvalidPattern("missing }")
    given = tokens(text[1:-1])
    condition = Parser(given).whole()
    selectors = {part for kind, part in given if kind == "word" and part.startswith("$.")}

    def match(message: str) -> dict | None:
        try:
            document = json.loads(message)
        except ValueError:
            return None
        if not isinstance(document, dict) or not condition(lambda name: _selected(document, name)):
            return None
        found = {selector: _selected(document, selector) for selector in selectors}
        return _Selected(document, {selector: values[0] for selector, values in found.items() if values})

    return match


class _Selected(dict):
    """Members that the pattern names; a transformation may select others of the same event."""

    def __init__(self, document: dict, named: dict) -> None:
        super().__init__(named)
        self._document = document

    def __missing__(self, selector: str):
        values = _selected(self._document, selector)
        if not values:
            raise KeyError(selector)
        return values[0]


def _selected(document: dict, selector: str) -> list:
    """The values at ``$.a.b[0]``; none if there is nothing."""
    found = [document]
    for name, index in _SELECTOR_STEP.findall(selector.removeprefix("$")):
        if name:
            found = [each[name] for each in found if isinstance(each, dict) and name in each]
        elif index == "*":
            found = [item for each in found if isinstance(each, list) for item in each]
        else:
            found = [each[int(index)] for each in found if isinstance(each, list) and int(index) < len(each)]
    return found
