#!/usr/bin/env bash
# Runs the tests of test/gitops: make test-gitops. Arguments are flags for go test. KUBEBUILDER_ASSETS says where the
# control plane is. Argo CD is more than a thousand packages, so what is compiled is counted.
set -euo pipefail
cd "$(dirname "$0")/../../test/gitops"
say() { echo "test-gitops: $*"; }

say "finding the packages of Argo CD and its gitops-engine, and getting them if they are not here"
packages=$(go list -deps -test -f '{{if not (or .Standard .ForTest .Module.Main)}}{{.ImportPath}}{{end}}' ./...)
total=$(wc -w <<<"$packages")
say "compiling $total packages, but for those that are compiled already"
# One line for each package that is compiled now.
# shellcheck disable=SC2086 # The list is words.
go build -v $packages 2>&1 | awk -v total="$total" '
	/^#|error|cannot|: / { print; next }
	++n % 100 == 0 { print "test-gitops: " n " of at most " total " packages compiled"; fflush() }'

say "building the operator, and delivering it to a real API server"
# They wait more than they compute.
go test -count=1 -timeout=20m -parallel=4 -v "$@" ./...
say "all passed"
