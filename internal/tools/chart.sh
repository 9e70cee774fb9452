#!/usr/bin/env bash
# Packs config/chart, with a version set in it, and prints the path of the archive: make chart.
#
#   internal/tools/chart.sh VERSION DIRECTORY [DIGEST]
#
# VERSION is what git describes. It is the tag of the image, and, as Helm wants it, the version of the chart: without a v;
# a commit without any tag before it is 0.0.0-git-COMMIT. With the image's digest, sha256:..., the chart installs that image
# and no other, whatever becomes of the tag.
set -euo pipefail

fail() { echo "chart.sh: $*" >&2; exit 1; }

version=${1:-} directory=${2:-} digest=${3:-}
[[ $version =~ ^[A-Za-z0-9._-]+$ ]] || fail "the version '$version' is no tag of an image"
[ -d "$directory" ] || fail "there is no directory '$directory'"
[[ $digest =~ ^(sha256:[0-9a-f]{64})?$ ]] || fail "'$digest' is no digest of an image"
directory=$(cd "$directory" && pwd)
cd "$(dirname "$0")/../.."

number='(0|[1-9][0-9]*)'
if [[ $version =~ ^v?($number\.$number\.$number(-[A-Za-z0-9.-]+)?)$ ]]; then
	chart=${BASH_REMATCH[1]}
else
	chart=0.0.0-git-$(tr '._' '--' <<<"$version")
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp -R config/chart "$tmp/segmentation-operator"
sed -e "s|^version: .*|version: $chart|" -e "s|^appVersion: .*|appVersion: \"$version\"|" \
	config/chart/Chart.yaml >"$tmp/segmentation-operator/Chart.yaml"
sed -e "s|^  digest: \"\"\$|  digest: \"$digest\"|" config/chart/values.yaml >"$tmp/segmentation-operator/values.yaml"

# The same files make the same archive, where tar can do that.
same=()
if tar --version 2>/dev/null | grep -q GNU; then
	same=(--sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "--mtime=@${SOURCE_DATE_EPOCH:-0}")
fi
archive=$directory/segmentation-operator-$chart.tgz
tar -c ${same[@]+"${same[@]}"} -C "$tmp" segmentation-operator | gzip -n >"$archive"
echo "$archive"
