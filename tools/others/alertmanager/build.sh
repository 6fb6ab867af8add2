#!/usr/bin/env bash
# Provides the server of Alertmanager. The last line on standard output is the folder with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../../go-tools.sh

build_once alertmanager "" github.com/prometheus/alertmanager/cmd/alertmanager
echo "$folder"
