#!/usr/bin/env bash
# chart.sh generate: writes what is generated in the Helm chart: the copies of the CRDs, README.md, and the renderings in ci/goldens/.
# chart.sh check:    checks that they are current, lints the chart, and runs its tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=vpc-flow-operator
tools=$(tools/chart-tools/build.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of this machine's Helm has a say.
export HELM_CONFIG_HOME="$work/helm" HELM_CACHE_HOME="$work/helm" HELM_DATA_HOME="$work/helm"

say() { printf '[chart] %s\n' "$*"; }

fail() {
    printf '[chart] %s\n' "$*" >&2
    exit 1
}

# The CRDs make up most of a rendering, and are checked by themselves.
render() { "$tools/helm" template "$name" "$1" --namespace vpc-flow-system --values "$2" --set crds.enabled=false; }

# generate CHART
generate() {
    local values golden
    rm -f "$1"/files/vpcflow.dev_*.yaml
    cp crds/*.yaml "$1/files/"
    "$tools/helm-docs" --chart-search-root "$1" --sort-values-order file --skip-version-footer --log-level warning
    mkdir -p "$1/ci/goldens"
    rm -f "$1"/ci/goldens/*
    for values in "$1"/ci/*-values.yaml; do
        golden=$(basename "$values" -values.yaml).yaml
        render "$1" "$values" >"$1/ci/goldens/$golden"
    done
}

check_current() {
    cp -R "charts/$name" "$work/$name"
    generate "$work/$name"
    diff -ru "charts/$name" "$work/$name" || fail "what is generated in the chart is not current: run 'make chart'"
    # helm-docs takes a value without comment for one with an empty description.
    ! grep -n '|  |$' "charts/$name/README.md" || fail "these values have no comment in values.yaml"
    say "the CRDs, README.md and the renderings are current"
}

# The specs that Helm applies are the generated ones, letter for letter.
check_crds() {
    local generated rendered
    generated=$(awk 'FNR == 1 { inside = 0 } /^spec:$/ { inside = 1 } inside' crds/*.yaml)
    # Helm adds blank lines; the CRDs have none.
    rendered=$("$tools/helm" template "$name" "charts/$name" --show-only templates/crd.yaml |
        awk '/^---$/ { inside = 0 } /^spec:$/ { inside = 1 } inside && NF')
    diff -u <(echo "$generated") <(echo "$rendered") || fail "the chart's CRDs are not those of crds/"
    say "the chart's CRDs are those of crds/"
}

lint() {
    local values found
    for values in "charts/$name"/ci/*-values.yaml; do
        found=$("$tools/helm" lint --strict "charts/$name" --values "$values" 2>&1) || fail "$found"
        # Recommendations do not fail it.
        [[ $found != *"["* ]] || fail "$found"
    done
    say "helm lint --strict finds nothing"
}

# The address of the icon is that of a file in this repository.
check_icon() {
    local file
    file=$(sed -n 's|^icon: https://github.com/vpcflow-dev/vpc-flow-operator/raw/main/||p' "charts/$name/Chart.yaml")
    [ -n "$file" ] && [ -f "$file" ] || fail "the icon of Chart.yaml is not a file of the repository"
    say "the icon is $file"
}

# Prometheus' own parser and engine judge what the chart would install.
check_alerts() {
    local folder found
    folder=$(tools/prometheus/build.sh)
    "$tools/helm" template "$name" "charts/$name" --namespace vpc-flow-system \
        --set metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true,metrics.dashboard.enabled=true >"$work/metrics.yaml"
    found=$("$folder/promcheck" docs/operations.md "$work/metrics.yaml" "charts/$name"/tests/alerts/*.yaml) || fail "$found"
    say "$found"
}

case "${1:-}" in
generate)
    generate "charts/$name"
    ;;
check)
    check_current
    check_crds
    lint
    check_icon
    "$tools/helm-unittest" --strict "charts/$name"
    "${PYTHON:-python3}" tools/chart-tools/refusals.py "$tools/helm" "charts/$name"
    "${PYTHON:-python3}" tools/chart-tools/nulls.py "$tools/helm" "charts/$name"
    check_alerts
    ;;
*)
    fail "usage: chart.sh generate|check"
    ;;
esac
