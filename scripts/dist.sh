#!/usr/bin/env bash
# Packs what `make build` made, for machines without Rust: dist.sh RELEASE OUTPUT writes
# OUTPUT/libweave-VERSION-linux-ARCHITECTURE.tar.gz and prints its path. The archive has what install.sh installs, the
# pages and the licences, and works wherever it is unpacked. From the same files the same archive is made, byte for byte.
set -euo pipefail
cd "$(dirname "$0")/.."
release=$1 output=$2
version=$(sed -n 's/^#define WEAVE_VERSION "\(.*\)"/\1/p' include/weave.h)
name=libweave-$version-linux-$(uname -m)
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
root=$staged/$name

env -u LIBDIR -u INCLUDEDIR COMMAND=none scripts/install.sh "$release" "/$name" "$staged"
sed -i 's|^prefix=.*|prefix=${pcfiledir}/../..|' "$root/lib/pkgconfig/weave.pc"
cp -r README.md CHANGELOG.md LICENSE docs "$root"
mkdir "$root/licenses"
"${PYTHON:-python3}" scripts/licenses.py >"$root/licenses/dependencies.txt"
cp "$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html" "$root/licenses/rust-standard-library.html"

# The time is the year 2000 unless SOURCE_DATE_EPOCH says another: never 0, which Ninja takes for a file that is missing.
mkdir -p "$output"
tar -C "$staged" --sort=name --mtime="@${SOURCE_DATE_EPOCH:-946684800}" --owner=0 --group=0 --numeric-owner \
  --mode=u=rwX,go=rX -c "$name" | gzip -n >"$output/$name.tar.gz"
echo "$output/$name.tar.gz"
