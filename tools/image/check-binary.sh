#!/usr/bin/env bash
# check-binary.sh KIND PROGRAM: checks that the program runs where programs of its kind do, with glibc and libgcc and nothing else, and that it has
# not grown out of bounds. Reads programs of any architecture.
#
#   detector      Lambda's runtime provided.al2023
#   operator      the last stage of the Dockerfile
#   operator-dev  the same, built for development: debug information makes its size that of no release
set -euo pipefail

# Kilobytes. The detector's: a third above what it has, as Lambda loads it at every cold start. The operator's: what the development build has
# without debug information, above which no release should be, as nodes pull it.
kind=$1 program=$2
case "$kind" in
detector) glibc=2.34 limit=18700 ;;
operator) glibc=2.36 limit=70000 ;;
operator-dev) glibc=2.36 limit=any ;;
*)
    echo "usage: check-binary.sh detector|operator|operator-dev PROGRAM" >&2
    exit 2
    ;;
esac
provided=(ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 libc.so.6 libgcc_s.so.1 libm.so.6)

fail() {
    echo "$program $*" >&2
    exit 1
}

libraries=$(readelf --dynamic --wide "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort)
[ -n "$libraries" ] || fail "needs no library at all: is it the program?"
for library in $libraries; do
    case " ${provided[*]} " in
    *" $library "*) ;;
    *) fail "needs $library, which is not there where it runs" ;;
    esac
done
needed=$(readelf --version-info --wide "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
[ "$(printf '%s\n' "$needed" "$glibc" | sort -V | tail -n 1)" = "$glibc" ] ||
    fail "needs glibc $needed, and there is $glibc where it runs: build it on an older system, as the Dockerfile does"
size=$(($(wc -c <"$program") / 1000))
[ "$limit" = any ] || [ "$size" -le "$limit" ] ||
    fail "has $size kB, more than the $limit that tools/image/check-binary.sh allows: see what has made it grow, and raise the limit if it has to"
printf '%s: %d kB of %s, needs glibc %s of %s and %s\n' "$kind" "$size" "$limit" "$needed" "$glibc" "$(echo "$libraries" | xargs)"
