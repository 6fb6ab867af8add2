#!/bin/sh
# Installs the emulator if need be, and shows every rule of the overlay at the wire. Arguments go to unittest.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
python=$("$here/install.sh" | tail -n 1)
cd "$here"
# Only tests/: discovery would otherwise import the overlay, and with it the emulator, into this process.
[ $# -gt 0 ] || set -- discover -s tests -t .
exec "$python" -m unittest "$@"
