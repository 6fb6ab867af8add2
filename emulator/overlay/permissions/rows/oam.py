"""CloudWatch Observability Access Manager.

A link is made under two resources, itself and its sink, and with the permission to link each type of data: AWS managed policies
CloudWatchCrossAccountSharingConfiguration and CloudWatchLogsCrossAccountSharingConfiguration.
"""

from overlay.permissions.conditions import Context
from overlay.permissions.request import Request
from overlay.permissions.row import Check, Row, everything, gives_tags, removed_tags, request_tags, resource_tags
from overlay.rules import oam

_TYPES = {
    "cloudwatch": "AWS::CloudWatch::", "logs": "AWS::Logs::", "xray": "AWS::XRay::", "applicationinsights": "AWS::ApplicationInsights::",
    "internetmonitor": "AWS::InternetMonitor::", "application-signals": "AWS::ApplicationSignals::",
}


def _identified(request: Request) -> list[str]:
    members = request.members
    return [members.get("Identifier") or members.get("SinkIdentifier", "")]


def _new_link(request: Request) -> list[str]:
    return [request.arn("oam", "link/*")]


def _new_sink(request: Request) -> list[str]:
    return [request.arn("oam", "sink/*")]


def _sink_of_link(request: Request) -> list[str]:
    sink = oam.sink_of(request.members.get("Identifier", ""))
    return [sink] if sink else []


def _tagged(request: Request) -> list[str]:
    return [request.path.removeprefix("/tags/")]


def _types(request: Request, _resource: str) -> Context:
    return {"oam:resourcetypes": request.members.get("ResourceTypes") or []}


def _links_of_types() -> tuple[Check, ...]:
    def shares(prefix: str):
        return lambda request: any(each.startswith(prefix) for each in request.members.get("ResourceTypes") or [])

    return tuple(Check(f"{service}:Link", everything, when=shares(prefix)) for service, prefix in _TYPES.items())


def _on(resources, action: str, *keys) -> Check:
    return Check(f"oam:{action}", resources, (resource_tags, *keys))


# API reference, IncludeTags: "the caller has the required permission".
_INCLUDED_TAGS = Check("oam:ListTagsForResource", _identified, (resource_tags,), when=lambda request: request.members.get("IncludeTags") is True)
_SAR = "SAR Observability Access Manager"
_WITH_TAGS = f"{_SAR}; OAM API: IncludeTags"

ROWS = {
    "CreateLink": Row(f"{_SAR}; AWS managed policies for cross-account sharing", (
        _on(_new_link, "CreateLink", request_tags, _types),
        _on(_identified, "CreateLink", request_tags, _types),
        Check("oam:TagResource", _new_link, (request_tags,), when=gives_tags),
        *_links_of_types(),
    )),
    "UpdateLink": Row(f"{_WITH_TAGS}; AWS managed policies for cross-account sharing", (
        _on(_identified, "UpdateLink", _types), _on(_sink_of_link, "UpdateLink", _types), *_links_of_types(), _INCLUDED_TAGS,
    )),
    "GetLink": Row(_WITH_TAGS, (_on(_identified, "GetLink"), _INCLUDED_TAGS)),
    "ListLinks": Row(_SAR, (Check("oam:ListLinks", everything),)),
    "DeleteLink": Row(_SAR, (_on(_identified, "DeleteLink"),)),
    "CreateSink": Row(_SAR, (
        Check("oam:CreateSink", everything, (request_tags,)),
        Check("oam:TagResource", _new_sink, (request_tags,), when=gives_tags),
    )),
    "GetSink": Row(_WITH_TAGS, (_on(_identified, "GetSink"), _INCLUDED_TAGS)),
    "ListSinks": Row(_SAR, (Check("oam:ListSinks", everything),)),
    "DeleteSink": Row(_SAR, (_on(_identified, "DeleteSink"),)),
    "ListAttachedLinks": Row(_SAR, (_on(_identified, "ListAttachedLinks"),)),
    "PutSinkPolicy": Row(_SAR, (_on(_identified, "PutSinkPolicy"),)),
    "GetSinkPolicy": Row(_SAR, (_on(_identified, "GetSinkPolicy"),)),
    "ListTagsForResource": Row(_SAR, (_on(_tagged, "ListTagsForResource"),)),
    "TagResource": Row(_SAR, (_on(_tagged, "TagResource", request_tags),)),
    "UntagResource": Row(_SAR, (_on(_tagged, "UntagResource", removed_tags),)),
}
