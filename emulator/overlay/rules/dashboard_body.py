"""The dashboards that PutDashboard refuses (CloudWatch API reference, "Dashboard body structure and syntax")."""

import json
import re

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_MAX_WIDGETS = 500
_REQUIRED = {
    "metric": {"region": str},
    "text": {"markdown": str},
    "log": {"region": str, "query": str},
    "alarm": {"alarms": list},
    "custom": {"endpoint": str},
    "explorer": {},
}
_PLACEMENT = {"x": (0, 23), "y": (0, None), "width": (1, 24), "height": (1, 1000)}


def problem(name: str, body: str) -> str | None:
    """The reason a dashboard is refused, or None."""
    if not _NAME.fullmatch(name):
        return f"The field DashboardName must match the pattern {_NAME.pattern}"
    try:
        dashboard = json.loads(body)
    except ValueError:
        return "The field DashboardBody must be a valid JSON object"
    if not isinstance(dashboard, dict):
        return "The field DashboardBody must be a valid JSON object"
    widgets = dashboard.get("widgets")
    if not isinstance(widgets, list):
        return "The dashboard body is invalid, there are 1 validation errors: [/widgets: Should be an array]"
    if len(widgets) > _MAX_WIDGETS:
        return f"The dashboard body is invalid: at most {_MAX_WIDGETS} widgets are allowed"
    errors = [f"/widgets/{number}{error}" for number, widget in enumerate(widgets) for error in _errors(widget)]
    if errors:
        return f"The dashboard body is invalid, there are {len(errors)} validation errors: [{', '.join(errors)}]"
    return None


def _errors(widget) -> list[str]:
    if not isinstance(widget, dict):
        return [": Should be an object"]
    kind, properties = widget.get("type"), widget.get("properties")
    if kind not in _REQUIRED:
        return ["/type: Should match a widget type"]
    if not isinstance(properties, dict):
        return [": Should have property 'properties'"]
    errors = [f"/properties/{member}: Should be a {expected.__name__}" for member, expected in _REQUIRED[kind].items()
              if not isinstance(properties.get(member), expected)]
    if kind == "metric" and not isinstance(properties.get("metrics"), list) and "annotations" not in properties:
        errors.append("/properties: Should have property 'metrics'")
    for member, (low, high) in _PLACEMENT.items():
        value = widget.get(member, low)
        if not isinstance(value, int) or value < low or (high is not None and value > high):
            errors.append(f"/{member}: Should be an integer from {low}" + (f" to {high}" if high else ""))
    return errors
