#!/usr/bin/env bash
# An agent session from C, C++ and Go: logged offline into one directory, synced, and read back from the server.
# The server is the local one of the tests. WEAVE_DEMO_REMOTE=1 takes the real service instead: with WANDB_API_KEY, and
# with WANDB_BASE_URL, WF_TRACE_SERVER_URL and WANDB_ENTITY where they are wanted. `make demo` builds what this needs.
set -euo pipefail
cd "$(dirname "$0")/.."
release=$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)
work=$PWD/build/demo
project=libweave-demo
say() { printf '\n== %s\n' "$*"; }

rm -rf "$work"
mkdir -p "$work/bin"

say "Building the programs"
flags=(-Wall -Wextra -Iinclude -Ibindings/cpp/include -L"$release" -Wl,-rpath,"$release" -pthread)
cc -std=c11 examples/agent.c -o "$work/bin/agent-c" "${flags[@]}" -lweave
cc -std=c11 examples/sync.c -o "$work/bin/sync" "${flags[@]}" -lweave
c++ -std=c++17 examples/agent.cpp -o "$work/bin/agent-cpp" "${flags[@]}" -lweave
(cd bindings/go && CGO_CFLAGS="-I$OLDPWD/include" CGO_LDFLAGS="-L$release -Wl,-rpath,$release" \
  go build -o "$work/bin/agent-go" ./examples/agent)
ls "$work/bin"

say "Logging offline: no server, no network, no key"
for language in c cpp go; do
  echo "agent-$language: root call $(env -u WANDB_API_KEY "$work/bin/agent-$language" "$work/offline" $project)"
done

say "What lies on disk"
(cd "$work" && find offline -type f -printf '%9s  %p\n' | sort -k2)
say "The first line of each kind"
find "$work/offline" -name '*.jsonl.gz' -printf '%h\n' | sort -u | while read -r directory; do
  first=$(zcat "$directory"/*.jsonl.gz | head -n 1 || true) # head leaves zcat with a closed pipe
  printf '%-10s %.160s\n' "$(basename "$directory")" "$first"
done

if [[ ${WEAVE_DEMO_REMOTE:-} == 1 ]]; then
  : "${WANDB_API_KEY:?WEAVE_DEMO_REMOTE=1 needs WANDB_API_KEY}"
  say "Syncing to ${WANDB_BASE_URL:-https://api.wandb.ai}"
else
  say "Starting the local server"
  exec {answers}< <(exec .venv-server/bin/python tests/server/server.py --port 0 --db "$work/server.db" 2>"$work/server.txt")
  trap "kill $! 2>/dev/null" EXIT
  read -r address <&"$answers" || { cat "$work/server.txt" >&2; exit 1; }
  WANDB_API_KEY=$(printf 'k%.0s' {1..40})
  export WANDB_API_KEY WANDB_BASE_URL=$address WF_TRACE_SERVER_URL=$address
  unset WANDB_ENTITY
  say "Syncing to $address"
fi
"$work/bin/sync" "$work/offline"

say "What the server has"
.venv-server/bin/python scripts/trace_tree.py "$project"
