#!/usr/bin/env bash
# Provides the programs of other projects that `make test-gitops` runs, one after the other: each build uses all processors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v redis-server >/dev/null; then
    # Argo CD keeps its cache there. It has no Go module.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get install --yes --quiet --no-install-recommends redis-server >&2
    else
        echo "[redis] redis-server is missing: install it, on Debian with 'apt-get install redis-server'" >&2
        exit 1
    fi
fi
for build in ../../devenv/control-plane/controllers.sh */build.sh; do
    begun=$SECONDS
    "$build" >/dev/null
    echo "[$(basename "$(dirname "$build")")] there after $((SECONDS - begun)) s" >&2
done
