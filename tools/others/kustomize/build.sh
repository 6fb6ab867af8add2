#!/usr/bin/env bash
# Provides kustomize, which Argo CD runs. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../../go-tools.sh

build_once kustomize "" sigs.k8s.io/kustomize/kustomize/v5
echo "$folder"
