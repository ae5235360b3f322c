# Everything a newcomer needs: `make backtest`, `make test`. The virtual environment is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: backtest test test-all lint bench schema clean

backtest: $(VENV)/run.stamp
	$(BIN)/stratoquant backtest specs/wiring_master.yaml

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-all: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/wiring_check specs/*.yaml

bench: $(VENV)/bench.stamp
	$(BIN)/python -m tools.bench

schema: $(VENV)/run.stamp
	$(BIN)/stratoquant schema

clean:
	rm -rf $(VENV) build runs *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] \
		+ ". Set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>&1 | grep -v WARNING || true
	test -x $(BIN)/uv

$(VENV)/run.stamp: pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e .
	touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[test]'
	touch $@ $(VENV)/run.stamp

$(VENV)/bench.stamp: pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[bench]'
	touch $@ $(VENV)/run.stamp
