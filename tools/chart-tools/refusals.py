"""Shows that the chart refuses misspelt keys, wrong types and wrong values, with a message that names the key.

    refusals.py HELM CHART

The keys are not listed here: every object and every value of values.yaml and of two files in ci/, which together set all, is tried.
"""

import json
import re
import sys
from pathlib import Path

from chart_values import is_open, merged, put, template, template_in_parent, walk

# Values of the right type that cannot be right, and what the message says.
WRONG = (
    ({"enabled": False}, "at '/enabled': value must be true"),
    ({"aws": {"region": "europe"}}, "at '/aws/region': 'europe' does not match pattern"),
    ({"replicaCount": -1}, "at '/replicaCount': minimum"),
    ({"replicaCount": 2, "leaderElection": {"enabled": False}}, "leaderElection.enabled is false"),
    ({"leaderElection": {"enabled": False}, "strategy": {"type": "RollingUpdate"}}, "strategy.type is not Recreate"),
    ({"leaderElection": {"enabled": False}, "strategy": {"rollingUpdate": {"maxSurge": 1}}}, "strategy.type is not Recreate"),
    ({"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}, "strategy.type is Recreate"),
    ({"leaderElection": {"leaseDuration": "15500ms"}}, "leaderElection.leaseDuration must be whole seconds"),
    ({"leaderElection": {"leaseDuration": "0s", "renewDeadline": "0s"}}, "leaderElection.leaseDuration must be whole seconds"),
    ({"leaderElection": {"leaseDuration": "99999d"}}, "leaderElection.leaseDuration must be whole seconds"),
    ({"leaderElection": {"renewDeadline": "15s"}}, "leaderElection.renewDeadline must be shorter"),
    ({"leaderElection": {"retryPeriod": "5001ms"}}, "leaderElection.retryPeriod must be"),
    ({"leaderElection": {"retryPeriod": "0s"}}, "leaderElection.retryPeriod must be"),
    ({"leaderElection": {"name": "a..b"}}, "at '/leaderElection/name'"),
    ({"nameOverride": "Operator"}, "at '/nameOverride'"),
    ({"fullnameOverride": "flow_operator"}, "at '/fullnameOverride'"),
    ({"fullnameOverride": "flow-"}, "at '/fullnameOverride'"),
    ({"serviceAccount": {"name": "Operator"}}, "at '/serviceAccount/name'"),
    ({"metrics": {"dashboard": {"namespace": "a.b"}}}, "at '/metrics/dashboard/namespace'"),
    ({"extraEnv": [{"name": "RUST_LOG", "value": "debug"}]}, "extraEnv has RUST_LOG: set logLevel instead"),
    ({"extraEnv": [{"name": "AWS_ENDPOINT_URL"}]}, "extraEnv has AWS_ENDPOINT_URL: set aws.endpointUrl instead"),
    ({"extraEnv": [{"name": "RESYNC", "value": "3m"}]}, "extraEnv has RESYNC: set resync instead"),
    ({"extraEnv": [{"name": "FLEETS", "value": "true"}]}, "extraEnv has FLEETS: set fleets.enabled instead"),
    ({"detectorArchitecture": "arm64", "extraArgs": ["--detector-package=/a.zip"]}, "extraArgs has --detector-package"),
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
    ({"resync": "999ms"}, "resync is less than 1s"),
    ({"alarmInterval": "999ms"}, "alarmInterval is less than 1s"),
    ({"concurrency": 0}, "at '/concurrency': minimum"),
    ({"logFormat": "yaml"}, "at '/logFormat': value must be one of"),
    ({"metrics": {"port": 80000}}, "at '/metrics/port': maximum"),
    ({"metrics": {"bindAddress": "::"}}, "at '/metrics/bindAddress'"),
    ({"logFormat": "console"}, "at '/logFormat': value must be one of"),
    ({"logLevel": 2}, "logLevel has `2`, which is not a level: set off, error, warn, info, debug or trace"),
    ({"logLevel": "verbose"}, "logLevel has `verbose`, which is not a level"),
    ({"logLevel": "info,kube=2"}, "logLevel has `2`, which is not a level"),
    ({"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}}, "needs metrics.service.enabled"),
    ({"metrics": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}}, "Enable one of them"),
    (
        {"metrics": {"serviceMonitor": {"enabled": True, "endpointAdditionalProperties": {"interval": "1m"}}}},
        "metrics.serviceMonitor.endpointAdditionalProperties has interval: set metrics.serviceMonitor.interval instead",
    ),
    (
        {"metrics": {"podMonitor": {"enabled": True, "endpointAdditionalProperties": {"honorLabels": True}}}},
        "metrics.podMonitor.endpointAdditionalProperties has honorLabels: set metrics.podMonitor.honorLabels instead",
    ),
    ({"metrics": {"service": {"ipFamilies": ["IPv4", "IPv4"]}}}, "at '/metrics/service/ipFamilies'"),
    ({"metrics": {"service": {"ipFamilyPolicy": "DualStack"}}}, "at '/metrics/service/ipFamilyPolicy': value must be one of"),
    ({"namespaceOverride": "a.b"}, "at '/namespaceOverride'"),
    ({"dnsPolicy": "ClusterFirstWithHostNet"}, "Set hostNetwork, or dnsPolicy ClusterFirst."),
    ({"hostNetwork": True, "networkPolicy": {"enabled": True}}, "a NetworkPolicy has no effect on pods in the network of their node"),
    ({"automountServiceAccountToken": False}, "Mount one with extraVolumes and extraVolumeMounts."),
    (
        {"watchNamespaces": ["a"], "rbac": {"additionalPermissions": [{"nonResourceURLs": ["/version"], "verbs": ["get"]}]}},
        "rbac.additionalPermissions has nonResourceURLs, which only a ClusterRole can have",
    ),
    ({"global": {"logLevel": 2}}, "global.logLevel is not a value of this chart: set logLevel instead."),
    ({"global": {"domain": "example.com"}}, "global.domain has no effect in this chart: remove it."),
    ({"global": {"commonLabels": {"app.kubernetes.io/name": "other"}}}, "at '/global/commonLabels/app.kubernetes.io~1name'"),
    ({"podLabels": {"app.kubernetes.io/name": "other"}}, "at '/podLabels/app.kubernetes.io~1name'"),
    ({"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}, "podDisruptionBudget.maxUnavailable"),
    ({"networkPolicy": {"egress": {"aws": {"cidrs": ["10.0.0.1"]}}}}, "at '/networkPolicy/egress/aws/cidrs/0'"),
    ({"networkPolicy": {"egress": {"aws": {"cidrs": []}}}}, "at '/networkPolicy/egress/aws/cidrs': minItems"),
    ({"networkPolicy": {"egress": {"aws": {"ports": []}}}}, "at '/networkPolicy/egress/aws/ports': minItems"),
    ({"networkPolicy": {"egress": {"kubernetesApi": {"cidrs": []}}}}, "at '/networkPolicy/egress/kubernetesApi/cidrs': minItems"),
    ({"networkPolicy": {"egress": {"kubernetesApi": {"ports": []}}}}, "at '/networkPolicy/egress/kubernetesApi/ports': minItems"),
    ({"monitors": [{"name": "a"}]}, "at '/monitors/0': missing property 'spec'"),
    ({"monitors": [{"name": "a", "spec": {}}]}, "at '/monitors/0/spec': missing property 'vpcId'"),
    ({"monitors": [{"name": "A", "spec": {"vpcId": "vpc-0a0a0a0a"}}]}, "at '/monitors/0/name'"),
    ({"monitors": [{"name": "a", "spec": {"vpcId": "vpc-0a0a0a0a"}}] * 2}, "monitors has network/a twice"),
    (
        {"watchNamespaces": ["team-a"], "monitors": [{"name": "a", "namespace": "team-b", "spec": {"vpcId": "vpc-0a0a0a0a"}}]},
        "watchNamespaces does not list",
    ),
)


def flags_of(chart):
    """The flags that the chart may set."""
    return sorted(set(re.findall("--[a-z-]+", (Path(chart) / "templates/_arguments.tpl").read_text())))


def other_names(chart):
    """The names that values have in other charts, with the names in this one."""
    table = (Path(chart) / "templates/_validate_names.tpl").read_text().split("{{- end }}")[0]
    return dict(re.findall("^([A-Za-z_.]+): (.+)$", table, re.MULTILINE))


def with_other_names(names):
    """Values that have each of the names."""
    values = {}
    for name in names:
        *parents, last = name.split(".")
        place = values
        for key in parents:
            place = place.setdefault(key, {})
        place[last] = {"key": "value"}
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

    # All at once: helm reports every one.
    parts = list(walk(values))
    objects = [path for path, value in parts if isinstance(value, dict) and not is_open(path)]
    misspelt = values
    for path in objects:
        misspelt = put(misspelt, f"{path}/misspelt", "value")
    said = template(helm, chart, misspelt)
    for path in objects:
        expect(f"a misspelt key in '{path}'", said, f"at '{path}': additional properties 'misspelt' not allowed")

    # By depth: a change to an object affects the keys in it too.
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

    flags = flags_of(chart)
    for flag in flags:
        expect(flag, template(helm, chart, {"extraArgs": [f"{flag}=value"]}), f"extraArgs has {flag}: set ")

    names = other_names(chart)
    said = template(helm, chart, with_other_names(names))
    for name, ours in names.items():
        expect(f"the name {name} of another chart", said, f"{name} is not a value of this chart: set {ours} instead.")

    said = template_in_parent(helm, chart, {"global": {"domain": "example.com", "logLevel": 2, "leaderElection": {"namespace": "a"}}})
    if said is not None:
        problems.append(f"values of a parent chart for its other charts are refused: {said}")
    said = template_in_parent(helm, chart, {"vpc-flow-operator": {"updateStrategy": {}}})
    expect("the name of another chart, in a parent chart", said, "updateStrategy is not a value of this chart")

    if problems:
        sys.exit("\n".join(problems))
    print(
        f"[chart] refused by name: misspelt keys in {len(objects)} objects, wrong types of {len(typed)} values,"
        f" {len(WRONG)} wrong values, {len(names)} names of other charts, {len(flags)} arguments that values set"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
