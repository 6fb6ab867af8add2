#!/usr/bin/env bash
# Provides kwok, which plays the kubelets of nodes that are not there, and its stages of nodes and pods in `stages/`. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../../go-tools.sh

build_once kwok "" sigs.k8s.io/kwok/cmd/kwok
take_once sigs.k8s.io/kwok kustomize/stage stages
echo "$folder"
