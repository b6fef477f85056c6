# Two commands for a fresh clone: `make distill` and `make test`. Each makes what it needs and repeats nothing.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check
# Two workers, each of which starts with half of the files in their order: most fixtures are then built once.
PYTEST = .venv/bin/pytest -n 2 --dist worksteal
DEFAULT = unit or promise

.PHONY: distill test-lowest test-unit test-integration test-faults test-full test test-all lint docs clean

distill: .venv/.installed
	.venv/bin/conch distill --all

# In process: no other process, no network.
test-unit: .venv/.dev
	$(PYTEST) -m unit tests/unit

# The unit tier, and one test of the other tiers for each promise.
test: .venv/.dev
	$(PYTEST) -m "$(DEFAULT)"

# Every test. REST=1 leaves out those of `make test`, for a caller that has run it.
test-all: .venv/.dev .venv/.parity/.installed
	$(PYTEST) $(if $(REST),-m "not ($(DEFAULT))")

test-integration test-faults: test-%: .venv/.dev
	$(PYTEST) -m $*

test-full: .venv/.dev .venv/.parity/.installed
	$(PYTEST) -m full

# The unit tier with the lowest versions that pyproject.toml allows.
test-lowest: .venv/.lowest/.installed
	.venv/.lowest/bin/pytest -n 2 --dist worksteal -m unit tests/unit

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

docs: .venv/.dev
	.venv/bin/python docs/check.py

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	touch $@

.venv/.dev: pyproject.toml .venv/.installed | .venv/bin/python
	$(PIP) --editable '.[dev]'
	touch $@

# PEFT, with which the conversions are compared, in an environment of its own: where transformers sees torch, mlx-lm
# takes more than twice as long to import.
.venv/.parity/.installed: tests/full/parity.txt | .venv/bin/python
	$(PYTHON) -m venv .venv/.parity
	.venv/.parity/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/full/parity.txt
	touch $@

.venv/.lowest/.installed: pyproject.toml | .venv/bin/python
	$(PYTHON) -m venv .venv/.lowest
	.venv/.lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv/.lowest/bin/uv pip install --quiet --python .venv/.lowest/bin/python --resolution lowest-direct \
		--editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
