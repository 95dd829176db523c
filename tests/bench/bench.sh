#!/usr/bin/env bash
# First figures, each beside its baseline in the same run: see docs/benchmarks.md for what they are held against.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
seconds=${SECONDS_EACH:-5}
state=build/bench
rm -rf "$state" && mkdir -p "$state"
state=$(realpath "$state")
caregate=$build/caregate

# The micro benches: processor time of one call, and how fast that is beside the Bare line of the same sample: for FHIR,
# RapidJSON's event reader over the same bytes; for messages, splitting and writing alone.
for bench in "$build"/*_bench; do
  [ -x "$bench" ] || continue
  printf '%-58s %15s %9s\n' "$(basename "$bench")" "processor time" "ratio"
  "$bench" --benchmark_format=csv 2>/dev/null | awk -F, '
    /^"/ {
      gsub(/"/, "", $1); us = $5 == "ns" ? $4 / 1000 : $5 == "ms" ? $4 * 1000 : $4
      split($1, name, "/")
      if (name[1] ~ /^Bare/) bare[name[2]] = us
      ratio = ""
      for (sample in bare) if (us > 0 && index(name[2], sample) == 1) ratio = sprintf("%.2f", bare[sample] / us)
      printf "%-58s %12.3f us %9s\n", $1, us, ratio
    }'
done

jq --arg state "$state" --arg root "$PWD" '
  .http.port = 0 | .mllp.port = 0 | .csv.folders = []
  | .store.path = $state + "/caregate.db"
  | .log.directory = $state + "/access-log" | .log.key = $state + "/log-key.pem"
  | .mappings = $root + "/mappings" | .profiles = $root + "/profiles"
  | .feeds |= map($root + "/config/" + .)
  | .issuers[].jwks |= $root + "/config/" + .
  | .token_key |= $root + "/config/" + .' config/development.json >"$state/config.json"

started=$(date +%s%N)
"$caregate" serve --config "$state/config.json" >"$state/ready" 2>"$state/log" &
gateway=$!
"$build/hello_server" >"$state/hello" &
hello=$!
trap 'kill "$gateway" "$hello" 2>/dev/null || true; wait 2>/dev/null || true' EXIT
until [ -s "$state/ready" ]; do kill -0 "$gateway" || { cat "$state/log" >&2; exit 1; }; sleep 0.002; done
base=$(jq -r .http "$state/ready")
curl -s -o /dev/null "${base%/fhir}/health"
first_answer_ms=$((($(date +%s%N) - started) / 1000000))
rss_kb() { awk '/VmRSS/ {print $2}' "/proc/$gateway/status"; }
start_rss=$(rss_kb)

token=$("$caregate" token --config "$state/config.json" --client fenwick-surgery)
mllp=$(jq -r .mllp "$state/ready")
sed 's/@N@/1/g' tests/bench/care-plan.hl7 >"$state/first.hl7"
"$caregate" send "$mllp" "$state/first.hl7" >"$state/ack" || { cat "$state/ack" >&2; exit 1; }
plan=$(curl -s -H "Authorization: Bearer $token" "$base/CarePlan?identifier=PC-1" | jq -r '.entry[0].resource.id')
bytes=$(curl -s -H "Authorization: Bearer $token" "$base/CarePlan/$plan" | wc -c)

rate() { awk '/Requests\/sec/ {printf "%.0f", $2}'; }
http() { wrk -t2 -c"$1" -d"${seconds}s" -H "Authorization: Bearer $token" "$2" | rate; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", b == 0 ? 0 : a / b}'; }

printf '%-58s %12s %10s\n' "what" "figure" "ratio"
for connections in 8 64; do
  bare=$(http "$connections" "http://127.0.0.1:$(cat "$state/hello")/")
  read_rate=$(http "$connections" "$base/CarePlan/$plan")
  printf '%-58s %10s/s %10s\n' "POCO, 2 KB, no work, $connections connections" "$bare" 1.00
  printf '%-58s %10s/s %10s\n' "consent-checked, logged read of $bytes bytes, $connections connections" "$read_rate" "$(ratio "$read_rate" "$bare")"
done
for connections in 1 8; do
  read -r messages p50 p99 refused < <("$build/mllp_load" "${mllp%:*}" "${mllp##*:}" "$connections" "$seconds" tests/bench/care-plan.hl7)
  printf '%-58s %10s/s  p50 %s ms, p99 %s ms, refused %s\n' "durable PPP^PCB acknowledged, $connections connections" "$messages" "$p50" "$p99" "$refused"
done
printf '%-58s %9s ms\n' "start to first answer" "$first_answer_ms"
printf '%-58s %9s MB\n' "resident memory after start" "$((start_rss / 1024))"
printf '%-58s %9s MB\n' "resident memory after the run" "$(($(rss_kb) / 1024))"
