# Two commands: `make run` serves the demonstration, `make test` proves everything. Both do their own set-up.
#
#   make run PORT=8010
#   make run DATABASE_URL=postgresql+psycopg://lims@127.0.0.1/lims DEMO=1
#   make test TESTS="tests/intake -k box"
#
# Variables given to make reach the product as environment variables: PORT, DATABASE_URL, DEMO, WORKERS, SECRET_KEY.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
TESTS  ?= tests
# one test process per core, at most four: each starts a PostgreSQL server of its own
JOBS   ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo 4 || echo $$n)

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

run: $(VENV)/installed ## serve the demonstration on http://127.0.0.1:8000 (PORT=…)
	@exec $(BIN)/lims run

test: $(VENV)/installed-test ## everything: unit, journey, PostgreSQL and browser tests, and the linters
	@sh scripts/setup.sh tests
	$(BIN)/ruff check .
	$(BIN)/lint-imports --config setup.cfg --no-cache
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(TESTS)

lint: $(VENV)/installed-test ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --config setup.cfg --no-cache
	$(BIN)/mypy

format: $(VENV)/installed-test ## lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed-test ## the benchmarks, each printing ratios
	@set -e; for file in bench/*.py; do echo "== $$file"; $(BIN)/python $$file; done

clean: ## forget the environment and the demonstration's data
	rm -rf $(VENV) instance artefacts build dist

# The stamps make the second run start in seconds. pip alone decides what is downloaded: versions are pinned.
$(VENV)/installed: requirements.txt setup.cfg pyproject.toml
	@sh scripts/setup.sh python "$(PYTHON)"
	@echo "Setting up $(VENV) (once; a minute or so) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed requirements-test.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@
