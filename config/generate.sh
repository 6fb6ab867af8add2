#!/usr/bin/env bash
# Writes crd/, rbac/ and manager/ into the folder $1: the Helm chart's rendering with its defaults, without Helm's own labels.
set -euo pipefail

out=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
helm=$(tools/chart-tools/build.sh | tail -n 1)/helm
name=vpc-flow-operator
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# kustomization FOLDER: one that has all of the folder's files.
kustomization() {
    printf '%s\n' '# Made by make config.' 'apiVersion: kustomize.config.k8s.io/v1beta1' 'kind: Kustomization' 'resources:'
    (cd "$1" && printf '  - %s\n' *.yaml)
}

"$helm" template "$name" "charts/$name" --namespace vpc-flow-system --set crds.enabled=false --output-dir "$work" >/dev/null
mkdir -p "$work/crd" "$work/rbac" "$work/manager"
cp crds/*.yaml "$work/crd/"
for rendered in "$work/$name/templates"/*.yaml; do
    file=$(basename "$rendered")
    case $file in
        *role* | serviceaccount.yaml) folder=rbac ;;
        *) folder=manager ;;
    esac
    sed -E -e '/^# Source: /d' -e '/^ +(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): /d' "$rendered" >"$work/$folder/$file"
done
mkdir -p "$out"
for folder in crd rbac manager; do
    kustomization "$work/$folder" >"$work/kustomization"
    mv "$work/kustomization" "$work/$folder/kustomization.yaml"
    rm -rf "${out:?}/$folder"
    mv "$work/$folder" "$out/$folder"
done
