# The workbook's commands. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help run lab test test-all bench bench-class lint format refresh lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## run the whole lab, notebooks 00 to 99, on the embedded AWS
	@$(BIN)/lab run

lab: $(READY) ## open the lab in JupyterLab
	@$(BIN)/lab open

test: $(READY) ## run the tests: the parts, the whole chain, the notebooks
	$(SIDE_BY_SIDE)

test-all: test ## run the slow tests too: faults, attacks, classes, and Chromium if it is installed
	$(SIDE_BY_SIDE) -m slow tests/unit tests/lab tests/browser

SIDE_BY_SIDE := $(BIN)/pytest -n auto --dist loadfile

bench: $(READY) ## time the headless run and `lab check` against what they cannot do without
	$(BIN)/python tests/bench_run.py

bench-class: $(READY) ## time a class against a loop over the papermill command, and against its cells alone
	$(BIN)/python tests/bench_class.py $(ACCOUNTS)

lint: $(READY) ## check style and types, of notebooks too
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/nbstripout --verify $(KEEP) notebooks/*.ipynb

format: $(READY) ## put code and notebooks into their usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout $(KEEP) notebooks/*.ipynb

KEEP := --keep-output --keep-count --keep-id \
	--extra-keys "metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.language_info.version"

refresh: $(READY) ## run the notebooks and keep their outputs as the ones that the tests compare with
	$(BIN)/python tests/notebooks/refresh.py
	$(BIN)/nbstripout $(KEEP) notebooks/*.ipynb

lock: $(READY) ## choose the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --universal --all-extras --upgrade --no-header --no-annotate \
		--python-version 3.11 pyproject.toml --output-file requirements.lock

clean: ## stop the embedded AWS, and delete it, the environment and the runs
	@if [ -x $(BIN)/lab ]; then $(BIN)/lab local stop; fi
	rm -rf .venv .lab runs

# Made once, and again when the dependencies change. uv installs ten times faster than pip; the compiled bytecode
# saves every kernel two seconds.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python %d.%d was found; the lab wants 3.11 or newer. Name one: make PYTHON=python3.13 ..." % sys.version_info[:2])'
	@echo "Setting up .venv (once, about half a minute) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock uv
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode -r requirements.lock -e .
	@touch $@
