# Huimin. `make help` lists what there is; every target sets up .venv from the lock files first.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test mutations lint docs bench serve stop

# Bytecode is kept whatever the environment says: the tests start some hundred processes.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUNTIME) ## Make .venv and install what Huimin needs to run

demo: $(RUNTIME) ## A city and its day, then the admin (RESIDENTS=n STORES=path.csv EXIT=1)
	$(PY) manage.py demo $(if $(RESIDENTS),--residents $(RESIDENTS)) $(if $(STORES),--stores "$(STORES)") $(if $(EXIT),--exit)

test: $(DEV) ## Run the tests, a process per core (ARGS="tests/rules -x" narrows them)
	$(PY) -m pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

mutations: $(DEV) ## Break each guard in turn: some test must go red (ONLY=word)
	$(PY) -m tests.mutations $(if $(ONLY),--only "$(ONLY)")

lint: $(DEV) ## Formatting, lint, types, layers, missing migrations
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run

docs: $(DEV) ## Build the documentation into .local/docs; a warning is an error
	$(PY) -m docs

bench: $(DEV) ## Measure; results in .local/bench (ONLY=name prefix)
	$(PY) -m tests.benchmarks $(if $(ONLY),--only "$(ONLY)")

serve: $(RUNTIME) ## Web server, worker and beat until Ctrl-C
	$(PY) manage.py serve

stop: ## Stop embedded servers that a killed process left behind
	@[ ! -x $(PY) ] || $(PY) -m config.embedded stop

# The environment: uv where it is on PATH, else the standard library's venv and pip. It is installed
# again only when a lock file changes; the development lock holds the runtime one whole.

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
CANDIDATES := $(PYTHON) python3 python3.13 python3.12 python3.11

$(PY):
	@if command -v uv >/dev/null; then uv venv --quiet --clear --python '>=3.11,<3.14' $(VENV); exit; fi; \
	for python in $(CANDIDATES); do \
		if "$$python" -c '$(SUPPORTED)' 2>/dev/null; then \
			"$$python" -m venv --clear $(VENV) && exit; \
			rm -rf $(VENV); \
			echo "$$python can't make a virtual environment (on Debian: apt install python3-venv)."; \
			exit 1; \
		fi; \
	done; \
	echo "Huimin needs Python 3.11, 3.12 or 3.13: install one, or say make PYTHON=/path/to/python."; \
	exit 1

define install
	@echo "Installing $< into $(VENV) ..."
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(PY) --require-hashes -r $<; \
	else \
		{ $(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null; } && \
		$(PY) -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r $<; \
	fi
endef

$(RUNTIME): requirements.lock | $(PY)
	$(install)
	@touch $@

$(DEV): requirements-dev.lock | $(PY)
	$(install)
	@touch $(RUNTIME) $@
