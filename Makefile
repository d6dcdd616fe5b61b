# The two commands: `make book` and `make test`. Both make .venv first, from requirements.lock.
# A python of one's own: make book PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo "$$p" && break; done)

.PHONY: book test check clean

book: $(VENV)/.installed  ## run every notebook at the laptop profile, build the book, print where it lies
	@$(BIN)/whence book

test: $(VENV)/.installed  ## the whole test suite
	@$(BIN)/python -m pytest

check: $(VENV)/.installed  ## linter, formatter, type checker
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean:  ## remove runs and built pages (not the environment, not committed records)
	rm -rf _build book/studies

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No CPython 3.11-3.13 found. Install one, or name it: make book PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Installing the locked environment into $(VENV) (once; a minute or two, about 2 GB)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@
