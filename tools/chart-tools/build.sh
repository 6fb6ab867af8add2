#!/usr/bin/env bash
# Provides helm, helm-unittest and helm-docs. The last line on standard output is the folder with them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../go-tools.sh

version_of() { awk -v module="$1" '$1 == module { print $2; exit }' go.mod; }

# helm-unittest renders as for this version of Kubernetes; helm takes its client's by itself.
kubernetes=$(version_of k8s.io/client-go)
minor=${kubernetes#v0.}
capabilities=helm.sh/helm/v3/pkg/chartutil
flags="-X helm.sh/helm/v4/internal/version.version=$(version_of helm.sh/helm/v4)"
flags+=" -X $capabilities.k8sVersionMajor=1 -X $capabilities.k8sVersionMinor=${minor%.*}"

build_once chart-tools "$flags" helm.sh/helm/v4/cmd/helm github.com/helm-unittest/helm-unittest/cmd/helm-unittest \
    github.com/norwoodj/helm-docs/cmd/helm-docs
echo "$folder"
