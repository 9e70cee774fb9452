# "make" alone lists the targets. Versions are not here: tools are pinned by the go.mod files in
# internal/tools, the control plane by test/controlplane/go.mod, Go by go.mod.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# What may be set on the command line: make deploy IMG=registry.example.com/operator:v1.
IMAGE   ?= ghcr.io/segmentation-dev/segmentation-operator
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG     ?= $(IMAGE):latest
# The digest of the image that make chart packs a chart for; empty is the tag VERSION.
DIGEST  ?=
ARGS    ?=
RACE    ?=
# The least share of statements in internal/ that tests must reach, in percent.
COVERAGE ?= 90
# How much make prove does: simulated clusters, and rounds on a real API server.
CLUSTERS ?= 10000
ROUNDS   ?= 5
# The load of make load: namespaces per second, for how long, and how often the profile changes.
RATE ?= 50
DURATION ?= 2m
CHANGE ?= 10s
PLATFORMS ?= linux/amd64,linux/arm64
PLUGIN_PLATFORMS ?= linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64
CONTAINER_TOOL ?= docker
KUBECTL ?= kubectl

# Go stamps builds with git's state, which fails where git mistrusts the checkout; VERSION says it.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

TOOL   := internal/tools/tool.sh
VERIFY := internal/tools/verify.sh

##@ Try it

.PHONY: demo
demo: build ## See it work: a real API server, the operator, and a shop. ARGS=--once ends after printing.
	@$(call assets) && \
	kustomize=$$($(TOOL) kustomize) && manifests=$$("$$kustomize" build config/default) && \
	go build -o bin/demo ./test/demo && \
	exec bin/demo $(ARGS) <<<"$$manifests"

##@ Develop

.PHONY: build
build: ## Build the operator and the kubectl plugin into bin/.
	@echo "building the operator and kubectl-segmentation"
	@go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/operator ./cmd/kubectl-segmentation

.PHONY: test
test: ## Run all tests, and fail if they reach less than COVERAGE percent of internal/. RACE=-race looks for data races.
	@$(call assets) && internal/tools/test.sh $(COVERAGE) $(RACE)

.PHONY: test-gitops
test-gitops: ## Deliver operator and profiles with Argo CD's own engine. Its packages take some minutes to compile, the first time.
	@$(call assets) && internal/tools/gitops.sh

# What is tested is outside of its module, where go test does not see that it changed: -count=1.
.PHONY: test-chart
test-chart: ## Test the Helm chart by Helm's own library, on a real API server. Its packages take some minutes to compile, the first time.
	@echo "test-chart: compiling Helm's packages where that was not done before, then testing" && \
	$(call assets) && go -C test/chart test -count=1 -timeout=20m ./...

.PHONY: prove
prove: ## Longer runs of the tests that prove the promises. CLUSTERS= and ROUNDS= say how long. Ends with counts.
	@$(call assets) && internal/tools/prove.sh $(CLUSTERS) $(ROUNDS)

.PHONY: bench
bench: ## Measure the operator beside a plain client, with 100, 1,000 and 5,000 namespaces: half an hour. ARGS=--help lists flags.
	@$(call assets) && go build -o bin/bench ./test/bench && exec bin/bench $(ARGS)

.PHONY: load
load: ## Create and delete RATE namespaces per second for DURATION, change a profile each CHANGE, and report what the operator did.
	@$(call assets) && go test -count=1 -v -timeout=60m ./test/load -run TestLoad \
		-load.rate=$(RATE) -load.duration=$(DURATION) -load.change=$(CHANGE) -load.life=5s -load.base=100 -load.idle=1m $(ARGS)

.PHONY: lint
lint: ## Run golangci-lint, with kube-api-linter on api/, in every module. ARGS=--fix mends what can be mended.
	@$(VERIFY) lint $(ARGS)

.PHONY: fmt
fmt: ## Format the code.
	@$(VERIFY) fmt --fix

.PHONY: generate
generate: ## Generate deep copies, apply configurations, typed client, CRD, RBAC, docs/api.md and the chart's files.
	@internal/tools/generate.sh

.PHONY: accept-crd
accept-crd: ## Take the CRD as it is now for what later changes are compared with; docs/api-evolution.md says when.
	@{ head -n 1 internal/tools/crdify/released.yaml; cat config/crd/bases/segmentation.dev_segmentationprofiles.yaml; } >internal/tools/crdify/.new && \
	mv internal/tools/crdify/.new internal/tools/crdify/released.yaml && echo "wrote internal/tools/crdify/released.yaml"

.PHONY: tidy
tidy: ## Tidy go.mod and go.sum of every module.
	@$(VERIFY) fix-tidy

.PHONY: clean
clean: ## Remove what make built in the checkout. Tools and control plane stay in the user's cache directory.
	rm -rf bin dist cover.out

##@ Check

