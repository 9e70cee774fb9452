#!/usr/bin/env bash
# Prints the path of a tool, after building it if this version was not built before:
#
#   internal/tools/tool.sh client-gen|controller-gen|crd-ref-docs|crdify|kustomize|golangci-lint
#
# Built tools are kept in the user's cache directory, by a hash of what they are built
# from (go.mod, go.sum, main.go and the Go version), so that every clone shares them and
# a changed version is another directory. Versions are pinned by go.mod and nowhere else.
set -euo pipefail

say() { echo "$*" >&2; }
fail() { say "tool.sh: $*"; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
name=${1:-}
case $name in
client-gen | controller-gen | crd-ref-docs | crdify | kustomize)
	module=$here package=tool takes='half a minute' ;;
golangci-lint)
	module=$here/lint package=. takes='some minutes' ;;
*) fail "no tool '$name'; there are client-gen, controller-gen, crd-ref-docs, crdify, kustomize and golangci-lint" ;;
esac
command -v go >/dev/null || fail "Go is not installed; see https://go.dev/doc/install"

sources=("$module/go.mod" "$module/go.sum")
[ ! -f "$module/main.go" ] || sources+=("$module/main.go")
hash=$({ cat "${sources[@]}"; cd "$module" && go version; } | cksum | tr ' ' '-')
cache=${XDG_CACHE_HOME:-$HOME/.cache}/segmentation-operator/tools
dir=$cache/$hash

if [ -x "$dir/$name" ]; then
	echo "$dir/$name"
	exit
fi

mkdir -p "$cache" || fail "cannot write to $cache; set XDG_CACHE_HOME to a directory that can be written"
tmp=$(mktemp -d "$cache/.build-XXXXXX")
builder=
cleanup() {
	if [ -n "$builder" ]; then kill "$builder" 2>/dev/null || true; fi
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Building a package named by a directory gives the module's last element; so name the file.
out=$tmp/bin/
[ "$package" = tool ] || out=$tmp/bin/$name
mkdir "$tmp/bin"
say "building $name, once, $takes"
(cd "$module" && exec go build -v -o "$out" "$package") >"$tmp/log" 2>&1 </dev/null &
builder=$!
start=$SECONDS
reported=0
while kill -0 "$builder" 2>/dev/null; do
	sleep 1
	elapsed=$((SECONDS - start))
	if [ $((elapsed - reported)) -ge 20 ]; then
		reported=$elapsed
		say "  $name: ${elapsed}s, $(grep -vc '^go: downloading' "$tmp/log" || true) packages compiled"
	fi
done
if ! wait "$builder"; then
	builder=
	grep -v '^go: downloading' "$tmp/log" | tail -n 20 >&2 || true
	if grep -q 'no space left on device' "$tmp/log"; then
		fail "the disk is full: building $name needs about 3 GB in Go's cache and in $cache"
	elif grep -Eq 'dial tcp|no such host|i/o timeout|connection refused' "$tmp/log"; then
		fail "no network: $name's source comes from the Go module proxy ($(go env GOPROXY)), which did not answer"
	fi
	fail "building $name failed; its last lines are above"
fi
builder=

# One rename puts the whole directory in place, so that a half-built tool is never used. If
# another clone was faster, its directory stays.
mkdir -p "$(dirname "$dir")"
if [ ! -d "$dir" ]; then
	mv "$tmp/bin" "$dir" 2>/dev/null || true
fi
[ -x "$dir/$name" ] || fail "cannot put $name into $dir; remove that directory and try again"
say "built $name in $((SECONDS - start))s"
echo "$dir/$name"
