"""IAM roles: names, documents, boundaries and attachments are checked as IAM checks them.

IAM API reference: CreateRole, PutRolePolicy, UpdateAssumeRolePolicy, AttachRolePolicy. User guide: "IAM and AWS STS
quotas".
"""

import re
from xml.sax.saxutils import escape

from ministack.services import iam

from overlay import modes
from overlay.permissions import new_roles
from overlay.rules import policy_document
from overlay.rules.patch import replace_action

_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_PATH = re.compile(r"/|/[\x21-\x7e]+/")
_SESSION_SECONDS = range(3600, 43201)
_INLINE_CHARACTERS = 10240
_TRUST_CHARACTERS = 2048


def apply() -> None:
    handlers = iam._IAM_HANDLERS
    replace_action(handlers, "CreateRole")(_create_role)
    replace_action(handlers, "UpdateRole")(_update_role)
    replace_action(handlers, "UpdateAssumeRolePolicy")(_update_assume_role_policy)
    replace_action(handlers, "PutRolePolicy")(_put_role_policy)
    replace_action(handlers, "AttachRolePolicy")(_attach_role_policy)
    replace_action(handlers, "PutRolePermissionsBoundary")(_put_boundary)


def _invalid(member: str, value: str, constraint: str):
    return iam._error(400, "ValidationError", f"1 validation error detected: Value '{escape(value)}' at '{member}' "
                                              f"failed to satisfy constraint: {constraint}")



def _malformed(message: str):
    return iam._error(400, "MalformedPolicyDocument", escape(message))


def _create_role(original, p):
    name, path = iam._p(p, "RoleName"), iam._p(p, "Path") or "/"
    if not _NAME.fullmatch(name):
        return _invalid("roleName", name, r"Member must satisfy regular expression pattern: [\w+=,.@-]+ "
                                          "and have length less than or equal to 64")
    if not _PATH.fullmatch(path) or len(path) > 512:
        return _invalid("path", path, "The specified value for path is invalid. It must begin and end with / and "
                                      "contain only alphanumeric characters and/or / characters.")
    if name in iam._roles:
        return original(p)
    error = _session_error(p) or _trust_error(iam._p(p, "AssumeRolePolicyDocument")) or _boundary_error(p)
    if error:
        return error
    new_roles.made(name, modes.current().new_role_checks)
    return original(p)


def _update_role(original, p):
    return _session_error(p) or original(p)


def _session_error(p):
    seconds = iam._p(p, "MaxSessionDuration")
    if seconds and int(seconds) not in _SESSION_SECONDS:
        return _invalid("maxSessionDuration", seconds, "Member must have value between 3600 and 43200")
    return None


def _trust_error(text: str):
    statements = policy_document.statements(text)
    if statements is None:
        return _malformed("This policy contains invalid Json")
    if len(text) > _TRUST_CHARACTERS:
        return iam._error(409, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
    for statement in statements:
        problem = policy_document.statement_problem(statement)
        if problem is None and ("Resource" in statement or "NotResource" in statement):
            problem = "Has prohibited field Resource"
        if problem is None and "NotPrincipal" not in statement:
            problem = policy_document.principal_problem(statement)
        if problem is None and not all(
            action == "*" or action.lower().startswith("sts:")
            for action in policy_document.as_list(statement.get("Action", statement.get("NotAction")))
        ):
            problem = "AssumeRole policy may only specify STS AssumeRole actions."
        if problem:
            return _malformed(problem)
    return None


def _update_assume_role_policy(original, p):
    if iam._p(p, "RoleName") not in iam._roles:
        return original(p)
    return _trust_error(iam._p(p, "PolicyDocument")) or original(p)


def _put_role_policy(original, p):
    role = iam._roles.get(iam._p(p, "RoleName"))
    if role is None:
        return original(p)
    name, text = iam._p(p, "PolicyName"), iam._p(p, "PolicyDocument")
    if not _POLICY_NAME.fullmatch(name):
        return _invalid("policyName", name, r"Member must satisfy regular expression pattern: [\w+=,.@-]+")
    statements = policy_document.statements(text)
    if statements is None:
        return _malformed("Syntax errors in policy.")
    for statement in statements:
        problem = policy_document.statement_problem(statement) or policy_document.identity_problem(statement)
        if problem:
            return _malformed(problem)
    size = sum(len("".join(each.split())) for other, each in role["InlinePolicies"].items() if other != name)
    if size + len("".join(text.split())) > _INLINE_CHARACTERS:
        return iam._error(409, "LimitExceeded",
                          f"Maximum policy size of {_INLINE_CHARACTERS} bytes exceeded for role {role['RoleName']}")
    return original(p)


def _attach_role_policy(original, p):
    arn = iam._p(p, "PolicyArn")
    if iam._p(p, "RoleName") in iam._roles and not iam._policy_exists(arn):
        return iam._error(404, "NoSuchEntity", f"Policy {escape(arn)} does not exist or is not attachable.")
    return original(p)


def _boundary_error(p):
    arn = iam._p(p, "PermissionsBoundary")
    if arn and not iam._policy_exists(arn):
        return iam._error(404, "NoSuchEntity", f"Scope ARN: {escape(arn)} does not exist or is not attachable.")
    return None


def _put_boundary(original, p):
    if iam._p(p, "RoleName") not in iam._roles:
        return original(p)
    return _boundary_error(p) or original(p)
