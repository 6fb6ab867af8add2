"""Shows that null, which Helm takes out of the values before it checks them, is refused or does what an empty value does.

    nulls.py HELM CHART

Every value of values.yaml is null once.
"""

import difflib
import re
import sys

from chart_values import FILES, merged, put, rendered, template, walk

# Kubernetes has defaults of its own where these are null.
NULLABLE = (
    "/global",
    "/livenessProbe",
    "/metrics/dashboard/labels",
    "/podSecurityContext",
    "/readinessProbe",
    "/resources",
    "/securityContext",
)

# An empty list is all namespaces; null may be a list whose entries somebody has taken out.
NOT_NULLABLE = ("/watchNamespaces",)

# With one of these on, every template but one prints something; with both, every template.
ON = tuple(
    {
        "podDisruptionBudget": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "metrics": {monitor: {"enabled": True}, "prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}},
    }
    for monitor in ("serviceMonitor", "podMonitor")
)


def merged_with(values, more):
    """A copy of the values with those of `more`."""
    both = {**values}
    for key, value in more.items():
        both[key] = merged_with(both[key], value) if isinstance(value, dict) else value
    return both


def put_null(values, paths):
    for path in paths:
        values = put(values, path, None)
    return values


def not_refused(helm, chart, defaults, needed):
    """The paths that Helm accepts as null. By depth: null for an object removes the keys in it too."""
    taken = []
    for depth in range(1, 1 + max(path.count("/") for path in needed)):
        here = [path for path in needed if path.count("/") == depth]
        said = template(helm, chart, put_null(defaults, here)) or ""
        for path in here:
            parent, key = path.rsplit("/", 1)
            if not re.search(f"at '{parent}': missing propert.*'{key}'", said):
                taken.append(path)
    return taken


def difference(helm, chart, values, paths):
    """The differences in Helm's rendering when these are null, or Helm's error."""
    before, after = (rendered(helm, chart, each) for each in (values, put_null(values, paths)))
    if after.returncode:
        return [f"+{after.stderr}"]
    return list(difflib.unified_diff(before.stdout.splitlines(), after.stdout.splitlines(), lineterm="", n=0))[2:]


def main(helm, chart):
    defaults = merged(helm, chart, FILES[:1])
    parts = [(path, value) for path, value in walk(defaults) if path and not path[-1].isdigit()]
    inside = tuple(f"{path}/" for path in NULLABLE)
    empty = [path for path, value in parts if value in ("", [], {}, None) and path not in NOT_NULLABLE]
    needed = [path for path, _ in parts if path not in (*empty, *NULLABLE) and not path.startswith(inside)]

    problems = [f"null for '{path}' is not refused by name" for path in not_refused(helm, chart, defaults, needed)]
    for on in (merged_with(defaults, more) for more in ON):
        changed = difference(helm, chart, on, empty)
        if changed:
            problems += ["null for an empty value makes a difference:", *changed]
        changed = difference(helm, chart, on, NULLABLE)
        if any(line.startswith("+") for line in changed):
            problems += ["null for what Kubernetes has defaults for does not just leave it out:", *changed]

    if problems:
        sys.exit("\n".join(problems))
    print(f"[chart] null is refused for {len(needed)} values, and is as empty for {len(empty) + len(NULLABLE)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
