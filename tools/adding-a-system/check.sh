#!/usr/bin/env bash
# check.sh: checks "Adding a system" in docs/architecture.md by example. docs/adding-a-system.patch must add a system in the places that the
# section lists and in no other, and the unit tests must pass with it.
#
# check.sh --keep: keeps the copy with the patch for editing. Conflict markers show the parts that do not apply.
# check.sh --write COPY: writes the patch anew from such a copy, and deletes the copy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

root=$PWD
document=docs/architecture.md
heading='## Adding a system'
patch=docs/adding-a-system.patch
# The build folder of the Makefile.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/vpc-flow-operator/target}

say() { printf '[adding a system] %s\n' "$*"; }

fail() {
    printf '[adding a system] %s\n' "$*" >&2
    exit 1
}

# The numbered list of the section, each item with the lines that continue it.
items() {
    awk -v heading="$heading" '
        /^## / { inside = $0 == heading; next }
        inside && /^[0-9]+\. / { item = 1; print; next }
        inside && item && /^   / { print; next }
        { item = 0 }
    ' "$document"
}

# The paths of the list: all code spans and link texts with a slash.
places() {
    # shellcheck disable=SC2016 # The backquotes are Markdown's.
    items | grep -oE '(`|\[)[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]*(`|\])' | tr -d '`[]' | sort -u
}

# The tracked files as they are now, with new times: Cargo compares sources by their times only.
copy_to() {
    local file
    git ls-files -z | while IFS= read -r -d '' file; do
        if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
    done | tar --create --null --files-from=- | tar --extract --touch --directory "$1"
}

git_in() { git -C "$1" -c user.name=check -c user.email=check@localhost -c commit.gpgsign=false "${@:2}"; }

# A repository of the copy's own, whose only commit is the state without the patch. It sees this clone's objects, for `git apply --3way`.
commit_in() {
    git_in "$1" init --quiet
    printf '%s/objects\n' "$(git rev-parse --path-format=absolute --git-common-dir)" >"$1/.git/objects/info/alternates"
    git_in "$1" add --all --force
    git_in "$1" commit --quiet --message 'without the patch'
}

# Each file of the patch is in the list, or is new and in a folder of the list.
check_places() {
    local listed file place is_new ok
    listed=$(places)
    [ -n "$listed" ] || fail "$document has no numbered list of places below \"$heading\""
    [ "$(items | grep -cE '^[0-9]+\. ')" -le 4 ] || fail "\"$heading\" in $document lists more than four places"
    while IFS= read -r place; do
        [ -e "$place" ] || fail "\"$heading\" in $document lists $place, which does not exist"
    done <<<"$listed"
    while IFS= read -r file; do
        is_new=yes ok=no
        if [ -e "$file" ]; then is_new=no; fi
        while IFS= read -r place; do
            if [ "$file" = "$place" ]; then ok=yes; fi
            if [[ $is_new = yes && $place = */ && $file = "$place"* ]]; then ok=yes; fi
        done <<<"$listed"
        [ "$ok" = yes ] || fail "$patch changes $file, which \"$heading\" in $document does not list: make that file derive what it needs, or list it"
        say "$file: listed"
    done < <(git apply --numstat "$patch" | cut -f 3)
}

# With a version of its own, Cargo keeps what is built here apart from what this clone has built. The dependencies are shared.
mark_version() {
    sed -i.bak '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/version = "\1-adding"/' "$1/Cargo.toml"
    rm "$1/Cargo.toml.bak"
    grep -q '^version = ".*-adding"' "$1/Cargo.toml" || fail "Cargo.toml has no version in [workspace.package]"
}

check() {
    local copy
    check_places
    copy=$(mktemp -d)
    # shellcheck disable=SC2064 # The folder is known now and not at the end.
    trap "rm -rf '$copy'" EXIT
    copy_to "$copy"
    # Without a repository of its own, `git apply` would skip files for the sake of one above the copy.
    git_in "$copy" init --quiet
    git_in "$copy" apply "$root/$patch" ||
        fail "$patch no longer applies. Renew it: tools/adding-a-system/check.sh --keep prints the folder of a copy; edit the copy, then run tools/adding-a-system/check.sh --write FOLDER"
    mark_version "$copy"
    (cd "$copy" && env MAKEFLAGS='' MFLAGS='' cargo test --workspace --lib --offline -- --quiet)
    say "the patch adds a system in the listed places, and the unit tests pass with it"
}

keep() {
    local copy
    copy=$(mktemp -d)
    copy_to "$copy"
    commit_in "$copy"
    git_in "$copy" apply --3way "$root/$patch" || say "parts of the patch do not apply: look for conflict markers"
    say "edit $copy, then run: tools/adding-a-system/check.sh --write $copy"
}

write() {
    [ -d "$1/.git" ] || fail "$1 is no copy that --keep made"
    git_in "$1" add --all
    git_in "$1" diff --cached --check HEAD || fail "$1 has conflict markers or blanks at the end of a line"
    git_in "$1" diff --cached --no-color --no-ext-diff --abbrev=12 HEAD >"$root/$patch"
    rm -rf "$1"
    say "written: $patch. Check it: make check-adding"
}

case "${1:-}" in
'') check ;;
--keep) keep ;;
--write) write "${2:?usage: check.sh --write COPY}" ;;
*) fail "usage: check.sh [--keep | --write COPY]" ;;
esac
