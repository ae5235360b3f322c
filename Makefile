# Everything a newcomer needs: `make backtest`, `make test`. The virtual environment is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal
# With bytecode, which each command would compile for itself where PYTHONDONTWRITEBYTECODE is set, as in containers.
INSTALL := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

.PHONY: backtest test test-slow prove lint bench reference schema clean

backtest: $(VENV)/run.stamp
	$(BIN)/stratoquant backtest specs/wiring_master.yaml

# The checks, each of them in one place: `make test` in minutes, then what takes longer. .ci/run runs all four.
test: $(VENV)/test.stamp
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/test.stamp
	$(PYTEST) -m slow

prove: $(VENV)/test.stamp
	$(BIN)/wiring_check --prove specs/*.yaml

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# After a deliberate change of results: look at the difference before it is committed.
reference: $(VENV)/test.stamp
	$(BIN)/python -m tests.reference --renew
	git diff --stat tests/reference

bench: $(VENV)/bench.stamp
	$(BIN)/python -m stratoquant.tools.bench

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
	$(INSTALL) -e .
	touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/uv
	$(INSTALL) -e '.[test]'
	touch $@ $(VENV)/run.stamp

$(VENV)/bench.stamp: pyproject.toml | $(BIN)/uv
	$(INSTALL) -e '.[bench]'
	touch $@ $(VENV)/run.stamp
