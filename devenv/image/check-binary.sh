#!/usr/bin/env bash
# Checks that the program $1 runs where there is glibc (of version $2 if given) with libgcc and nothing else: see the last stage of the
# Dockerfile, and Lambda's runtime provided.al2023. Reads programs of any architecture.
set -euo pipefail

program=$1 glibc=${2:-any}
provided=(ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 libc.so.6 libgcc_s.so.1 libm.so.6)

libraries=$(readelf --dynamic --wide "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort)
for library in $libraries; do
    case " ${provided[*]} " in
        *" $library "*) ;;
        *)
            echo "$program needs $library, which is not there where it runs" >&2
            exit 1
            ;;
    esac
done
needed=$(readelf --version-info --wide "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
if [ "$glibc" != any ] && [ "$(printf '%s\n' "${needed:-0}" "$glibc" | sort -V | tail -n 1)" != "$glibc" ]; then
    echo "$program needs glibc $needed, and there is $glibc where it runs: build it on an older system" >&2
    exit 1
fi
printf '%s: %d kB, needs glibc %s of %s and %s\n' "$(basename "$program")" "$(($(wc -c <"$program") / 1000))" "${needed:-none}" "$glibc" \
    "$(echo "$libraries" | xargs)"
