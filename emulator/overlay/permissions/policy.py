"""Identity policies: their grammar and their decision (IAM user guide, "Policy evaluation logic", "Policy grammar")."""

import enum
import json

from overlay.permissions import conditions, keys
from overlay.permissions.conditions import Context
from overlay.permissions.unmodelled import Unmodelled
from overlay.rules import policy_document

# IAM user guide, "IAM and AWS STS quotas": a managed policy's size without white space, and how many a role may have.
_MAX_CHARACTERS = 6144
_MAX_POLICIES = 10
_CURRENT_VERSION = "2012-10-17"


class Decision(enum.Enum):
    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    DENIED = "denied"


class Policies:
    """The permissions of an identity: policies as they could be attached to its role."""

    def __init__(self, documents: list) -> None:
        """Raises ValueError for a policy that IAM would not store, and Unmodelled for one that this emulator cannot decide."""
        if len(documents) > _MAX_POLICIES:
            raise ValueError(f"a role has at most {_MAX_POLICIES} managed policies")
        self._statements = [statement for document in documents for statement in _statements(document)]

    def decide(self, action: str, resource: str, context: Context) -> Decision:
        """An explicit deny wins; an action that no statement allows is not allowed."""
        effects = {
            statement["Effect"] for statement in self._statements if _applies(statement, action, resource, context)
        }
        if "Deny" in effects:
            return Decision.DENIED
        return Decision.ALLOWED if "Allow" in effects else Decision.NOT_ALLOWED


def _statements(document) -> list[dict]:
    text = document if isinstance(document, str) else json.dumps(document)
    found = policy_document.statements(text)
    if found is None:
        raise ValueError("Syntax errors in policy.")
    if json.loads(text).get("Version") != _CURRENT_VERSION:
        raise Unmodelled(f"policies of another version than {_CURRENT_VERSION}")
    if len("".join(json.dumps(json.loads(text), separators=(",", ":")).split())) > _MAX_CHARACTERS:
        raise ValueError(f"Cannot exceed quota for PolicySize: {_MAX_CHARACTERS}")
    for statement in found:
        problem = policy_document.statement_problem(statement) or policy_document.identity_problem(statement)
        if problem:
            raise ValueError(problem)
        _check_modelled(statement)
    return found


def _check_modelled(statement: dict) -> None:
    if "${" in json.dumps(statement):
        raise Unmodelled("policy variables")
    for name, block in statement.get("Condition", {}).items():
        conditions.check_operator(name)
        for key in block:
            if not keys.is_known(key):
                raise Unmodelled(f"the condition key {key}")


def _applies(statement: dict, action: str, resource: str, context: Context) -> bool:
    return (
        _names(statement, "Action", lambda pattern: _action_matches(pattern, action))
        and _names(statement, "Resource", lambda pattern: conditions.arn_matches(pattern, resource))
        and conditions.fulfilled(statement.get("Condition", {}), context)
    )


def _names(statement: dict, element: str, matches) -> bool:
    """True if ``Action`` (or ``Resource``) has a match, or ``NotAction`` has none."""
    if element in statement:
        return any(map(matches, policy_document.as_list(statement[element])))
    return not any(map(matches, policy_document.as_list(statement[f"Not{element}"])))


def _action_matches(pattern: str, action: str) -> bool:
    return conditions.wildcard(pattern, ignore_case=True).fullmatch(action) is not None
