#!/usr/bin/env bash
# Runs all tests of all modules: make test. The large modules test/gitops and test/chart have make test-gitops and make
# test-chart. Arguments: the least coverage of internal/ in percent, then flags for go test, such as -race.
# KUBEBUILDER_ASSETS says where the control plane is.
set -euo pipefail

minimum=$1
shift
cd "$(dirname "$0")/../.."
say() { echo "test: $*"; }

say "unit tests of internal/, with coverage"
go test "$@" -coverpkg=./internal/... -coverprofile=cover.out ./internal/...

say "all other tests of this module"
go list ./... | grep -v '/internal/' | xargs go test -timeout=20m "$@"

# The tools' modules hold no tests.
modules=$(find . -name go.mod -not -path ./go.mod -not -path './internal/tools/*' -not -path './test/gitops/*' -not -path './test/chart/*' | sort)
for mod in $modules; do
	module=$(dirname "$mod")
	say "tests of the module ${module#./}"
	(cd "$module" && go test -timeout=20m ./...)
done

total=$(go tool cover -func=cover.out | awk '/^total:/ { print substr($NF, 1, length($NF) - 1) }')
if awk -v total="$total" -v minimum="$minimum" 'BEGIN { exit !(total < minimum) }'; then
	say "functions that tests reach least:" >&2
	go tool cover -func=cover.out | grep -v '^total:' | awk '{ print $NF "\t" $1 " " $2 }' | sort -n | awk 'NR <= 15' >&2
	say "coverage of internal/ is $total % of statements, below $minimum %; see it with: go tool cover -html=cover.out" >&2
	exit 1
fi
say "all passed; coverage of internal/ is $total % of statements (at least $minimum % is asked for)"
