"""The wording of a refusal by each service.

IAM user guide, "Troubleshoot access denied error messages"; where a service differs, as its users report it.
"""

import base64
import secrets

from overlay.permissions.authorization import Refusal

# Error code and status; the services that are not listed are queried over JSON, whose refusals are 400.
_CODES = {
    "ec2": ("UnauthorizedOperation", 403),
    "iam": ("AccessDenied", 403),
    "lambda": ("AccessDeniedException", 403),
    "monitoring": ("AccessDenied", 403),
    # ministryofjustice/modernisation-platform#6926.
    "oam": ("AccessDeniedException", 403),
    "s3": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "sts": ("AccessDenied", 403),
}
_JSON_CODE = ("AccessDeniedException", 400)


def code_and_status(service: str) -> tuple[str, int]:
    return _CODES.get(service, _JSON_CODE)


def message(refusal: Refusal) -> str:
    request = refusal.request
    # Reported for CloudWatch Logs: DataDog/cloudformation-template#61.
    if request.operation == "CreateLogGroup" and refusal.action == "logs:TagResource":
        return (f"User with accountId: {request.account} is not authorized to perform CreateLogGroup with Tags. "
                'An additional permission "logs:TagResource" is required.')
    action = refusal.action
    if request.service == "sns" and action.startswith("sns:"):
        # ministryofjustice/cloud-platform-environments#21094.
        action = action.replace("sns:", "SNS:", 1)
    text = f"User: {refusal.caller} is not authorized to perform: {action} on resource: {_resource(refusal)} "
    text += (
        "with an explicit deny in an identity-based policy"
        if refusal.explicit
        else f"because no identity-based policy allows the {action} action"
    )
    if request.service == "ec2":
        encoded = base64.urlsafe_b64encode(secrets.token_bytes(90)).decode()
        return (f"You are not authorized to perform this operation. {text}. "
                f"Encoded authorization failure message: {encoded}")
    return text


def _resource(refusal: Refusal) -> str:
    request = refusal.request
    if request.service == "s3":
        return f'"{refusal.resource}"'
    # Reported for all but CreateRole: kayac/ecspresso#288, alphagov/gsp#990.
    if request.service == "iam" and request.operation != "CreateRole":
        return f"role {refusal.resource.rsplit('/', 1)[-1]}"
    return refusal.resource
