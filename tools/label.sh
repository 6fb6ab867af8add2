#!/usr/bin/env bash
# label.sh LABEL COMMAND...: runs a command with its name before every line, for builds that run side by side.
set -euo pipefail

label=$1
shift
"$@" 2>&1 | awk -v label="$label" '{ print "[" label "] " $0; fflush() }'
