#!/bin/sh
# Makes the emulator's virtual environment once, and prints the path of its python as the last line.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
requirements=$here/requirements.txt
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "the AWS emulator needs Python 3.11 or newer; set PYTHON to one" >&2
    exit 1
}
hash=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:16])' \
    "$requirements")
root=${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator
venv=$root/emulator-$hash
marker=$venv/.complete

if [ ! -f "$marker" ]; then
    mkdir -p "$root"
    # A virtual environment cannot be moved, so it is built in place: the lock keeps a second run waiting, and the
    # marker, written last, shows that it is complete.
    exec 9>"$root/.emulator-$hash.lock"
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    if [ ! -f "$marker" ]; then
        echo "installing the AWS emulator into $venv" >&2
        "$python" -m venv --clear "$venv" >&2
        "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --require-hashes \
            --only-binary :all: -r "$requirements" >&2
        : >"$marker"
    fi
fi
echo "$venv/bin/python"
