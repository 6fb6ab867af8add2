#!/usr/bin/env bash
# Provides Flux's controllers of sources, Kustomizations and Helm releases, a registry of charts, and the CRDs of each in a folder. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../../go-tools.sh

build_once flux "" github.com/fluxcd/source-controller github.com/fluxcd/kustomize-controller github.com/fluxcd/helm-controller github.com/distribution/distribution/v3/cmd/registry
for controller in source kustomize helm; do
    take_once "github.com/fluxcd/$controller-controller" config/crd/bases "$controller-crds"
done
echo "$folder"
