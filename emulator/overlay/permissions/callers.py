"""The callers that are bound to policies, with the permissions that they needed. A caller is bound only if a test says so."""

import hashlib
from collections import defaultdict
from typing import NamedTuple

from ministack.services import sts

from overlay.permissions.policy import Decision, Policies
from overlay.rules import session_tags

SESSION_NAME = "vpc-flow-operator"


class Credentials(NamedTuple):
    """Of a session of a role."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class Need(NamedTuple):
    """An action that an operation was checked for."""

    operation: str
    action: str
    resource: str
    allowed: bool


class Callers:
    """Per account: the policies of a role's sessions, or of the account's own key, whose role is None."""

    def __init__(self) -> None:
        self._policies: dict[tuple[str, str | None], Policies] = {}
        # A dict for its order: each need is kept once.
        self._needs: dict[str, dict[Need, None]] = defaultdict(dict)

    def bind(
        self, account: str, role: str | None, policies: Policies, transitive_tags: dict[str, str]
    ) -> Credentials | None:
        """Limits the caller to these policies from now on. Returns a session of the role, with these tags."""
        self._policies[account, role] = policies
        return None if role is None else _session(account, role, transitive_tags)

    def release(self, account: str) -> None:
        """Ends all enforcement in an account and forgets its needs."""
        for key in [key for key in self._policies if key[0] == account]:
            del self._policies[key]
        self._needs.pop(account, None)

    def policies_of(self, account: str, role: str | None) -> Policies | None:
        return self._policies.get((account, role))

    def record(self, account: str, operation: str, action: str, resource: str, decision: Decision) -> None:
        self._needs[account][Need(operation, action, resource, decision is Decision.ALLOWED)] = None

    def needs(self, account: str) -> list[Need]:
        return list(self._needs.get(account, ()))


def _session(account: str, role: str, transitive_tags: dict[str, str]) -> Credentials:
    """The same for the same role, so that policies can change under a running operator. It does not expire."""
    digest = hashlib.sha256(f"{account}:{role}".encode()).hexdigest()
    credentials = Credentials(f"ASIA{digest[:16].upper()}", digest[16:56], digest)
    sts.register_session(credentials.access_key_id, {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{SESSION_NAME}",
        "UserId": f"{role}:{SESSION_NAME}",
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        session_tags.TRANSITIVE: transitive_tags,
    })
    return credentials
