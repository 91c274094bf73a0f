# Outrigger: make targets. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export OUTRIGGER_CONFORMANCE ?= $(abspath ../shared/conformance)

installed := node_modules/.package-lock.json
tests := $(shell git ls-files --cached --others --exclude-standard '*.test.ts' 2>/dev/null)
node_test := node --test --test-concurrency=2 --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=./test/closing-line.ts --test-reporter-destination=stdout

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(installed): package.json package-lock.json .npmrc
	npm ci --no-progress --loglevel=error
	@touch $@

.PHONY: install
install: $(installed) ## install Node.js, the libraries, and the host's packages that are missing
	@tools/host-packages.sh

.PHONY: lint
lint: $(installed) ## check style, lint rules and formatting
	biome check --error-on-warnings .

.PHONY: format
format: $(installed) ## write the formatting and safe lint fixes
	biome check --write .

.PHONY: types
types: $(installed) ## check the types
	tsc

.PHONY: check
check: lint types ## lint, formatting and types

.PHONY: generate
generate: $(installed) ## write discovery/proto from Envoy's .proto files
	node tools/generate-protos.ts

.PHONY: check-generated
check-generated: $(installed) ## fail when discovery/proto is not what `make generate` writes
	node tools/generate-protos.ts --check

.PHONY: test
test: install check check-generated ## everything that runs on one machine: unit, property, conformance, sandbox
	$(node_test) $(filter-out test/cluster/%,$(tests))

.PHONY: test-unit
test-unit: $(installed) ## unit and property tests only: no root, nothing outside the process
	$(node_test) $(filter-out test/conformance/% test/sandbox/% test/cluster/%,$(tests))

.PHONY: test-conformance
test-conformance: $(installed) ## the reference's cases in OUTRIGGER_CONFORMANCE
	$(node_test) $(filter test/conformance/%,$(tests))

.PHONY: test-sandbox
test-sandbox: install ## real Envoys, rules and traffic in network namespaces (root)
	$(node_test) $(filter test/sandbox/%,$(tests))

.PHONY: bench
bench: $(installed) ## measure what must be fast; each bench/*.bench.ts prints one JSON document (BENCH="files" for some)
	@for file in $(or $(BENCH),$(wildcard bench/*.bench.ts)); do node $$file; done

.PHONY: manifests
manifests: $(installed) ## render deploy/manifests/*.ts into the YAML that is committed
	node deploy/rendered.ts

.PHONY: demo
demo: install ## a shop on real Envoys: requests and the way they take (KEEP=1 leaves it up)
	@tools/envoy.sh >/dev/null
	@KEEP=$(KEEP) node sandbox/demo/main.ts

.PHONY: images
images: $(installed) ## container images into dist/images (BUILDER=docker, podman, buildah or archive; default: what is here)
	node deploy/images/main.ts $(if $(BUILDER),--builder $(BUILDER))

cluster_packages := tools/host-packages.sh cluster
cluster_tests = $(or $(TESTS),$(filter test/cluster/%,$(tests)))

.PHONY: test-cluster
test-cluster: install ## real Pods on a Kubernetes of our own, or on the one KUBECONFIG names (TESTS="files" for some)
	@$(cluster_packages)
	node test/cluster/run.ts $(node_test) --test-concurrency=1 $(cluster_tests)

.PHONY: test-kind
test-kind: install ## the specs of test-cluster on a kind cluster (Docker and kind)
	node test/kind/run.ts test $(node_test) --test-concurrency=1 $(cluster_tests)

.PHONY: kind-up
kind-up: $(installed) ## create the kind cluster
	node test/kind/run.ts up

.PHONY: kind-down
kind-down: $(installed) ## delete the kind cluster
	node test/kind/run.ts down

.PHONY: cluster-shell
cluster-shell: install ## a shell with kubectl on a Kubernetes of its own, gone when the shell ends
	@$(cluster_packages)
	node test/cluster/run.ts $(or $(COMMAND),bash)

.PHONY: clean
clean: ## remove what the build made
	rm -rf dist
