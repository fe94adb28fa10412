#!/usr/bin/env bash
# What `make demo` shows: a service, a job posted with curl, its progress, its report, the verdict, the weights. Everything is on a free
# loopback port and in a temporary folder, and gone at the end, however it ends.
#
#   deploy/demo.sh [TEMPER] [SPEC.json]
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
temper=${1:-$here/.build/release/temper}
spec=${2:-$here/config/recipes/digits-pgd.json}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
if [[ ! -t 1 || -n ${NO_COLOR:-} ]]; then say() { printf '\n%s\n' "$*"; }; fi

folder=$(mktemp -d)
server=
clean_up() {
  status=$?
  trap - EXIT INT TERM
  if [[ -n $server ]] && kill -TERM "$server" 2>/dev/null; then wait "$server" || true; fi
  # What the service said is only worth a look when something went wrong.
  if ((status != 0 && status != 3 && status != 6)) && [[ -s $folder/log ]]; then
    echo "the last lines of the service's log:" >&2
    tail -n 20 "$folder/log" >&2
  fi
  rm -rf "$folder"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The value of a member of a JSON document; enough for numbers and plain strings, of names that come once.
member() { sed -nE "s/.*\"$1\" *: *\"?([^\",}]*)\"?.*/\1/p" <<<"$2" | head -n 1; }

"$temper" serve --listen 127.0.0.1:0 --data "$folder/data" --port-file "$folder/port" 2>"$folder/log" &
server=$!
for _ in $(seq 100); do
  [[ -s $folder/port ]] && break
  kill -0 "$server" 2>/dev/null || { echo "the service did not start" >&2; exit 1; }
  sleep 0.1
done
[[ -s $folder/port ]] || { echo "the service did not start within 10 seconds" >&2; exit 1; }
url=http://127.0.0.1:$(<"$folder/port")
say "service: $url"

say "curl -X POST $url/v1/jobs --json @${spec#"$here/"}"
curl --silent --show-error --fail-with-body -X POST "$url/v1/jobs" -H 'Content-Type: application/json' \
  --data-binary "@$spec" -o "$folder/job.json" || { cat "$folder/job.json" >&2; exit 1; }
job=$(grep -oE 'job_[0-9a-z]+' "$folder/job.json" | head -n 1)
echo "$job"

# Each answer comes as soon as something has changed from the one whose ETag we name, after 10 seconds at the latest.
say "curl $url/v1/jobs/$job?wait=10"
state=queued tag='' shown=''
while [[ $state == queued || $state == running ]]; do
  code=$(curl --silent --show-error -o "$folder/job.json" -D "$folder/head" -w '%{http_code}' \
    ${tag:+-H "If-None-Match: $tag"} "$url/v1/jobs/$job?wait=10")
  [[ $code == 304 ]] && continue
  [[ $code == 200 ]] || { cat "$folder/job.json" >&2; exit 1; }
  tag=$(tr -d '\r' <"$folder/head" | sed -nE 's/^[Ee][Tt][Aa][Gg]: *//p')
  # On one line, and without the spec, whose members have the names of the progress.
  flat=$(tr -d '\n' <"$folder/job.json" | sed -E 's/"spec" *:.*"progress" *:/"progress":/')
  state=$(sed -E 's/"transitions".*//' <<<"$flat" | sed -nE 's/.*"state" *: *"([a-z]+)".*/\1/p')
  progress=$(sed -nE 's/.*"progress" *: *\{([^}]*)\}.*/\1/p' <<<"$flat")
  phase=$(member phase "$progress") fraction=$(member fraction "$progress")
  # Very small numbers come with an exponent.
  [[ ${fraction:-0} == *[eE]* ]] && fraction=0
  percent=$(printf '%.0f' "${fraction:-0}e2")
  epoch="$(member epoch "$progress")/$(member epochs "$progress")"
  if [[ -t 1 ]]; then
    bar=$(printf '%*s' $((percent * 40 / 100)) '' | tr ' ' '#')
    printf '\r\033[K%-9s epoch %-6s [%-40s] %3d%%' "${phase:-$state}" "$epoch" "$bar" "$percent"
  elif [[ $epoch != "$shown" ]]; then
    printf '%-9s epoch %-6s %3d%%\n' "${phase:-$state}" "$epoch" "$percent"
    shown=$epoch
  fi
done
if [[ -t 1 ]]; then printf '\r\033[K'; fi
echo "$state"
[[ $state == succeeded ]] || { cat "$folder/job.json" >&2; exit 1; }

say "the report: before and after adversarial training"
"$temper" watch "$job" --server "$url" 2>"$folder/watch" || { cat "$folder/watch" >&2; exit 1; }

say "the gate's verdict"
# 3 (failed) and 6 (inconclusive) are verdicts too: the demonstration goes on, and ends with them.
verdict=0
"$temper" gate "$job" --server "$url" || verdict=$?
((verdict == 0 || verdict == 3 || verdict == 6)) || exit "$verdict"

say "the weights"
weights=$folder/best_robust.safetensors
curl --silent --show-error --fail -o "$weights" -D "$folder/head" "$url/v1/jobs/$job/checkpoints/best_robust"
digest=$(tr -d '\r' <"$folder/head" | sed -nE 's/^[Ee][Tt][Aa][Gg]: *"([0-9a-f]{64})"$/\1/p')
[[ -n $digest ]] || { echo "the download came without its SHA-256" >&2; exit 1; }
(cd "$folder" && sha256sum --check <<<"$digest  best_robust.safetensors")
echo "$digest, $(stat -c %s "$weights") bytes"

say "stopping the service and removing $folder"
exit "$verdict"
