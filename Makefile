SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build check test test-long demo testdata dist bench

# Every target takes the versions of Cargo.lock.
CARGO := cargo
LOCKED := --locked

help: ## List these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

build: ## Build the release binary, target/release/airgap-bundle
	$(CARGO) build $(LOCKED) --release

check: ## Format, lints, docs and dependencies; whatever needs no test to run
	$(CARGO) fmt --check
	$(CARGO) clippy $(LOCKED) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --no-deps --document-private-items
	scripts/check-dependencies

test: ## Install the tools that tests drive where they are missing, and run the tests (under 10 minutes)
	scripts/install-test-tools
	$(CARGO) test $(LOCKED)
	scripts/demo-works

test-long: ## The rest: many kills, huge layers, fuzzing for a while, the static binary on a bare host
	scripts/install-test-tools --long
	$(CARGO) test $(LOCKED) --test long
	fuzz/smoke 20
	$(MAKE) dist

demo: ## Export, verify, inspect, import and side-load over an embedded registry, each command shown
	$(CARGO) build $(LOCKED) --release --bin airgap-bundle --example registry
	scripts/demo

testdata: ## Make testdata/ anew, which the demo and the tests read
	$(CARGO) run $(LOCKED) --quiet --example testdata -- testdata

dist: ## Build the static binary into dist/, and prove that it runs on a host that holds nothing else
	scripts/dist

bench: build ## Compare with skopeo, crane and regctl, and print tables; `make bench BENCH=--help`
	scripts/install-test-tools
	bench/run $(BENCH)
	$(CARGO) test $(LOCKED) --release --test long snap -- --nocapture
