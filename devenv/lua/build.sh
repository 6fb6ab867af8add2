#!/usr/bin/env bash
# Provides glua, the command of gopher-lua: the Lua engine that Argo CD runs health checks with. The last line on standard output is its path.
#
# It is built once, from the Go modules that go.mod and go.sum pin, into the cache folder.
set -euo pipefail

fail() {
    printf '[lua] %s\n' "$*" >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}

cd "$(dirname "${BASH_SOURCE[0]}")"
folder="${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator/lua-$(cat go.mod go.sum build.sh | sha256)"
if [ ! -x "$folder/glua" ]; then
    command -v go >/dev/null || fail "Go is missing: install Go 1.21 or newer (see go.dev)"
    mkdir -p "$folder"
    # Put in place by a rename, so that builds at the same time only cost time.
    work=$(mktemp -d "$folder/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    CGO_ENABLED=0 GOWORK=off go build -trimpath -ldflags '-s -w' -o "$work/" github.com/yuin/gopher-lua/cmd/glua >&2 ||
        fail "the build failed"
    mv -f "$work/glua" "$folder/glua"
fi
echo "$folder/glua"
