#!/usr/bin/env bash
# Installs what `make build` made: install.sh RELEASE PREFIX [DESTDIR]. DESTDIR is put before PREFIX, for packages.
# LIBDIR and INCLUDEDIR (lib, include), in the environment, lie below PREFIX unless they are absolute.
# The shared library gets its full version as its name, with the links that the linker and the loader look for.
set -euo pipefail
cd "$(dirname "$0")/.."
release=$1 prefix=${2%/} destdir=${3:-}
fail() { echo "$1" >&2; exit 1; }
[[ -f $release/libweave.so ]] || fail "$release/libweave.so is missing: run \`make build\`"
[[ $2 == /* ]] || fail "PREFIX is $2, and is to be an absolute path"
version=$(sed -n 's/^#define WEAVE_VERSION "\(.*\)"/\1/p' include/weave.h)

below_prefix() { [[ $1 == /* ]] && echo "$1" || echo "$prefix/$1"; }
libdir=$(below_prefix "${LIBDIR:-lib}")
includedir=$(below_prefix "${INCLUDEDIR:-include}")
put() { install -D -m "$1" "$2" "$destdir$3"; } # MODE FILE PLACE

put 755 "$release/libweave.so" "$libdir/libweave.so.$version"
ln -sf "libweave.so.$version" "$destdir$libdir/libweave.so.${version%%.*}"
ln -sf "libweave.so.${version%%.*}" "$destdir$libdir/libweave.so"
put 644 "$release/libweave.a" "$libdir/libweave.a"

for headers in include bindings/c*/include; do
  while read -r header; do
    put 644 "$headers/$header" "$includedir/$header"
  done < <(find -L "$headers" -type f -printf '%P\n')
done

# In weave.pc, what lies below the prefix is said by it, for `pkg-config --define-prefix`, and a space has a backslash.
escaped() { sed 's|[ \\]|\\\\&|g' <<< "${1/#"$prefix/"/'${prefix}/'}"; }
fill() { # TEMPLATE PLACE
  sed -e "s|@PREFIX@|$(escaped "$prefix")|; s|@VERSION@|$version|" \
    -e "s|@LIBDIR@|$(escaped "$libdir")|; s|@INCLUDEDIR@|$(escaped "$includedir")|" \
    -e "s|@LIBDIR_TO_INCLUDEDIR@|$(realpath -ms --relative-to="$libdir" "$includedir")|" "$1" | put 644 /dev/stdin "$2"
}
fill bindings/c/weave.pc.in "$libdir/pkgconfig/weave.pc"
fill bindings/c/cmake/weave-config.cmake.in "$libdir/cmake/weave/weave-config.cmake"
fill bindings/c/cmake/weave-config-version.cmake.in "$libdir/cmake/weave/weave-config-version.cmake"
put 644 bindings/c/cmake/weave-targets.cmake "$libdir/cmake/weave/weave-targets.cmake"

# The command, if it was built (`make command`); COMMAND names another one.
command=${COMMAND:-$(dirname "$release")/command/weave}
if [[ -x $command ]]; then
  put 755 "$command" "$prefix/bin/weave"
  pages=$(mktemp -d)
  trap 'rm -rf "$pages"' EXIT
  "$command" manual "$pages"
  for page in "$pages"/*.1; do put 644 "$page" "$prefix/share/man/man1/${page##*/}"; done
  "$command" completions bash | put 644 /dev/stdin "$prefix/share/bash-completion/completions/weave"
  "$command" completions zsh | put 644 /dev/stdin "$prefix/share/zsh/site-functions/_weave"
  "$command" completions fish | put 644 /dev/stdin "$prefix/share/fish/vendor_completions.d/weave.fish"
fi
