# `make run` starts Pugmark; `make test` installs what the tests need and runs all of them.
SHELL   = /bin/bash
PYTHON ?= python3
VENV   ?= .venv
PY      = $(VENV)/bin/python

TARGET = $(or $(CARGO_TARGET_DIR),target)

.PHONY: run build test check unit programs catalogue conformance sim crash console-build console console-shots bench bench-console clean

NPM ?= npm
HAS_NPM := $(shell command -v $(NPM) 2>/dev/null)

run: build
	./target/release/pugmark serve

# With npm the console is built first and embedded; without it the binary says at / how to get the console.
build: $(if $(HAS_NPM),console-build)
	cargo build --release --bin pugmark

test: $(if $(HAS_NPM),console-build) unit catalogue conformance sim crash console

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

console/node_modules/done: console/package-lock.json
	cd console && $(NPM) ci --no-audit --no-fund
	touch $@

# What `cargo build` embeds.
console/dist/index.html: console/node_modules/done console/index.html console/package.json console/vite.config.ts \
		$(wildcard console/scripts/* console/public/*) $(shell find console/src -type f)
	cd console && $(NPM) run --silent build
console-build: console/dist/index.html

# The console's checks, unit tests, and flows in a real browser against a real server. Installs Chromium on Debian.
console: $(VENV)/done console-build programs
	cd console && $(NPM) run --silent check && $(NPM) run --silent test
	command -v chromium chromium-browser google-chrome >/dev/null || test -n "$$CHROMIUM" || \
		{ apt-get update && apt-get install --yes --no-install-recommends chromium; }
	cd console && $(NPM) run --silent e2e

# Takes the pictures in docs/console from a real server.
console-shots: $(VENV)/done console-build programs
	cd console && node e2e/screenshots.mjs

unit:
	cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked
	cargo nextest run --workspace
	cargo test --workspace --doc

# What the tests below start. Examples have dev-dependencies, so that one command with some builds all of it with the same
# features as `unit` does: alone, or with -p, each would compile its own AWS SDK.
programs:
	cargo build --bin pugmark --bin pugmark-sim --example recognise --example canary

$(VENV)/done: conformance/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r conformance/requirements.txt
	touch $@

# Three operations of each service; CATALOGUE=--all is the whole run: every operation is recognised, every parameter is
# found again, and no sensitive member is in any record.
CATALOGUE ?=
GENERATE = $(PY) conformance/catalogue/generate.py $(CATALOGUE)
catalogue: $(VENV)/done programs
	set -o pipefail; $(GENERATE) | $(TARGET)/debug/examples/recognise
	set -o pipefail; $(GENERATE) --canary | $(TARGET)/debug/examples/canary
	set -o pipefail; $(GENERATE) --canary --answers | $(TARGET)/debug/examples/canary

conformance: $(VENV)/done programs
	$(PY) -m pytest -q -n 2 --dist loadfile conformance

# Random lives of trails on a simulated clock; AWS's own validator judges their digests. SIM_ROUNDS=1000 is the whole run,
# SIM_SEED repeats one.
SIM_ROUNDS ?= 12
SIM_SEED   ?= 1
sim: $(VENV)/done programs
	rm -rf target/sim
	$(TARGET)/debug/pugmark-sim --rounds $(SIM_ROUNDS) --seed $(SIM_SEED) --dump target/sim
	$(PY) conformance/sim_validate.py target/sim

# Kills the server at random moments under load; ROUNDS=200 is the whole run, SEED repeats one.
ROUNDS ?= 10
SEED   ?=
crash: $(VENV)/done programs
	$(PY) conformance/crash.py --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/done build
	bench/gateway.sh

# First rows, filter changes and script sizes of the console, over a million events.
bench-console: $(VENV)/done build
	cd console && node ../bench/console.mjs

clean:
	cargo clean
	rm -rf $(VENV) console/node_modules
