#!/usr/bin/env bash
# The story of one care plan, on real processes and sockets: it arrives, it is read, sharing is withdrawn, and an
# auditor sees it all. Every request and answer shown is what was sent and what came.
set -euo pipefail
cd "$(dirname "$0")/../.."
caregate=$(realpath "$1")
state=build/demo
rm -rf "$state" && mkdir -p "$state/in"
state=$(realpath "$state")
nhs_number='https://fhir.nhs.uk/Id/nhs-number|9991005056'

bold() { printf '\n\033[1m%s\033[0m\n' "$*"; }
say() { printf '%s\n' "$*"; }
show() { sed 's/^/    /'; }
fail() { printf 'The demo failed: %s\n' "$*" >&2; tail -n 20 "$state/log" >&2 || true; exit 1; }

# The development configuration, with free ports and its state in a folder of the demo's own.
jq --arg state "$state" --arg root "$PWD" '
  .http.port = 0 | .mllp.port = 0
  | .csv.folders[0].path = $state + "/in"
  | .store.path = $state + "/caregate.db"
  | .log.directory = $state + "/access-log" | .log.key = $state + "/log-key.pem"
  | .mappings = $root + "/mappings" | .profiles = $root + "/profiles"
  | .feeds |= map($root + "/config/" + .)
  | .issuers[].jwks |= $root + "/config/" + .
  | .token_key |= $root + "/config/" + .' config/development.json >"$state/config.json"

bold "1. The gateway starts"
"$caregate" serve --config "$state/config.json" >"$state/ready" 2>"$state/log" &
gateway=$!
trap 'kill "$gateway" 2>/dev/null || true; wait "$gateway" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  [ -s "$state/ready" ] && break
  kill -0 "$gateway" 2>/dev/null || fail "the gateway did not start"
  sleep 0.05
done
base=$(jq -r .http "$state/ready")
mllp=$(jq -r .mllp "$state/ready")
say "FHIR at $base, MLLP at $mllp; nobody's data in it yet."

