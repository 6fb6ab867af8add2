#!/usr/bin/env bash
# Says what this machine lacks for the builds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-python3}
missing=0

lacks() {
    printf 'missing: %s\n' "$*" >&2
    missing=1
}

# at_least HAVE WANTED: compares major.minor.
at_least() {
    local have=${1%%[!0-9.]*} wanted=$2
    local have_minor=${have#*.} wanted_minor=${wanted#*.}
    [ "${have%%.*}" -gt "${wanted%%.*}" ] ||
        { [ "${have%%.*}" -eq "${wanted%%.*}" ] && [ "${have_minor%%.*}" -ge "${wanted_minor%%.*}" ]; }
}

rust=$(awk -F '"' '/^rust-version/ { print $2 }' Cargo.toml)
if ! have=$(rustc --version 2>/dev/null) || ! command -v cargo >/dev/null; then
    lacks "Rust $rust or newer, with cargo (see rustup.rs)"
elif ! at_least "$(echo "$have" | cut -d ' ' -f 2)" "$rust"; then
    lacks "Rust $rust or newer; this is $have ('rustup update stable' brings it)"
fi

# The C library of the TLS stack is compiled from source.
command -v "${CC:-cc}" >/dev/null || lacks "a C compiler (Debian: apt-get install gcc libc6-dev; macOS: xcode-select --install)"

# Any Go from 1.21 on fetches the version that go.mod names.
if [ -z "${KUBEBUILDER_ASSETS:-}" ]; then
    if ! have=$(go version 2>/dev/null); then
        lacks "Go 1.21 or newer, which builds the Kubernetes control plane (see go.dev); or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl"
    else
        have=$(echo "$have" | cut -d ' ' -f 3)
        at_least "${have#go}" 1.21 || lacks "Go 1.21 or newer; this is $have"
    fi
fi

if ! have=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
    lacks "Python 3.11 or newer, which runs the AWS emulator; PYTHON may name it"
elif ! at_least "$have" 3.11; then
    lacks "Python 3.11 or newer; $python is $have, and PYTHON may name another"
elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    lacks "Python's venv module (Debian: apt-get install python3-venv)"
fi

exit "$missing"
