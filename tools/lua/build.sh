#!/usr/bin/env bash
# Provides glua, the command of gopher-lua: the Lua engine that Argo CD runs health checks with. The last line on standard output is its path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/go-tools.sh
. ../go-tools.sh

build_once lua "" github.com/yuin/gopher-lua/cmd/glua
echo "$folder/glua"
