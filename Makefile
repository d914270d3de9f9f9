# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WHEELS := $(VENV)/.wheels
PIP := $(BIN)/pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile --use-pep517
PYSPARK := import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
	print(next(name for name in extras["spark"] if name.startswith("pyspark")))
DEMO := .demo
CHECKOV := .venv-checkov/bin/checkov
TERRAFORM := TF_DATA_DIR=.terraform/check $(BIN)/python -m qol_dev.cloud.tools terraform -chdir=terraform

.DEFAULT_GOAL := help
.PHONY: help setup demo test acceptance test-all simulate check lint types format docs pictures bench package lock docker-demo terraform-check cloud cloud-down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the `qol` command

# Python compiles modules when they are imported; compiling all of them takes longer than the tests of a package. The byte
# code must be kept, whatever the environment says: without it every process starts with ten seconds of compiling.
unexport PYTHONDONTWRITEBYTECODE
# PySpark is published as source only: its wheel is built while the others install, as each keeps one core busy.
$(STAMP): pyproject.toml lib/qol_dev/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found; install Python 3.11 or run make PYTHON=..."; exit 1; }
	@echo "Setting up $(VENV), the first time and when pyproject.toml has changed: about a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) wheel --quiet --use-pep517 --no-deps --wheel-dir $(WHEELS) "$$($(PYTHON) -c '$(PYSPARK)')" & build=$$!; \
	$(INSTALL) --editable '.[cli,query,report,collect,load,serve,dev]' && wait $$build
	@$(INSTALL) --find-links $(WHEELS) --editable '.[cli,query,report,collect,load,serve,spark,dev]' --editable lib/qol_dev
	@rm -r $(WHEELS) && touch $(STAMP)

demo: setup ## run the weekly job on sample data, on both engines, and show the weekly table
	@$(BIN)/python -m qol_dev.demo $(DEMO)

test: setup ## the tests (under 5 minutes after set-up)
	$(BIN)/pytest -q -m "not acceptance" -n 2 --dist loadgroup

acceptance: setup ## the long tests: whole runs, kill -9, faults, longer properties, the local cloud
	@$(INSTALL) --editable '.[acceptance]'
	QOL_MANY_EXAMPLES=1 $(BIN)/pytest -q -m acceptance -n 2 --dist loadgroup tests

test-all: test acceptance ## every test, as CI runs them

simulate: setup ## 10,000 seeds of the simulation of runs, erasures and faults (about 45 minutes on two cores)
	$(BIN)/python -m tests.simulation --seeds 10000

check: lint types test ## what a commit must pass

lint: setup ## ruff, import order, fresh generated files, plain English in the documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/qol contracts docs --check
	$(BIN)/python -m benchmarks.cost --check
	$(BIN)/python -m qol_dev.plain_english

types: setup ## mypy strict
	$(BIN)/mypy

format: setup ## format, and apply ruff's fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## write the generated catalog, tables, JSON Schemas, cost page and API reference
	$(BIN)/qol contracts docs
	$(BIN)/python -m benchmarks.cost
	$(BIN)/python -m qol.serve.reference docs/api-reference.md

pictures: demo ## take the README's pictures of the demo (needs Chromium)
	$(BIN)/python -m qol_dev.pictures $(DEMO) docs/images

bench: setup ## the benchmarks of docs/performance.md (about 45 minutes)
	$(BIN)/python -m benchmarks

# Not in $(VENV): only what a lock names by its hash may take part in what goes to AWS.
package: ## build the files for AWS in dist/: wheel, wheelhouse, zip of the functions, hashes
	PYTHONPATH=lib $(PYTHON) -s -m qol_dev.package

lock: setup ## lock the wheels of the package and of its tools again
	$(BIN)/python -m qol_dev.package lock

terraform-check: setup $(CHECKOV) ## check terraform/: format, validity, tests, scan
	$(TERRAFORM) fmt -check -recursive -diff
	$(TERRAFORM) init -backend=false -input=false -lockfile=readonly
	$(TERRAFORM) validate
	$(TERRAFORM) test
	$(CHECKOV) --config-file terraform/.checkov.yaml

# In its own environment: its pinned dependencies conflict with the project's.
$(CHECKOV): terraform/checkov.lock
	$(PYTHON) -m venv --clear .venv-checkov
	.venv-checkov/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --requirement $<

docker-demo: setup ## the job in the image of Glue 5.1, with a moto server (needs Docker)
	rm -rf $(DEMO)/docker
	$(BIN)/qol sample --lake $(DEMO)/docker --users 20 --weeks 2 --sources garmin-core
	docker compose --file docker/compose.yaml run --rm glue
	docker compose --file docker/compose.yaml down --volumes

cloud: setup ## the whole system on a simulated AWS on this machine, left running (docs/local-cloud.md)
	@$(BIN)/qol cloud up

cloud-down: setup ## stop the local cloud and remove its files
	@$(BIN)/qol cloud down

clean: ## remove the files of all targets
	rm -rf $(VENV) .venv-checkov terraform/.terraform $(DEMO) dist build .package .mypy_cache .ruff_cache .hypothesis
