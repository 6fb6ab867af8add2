#!/usr/bin/env bash
# Provides etcd, kube-apiserver and kubectl. The last line on standard output is the folder with them.
#
# If KUBEBUILDER_ASSETS names a folder with the three, that folder is used. Otherwise they are built once, from the Go
# modules that go.mod and go.sum pin, into the cache folder.
set -euo pipefail

binaries=(etcd kube-apiserver kubectl)
packages=(go.etcd.io/etcd/server/v3 k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl)

say() { printf '[control plane] %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

has_all() {
    local name
    for name in "${binaries[@]}"; do
        [ -x "$1/$name" ] || return 1
    done
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    has_all "$KUBEBUILDER_ASSETS" ||
        fail "KUBEBUILDER_ASSETS is '$KUBEBUILDER_ASSETS', which lacks one of: ${binaries[*]}. Correct it, or unset it to build them."
    (cd "$KUBEBUILDER_ASSETS" && pwd)
    exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator"
# All three name what is built: modules, replacements, and flags.
folder="$cache/control-plane-$(cat go.mod go.sum build.sh | sha256)"
if has_all "$folder"; then
    echo "$folder"
    exit
fi
command -v go >/dev/null || fail "Go is missing: install Go, or set KUBEBUILDER_ASSETS to a folder with ${binaries[*]}."

version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' go.mod)
major_minor=${version#v}
major_minor=${major_minor%.*}
component=k8s.io/component-base/version
flags="-s -w -X $component.gitVersion=$version -X $component.gitMajor=${major_minor%.*} -X $component.gitMinor=${major_minor#*.}"

mkdir -p "$folder"
# In the folder itself, so that each binary is put in place by a rename; two builds at once only cost time.
work=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

say "Kubernetes $version: downloading modules"
total=$(GOWORK=off go list -deps "${packages[@]}" 2>"$work/log" | wc -l) || {
    cat "$work/log" >&2
    fail "the modules could not be downloaded"
}
say "Kubernetes $version: building, $((total)) packages (about 10 minutes on two cores, once)"
show_progress() {
    awk -v total="$((total))" -v log_file="$work/log" '
        { print > log_file }
        NR % 100 == 0 { printf "[control plane] %d of at most %d packages\n", NR, total; fflush() }' >&2
}
CGO_ENABLED=0 GOWORK=off go build -v -trimpath -ldflags "$flags" -o "$work/" "${packages[@]}" 2>&1 | show_progress || {
    tail -n 40 "$work/log" >&2
    fail "the build failed"
}
mv "$work/server" "$work/etcd" # named for its package
for name in "${binaries[@]}"; do
    mv -f "$work/$name" "$folder/$name"
done
say "Kubernetes $version: built"
echo "$folder"
