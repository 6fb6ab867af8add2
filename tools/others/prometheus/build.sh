#!/usr/bin/env bash
# Provides the server of Prometheus, without the discovery of clouds. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../../go-tools.sh

# Without it the clients of two dozen clouds are built too.
export GOFLAGS=-tags=remove_all_sd
build_once prometheus-server "" github.com/prometheus/prometheus/cmd/prometheus
echo "$folder"
