#!/usr/bin/env bash
# Installs what `make build` made: install.sh RELEASE PREFIX [DESTDIR]. DESTDIR is put before PREFIX, for packages.
# The shared library gets its full version as its name, with the links that the linker and the loader look for.
set -euo pipefail
cd "$(dirname "$0")/.."
release=$1 prefix=$2 to=${3:-}$2
[[ -f $release/libweave.so ]] || { echo "$release/libweave.so is missing: run \`make build\`" >&2; exit 1; }
version=$(sed -n 's/^#define WEAVE_VERSION "\(.*\)"/\1/p' include/weave.h)

install -D -m 755 "$release/libweave.so" "$to/lib/libweave.so.$version"
ln -sf "libweave.so.$version" "$to/lib/libweave.so.${version%%.*}"
ln -sf "libweave.so.${version%%.*}" "$to/lib/libweave.so"
install -D -m 644 "$release/libweave.a" "$to/lib/libweave.a"
install -D -m 644 -t "$to/include" include/weave.h bindings/cpp/include/weave.hpp
install -D -m 644 -t "$to/include/weave" bindings/cpp/include/weave/*.hpp
install -d "$to/lib/pkgconfig"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" bindings/c/weave.pc.in >"$to/lib/pkgconfig/weave.pc"
