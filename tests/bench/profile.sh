#!/usr/bin/env bash
# Records where Weir spends its time under one of the loads of compare.py and prints the hottest functions.
# PROFILE_ARGUMENTS go to compare.py (another --binary or --tools).
#   profile.sh [keepalive64|keepalive1000|close|64k|1m] [seconds]      (./dev bench profile ... builds first)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

load=${1:-keepalive64}
seconds=${2:-10}
out=build/profile
read -ra more <<<"${PROFILE_ARGUMENTS:-}"
mkdir -p "$out"

# compare.py runs only Weir, long enough that the recording lies inside its measured seconds.
/usr/bin/python3 tests/bench/compare.py --proxies weir --only "$load" --rounds 1 --warmup 2 \
  --seconds "$((seconds + 4))" "${more[@]}" &
compare=$!
trap 'kill $compare 2>/dev/null || true' EXIT

weir=
for _ in $(seq 100); do
  weir=$(pgrep -P "$compare" -f "run --config" || true)
  [[ -n $weir ]] && break
  sleep 0.1
done
[[ -n $weir ]] || { echo "profile: weir did not start" >&2; exit 1; }

sleep 4
perf record -q -F 2999 -g -o "$out/$load.data" -p "$weir" -- sleep "$seconds"
wait "$compare"
trap - EXIT

perf report -i "$out/$load.data" --no-children -g none --percent-limit 0.4 --stdio 2>/dev/null |
  grep -v '^#' | grep -v '^$' | head -70
echo "call graph: perf report -i $out/$load.data"
