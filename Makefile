# Two commands matter: `make demo` and `make test`. Both work from a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Most tests wait for real servers: three at once fill two cores. Each job has a stack of its own.
JOBS ?= 3
SOURCES := pangaea.py worker local training bench tests

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-training faults lint format lock train tables clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Pangaea needs Python 3.11 or newer: set PYTHON=…"; exit 2; }
	@echo "setting up: Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# One stamp for each environment; a larger one brings all of the smaller.
$(VENV)/demo.stamp: requirements/demo.txt pyproject.toml pangaea.py | $(BIN)/python
	@echo "setting up: the worker, the embedded stack and the engine builder (once)"
	@$(PIP) install --no-deps --require-hashes -r requirements/demo.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/demo.stamp
	@echo "setting up: the test tools (once)"
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/train.stamp: requirements/train.txt $(VENV)/dev.stamp
	@echo "setting up: torch, about 3 GB (once)"
	@$(PIP) install --no-deps --require-hashes -r requirements/train.txt
	@touch $@

$(VENV)/tables.stamp: requirements/tables.txt $(VENV)/dev.stamp
	@echo "setting up: the world's places and time zones, a quarter of a gigabyte (once)"
	@$(PIP) install --no-deps --require-hashes -r requirements/tables.txt
	@touch $@

setup: $(VENV)/dev.stamp  ## install everything but torch, and fetch Kafka, Java and Triton
	@$(BIN)/pangaea doctor --fetch

demo: $(VENV)/demo.stamp  ## the whole system on the example photos
	@$(BIN)/pangaea demo

test: setup  ## every test that needs no torch
	@$(BIN)/pangaea bench peers --fetch
	@# The longest files first, so that none of them is left over for one job at the end.
	@$(BIN)/python -m pytest -m "not training" -n $(JOBS) --dist loadfile --no-loadscope-reorder \
		tests/faults tests/end_to_end tests/bench tests/local tests worker training local

test-training: $(VENV)/train.stamp  ## the tests that need torch, and the models fitted anew
	@$(BIN)/python -m pytest -m training

faults: setup  ## the long run of faults, about half an hour; writes reports/faults/faults.html
	@$(BIN)/python -m tests.faults

lint: $(VENV)/dev.stamp  ## ruff and mypy
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy

format: $(VENV)/dev.stamp  ## let ruff mend what it can
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

train: $(VENV)/dev.stamp  ## refit the models from the committed embeddings, and write their card and its page
	@$(BIN)/python -m training.train
	@$(BIN)/python -m training.evaluation.model_card

tables: $(VENV)/tables.stamp  ## make the tables behind the evidence anew from public data
	@$(BIN)/pangaea evidence build

lock: $(VENV)/dev.stamp  ## renew the pinned and hashed requirement files
	@$(BIN)/python -m training.lock

clean:  ## remove the environment
	@rm -rf $(VENV)
