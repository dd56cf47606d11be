# The workbook's commands. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEV := .venv/.dev

.DEFAULT_GOAL := help
.PHONY: help run lab zh test test-all sabotage bench prove lint format refresh docs catalogues site wheel lock clean

help: ## list these commands
	@echo "The Serverless Lab Workbook. Begin with: make lab"
	@echo "The first command sets up .venv. Another Python: make PYTHON=python3.13 lab"
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

##@ Learn

run: $(READY) ## run the whole lab, notebooks 00 to 99, on the embedded AWS
	@$(BIN)/lab run

lab: $(READY) ## open your own copy of the lab in JupyterLab
	@$(BIN)/lab open

zh: $(READY) ## put the menus of JupyterLab into Chinese
	@$(INSTALL) --extra $@ || $(call stop,$(FAILED))

##@ Work on the lab

test: $(DEV) ## run the quick tests (a minute or two)
	$(SIDE_BY_SIDE)

test-all: $(DEV) ## run all tests (about ten minutes); Chromium is optional
	HYPOTHESIS_PROFILE=thorough $(SIDE_BY_SIDE) -m "slow or not slow" $(TESTS)

sabotage: $(DEV) ## break a lab in many ways, and see that its checks say so
	$(SIDE_BY_SIDE) -m sabotage tests/lab

SIDE_BY_SIDE := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
TESTS := tests/unit tests/lab tests/aws_delays tests/notebooks tests/browser

bench: $(DEV) ## measure, and print what docs/performance.md says (LINES=totals or classes for a part of it)
	@for line in $(or $(LINES),totals classes); do $(BIN)/python -m tests.bench.$$line || exit; done

prove: $(READY) ## try the whole lab on AWS, and clean up (PROFILE=name ACCOUNT=number, REGION=eu-west-1)
	@[ "$(PROFILE)" ] && [ "$(ACCOUNT)" ] || $(call stop,Say where: make prove PROFILE=my-profile ACCOUNT=123456789012)
	@$(BIN)/lab clean $(WHERE)
	@trap : INT; failed=0; out=runs/prove-$$(date +%Y-%m-%d-%H%M%S); mkdir -p $$out; \
	$(BIN)/lab run --yes --keep --out $$out/first $(WHERE) \
		&& $(BIN)/lab check --probe --yes --json $(WHERE) > $$out/check.json \
		&& $(BIN)/lab clean --yes $(WHERE) \
		&& $(BIN)/lab run --yes --out $$out/second $(WHERE) \
		|| { failed=1; echo "A step has failed or was stopped: see above, or check.json. Cleaning up."; }; \
	$(BIN)/lab clean --yes $(WHERE) || { failed=1; echo 'Resources may be left. Run: $(BIN)/lab clean $(WHERE)'; }; \
	echo "Please send check.json and each result.json of $$out, also after an error."; exit $$failed

WHERE = --profile "$(PROFILE)" --account "$(ACCOUNT)" $(if $(REGION),--region "$(REGION)")

lint: $(DEV) ## check style, types, imports and workflows
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m docs.catalogues --check
	$(BIN)/zizmor --offline --no-progress --quiet .github docs/*.yml
	$(BIN)/nbstripout --verify $(KEEP) notebooks/*.ipynb

format: $(DEV) ## format code and notebooks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout $(KEEP) notebooks/*.ipynb

KEEP := --keep-output --keep-count --keep-id \
	--extra-keys "metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.language_info.version"

refresh: $(DEV) ## run the notebooks, and keep their outputs for the tests (ONLY=04 for one)
	@files=$$($(BIN)/python -m tests.notebooks.refresh $(ONLY)) && $(BIN)/nbstripout $(KEEP) $$files

docs: export LAB_LANG = en
docs: $(DEV) ## write the generated pages, tables and pictures of docs/
	$(BIN)/python docs/permissions.py > docs/permissions.md
	$(BIN)/python docs/headings.py
	$(BIN)/python -m docs.chain
	$(BIN)/python -m docs.rooms
	$(BIN)/python docs/costs.py
	$(BIN)/python -m docs.checks

catalogues: $(DEV) ## bring the catalogues of all languages up to date, and begin a new one (NEW=es)
	$(BIN)/python -m docs.catalogues $(NEW)

site: $(DEV) ## write the site for those who only read, into site/
	$(BIN)/python -m docs.site.build site

wheel: $(DEV) ## build the wheel, in dist/
	$(BIN)/uv build --wheel --no-build-isolation

lock: $(DEV) ## choose the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --universal --all-extras --upgrade --generate-hashes --no-header --no-annotate \
		--python-version 3.11 pyproject.toml --output-file requirements.lock

clean: ## stop and delete the embedded AWS; delete .venv and what was made, but not my-lab/
	@if [ -x $(BIN)/lab ]; then $(BIN)/lab local stop; fi
	rm -rf .venv runs site dist

# Made once, and again when the dependencies change. uv installs ten times faster than pip. All that is installed must
# match a hash of the lock, also what builds the lab. Python compiles a module when it is first imported: that adds four
# seconds to the first run, and all modules would take a minute. `.ready` is made last, so a set-up that failed begins again.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || $(call stop,$(PYTHON) was not found. Install Python 3.11 or newer. Or name one: make PYTHON=python3.13 ...)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python %d.%d was found; the lab needs 3.11 or newer. Name one: make PYTHON=python3.13 ..." % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call stop,$(PYTHON) has no venv module. On Debian and Ubuntu: sudo apt install python3-venv)
	@echo "Setting up .venv: once, half a minute to three minutes, depending on network and computer."
	@$(PYTHON) -m venv --clear .venv \
		&& awk '/^uv==/, !/\\$$/' requirements.lock | $(BIN)/pip install --disable-pip-version-check --require-hashes -r /dev/stdin \
		&& $(INSTALL) \
		&& VIRTUAL_ENV=.venv $(BIN)/uv pip install --no-deps --build-constraints requirements.lock -e . \
		|| $(call stop,$(FAILED))
	@touch $@

# All is compiled, since each kernel in the sandbox, which keeps nothing, would compile it anew.
$(DEV): $(READY)
	@$(INSTALL) --extra dev || $(call stop,$(FAILED))
	@echo "Compiling all packages: once, a minute or two."
	@$(BIN)/python -u -m compileall -j 0 -x 'site-packages/(docker|fontTools|graphql|moto|mypyc?|pip|setuptools|sphinx|sqlalchemy|.*/tests)/' .venv/lib lab_lib | awk '/^Compiling/ && ++n % 1000 == 0 {print "  " n " files"; fflush()}'
	@touch $@

INSTALL = VIRTUAL_ENV=.venv $(BIN)/uv pip install --require-hashes --constraints requirements.lock -r pyproject.toml
FAILED = The set-up has failed for the reason above. It needs a network and 1 GB of disk. Run the same command again.
stop = { echo "$(1)" >&2; exit 1; }
