#!/usr/bin/env bash
# Makes what the tests need beside the library: two Python environments, and the tools of the system, which it installs
# on a CI machine (CI=true and root) and names elsewhere.
#   bindings/node/node_modules   what the Node package stands on
#   .venv-server   the local server, the official client 0.52.20, pytest, DuckDB
#   .venv-weave54  the official client 0.54.0
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

packages=()
by_hand=()
want() { # COMMAND PACKAGE
  command -v "$1" >/dev/null 2>&1 || packages+=("$2")
}

want cc gcc
want c++ g++
want nm binutils
want zcat gzip
want pkg-config pkg-config
want cmake cmake
want clang++ clang
want doxygen doxygen
want valgrind valgrind
if command -v c++ >/dev/null 2>&1 &&
  ! c++ -std=c++17 -fsyntax-only -include nlohmann/json.hpp -x c++ /dev/null >/dev/null 2>&1; then
  packages+=(nlohmann-json3-dev)
fi
if ! command -v "$python" >/dev/null 2>&1; then
  packages+=(python3 python3-venv)
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  by_hand+=("Python 3.11 or later ($python is $("$python" -V 2>&1 || true)): set PYTHON to one")
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  packages+=(python3-venv)
fi
if ! command -v cargo >/dev/null 2>&1; then
  by_hand+=("Rust: https://rustup.rs")
elif ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
  by_hand+=("parts of Rust: rustup component add rustfmt clippy")
fi
command -v go >/dev/null 2>&1 || by_hand+=("Go 1.24 or later: https://go.dev/dl")

# Without these the tests of a language are left out, but not in CI.
wish() { # COMMAND PACKAGE LANGUAGE
  if command -v "$1" >/dev/null 2>&1; then return; fi
  if [[ ${CI:-} == true ]]; then packages+=("$2"); else echo "The tests of $3 are left out: no $1 here ($2)"; fi
}
wish npm npm Node
wish ruby ruby Ruby
wish luajit luajit LuaJIT
wish busted lua-busted LuaJIT

if ((${#packages[@]})); then
  if [[ ${CI:-} == true && $(id -u) == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
  else
    by_hand+=("system packages: apt-get install ${packages[*]}")
  fi
fi
if ((${#by_hand[@]})); then
  echo "The tests need what this machine does not have:" >&2
  printf '  %s\n' "${by_hand[@]}" >&2
  exit 1
fi

environment() { # DIRECTORY REQUIREMENTS...
  local directory=$1 stamp
  shift
  stamp=$(cat "$@" <("$python" -V) | sha256sum)
  [[ -f $directory/.made && $(<"$directory/.made") == "$stamp" ]] && return
  echo "Making $directory"
  rm -rf "$directory"
  "$python" -m venv "$directory"
  local arguments=()
  for file in "$@"; do arguments+=(-r "$file"); done
  "$directory/bin/python" -m pip install --quiet --disable-pip-version-check "${arguments[@]}"
  echo "$stamp" >"$directory/.made" # last: an environment without it is made again
}

if command -v npm >/dev/null 2>&1 && [[ bindings/node/package-lock.json -nt bindings/node/node_modules/.package-lock.json ]]; then
  npm ci --prefix bindings/node --no-audit --no-fund --silent
fi
environment .venv-server tests/server/requirements.txt tests/suite/requirements.txt
environment .venv-weave54 tests/suite/requirements-0.54.txt
