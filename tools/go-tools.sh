# shellcheck shell=bash
# Sourced by the build.sh of a folder with a go.mod, which is the current folder.

go_tools=${BASH_SOURCE[0]}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}

has_all() {
    local folder=$1 package
    shift
    for package; do
        # Go names a command without the major version of its module.
        [[ $package != */v[0-9] ]] || package=${package%/*}
        [ -x "$folder/${package##*/}" ] || return 1
    done
}

# build_once NAME FLAGS PACKAGE...: builds commands once, as go.mod and go.sum pin them, linked with FLAGS, into the cache's folder NAME-HASH,
# and sets $folder. The hash names what is built: modules, flags, and sources of ours.
build_once() {
    local name=$1 flags=$2 sources work
    shift 2
    sources=$(find . -name '*.go' | sort)
    # shellcheck disable=SC2086 # our file names have no spaces
    folder="${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator/$name-$(cat go.mod go.sum build.sh "$go_tools" $sources | sha256)"
    ! has_all "$folder" "$@" || return 0
    command -v go >/dev/null || {
        echo "[$name] Go is missing: install Go 1.21 or newer (see go.dev)" >&2
        exit 1
    }
    mkdir -p "$folder"
    # In the folder itself, so that each binary is put in place by a rename; two builds at once only cost time.
    work=$(mktemp -d "$folder/build.XXXXXX")
    echo "[$name] building (once, some minutes)" >&2
    CGO_ENABLED=0 GOWORK=off go build -trimpath -ldflags "-s -w $flags" -o "$work/" "$@" 2>"$work/log" || {
        tail -n 40 "$work/log" >&2
        rm -rf "$work"
        echo "[$name] the build failed" >&2
        exit 1
    }
    rm "$work/log"
    mv -f "$work"/* "$folder/"
    rmdir "$work"
}

# take_once MODULE PATH NAME: copies a folder of a module that go.mod requires to $folder/NAME, once.
take_once() {
    [ ! -d "$folder/$3" ] || return 0
    local source work
    GOWORK=off go mod download "$1"
    source=$(GOWORK=off go list -m -f '{{.Dir}}' "$1")
    # Put in place by a rename: all of it or nothing.
    work=$(mktemp -d "$folder/take.XXXXXX")
    cp -r --no-preserve=mode "$source/$2/." "$work"
    mv -T "$work" "$folder/$3"
}