# verify answers: may this be merged? It changes nothing in the checkout, names what is wrong and
# says how to mend it. The steps are in $(VERIFY), each a target of its own here, the quick first:
#   verify-paths      no file names a directory of the machine it was written on
#   verify-tidy       go.mod and go.sum are what "go mod tidy" makes of them
#   verify-generated  what is generated is what the generators make of the sources now
#   verify-compat     the CRD takes what the one that was released takes
#   verify-manifests  every kustomization in config/ builds
#   verify-fmt        the code is formatted
#   verify-vet        go vet has nothing to say
#   verify-lint       golangci-lint has nothing to say
# A new step is a function there and a name here.
VERIFY_STEPS := paths tidy generated compat manifests fmt vet lint

.PHONY: verify
verify: $(VERIFY_STEPS:%=verify-%) ## Check that everything is tidy, generated, formatted and lints. Changes nothing.
	@echo "verify: all good"

.PHONY: $(VERIFY_STEPS:%=verify-%)
$(VERIFY_STEPS:%=verify-%): verify-%:
	@$(VERIFY) $*

##@ Install

# They act on the cluster that kubectl is set to.

.PHONY: install
install: kubectl ## Install the CRD alone.
	@kustomize=$$($(TOOL) kustomize) && \
	"$$kustomize" build config/crd | $(KUBECTL) apply --server-side -f -

.PHONY: uninstall
uninstall: kubectl remove-admission ## Remove the CRD, and with it every profile and what the operator wrote for it.
	@kustomize=$$($(TOOL) kustomize) && \
	"$$kustomize" build config/crd | $(KUBECTL) delete --ignore-not-found -f -

.PHONY: deploy
deploy: kubectl ## Install CRD, RBAC and operator. IMG=... chooses the image.
	@kustomize=$$($(TOOL) kustomize) && \
	"$$kustomize" build config/default | $(set-image) | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: kubectl remove-admission ## Remove operator, RBAC, CRD, and with it every profile and what the operator wrote for it.
	@kustomize=$$($(TOOL) kustomize) && \
	"$$kustomize" build config/default | $(KUBECTL) delete --ignore-not-found -f -

.PHONY: remove-admission
remove-admission: kubectl ## Remove the admission policies, whatever state the cluster is in.
	@echo "removing the admission policies; make deploy puts them back"
	@$(KUBECTL) delete --ignore-not-found validatingadmissionpolicybindings,validatingadmissionpolicies -l segmentation.dev/admission=true

.PHONY: kubectl
kubectl:
	@command -v $(KUBECTL) >/dev/null || { \
		echo "$(KUBECTL) is not installed; see https://kubernetes.io/docs/tasks/tools/, or give its path: KUBECTL=..." >&2; exit 1; }

##@ Release

.PHONY: build-installer
build-installer: ## Write dist/install.yaml: CRD, RBAC and operator in one file. IMG=... chooses the image.
	@mkdir -p dist && kustomize=$$($(TOOL) kustomize) && \
	"$$kustomize" build config/default | $(set-image) > dist/install.yaml && \
	echo "wrote dist/install.yaml, image $(IMG)"

.PHONY: build-plugin
build-plugin: ## Write dist/kubectl-segmentation_VERSION_OS_ARCH.tar.gz for each of PLUGIN_PLATFORMS.
	@internal/tools/build-plugin.sh "$(VERSION)" "$(PLUGIN_PLATFORMS)"

.PHONY: chart
chart: ## Pack the Helm chart: dist/segmentation-operator-....tgz. VERSION=... is its version and the image's tag, DIGEST=... the image.
	@mkdir -p dist && archive=$$(internal/tools/chart.sh $(VERSION) dist $(DIGEST)) && echo "wrote dist/$${archive##*/}"

.PHONY: docker-build
docker-build: ## Build the image for this machine's platform.
	$(CONTAINER_TOOL) build --build-arg VERSION=$(VERSION) -t $(IMG) .

.PHONY: docker-buildx
docker-buildx: ## Build the image for PLATFORMS, with SBOM and provenance, and push it.
	$(CONTAINER_TOOL) buildx build --platform $(PLATFORMS) --build-arg VERSION=$(VERSION) --sbom=true --provenance=mode=max -t $(IMG) --push .

##@ Help

.PHONY: help
help: ## List the targets.
	@[ -t 1 ] && color=1 || color=; awk -v color="$$color" \
		'BEGIN { FS = ":.*## "; if (color) { bold = "\033[1m"; cyan = "\033[36m"; off = "\033[0m" } } \
		/^##@ / { print "\n" bold substr($$0, 5) off } \
		/^[a-z][a-z-]*:.*## / { printf "  " cyan "%-16s" off " %s\n", $$1, $$2 }' Makefile

# Gets the control plane, and says to tests and demo where it is.
define assets
KUBEBUILDER_ASSETS=$$(go -C test/controlplane run ./cmd/controlplane) && export KUBEBUILDER_ASSETS
endef

# Replaces the image that config/manager names.
set-image = sed 's|image: $(IMAGE):.*|image: $(IMG)|'
