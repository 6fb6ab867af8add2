"""Checks the members of a request against the limits of AWS's service model (botocore): required members, lengths, patterns, enumerations."""

import re

from botocore.model import Shape


def missing(shape: Shape, value: dict) -> str | None:
    """The first required member that the request lacks, at any depth."""
    for name in shape.required_members:
        if value.get(name) is None:
            return name
    for name, member in shape.members.items():
        if member.type_name == "structure" and isinstance(value.get(name), dict):
            found = missing(member, value[name])
            if found:
                return f"{name}.{found}"
    return None


def problem(shape: Shape, value, name: str = "") -> str | None:
    """The sentence about the first value that breaks the model."""
    match shape.type_name:
        case "structure":
            given = [(member, each) for member, each in shape.members.items() if value.get(member) is not None]
            return _first(problem(each, value[member], member) for member, each in given)
        case "list":
            return _size(shape, len(value), name) or _first(problem(shape.member, each, name) for each in value)
        case "map":
            return _size(shape, len(value), name) or _first(
                problem(shape.key, key, name) or problem(shape.value, each, name) for key, each in value.items())
        case "integer":
            return _size(shape, value, name)
        case "string":
            return _size(shape, len(value), name) or _text(shape, value, name)
    return None


def _first(problems) -> str | None:
    return next((found for found in problems if found), None)


def _size(shape: Shape, size: int, name: str) -> str | None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < int(least):
        return f"{name} must have a size of at least {least}."
    if most is not None and size > int(most):
        return f"{name} must have a size of at most {most}."
    return None


def _text(shape: Shape, value: str, name: str) -> str | None:
    pattern, allowed = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if allowed and value not in allowed:
        return f"{name} must be one of {', '.join(allowed)}."
    if pattern and not re.search(pattern, value):
        return f"{name} must match {pattern}."
    return None
