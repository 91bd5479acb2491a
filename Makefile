# Each target runs without arguments in a fresh checkout.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: install test lint bench tour serve demo
install: $(VENV)/.developing

$(VENV)/.running: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e .
	touch $@

$(VENV)/.developing: $(VENV)/.running
	$(BIN)/pip install --quiet -e '.[dev,browser]'
	# redis-om brings stubs of redis 4, which hide redis-py's own types from mypy
	$(BIN)/pip uninstall --quiet --yes types-redis
	touch $@

tour: $(VENV)/.running
	$(BIN)/redisvss tour

test: install
	$(BIN)/pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

serve: $(VENV)/.running
	$(BIN)/redisvss serve --embedded

bench: install
	$(BIN)/python benchmarks/bench_client.py

demo: install
	$(BIN)/redisvss demo --embedded
