# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Needs Python 3.11 or newer, make and git. Everything else goes to .venv and .cache in this folder.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready
PIP    := $(PY) -m pip -qq --disable-pip-version-check
GATE   := $(PY) -m tests.gate

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1
# Outside the sources, where a check could meet a file that another one is just writing
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
# Without bytecode, every start of Ansible compiles all of Ansible
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv constraints demo test check format lint types sanity docs docsite build units matrix integration \
	bench sandbox-up sandbox-status sandbox-down clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY) ## Set up .venv, again only when a requirements file has changed

$(READY): requirements.txt tests/requirements.txt tests/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is no Python 3.11 or newer, which Ansible needs: run make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@echo "Setting up $(VENV) ..."
	@$(PY) -c "" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --no-compile -c tests/constraints.txt -r tests/requirements.txt
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null \
		|| $(PIP) install --no-compile -c tests/constraints.txt ziglang
	@$(PY) -m tests.checkout .cache/collections
	@touch $@

constraints: ## Pin the newest versions that the requirements allow in tests/constraints.txt
	@$(PYTHON) -m venv --clear .cache/constraints
	@.cache/constraints/bin/python -m pip install -qq --disable-pip-version-check -r tests/requirements.txt ziglang
	@{ sed '/^$$/q' tests/constraints.txt; .cache/constraints/bin/python -m pip freeze --disable-pip-version-check; } \
		> .cache/constraints.txt
	@mv .cache/constraints.txt tests/constraints.txt

demo: venv ## Create accounts on a local Aurora and log in with real IAM tokens
	@$(PY) -m tests.demo

test: venv ## Run every check and close with one summary
	@$(GATE)

check: venv ## The fast part of test: lint, types, units, contracts on one sandbox; 3 minutes
	@$(GATE) check

format: venv ## Format the Python sources in place
	@ruff check --quiet --fix-only .
	@ruff format .

lint: venv ## ruff, yamllint, ansible-lint, licences, changelog fragments, .ci/run
	@$(GATE) lint

types: venv ## mypy, strict
	@$(GATE) types

sanity: venv ## ansible-test sanity, every test
	@$(GATE) sanity

docs: venv ## Check the documentation: of every plugin, of the site, and every code block
	@$(GATE) docs

docsite: venv ## Build the documentation's site into dist/docsite/
	@$(PY) -m tests.docsite

build: venv ## Build the artifact for Galaxy into dist/
	@$(PY) -m tests.artifact build

units: venv ## Unit tests
	@$(GATE) units

integration: venv ## Integration tests on real servers; they start the sandbox
	@$(GATE) integration

matrix: venv ## Try all supported ansible-cores and Pythons that are here; or CORE=2.20 PYTHONS=3.12
	@$(PY) -m tests.matrix $(if $(CORE),--core $(CORE)) $(if $(PYTHONS),--python $(PYTHONS))

bench: venv ## Measure how fast the collection is, and write docs/performance.md
	@$(PY) -m tests.benchmarks $(if $(MOST),--most $(MOST))

sandbox-up: venv ## Start the local Aurora
	@$(PY) -m tests.sandbox up

sandbox-status: venv ## Tell what of the local Aurora runs, and where
	@$(PY) -m tests.sandbox status

sandbox-down: venv ## Stop the local Aurora
	@$(PY) -m tests.sandbox down

clean: ## Stop the local Aurora, and remove what was made, but not .venv
	@if [ -d .sandbox ] && [ -x $(PY) ]; then $(PY) -m tests.sandbox down; fi
	@rm -rf .sandbox* .cache .ansible .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	@rm -f $(READY)

distclean: clean ## clean, and remove .venv
	@rm -rf $(VENV)
