"""Session tags that are passed on: AWS calls them transitive.

EKS Pod Identity gives its sessions six of them (EKS user guide, "Grant Pods access to AWS resources based on tags").
Whatever role such a session assumes, the new session inherits them (IAM user guide, "Chaining roles with session
tags").
"""

from ministack.services import sts

TRANSITIVE = "TransitiveTags"


def transitive(access_key: str) -> dict[str, str]:
    """The tags that a session passes on, its own and inherited ones; none for other credentials."""
    session = sts._sessions.get(access_key)
    if session is None:
        return {}
    return session.get(TRANSITIVE, {}) | transitive(session.get("SourceAccessKeyId", ""))
