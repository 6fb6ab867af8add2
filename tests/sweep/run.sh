#!/bin/bash
# Runs the command given with every point of every sweep, and prints what they covered.
set -uo pipefail

SWEEP_REPORT=$(mktemp -d)
trap 'rm -rf "$SWEEP_REPORT"' EXIT
SWEEP=full SWEEP_REPORT=$SWEEP_REPORT "$@"
outcome=$?

echo
cat "$SWEEP_REPORT"/*.tsv | awk -F '\t' '
    BEGIN { print "| Sweep | Points | Runs | Failures | Seconds |"; print "|---|---|---|---|---|" }
    { printf "| %s | %d | %d | %d | %d |\n", $1, $2, $3, $4, $5; points += $2; runs += $3; failures += $4; seconds += $5 }
    END { printf "| **All** | %d | %d | %d | %d |\n", points, runs, failures, seconds; exit failures > 0 || NR == 0 }
' && exit "$outcome"
