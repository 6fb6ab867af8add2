#!/usr/bin/env bash
# Provides kube-controller-manager and kube-scheduler, of the version of the API server. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../../tools/go-tools.sh

build_once kubernetes-controllers "" k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kube-scheduler
echo "$folder"
