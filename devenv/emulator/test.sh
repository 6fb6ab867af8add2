#!/bin/sh
# Installs the emulator if need be, and shows every rule of the overlay at the wire. Arguments go to unittest.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
python=$("$here/install.sh" | tail -n 1)
cd "$here"
exec "$python" -m unittest "${@:-discover}"
