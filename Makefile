# Needs Python 3.11 or newer and make; everything else goes into .venv by itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Two processes are what two cores carry.
TEST_ARGS ?= -n 2
# The proofs wait more than they work: for leases to end, for servers to come back.
PROOF_ARGS ?= -n 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo up test proof bench lint format clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## push hundreds of messages, kill workers on the way, account for every one
	@$(BIN)/python manage.py demo

up: $(INSTALLED) ## run everything here: admin, workers, beat, Flower; Ctrl-C stops it
	@$(BIN)/python manage.py up

test: $(INSTALLED) ## the tests
	$(BIN)/python -m pytest $(TEST_ARGS)

proof: $(INSTALLED) ## the long proofs: real servers, kill -9
	$(BIN)/python -m pytest -m proof $(PROOF_ARGS)

bench: $(INSTALLED) ## measure the throughput on this machine
	$(BIN)/python -m benchmarks

lint: $(INSTALLED) ## style, types, Django's own checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(INSTALLED) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove .venv and caches; what `make up` keeps in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A package index may fail for a moment: four tries, a longer pause before each.
$(INSTALLED): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@for pause in 3 15 45 0; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && exit 0; \
	  test $$pause -eq 0 || { echo "installation failed, next try in $$pause s" >&2; sleep $$pause; }; \
	done; exit 1
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $@
