#!/usr/bin/env bash
# Generates what is generated, from the sources in api/ and controllers/: make generate.
# With a directory as argument, it works on a copy of the repository there (see verify.sh).
set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$tools/../..}"
say() { echo "generate: $*"; }

controller_gen=$("$tools/tool.sh" controller-gen)
client_gen=$("$tools/tool.sh" client-gen)
crd_ref_docs=$("$tools/tool.sh" crd-ref-docs)

say "deep copies, apply configurations and CRD, from api/"
rm -rf api/applyconfiguration # So that what belongs to a type that is gone goes too.
"$controller_gen" object applyconfiguration crd paths=./api/v1alpha1/... output:crd:dir=config/crd/bases

say "the typed client, from api/"
module=$(go list -m)
rm -rf api/client
"$client_gen" --go-header-file=/dev/null --clientset-name=versioned --fake-clientset=false --input-base="$module" --input=api/v1alpha1 \
	--output-dir=api/client --output-pkg="$module/api/client" --apply-configuration-package="$module/api/applyconfiguration"

say "RBAC, from the markers in controllers/"
"$controller_gen" rbac:roleName=segmentation-operator-manager paths=./controllers/... output:rbac:dir=config/rbac

say "docs/api.md, from api/"
mkdir -p docs
"$crd_ref_docs" --log-level=ERROR --config=internal/tools/crd-ref-docs/config.yaml --source-path=api/v1alpha1 \
	--renderer=markdown --templates-dir=internal/tools/crd-ref-docs --output-path=docs/api.md
