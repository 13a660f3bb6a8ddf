# Two commands on a fresh machine with Python >= 3.11, its venv module and make:
#   make serve   a working feed under var/, on 127.0.0.1
#   make test    format, lint, types, import contracts, all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: serve test demo report lock clean

serve: $(VENV)/.installed
	@$(BIN)/backscatter-feed serve --first-run

test: $(VENV)/.installed-test
	@$(BIN)/python -m tests.check

# From the forged mail to the removal, with real mail servers in a network namespace.
demo: $(VENV)/.installed-test
	@$(BIN)/python -m tests.consumers.demo

# The numbers of judging on the collections of real mails beside the project, into docs/results.md.
report: $(VENV)/.installed-test
	@$(BIN)/python -m tests.report

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python requirements.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed requirements-test.lock
	$(PIP) install --require-hashes -r requirements-test.lock
	@touch $@

# Needs uv; writes hashes and no addresses.
lock:
	uv pip compile --quiet pyproject.toml --extra build --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 -o requirements.lock
	uv pip compile --quiet pyproject.toml --extra build --extra test --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 -o requirements-test.lock

clean:
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
