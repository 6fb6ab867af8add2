#!/usr/bin/env bash
# Provides promcheck, which checks the chart's alerts and dashboard. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../go-tools.sh

build_once prometheus "" vpcflow.dev/tools/prometheus/promcheck
echo "$folder"
