# make up    everything on this machine, one command
# make test  all tests, on a real Kafka
# make check ruff and mypy
# make drill SEEDS=20  kills everything again and again, and prints what came of it
# make bench all measurements, an hour; writes docs/performance.md
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: up install test check drill bench clean

up: install
	@exec $(BIN)/aimesh up

install: $(STAMP)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "aimesh needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Choose one with: make PYTHON=python3.12 up")'
	@$(PYTHON) -m venv $(VENV)

$(STAMP): $(BIN)/python setup.cfg pyproject.toml
	@echo "installing into $(VENV) (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar on -e '.[dev]'
	@touch $@

check: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: install
	@$(BIN)/python -m pytest

SEEDS ?= 20
drill: install
	@$(BIN)/python -m bench.drill --seeds $(SEEDS) $(DRILL)

$(VENV)/.benching: $(STAMP)
	@$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar on -e '.[dev,bench]'
	@touch $@

ROUNDS ?= 3
bench: $(VENV)/.benching
	@$(BIN)/python -m bench --rounds $(ROUNDS) $(BENCH)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
