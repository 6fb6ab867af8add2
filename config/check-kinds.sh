#!/usr/bin/env bash
# Checks the objects that the chart and the examples have for the Prometheus operator, Argo CD and Flux against those projects' own CRDs: a real API
# server takes them, with every field known. Run by `devenv run`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
helm=$(tools/chart-tools/build.sh | tail -n 1)/helm
crds=$(tools/crds/build.sh | tail -n 1)
chart=charts/vpc-flow-operator
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT

# On the server's side: Argo CD's CRD is too large for the annotation that the client would make.
"$KUBECTL" apply --server-side --filename "$crds" >/dev/null
"$KUBECTL" wait --for=condition=Established --timeout=60s --filename "$crds" >/dev/null
for namespace in argocd flux-system monitoring vpc-flow-system; do
    "$KUBECTL" create namespace "$namespace" >/dev/null
done

# taken FILE WHAT: the API server would take it.
taken() {
    "$KUBECTL" apply --server-side --force-conflicts --dry-run=server --validate=strict --filename "$1" >/dev/null || {
        echo "$2: the API server refuses it" >&2
        exit 1
    }
    echo "$2: as the CRD of its project has it"
}

"$helm" template vpc-flow-operator "$chart" --namespace vpc-flow-system --values "$chart/ci/metrics-values.yaml" \
    --show-only templates/servicemonitor.yaml --show-only templates/prometheusrule.yaml >"$rendered"
taken "$rendered" "ServiceMonitor and PrometheusRule of the chart"
"$helm" template vpc-flow-operator "$chart" --namespace vpc-flow-system --values "$chart/ci/podmonitor-values.yaml" \
    --show-only templates/podmonitor.yaml >"$rendered"
taken "$rendered" "PodMonitor of the chart"
for example in examples/gitops/argocd/*.yaml examples/gitops/flux/*.yaml examples/gitops/flux/*/*.yaml; do
    taken "$example" "$example"
done
