#!/usr/bin/env bash
# Prints the sizes of what was built: sizes.sh DIRECTORY
set -euo pipefail
size() { printf '%-24s %9d bytes\n' "$1" "$2"; }
size libweave.so "$(stat -c %s "$1/libweave.so")"
size 'libweave.so, gzip -9' "$(gzip -9 -c "$1/libweave.so" | wc -c)"
size libweave.a "$(stat -c %s "$1/libweave.a")"
