#!/usr/bin/env bash
# The steps of make verify. Each says in one line what it checks and, if that fails, what is wrong
# and how to mend it. None changes a file in the checkout; "fmt" and "fix-tidy" are what mends.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
tools=internal/tools

say() { echo "verify: $*"; }
fail() { echo "verify: $*" >&2; exit 1; }

# The directories of all modules of the repository.
modules() { find . -name go.mod -not -path './bin/*' -not -path './dist/*' | sort | while read -r mod; do dirname "$mod"; done; }

# The files that are or would be committed: those that git does not ignore and that are there.
files() { git ls-files --cached --others --exclude-standard | while read -r file; do [ ! -f "$file" ] || echo "$file"; done; }

# An own temporary directory for each step, gone at the end.
scratch() {
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 130' INT TERM
}

# The modules that have packages; one only pins tools.
modules_with_packages() { modules | while read -r module; do [ -z "$(cd "$module" && go list ./... 2>/dev/null)" ] || echo "$module"; done; }

step_paths() {
	say "no file names a directory of the machine it was written on"
	# Brackets, so that the patterns do not match themselves.
	local pattern='/[h]ome/[a-z]|/[U]sers/[A-Za-z]|/[r]oot/|[C]:\\\\Users'
	local found
	found=$(files | tr '\n' '\0' | { xargs -0 grep -InE -e "$pattern" -e "$root/" -- /dev/null || true; })
	[ -z "$found" ] || {
		echo "$found" >&2
		fail "the lines above name a directory of one machine: use a relative path, a variable or a flag"
	}
}

step_tidy() {
	local module failed=
	for module in $(modules); do
		say "go.mod and go.sum are tidy in $module"
		(cd "$module" && go mod tidy -diff | head -n 40) || failed=yes
	done
	[ -z "$failed" ] || fail "the diff above is what is missing: run make tidy, and commit the result"
}

step_generated() {
	say "what is generated is what the generators make of the sources now"
	scratch
	# Generated into a copy, so that the checkout stays as it is, whatever comes out.
	files >"$tmp/files"
	mkdir "$tmp/copy"
	tar -cf - -T "$tmp/files" | tar -xf - -C "$tmp/copy"
	cp -R "$tmp/copy" "$tmp/before"
	"$tools/generate.sh" "$tmp/copy" | sed 's/^/  /'
	if ! (cd "$tmp" && diff -ruN before copy >diff); then
		head -n 40 "$tmp/diff" >&2
		echo >&2
		grep '^diff ' "$tmp/diff" | sed 's|.* copy/|  stale: |' >&2
		fail "the files above are not what the generators make of api/, controllers/ and config/: run make generate, and commit the result"
	fi
}

# What breaks who wrote profiles for the CRD that was released last: docs/api-evolution.md.
step_compat() {
	local crdify change new=config/crd/bases/segmentation.dev_segmentationprofiles.yaml released=$tools/crdify/released.yaml
	crdify=$("$tools/tool.sh" crdify)
	say "the CRD takes what the released one takes"
	scratch
	compare() { "$crdify" --config="$tools/crdify/config.yaml" "file://$released" "file://$1"; }
	if ! compare "$new" >"$tmp/out"; then
		grep -v '✓$' "$tmp/out" >&2 || true
		fail "the CRD is not compatible with the one that was released: see docs/api-evolution.md for what may change and how"
	fi
	# It has to find something where there is something, and nothing where a change is allowed.
	sed 's/maxItems: 512/maxItems: 511/' "$new" >"$tmp/changed.yaml"
	! compare "$tmp/changed.yaml" >"$tmp/out" || fail "crdify does not see that a list became shorter"
	for change in 's/maxItems: 512/maxItems: 513/' 's/^\( *\)- Preview$/&\n\1- Another/' 's/spec is what/spec says what/'; do
		sed "$change" "$released" >"$tmp/changed.yaml"
		! cmp -s "$released" "$tmp/changed.yaml" || fail "sed $change changes nothing of the CRD"
		compare "$tmp/changed.yaml" >"$tmp/out" || fail "crdify refuses what docs/api-evolution.md allows: sed $change"
	done
	say "the CRD is still asked for by the names and versions of the released one"
	go test ./config/crd >"$tmp/out" || { cat "$tmp/out" >&2; fail "see docs/api-evolution.md for what may change and how"; }
}

step_manifests() {
	local kustomize dir
	kustomize=$("$tools/tool.sh" kustomize)
	scratch
	for dir in $(files | grep '^config/.*kustomization.yaml$' | sort); do
		dir=$(dirname "$dir")
		say "kustomize builds $dir"
		"$kustomize" build "$dir" >"$tmp/out" || fail "$dir/kustomization.yaml does not build; the reason is above"
	done
}

step_fmt() {
	say "the code is formatted"
	"$("$tools/tool.sh" golangci-lint)" fmt --diff || fail "the diff above is what the formatters would change: run make fmt"
}

step_vet() {
	local module
	for module in $(modules_with_packages); do
		say "go vet in $module"
		(cd "$module" && go vet ./...) || fail "go vet found the above in $module"
	done
}

step_lint() {
	local lint module failed=
	lint=$("$tools/tool.sh" golangci-lint)
	for module in $(modules_with_packages); do
		say "golangci-lint in $module"
		(cd "$module" && "$lint" run "$@" --config="$root/.golangci.yml" ./...) || failed=yes
	done
	[ -z "$failed" ] || fail "mend the findings above, some by make lint ARGS=--fix; an exception is a //nolint:name // reason"
}

case ${1:-} in
paths | tidy | generated | compat | manifests | vet) "step_$1" ;;
fmt)
	if [ "${2:-}" = --fix ]; then "$("$tools/tool.sh" golangci-lint)" fmt; else step_fmt; fi ;;
lint)
	shift
	step_lint "$@" ;;
fix-tidy)
	for module in $(modules); do
		echo "tidying $module"
		(cd "$module" && go mod tidy)
	done ;;
*) fail "no step '${1:-}'" ;;
esac
