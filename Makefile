# Bangfu 帮扶. `make` lists what there is; `make demo` and `make test` do all their own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test every-test test-full check lint types contracts lock bench clean

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
# File by file, in the order of the folders: the longest one comes first. One process more than cores, since each waits
# for its database now and then.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((cores < 4 ? cores + 1 : 5)))
SHARED := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
export BANGFU_HOME ?= $(CURDIR)/.bangfu
# Even where Python has been told to keep no bytecode: every command, server and child starts twice as fast with it.
export PYTHONDONTWRITEBYTECODE :=

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(LOCKED): requirements/dev.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Bangfu needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "setting up $(VENV) (once)"
	@rm -rf "$(VENV)"
	@"$(PYTHON)" -m venv "$(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.lock
	@touch "$(LOCKED)"

$(READY): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch "$(READY)"

demo: $(READY) ## the whole story on a generated county, then the API over it (Ctrl-C ends it)
	@$(BIN)/bangfu demo
	@$(BIN)/bangfu serve --demo

# The types are looked at beside the tests: they take one core, and most of a minute.
test: $(READY) lint contracts ## everything that must hold: style, types, contracts, and every test
	@$(MAKE) --no-print-directory --jobs=2 types every-test

every-test: $(READY)
	@$(BIN)/python -m pytest $(SHARED)

test-full: $(READY) check ## the same at the stated sizes, which takes hours; its figures are left in benchmarks/
	@BANGFU_FULL=1 $(BIN)/python -m pytest $(SHARED)

check: lint types contracts ## style, types and import contracts, without the tests

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

contracts: $(READY)
	@$(BIN)/lint-imports

lock: $(READY) ## renew requirements/*.lock (versions and hashes only)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --generate-hashes --python-version 3.11 \
		--upgrade --extra embedded --group dev pyproject.toml -o requirements/dev.lock
	@$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --generate-hashes --python-version 3.11 \
		--upgrade --extra embedded --group bench pyproject.toml -o requirements/bench.lock

bench: $(READY) ## the figures of benchmarks/, beside their peers
	@benchmarks/run

clean: ## remove what was built and the demo's data
	@if [ -x $(BIN)/bangfu ]; then $(BIN)/bangfu db remove --yes || true; fi
	@rm -rf "$(VENV)" .venv-bench .bangfu .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
