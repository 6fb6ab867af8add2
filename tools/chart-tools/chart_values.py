"""The values of the chart, and Helm's renderings and errors for others."""

import copy
import json
import subprocess
import tempfile
from pathlib import Path

FILES = ("values.yaml", "ci/production-values.yaml", "ci/metrics-values.yaml")

# Maps with keys of the user's own, and Kubernetes' own types, which the API server checks.
OPEN = (
    "/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/*",
    "/commonLabels",
    "/deploymentAnnotations",
    "/extraObjects/*",
    "/extraVolumes/*",
    "/metrics/*/annotations",
    "/metrics/*/endpointAdditionalProperties",
    "/metrics/*/labels",
    "/metrics/*/tlsConfig",
    "/metrics/prometheusRule/additionalRules/*",
    "/metrics/prometheusRule/ruleLabels",
    "/metrics/serviceMonitor/metricRelabelings/*",
    "/metrics/serviceMonitor/relabelings/*",
    "/monitors/*/annotations",
    "/monitors/*/labels",
    "/monitors/*/spec",
    "/networkPolicy/ingress/from/*/namespaceSelector/matchLabels",
    "/networkPolicy/egress/dns/to/*/namespaceSelector/matchLabels",
    "/networkPolicy/egress/dns/to/*/podSelector/matchLabels",
    "/nodeSelector",
    "/podAnnotations",
    "/podLabels",
    "/resources/limits",
    "/resources/requests",
    "/serviceAccount/annotations",
    "/serviceAccount/labels",
)


def template(helm, chart, values):
    """Helm's error message for the values, or None if it accepts them."""
    done = rendered(helm, chart, values)
    return done.stderr if done.returncode else None


def template_in_parent(helm, chart, values):
    """The same for the values of a parent chart that has the chart in it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "charts").mkdir()
        (folder / "charts" / "vpc-flow-operator").symlink_to(Path(chart).resolve())
        (folder / "Chart.yaml").write_text("apiVersion: v2\nname: parent\nversion: 0.0.0\n")
        return template(helm, str(folder), values)


def rendered(helm, chart, values):
    """The finished process of `helm template` with the values."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        command = [helm, "template", "release", chart, "--namespace", "network", "--values", file.name]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def merged(helm, chart, files=FILES):
    """The values of the files in one: helm itself reads and merges them."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "templates").mkdir()
        (folder / "Chart.yaml").write_text("apiVersion: v2\nname: values\nversion: 0.0.0\n")
        (folder / "templates" / "values.yaml").write_text('{{ omit .Values "global" | toJson }}')
        options = [option for file in files for option in ("--values", str(Path(chart) / file))]
        command = [helm, "template", "values", str(folder), *options]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(next(line for line in text.splitlines() if line.startswith("{")))


def is_open(path):
    parts = path.split("/")
    return any(
        len(open_path.split("/")) <= len(parts) and all(a in ("*", b) for a, b in zip(open_path.split("/"), parts))
        for open_path in OPEN
    )


def walk(value, path=""):
    """Every closed part of the values, with its path."""
    yield path, value
    if is_open(path):
        return
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from walk(child, f"{path}/{key}")


def put(values, path, new):
    """A copy of the values with another one at the path."""
    values = copy.deepcopy(values)
    *parents, last = path.split("/")[1:]
    place = values
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    place[int(last) if isinstance(place, list) else last] = new
    return values
