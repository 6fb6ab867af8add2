#!/usr/bin/env bash
# Provides helm, helm-unittest and helm-docs. The last line on standard output is the folder that holds them.
#
# They are built once, from the Go modules that go.mod and go.sum pin, into the cache folder.
set -euo pipefail

tools=(helm helm-unittest helm-docs)
packages=(
    helm.sh/helm/v4/cmd/helm
    github.com/helm-unittest/helm-unittest/cmd/helm-unittest
    github.com/norwoodj/helm-docs/cmd/helm-docs
)

say() { printf '[chart tools] %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

has_all() {
    local name
    for name in "${tools[@]}"; do
        [ -x "$1/$name" ] || return 1
    done
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}

version_of() { awk -v module="$1" '$1 == module { print $2; exit }' go.mod; }

cd "$(dirname "${BASH_SOURCE[0]}")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator"
# All three name what is built: modules and flags.
folder="$cache/chart-tools-$(cat go.mod go.sum build.sh | sha256)"
if has_all "$folder"; then
    echo "$folder"
    exit
fi
command -v go >/dev/null || fail "Go is missing: install Go 1.21 or newer."

# helm-unittest renders as for this version of Kubernetes; helm takes its client's by itself.
kubernetes=$(version_of k8s.io/client-go)
minor=${kubernetes#v0.}
capabilities=helm.sh/helm/v3/pkg/chartutil
flags="-s -w -X helm.sh/helm/v4/internal/version.version=$(version_of helm.sh/helm/v4)"
flags+=" -X $capabilities.k8sVersionMajor=1 -X $capabilities.k8sVersionMinor=${minor%.*}"

mkdir -p "$folder"
# In the folder itself, so that each binary is put in place by a rename; two builds at once only cost time.
work=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

say "building ${tools[*]} (about 3 minutes on two cores, once)"
CGO_ENABLED=0 GOWORK=off go build -trimpath -ldflags "$flags" -o "$work/" "${packages[@]}" 2>"$work/log" || {
    tail -n 40 "$work/log" >&2
    fail "the build failed"
}
for name in "${tools[@]}"; do
    mv -f "$work/$name" "$folder/$name"
done
say "built"
echo "$folder"
