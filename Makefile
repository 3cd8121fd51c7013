# `make run` starts Pugmark; `make test` installs what the tests need and runs all of them.
SHELL   = /bin/bash
PYTHON ?= python3
VENV   ?= .venv
PY      = $(VENV)/bin/python

.PHONY: run build test check unit catalogue conformance sim crash bench clean

run: build
	./target/release/pugmark serve

build:
	cargo build --release --bin pugmark

test: unit catalogue conformance sim crash

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

unit:
	cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked
	cargo nextest run --workspace
	cargo test --workspace --doc

$(VENV)/done: conformance/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r conformance/requirements.txt
	touch $@

# Three operations of each service; CATALOGUE=--all is the whole run: every operation is recognised, every parameter is
# found again, and no sensitive member is in any record.
CATALOGUE ?=
catalogue: $(VENV)/done
	cargo build -p pugmark-wire --example recognise -p pugmark-gateway --example canary
	set -o pipefail; $(PY) conformance/catalogue/generate.py $(CATALOGUE) | cargo run -q -p pugmark-wire --example recognise
	set -o pipefail; $(PY) conformance/catalogue/generate.py --canary $(CATALOGUE) | cargo run -q -p pugmark-gateway --example canary
	set -o pipefail; $(PY) conformance/catalogue/generate.py --canary --answers $(CATALOGUE) | cargo run -q -p pugmark-gateway --example canary

conformance: $(VENV)/done
	cargo build --bin pugmark
	$(PY) -m pytest -q conformance

# Random lives of trails on a simulated clock; AWS's own validator judges their digests. SIM_ROUNDS=1000 is the whole run,
# SIM_SEED repeats one.
SIM_ROUNDS ?= 12
SIM_SEED   ?= 1
sim: $(VENV)/done
	rm -rf target/sim
	cargo run -q -p pugmark-sim -- --rounds $(SIM_ROUNDS) --seed $(SIM_SEED) --dump target/sim
	$(PY) conformance/sim_validate.py target/sim

# Kills the server at random moments under load; ROUNDS=200 is the whole run, SEED repeats one.
ROUNDS ?= 10
SEED   ?=
crash: $(VENV)/done
	cargo build --bin pugmark
	$(PY) conformance/crash.py --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/done build
	bench/gateway.sh

clean:
	cargo clean
	rm -rf $(VENV)