# request WHO PATH: asks as that client, shows the request, keeps the answer in $state/answer.
request() {
  local who=$1 path=$2
  printf '    %s: GET %s\n' "$who" "$(printf '%b' "${path//%/\\x}")"
  status=$(curl -s -o "$state/answer" -w '%{http_code}' -H "Authorization: Bearer $(token "$who")" "$base/$path")
}
token() {
  if [ "$1" = person ]; then
    "$caregate" token --config "$state/config.json" --client person --patient "$patient"
  else
    "$caregate" token --config "$state/config.json" --client "$1"
  fi
}
count() { jq '[.entry[]?.resource | select(.resourceType != "OperationOutcome")] | length' "$state/answer"; }
expect() { [ "$1" = "$2" ] || fail "$3: expected $2, got $1"; }

bold "2. Northshire Council sends Winifred's care plan, as HL7 v2 over MLLP"
tr '\r' '\n' <tests/demo/01-care-plan.hl7 | grep -E '^(MSH|PTH|ROL|GOL)' | cut -c1-100 | show
"$caregate" send "$mllp" tests/demo/01-care-plan.hl7 | show
say "AA: the plan, her goal and her team are on disk, and so is the access-log entry that says so."
"$caregate" send "$mllp" tests/demo/01-care-plan.hl7 | show
say "The same message again gets the same answer and changes nothing."

bold "3. The council also drops its weekly export, as CSV, into a watched folder"
cp tests/demo/northshire-care-plans-2026-02-02.csv "$state/in/.arriving" && mv "$state/in/.arriving" "$state/in/northshire-care-plans-2026-02-02.csv"
report="$state/in/taken/northshire-care-plans-2026-02-02.csv.report.jsonl"
for _ in $(seq 100); do [ -s "$report" ] && break; sleep 0.1; done
[ -s "$report" ] || fail "the CSV file was not taken"
show <"$report"
say "Good rows are taken; a bad one is named by row and column, and stops nothing."

bold "4. Her GP pulls her plan, as FHIR"
request fenwick-surgery "Patient?identifier=$(jq -rn --arg v "$nhs_number" '$v|@uri')"
expect "$(count)" 1 "patients with her NHS number"
patient=$(jq -r '.entry[0].resource.id' "$state/answer")
request fenwick-surgery "CarePlan?patient=$patient&status=active"
plans=$(count)
jq -c '.entry[].resource | {resourceType, id, status, identifier: .identifier[0].value, period: .period.start, goals: (.goal | length)}' "$state/answer" | show
expect "$plans" 2 "active plans the GP sees"
plan=$(jq -r '[.entry[].resource | select(.identifier[0].value == "PC-2026-3117")][0].id' "$state/answer")
request fenwick-surgery "CareTeam?patient=$patient"
jq -r '.entry[].resource.participant[]? | "\(.role[0].text // .role[0].coding[0].display // .role[0].coding[0].code): \(.member.display // .member.reference // "")"' "$state/answer" | show

bold "5. Winifred decides: hospital, surgery and council see her record; the Befrienders her plan and contacts only"
request fenwick-befrienders "CarePlan?patient=$patient"
say "    before: the Befrienders find $(count) plans (no consent yet, and they are no clinicians)"
expect "$(count)" 0 "plans the Befrienders see before her consent"
tr '\r' '\n' <tests/demo/02-consent.hl7 | grep -E '^(CON|OBX)' | cut -c1-110 | show
"$caregate" send "$mllp" tests/demo/02-consent.hl7 | show
request fenwick-befrienders "CarePlan?patient=$patient"
say "    after: the Befrienders find $(count) plans"
expect "$(count)" 2 "plans the Befrienders see with her consent"
request fenwick-befrienders "Goal?patient=$patient"
say "    and $(count) goals: her consent names plans and teams, nothing else"
expect "$(count)" 0 "goals the Befrienders see"

bold "6. She changes her mind about the Befrienders, in her own app"
request person "Consent?patient=$patient"
expect "$(count)" 1 "her consents"
consent=$(jq -r '.entry[0].resource.id' "$state/answer")
befrienders=$(jq -r '[.entry[0].resource.provision.provision[].actor[]? | select(.reference.identifier.value == "X9905") | .reference.reference][0]' "$state/answer")
jq --arg o "$befrienders" '.entry[0].resource | .provision.provision |= map(select(all(.actor[]?; .reference.reference != $o)))' "$state/answer" >"$state/consent.json"
version=$(jq -r .meta.versionId "$state/consent.json")
say "    person: PUT Consent/$consent (If-Match: version $version), without the permit for $befrienders"
status=$(curl -s -o "$state/answer" -w '%{http_code}' -X PUT -H "Authorization: Bearer $(token person)" \
  -H 'Content-Type: application/fhir+json' -H "If-Match: W/\"$version\"" --data-binary @"$state/consent.json" "$base/Consent/$consent")
expect "$status" 200 "her update of the consent"
request fenwick-befrienders "CarePlan?patient=$patient"
say "    the very next request of the Befrienders finds $(count) plans"
expect "$(count)" 0 "plans the Befrienders see after the withdrawal"
request fenwick-befrienders "CarePlan/$plan"
say "    and the plan they read before answers $status, as if it had never been: $(jq -r '.issue[0].code' "$state/answer")"
expect "$status" 404 "the withdrawn plan"
request fenwick-surgery "CarePlan/$plan"
say "    her GP still reads it: $status"
expect "$status" 200 "the plan for the GP"

bold "7. The auditor sees it all"
request auditor "AuditEvent?patient=$patient"
say "    $(count) entries speak of her record; the latest:"
jq -r '.entry[].resource | "\(.recorded)  \(.subtype[0].code // .type.code)  outcome \(.outcome)  \([.agent[].who.identifier.value] | join(" for "))"' "$state/answer" | head -n 6 | show
request fenwick-surgery "AuditEvent?patient=$patient"
say "    anybody else who asks for the log: $status"
expect "$status" 403 "the log for a client that is no auditor"

bold "8. The log proves itself"
kill "$gateway" && wait "$gateway" || fail "the gateway did not stop well"
"$caregate" audit verify "$state/access-log" | show
cp -r "$state/access-log" "$state/forged"
segment=$(find "$state/forged" -type f -name '*entries*' | sort | head -n 1)
say "    now somebody changes one byte in a copy of it:"
printf '\x00' | dd of="$segment" bs=1 seek=700 conv=notrunc status=none
if "$caregate" audit verify "$state/forged" | show; then fail "a forged log was called intact"; fi

bold "Go on yourself"
cat <<TEXT
    ./dev serve                       the gateway in the foreground (FHIR on 8080, MLLP on 2575)
    build/release/caregate send 127.0.0.1:2575 tests/demo/01-care-plan.hl7
    token=\$(build/release/caregate token --config config/development.json --client fenwick-surgery)
    curl -s -H "Authorization: Bearer \$token" 'http://127.0.0.1:8080/fhir/CarePlan?status=active' | jq .
    curl -s http://127.0.0.1:8080/fhir/metadata | jq '.rest[0].resource[].type'
TEXT
