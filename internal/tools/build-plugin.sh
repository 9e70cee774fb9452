#!/usr/bin/env bash
# Builds the kubectl plugin for several platforms into dist/, with checksums: make build-plugin. Arguments: the version, and
# platforms separated by commas. The same sources give the same files.
set -euo pipefail

version=$1
cd "$(dirname "$0")/../.."
mkdir -p dist
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for platform in ${2//,/ }; do
	os=${platform%/*} arch=${platform#*/} name=kubectl-segmentation
	[ "$os" != windows ] || name=$name.exe
	archive=kubectl-segmentation_${version}_${os}_$arch.tar.gz
	echo "building dist/$archive"
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "-s -w -X main.version=$version" -o "$tmp/$name" ./cmd/kubectl-segmentation
	# No owner and no time of this machine. gzip -n leaves out the time as well.
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$tmp" -cf - "$name" -C "$PWD" LICENSE | gzip -n >"dist/$archive"
	rm "$tmp/$name"
done
(cd dist && sha256sum kubectl-segmentation_"$version"_*.tar.gz >checksums.txt)
echo "wrote dist/checksums.txt"
