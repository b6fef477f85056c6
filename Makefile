# Two commands for a fresh clone: `make distill` and `make test`. Each makes what it needs and repeats nothing.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: distill test lint docs clean

distill: .venv/.installed
	.venv/bin/conch distill --all

test: .venv/.dev .venv/.parity/.installed
	.venv/bin/pytest

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

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

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
