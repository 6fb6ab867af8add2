"""Athena: workgroups, and the saved queries in them, which have no ARN of their own.

Queries read and write as their caller (user guide, "Access to Athena"): that is not checked.
"""

from ministack.services import athena

from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, gives_tags, removed_tags, request_tags, resource_tags

_PRIMARY = "primary"


def _arns(request: Request, names: list[str]) -> list[str]:
    return [request.arn("athena", f"workgroup/{name}") for name in names]


def _workgroup(request: Request) -> list[str]:
    members = request.members
    return _arns(request, [members.get("WorkGroup") or members.get("Name") or _PRIMARY])


def _workgroup_of_new(request: Request) -> list[str]:
    """``Name`` is the query's here."""
    return _arns(request, [request.members.get("WorkGroup") or _PRIMARY])


def _tagged(request: Request) -> list[str]:
    return [request.members.get("ResourceARN", "")]


def _workgroups_of_queries(request: Request) -> list[str]:
    """Those of the queries that exist: nothing is known of others."""
    members = request.members
    ids = members.get("NamedQueryIds") or [members.get("NamedQueryId")]
    found = [athena._named_queries.get(each) for each in ids]
    return _arns(request, sorted({query["WorkGroup"] for query in found if query}))


def _workgroup_of_execution(request: Request) -> list[str]:
    execution = athena._executions.get(request.members.get("QueryExecutionId"))
    return _arns(request, [execution["WorkGroup"]]) if execution else []


def _row(action: str, resources, *keys) -> Row:
    return Row("SAR Athena; user guide, Use tag-based IAM access control policies",
               (Check(action, resources, (resource_tags, *keys)),))


ROWS = {
    "GetWorkGroup": _row("athena:GetWorkGroup", _workgroup),
    "CreateWorkGroup": Row("SAR Athena; user guide, Use tag-based IAM access control policies", (
        Check("athena:CreateWorkGroup", _workgroup, (request_tags,)),
        Check("athena:TagResource", _workgroup, (request_tags,), when=gives_tags),
    )),
    "UpdateWorkGroup": _row("athena:UpdateWorkGroup", _workgroup),
    "DeleteWorkGroup": _row("athena:DeleteWorkGroup", _workgroup),
    "ListTagsForResource": _row("athena:ListTagsForResource", _tagged),
    "TagResource": _row("athena:TagResource", _tagged, request_tags),
    "UntagResource": _row("athena:UntagResource", _tagged, removed_tags),
    "ListNamedQueries": _row("athena:ListNamedQueries", _workgroup_of_new),
    "BatchGetNamedQuery": _row("athena:BatchGetNamedQuery", _workgroups_of_queries),
    "CreateNamedQuery": _row("athena:CreateNamedQuery", _workgroup_of_new),
    "UpdateNamedQuery": _row("athena:UpdateNamedQuery", _workgroups_of_queries),
    "DeleteNamedQuery": _row("athena:DeleteNamedQuery", _workgroups_of_queries),
    "StartQueryExecution": _row("athena:StartQueryExecution", _workgroup_of_new),
    "GetQueryExecution": _row("athena:GetQueryExecution", _workgroup_of_execution),
    "GetQueryResults": _row("athena:GetQueryResults", _workgroup_of_execution),
}
