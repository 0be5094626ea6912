# Every target sets itself up: all it needs is Python 3.11+ with pip, and make. Nothing is installed outside .venv.
#
#   make demo            a running hub with a filled shop        (ARGS="--port 9000" passes options on, SIZE=1000000 fills it)
#   make test            the whole test suite, both databases    (ARGS="tests/foundation -x" runs a part)
#   make check           style, types, who imports whom, docs
#   make bench           what is measured against limits (ARGS=gateway compares the gateway with others: docs/gateway.md)
#   make lock            exact versions with hashes, from pyproject.toml (ARGS=--upgrade takes newer releases)
#   make test-browser, make test-conformance   bring their own Chromium and Node
#   make screenshots     a picture of every page, light, dark and on a phone, in docs/screenshots (Chromium, too)
#   make test-foreign    MCP servers of others behind the hub (they are fetched; needs Node)

PYTHON ?= python3
ARGS ?=
SIZE ?=
VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev

# A distribution may split ensurepip from Python: then the pip outside installs into the environment.
PIP = $$($(PY) -m pip --version >/dev/null 2>&1 && echo "$(PY) -m pip" || echo "$(PYTHON) -m pip --python $(PY)")
INSTALL = $(PIP) install -qq --no-input --disable-pip-version-check

.DELETE_ON_ERROR:
.PHONY: help setup demo test check check-style check-format check-types check-imports check-docs bench lock clean

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

setup: $(DEV)

demo: $(RUNTIME)
	@$(VENV)/bin/tradepost demo $(if $(SIZE),--orders $(SIZE)) $(ARGS)

test: $(DEV)
	@$(PY) -m pytest -n 2 --dist worksteal $(ARGS)

# All of them run even when one fails, so that one run tells everything.
check: $(DEV)
	@$(MAKE) --no-print-directory --keep-going check-style check-format check-types check-imports check-docs
check-style: $(DEV)
	$(VENV)/bin/ruff check .
check-format: $(DEV)
	$(VENV)/bin/ruff format --check .
check-types: $(DEV)
	$(VENV)/bin/mypy
check-imports: $(DEV)
	$(VENV)/bin/lint-imports --no-logo
check-docs: $(DEV)
	$(PY) -m docs.check

bench: $(DEV)
	@$(PY) -m bench $(ARGS)

lock: $(DEV)
	$(VENV)/bin/uv pip compile pyproject.toml --group build -o requirements.lock $(LOCK_OPTIONS) $(ARGS)
	$(VENV)/bin/uv pip compile pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock $(LOCK_OPTIONS) $(ARGS)
	$(PY) -m docs.check

# One lock for every platform and Python from 3.11 on; no address of a registry in it, so that any mirror serves.
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  found=$$($(PYTHON) --version 2>/dev/null) || found="not there"; \
	  echo "Tradepost needs Python 3.11 or newer, and '$(PYTHON)' is $$found." \
	       "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(PY)
	@echo "Installing what Tradepost runs on (requirements.lock) ..."
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing what tests and checks need (requirements-dev.lock) ..."
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# These exist as soon as their tests do.
ifneq ($(wildcard tests/browser),)
.PHONY: test-browser screenshots
test-browser: $(DEV)
	@$(PY) -m pytest -m browser tests/browser $(ARGS)
screenshots: $(DEV)
	@TRADEPOST_SCREENSHOTS=$(CURDIR)/docs/screenshots $(PY) -m pytest -m browser tests/browser/test_dashboard.py \
	  -k test_every_page_is_for_everybody $(ARGS)
	@echo "The pictures are in docs/screenshots."
endif

ifneq ($(wildcard tests/conformance),)
.PHONY: test-conformance
test-conformance: $(DEV)
	@$(PY) -m pytest -m conformance tests/conformance $(ARGS)
endif

ifneq ($(wildcard tests/foreign),)
.PHONY: test-foreign
test-foreign: $(DEV)
	@$(PY) -m pytest -m foreign tests/foreign $(ARGS)
endif
