#!/usr/bin/env bash
# draw.sh DASHBOARD.json PICTURE.png: draws the dashboard from what the test of it wrote, with matplotlib as requirements.txt pins it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hash=$(if command -v sha256sum >/dev/null; then sha256sum "$here/requirements.txt"; else shasum -a 256 "$here/requirements.txt"; fi | cut -c 1-12)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator/dashboard-picture-$hash"
if [ ! -e "$folder/.complete" ]; then
    "${PYTHON:-python3}" -m venv --clear "$folder"
    "$folder/bin/python" -m pip install --disable-pip-version-check --quiet --require-hashes --only-binary :all: -r "$here/requirements.txt"
    : >"$folder/.complete"
fi
"$folder/bin/python" "$here/picture.py" "$@"
