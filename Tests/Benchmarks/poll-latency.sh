#!/usr/bin/env bash
# How long a status poll takes while training uses every core: GET /v1/jobs/{id}, one after another, on an idle and on a busy server.
#
#   Tests/Benchmarks/poll-latency.sh [path of temper] [polls]
set -euo pipefail

temper=$(realpath "${1:-.build/release/temper}")
polls=${2:-1000}
data=$(mktemp -d)
server=
cleanup() {
  if [[ -n $server ]]; then kill -TERM "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; fi
  rm -rf "$data"
}
trap cleanup EXIT

"$temper" serve --data "$data/store" --listen 127.0.0.1:0 --port-file "$data/port" 2>"$data/log" &
server=$!
for _ in $(seq 100); do [[ -s $data/port ]] && break; sleep 0.1; done
base="http://127.0.0.1:$(cat "$data/port")"

# Long enough to outlast the polls.
spec='{"dataset": {"id": "digits"}, "model": {"architecture": "madry_cnn"}, "threat": {"norm": "linf", "epsilon": 0.15},
  "training": {"method": "pgd", "base_epochs": 0, "epochs": 1000, "attack": {"name": "pgd", "steps": 40}}}'

# Polls at most 100 times a second over one connection and prints the percentiles in milliseconds.
measure() {
  for _ in $(seq "$polls"); do printf 'url = "%s"\noutput = "/dev/null"\n' "$base/v1/jobs/$1"; done >"$data/polls"
  curl -s --rate 100/s -w '%{time_total}\n' -K "$data/polls" | sort -n |
    awk -v name="$2" '{ t[NR] = $1 * 1000 } END {
      printf "%-28s polls %5d   p50 %7.2f ms   p99 %7.2f ms   max %7.2f ms\n", name, NR, t[int((NR + 1) / 2)], t[int(NR * 0.99 + 0.5)], t[NR] }'
}

job=$(curl -sf "$base/v1/jobs" -H 'Content-Type: application/json' -d "$spec" | grep -o '"id" *: *"job_[^"]*"' | head -n 1 | grep -o 'job_[^"]*')
until curl -sf "$base/v1/jobs/$job" | grep -q '"phase" *: *"\(attack\|combine\|retrain\)"'; do sleep 0.2; done
measure "$job" "while training ($(nproc) cores)"
curl -sf -X POST "$base/v1/jobs/$job/cancel" >/dev/null
until curl -sf "$base/v1/jobs/$job" | grep -q '"terminal" *: *true'; do sleep 0.2; done
measure "$job" "idle"
