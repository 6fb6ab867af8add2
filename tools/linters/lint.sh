#!/usr/bin/env bash
# Checks workflow files, Dockerfiles and shell scripts. The linters are installed once, as go.sum and requirements.txt pin them, into the
# cache folder.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
python=${PYTHON:-python3}
hash=$(cat go.mod go.sum requirements.txt | { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; } | cut -c 1-12)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator/linters-$hash"
if [ ! -e "$folder/.complete" ]; then
    echo "[linters] installing into $folder" >&2
    "$python" -m venv --clear "$folder"
    "$folder/bin/python" -m pip install --disable-pip-version-check --quiet --require-hashes --only-binary :all: -r requirements.txt
    CGO_ENABLED=0 GOWORK=off go build -trimpath -ldflags '-s -w' -o "$folder/bin/actionlint" github.com/rhysd/actionlint/cmd/actionlint
    : >"$folder/.complete"
fi
export PATH="$folder/bin:$PATH"

cd ../..
# SC1007 takes `CDPATH= cd` for a mistake; SC2148: a part of a script needs no first line.
git ls-files '*.sh' .ci/run | xargs shellcheck --exclude=SC1007,SC2148
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
grep -q " rust:$rust-" Dockerfile || {
    echo "Dockerfile builds with another Rust than Cargo.toml names, $rust" >&2
    exit 1
}
hadolint Dockerfile tools/kind/emulator.Dockerfile
actionlint
zizmor --quiet --offline .github
echo "workflow files, Dockerfiles and shell scripts: no findings"
