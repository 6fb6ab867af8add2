#!/usr/bin/env bash
# Measures fleets of several sizes, prints the table, and draws the picture of their growth.
#   tools/bench-fleet/run.sh DEVENV OPERATOR FOLDER
set -euo pipefail

here=$(dirname "$0")
devenv=$1
operator=$2
folder=$3
mkdir -p "$folder"
for monitors in 1 10 100 1000; do
    "$devenv" run -- python3 "$here/run.py" --operator "$operator" --monitors "$monitors" --out "$folder/bench-fleet-$monitors.json"
done
python3 "$here/report.py" "$folder"
