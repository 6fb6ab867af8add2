#!/usr/bin/env bash
# Checks that config/ is the Helm chart with its defaults, and that the chart takes the values in the examples for Argo CD and Flux.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
helm=$(tools/chart-tools/build.sh | tail -n 1)/helm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

config/generate.sh "$work/config"
cp config/*.* "$work/config/"
diff -ru config "$work/config" || {
    echo "config/ differs from the chart: run 'make config'" >&2
    exit 1
}
echo "config/ is the chart with its defaults"

# Helm itself reads the YAML: a chart that prints what the example has for values.
mkdir -p "$work/values/templates"
printf '%s\n' 'apiVersion: v2' 'name: values' 'version: 0.0.0' >"$work/values/Chart.yaml"
echo '{{ with .Values.spec.values }}{{ toYaml . }}{{ else }}{{ toYaml (index .Values.spec.sources 0).helm.valuesObject }}{{ end }}' \
    >"$work/values/templates/values.yaml"
for example in examples/gitops/argocd/application.yaml examples/gitops/flux/operator/helmrelease.yaml; do
    "$helm" template values "$work/values" --values "$example" >"$work/values.yaml"
    "$helm" template vpc-flow-operator charts/vpc-flow-operator --values "$work/values.yaml" >"$work/rendered"
    grep -q -- '--cluster-name=my-cluster' "$work/rendered" || {
        echo "$example: its values do not reach the operator" >&2
        exit 1
    }
    echo "$example: the chart takes its values"
done
