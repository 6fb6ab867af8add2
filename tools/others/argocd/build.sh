#!/usr/bin/env bash
# Provides `cmd`, every component of Argo CD by the name in ARGOCD_BINARY_NAME, its CRDs in `crds/` and its settings in `settings/`. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../../go-tools.sh

version=$(go list -m -f '{{.Version}}' github.com/argoproj/argo-cd/v3)
build_once argocd "-X github.com/argoproj/argo-cd/v3/common.version=${version#v}" github.com/argoproj/argo-cd/v3/cmd
take_once github.com/argoproj/argo-cd/v3 manifests/crds crds
take_once github.com/argoproj/argo-cd/v3 manifests/base/config settings
echo "$folder"
