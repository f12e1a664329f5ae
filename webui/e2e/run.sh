#!/usr/bin/env bash
# Starts a real node on a fresh data directory, runs the browser test against it, stops the node.
#   webui/e2e/run.sh target/debug/tm
set -euo pipefail
tm=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
log=$dir/node.log
"$tm" node start --data-dir "$dir/data" --listen 127.0.0.1:0 --log-level warn 2>"$log" &
node=$!
trap 'kill -TERM $node 2>/dev/null || true; wait $node 2>/dev/null || true; rm -rf "$dir"' EXIT
for _ in $(seq 1 300); do
  grep -q 'password ' "$log" && break
  kill -0 $node 2>/dev/null || { echo "the node ended while starting:"; cat "$log"; exit 1; }
  sleep 0.1
done
url=$(sed -n 's/^serving \(http[^ ]*\).*/\1/p' "$log" | head -n 1)
password=$(sed -n 's/.*password \([^ ]*\).*/\1/p' "$log" | head -n 1)
[ -n "$url" ] && [ -n "$password" ] || { echo "the node did not say where it serves:"; cat "$log"; exit 1; }
if ! TM_URL=$url TM_USER=admin TM_PASSWORD=$password node "$here/main.mjs"; then
  echo "--- node log"; tail -n 50 "$log"
  exit 1
fi
