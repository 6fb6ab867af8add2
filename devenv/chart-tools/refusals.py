"""Shows that the chart refuses misspelt keys, wrong types and wrong values, with a message that names the key.

    refusals.py HELM CHART

The keys are not listed here: every object and every value of values.yaml and of two files in ci/, which together set all, is tried.
"""

import copy
import json
import subprocess
import sys
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
    "/metrics/*/labels",
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

# Values of the right type that cannot be right, and what the message says.
WRONG = (
    ({"enabled": False}, "at '/enabled': value must be true"),
    ({"replicaCount": -1}, "at '/replicaCount': minimum"),
    ({"replicaCount": 2, "leaderElection": {"enabled": False}}, "leaderElection.enabled is false"),
    ({"image": {"digest": "sha256:abc"}}, "at '/image/digest'"),
    ({"image": {"pullPolicy": "Sometimes"}}, "at '/image/pullPolicy': value must be one of"),
    ({"image": {"repository": ""}}, "at '/image/repository'"),
    ({"clusterName": "my cluster"}, "at '/clusterName'"),
    ({"watchNamespaces": ["a", "a"]}, "at '/watchNamespaces'"),
    ({"watchNamespaces": ["a,b"]}, "at '/watchNamespaces/0'"),
    ({"allowedRoles": ["team-a"]}, "at '/allowedRoles/0'"),
    ({"allowedRoles": ["team-a=arn:aws:iam::1:role/a,team-b=arn:aws:iam::1:role/b"]}, "at '/allowedRoles/0'"),
    ({"allowedSubscriptionRoles": ["arn:aws:iam::1:role/a"]}, "at '/allowedSubscriptionRoles/0'"),
    ({"allowedAdoptions": ["network=arn:aws:*:::bucket"]}, "at '/allowedAdoptions/0'"),
    ({"permissionsBoundaryArn": "boundary"}, "at '/permissionsBoundaryArn'"),
    ({"detectorArchitecture": "amd64"}, "at '/detectorArchitecture': value must be one of"),
    ({"dnsPolicy": "default"}, "at '/dnsPolicy': value must be one of"),
    ({"extraContainers": [{"name": "proxy"}]}, "at '/extraContainers/0': missing property 'image'"),
    ({"extraObjects": [{"kind": "ConfigMap"}]}, "at '/extraObjects/0': missing property 'apiVersion'"),
    ({"global": {"imagePullSecrets": ["registry"]}}, "at '/global/imagePullSecrets/0': got string"),
    ({"global": {"imagePullSecrets": [{"nmae": "registry"}]}}, "additional properties 'nmae' not allowed"),
    ({"global": {"imagePullSecrets": {"name": "registry"}}}, "at '/global/imagePullSecrets': got object"),
    ({"defaultDeletionPolicy": "retain"}, "at '/defaultDeletionPolicy': value must be one of"),
    ({"resync": "ten minutes"}, "at '/resync'"),
    ({"concurrency": 0}, "at '/concurrency': minimum"),
    ({"logFormat": "yaml"}, "at '/logFormat': value must be one of"),
    ({"metrics": {"port": 80000}}, "at '/metrics/port': maximum"),
    ({"metrics": {"bindAddress": "::"}}, "at '/metrics/bindAddress'"),
    ({"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}}, "metrics.service.enabled"),
    ({"podLabels": {"app.kubernetes.io/name": "other"}}, "at '/podLabels/app.kubernetes.io~1name'"),
    ({"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}, "podDisruptionBudget.maxUnavailable"),
    ({"networkPolicy": {"egress": {"aws": {"cidrs": ["10.0.0.1"]}}}}, "at '/networkPolicy/egress/aws/cidrs/0'"),
    ({"monitors": [{"name": "a"}]}, "at '/monitors/0': missing property 'spec'"),
    ({"monitors": [{"name": "a", "spec": {}}]}, "at '/monitors/0/spec': missing property 'vpcId'"),
    ({"monitors": [{"name": "A", "spec": {"vpcId": "vpc-0a0a0a0a"}}]}, "at '/monitors/0/name'"),
    ({"monitors": [{"name": "a", "spec": {"vpcId": "vpc-0a0a0a0a"}}] * 2}, "monitors has network/a twice"),
    (
        {"watchNamespaces": ["team-a"], "monitors": [{"name": "a", "namespace": "team-b", "spec": {"vpcId": "vpc-0a0a0a0a"}}]},
        "watchNamespaces does not list",
    ),
)


def template(helm, chart, values):
    """What helm says about the values, or None if it takes them."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        command = [helm, "template", "release", chart, "--namespace", "network", "--values", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else None


def merged(helm, chart):
    """The values of FILES in one: helm itself reads and merges them."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "templates").mkdir()
        (folder / "Chart.yaml").write_text("apiVersion: v2\nname: values\nversion: 0.0.0\n")
        (folder / "templates" / "values.yaml").write_text('{{ omit .Values "global" | toJson }}')
        options = [option for file in FILES for option in ("--values", str(Path(chart) / file))]
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


def of_another_type(value):
    """Some numbers and objects may be strings, such as ports."""
    return "wrong" if isinstance(value, list) else ["wrong"]


def main(helm, chart):
    values = merged(helm, chart)
    problems = []

    def expect(what, said, wanted):
        if said is None or wanted not in said:
            problems.append(f"{what}: expected a message with \"{wanted}\", helm says: {(said or 'nothing')[-1000:]}")

    accepted = template(helm, chart, values)
    if accepted is not None:
        sys.exit(f"the values of ci/ do not go together: {accepted}")

    # All at once: helm tells of every one.
    parts = list(walk(values))
    objects = [path for path, value in parts if isinstance(value, dict) and not is_open(path)]
    misspelt = values
    for path in objects:
        misspelt = put(misspelt, f"{path}/misspelt", "value")
    said = template(helm, chart, misspelt)
    for path in objects:
        expect(f"a misspelt key in '{path}'", said, f"at '{path}': additional properties 'misspelt' not allowed")

    # By depth, since what is in an object goes with it.
    typed = [(path, value) for path, value in parts if path and value is not None]
    for depth in range(1, 1 + max(path.count("/") for path, _ in typed)):
        here = [(path, value) for path, value in typed if path.count("/") == depth]
        wrong = values
        for path, value in here:
            wrong = put(wrong, path, of_another_type(value))
        said = template(helm, chart, wrong)
        for path, _ in here:
            expect(f"a wrong type for '{path}'", said, f"at '{path}': got ")

    for bad, wanted in WRONG:
        expect(json.dumps(bad), template(helm, chart, bad), wanted)

    if problems:
        sys.exit("\n".join(problems))
    print(
        f"[chart] refused by name: misspelt keys in {len(objects)} objects, wrong types of {len(typed)} values,"
        f" {len(WRONG)} wrong values"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
