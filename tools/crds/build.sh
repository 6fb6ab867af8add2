#!/usr/bin/env bash
# Provides the CRDs of the Prometheus operator, Argo CD and Flux. The last line on standard output is the folder with them.
#
# They are taken once, from the Go modules that the list `files` pins, into the cache folder.
set -euo pipefail

fail() {
    printf '[crds] %s\n' "$*" >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}

cd "$(dirname "${BASH_SOURCE[0]}")"
folder="${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator/crds-$(cat files build.sh | sha256)"
if [ ! -d "$folder" ]; then
    command -v go >/dev/null || fail "Go is missing: install Go 1.21 or newer (see go.dev)"
    mkdir -p "$(dirname "$folder")"
    # Put in place by a rename: all of it or nothing.
    work=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    while read -r module version sum file; do
        [ "$module" != "#" ] || continue
        module_info=$(cd "$work" && GOWORK=off go mod download -json "$module@$version") || fail "$module $version cannot be had: $module_info"
        [[ $module_info == *"\"Sum\": \"$sum\""* ]] || fail "$module $version is not what tools/crds/files has the sum of"
        cp "$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$module_info")/$file" "$work/"
    done <files
    chmod 755 "$work"
    mv -T "$work" "$folder" 2>/dev/null || [ -d "$folder" ] || fail "cannot write $folder"
fi
echo "$folder"
