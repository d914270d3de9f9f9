# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := .demo

.DEFAULT_GOAL := help
.PHONY: help setup demo test acceptance check lint types format docs bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the `qol` command

$(STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found; install Python 3.11 or say make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 --editable '.[spark,dev]'
	@touch $(STAMP)

demo: setup ## run the weekly job on sample data, on both engines, and show the weekly table
	@$(BIN)/python -m qol.demo $(DEMO)

test: setup ## the tests (under 5 minutes)
	$(BIN)/pytest -q -m "not acceptance" -n 2 --dist loadgroup

acceptance: setup ## the long tests: kill -9, two runs at once, longer properties
	$(BIN)/pytest -q -m acceptance tests/acceptance

check: lint types test ## what a commit must pass

lint: setup ## ruff, and generated files are fresh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/qol contracts docs --check

types: setup ## mypy strict
	$(BIN)/mypy

format: setup ## let ruff mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## write the generated catalog and tables
	$(BIN)/qol contracts docs

bench: setup ## the benchmarks of docs/performance.md (about 15 minutes)
	$(BIN)/python -m benchmarks

clean: ## remove what the targets made
	rm -rf $(VENV) $(DEMO) .mypy_cache .ruff_cache .hypothesis
