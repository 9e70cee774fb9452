#!/usr/bin/env bash
# Longer runs of the tests that prove the promises: make prove. Arguments: how many clusters are
# simulated, and how many rounds of transitions are made on a real API server. KUBEBUILDER_ASSETS says
# where the control plane is. It ends with one line for each count, "prove: NAME = N".
set -euo pipefail

clusters=$1
rounds=$2
cd "$(dirname "$0")/../.."
say() { echo "prove: $*"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs tests in a directory, shows what fails, and keeps their counts, those of what failed too.
failed=
run() {
	local what=$1 dir=$2
	shift 2
	say "$what"
	if ! (cd "$dir" && go test -v -count=1 -timeout=120m "$@") >"$log.out" 2>&1; then
		grep -v '\[rapid\] draw' "$log.out" | tail -n 200 >&2
		say "failed: $what" >&2
		failed=yes
	fi
	{ grep -hoE '(prove|judge): [A-Za-z0-9 -]+ = [0-9]+( ms)?' "$log.out" || true; } | sed 's/^judge: /prove: judged /' >>"$log"
	rm -f "$log.out"
}

run "simulated clusters, $clusters of them, each through two transitions" . ./test/simulation -rapid.checks="$clusters"
run "profiles against their policies, over every flow" . ./internal/render -run 'OverEveryFlow' -rapid.checks=1000
run "policies judged by another implementation" test/judge .
run "transitions on a real API server, $rounds rounds" . ./test/integration/transitions -transitions.rounds="$rounds"

# Counts of one name add up; of times the longest is told.
sed 's/^prove: //' "$log" | awk -F ' = ' '
	{ split($2, value, " "); unit = value[2] ? " " value[2] : ""
	  if (!($1 in total)) order[++n] = $1
	  if (unit != "") total[$1] = value[1] > total[$1] ? value[1] : total[$1]; else total[$1] += value[1]
	  units[$1] = unit }
	END { for (i = 1; i <= n; i++) printf "prove: %s = %d%s\n", order[i], total[order[i]], units[order[i]] }'
[ -z "$failed" ]
