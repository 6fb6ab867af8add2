"""Tags: those a resource has, those a request gives, those it takes away."""

from defusedxml.ElementTree import ParseError, fromstring
from ministack.services import athena, cloudwatch, cloudwatch_logs, ec2, eventbridge, glue, iam, lambda_svc, sns

from overlay.permissions import new_roles
from overlay.permissions.request import Request
from overlay.rules import oam


def present(arn: str) -> dict[str, str]:
    """The tags of a resource, read in the caller's account and region; none if there is no such thing."""
    if arn == "*":
        return {}
    service, resource = arn.split(":", 5)[2], arn.split(":", 5)[-1]
    match service:
        case "athena":
            return athena._tags.get(arn) or {}
        case "cloudwatch":
            return cloudwatch._resource_tags.get(arn) or {}
        case "ec2":
            return _from_list(ec2._tags.get(resource.split("/")[-1]))
        case "events":
            return eventbridge._tags.get(arn) or {}
        case "glue":
            return glue._tags.get(arn) or {}
        case "iam":
            name = resource.split("/")[-1]
            return {} if new_roles.is_new(name) else _from_list((iam._roles.get(name) or {}).get("Tags"))
        case "lambda":
            return (lambda_svc._functions.get(resource.split(":")[1]) or {}).get("tags") or {}
        case "logs":
            name = resource.removeprefix("log-group:").removesuffix(":*")
            return (cloudwatch_logs._log_groups.get(name) or {}).get("tags") or {}
        case "oam":
            return oam.tags_of(arn)
        case "sns":
            return (sns._topics.get(arn) or {}).get("tags") or {}
    raise ValueError(f"no tags of {arn}")


def given(request: Request) -> dict[str, str]:
    """The tags that a request puts on something, however the service spells them."""
    if request.service == "s3":
        return _of_new_bucket(request.body)
    members = request.members
    # The new session inherits these.
    found: dict[str, str] = dict(request.transitive_tags) if request.operation == "AssumeRole" else {}
    for specification in members.get("TagSpecification") or []:
        found |= _from_list(specification.get("Tag"))
    for name in ("Tags", "tags", "TagsToAdd", "Tag"):
        listed = members.get(name) or {}
        found |= listed if isinstance(listed, dict) else _from_list(listed)
    return found


def removed(request: Request) -> list[str]:
    if request.service in ("lambda", "oam"):
        return [value for name, value in request.query_pairs if name == "tagKeys"]
    for name in ("TagKeys", "tagKeys", "TagsToRemove"):
        if name in request.members:
            return list(request.members[name])
    return []


def _from_list(listed) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in listed or []}


def _of_new_bucket(body: bytes) -> dict[str, str]:
    try:
        root = fromstring(body)
    except ParseError:
        return {}
    found = {}
    for tag in root.iter():
        if tag.tag.endswith("}Tag") or tag.tag == "Tag":
            members = {child.tag.rsplit("}", 1)[-1]: child.text or "" for child in tag}
            found[members["Key"]] = members.get("Value", "")
    return found
