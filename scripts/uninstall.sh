#!/usr/bin/env bash
# Removes what install.sh puts somewhere with the same arguments and environment: uninstall.sh RELEASE PREFIX [DESTDIR].
# What is to go is read off an installation into an empty folder, so that the two cannot differ.
set -euo pipefail
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
"$(dirname "$0")/install.sh" "$1" "$2" "$staged"
find "$staged" ! -type d -printf '%P\n' | while read -r file; do rm -f "${3:-}/$file"; done
# Of folders those that are the library's own, unless somebody has put something there.
find "$staged" -depth -type d -name weave -printf '%P\n' | while read -r folder; do
  rmdir --ignore-fail-on-non-empty "${3:-}/$folder"
done
