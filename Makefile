# ShakerQueue's commands. `make` alone lists them; each one installs what it needs first.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
LINTER := dev/openapi_lint/node_modules/.package-lock.json
# Two workers, each with servers of its own: what the least machine that we test on has cores for.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help run rush test test-all test-nightly verify generate migrate seed lock audit security bench chaos fuzz screenshots clean clean-data

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(INSTALLED) ## run everything on this machine until Ctrl-C (PORT, DATABASE_URL, AMQP_URL override)
	@$(BIN)/python -m dev.run

rush: $(INSTALLED) ## a Friday night in four minutes, to watch (SPEED, MINUTES, GUESTS, BARTENDERS, SEED; BASE=http://…)
	@$(BIN)/python -m dev.rush

test: $(INSTALLED) ## the tests, on servers of their own
	@$(BIN)/python -m dev.test_programs
	$(PYTEST) -m "not slow and not nightly and not security_run"

test-all: $(INSTALLED) ## the tests and the slow ones
	@$(BIN)/python -m dev.test_programs
	$(PYTEST) -m "not nightly and not security_run"

test-nightly: $(INSTALLED) ## the tests that take minutes: alerts, every part of the benchmark, the longest rows of chaos
	@$(BIN)/python -m dev.test_programs
	$(PYTEST) -m nightly

verify: $(INSTALLED) $(LINTER) ## lint, types, imports, and whether all that is derived is in step
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python sql/codegen/generate.py --check
	$(BIN)/python -m dev.openapi --check
	$(BIN)/python -m dev.openapi_changes
	$(BIN)/python -m dev.openapi_lint
	$(BIN)/python -m dev.check_migrations
	$(BIN)/python -m dev.lock --check

generate: $(INSTALLED) ## write shakerqueue/queries from sql/queries, and docs/openapi.json from the API
	$(BIN)/python sql/codegen/generate.py
	$(BIN)/python -m dev.openapi

migrate: $(INSTALLED) ## bring the schema up to date: of DATABASE_URL, or of `make run`
	@$(BIN)/python -m dev.with_database shakerqueue.cli migrate up

seed: $(INSTALLED) ## load recipes and demo users: into DATABASE_URL, or for `make run` (ORDERS=N: and N past orders)
	@$(BIN)/python -m dev.with_database seed $(if $(ORDERS),--orders $(ORDERS))

lock: $(INSTALLED) ## pin the versions that setup.cfg asks for (UPGRADE=1: the newest)
	$(BIN)/python -m dev.lock $(if $(UPGRADE),--upgrade)

security: $(INSTALLED) ## the security checks by number, and the slow ones; the outcomes go into docs/security.md
	@$(BIN)/python -m dev.test_programs
	$(PYTEST) -k test_sec_ --override-ini=junit_family=xunit1 --junitxml=.local/security/last.xml
	@$(BIN)/python -m tests.security.report

audit: $(INSTALLED) ## ask whether a locked package has a known vulnerability
	@$(BIN)/python -m dev.audit

bench: $(INSTALLED) ## measure accepted orders per second beside two peers, with charts
	$(BIN)/python -m bench

chaos: $(INSTALLED) ## break every part while orders come in (ROW=5,14a; FRESH=1; MINUTES=60)
	@$(BIN)/python -m tests.chaos

fuzz: $(INSTALLED) ## send requests that are made up from the contract (SEED=7; REQUESTS=50000; SMALL=1)
	@$(BIN)/python -m tests.fuzz

screenshots: $(INSTALLED) ## take the pictures of the pages in docs/images
	@$(BIN)/python -m tests.browser.screenshots

clean: ## remove what was installed and cached; the data of `make run` stays
	rm -rf .venv .local/bench-venv dev/openapi_lint/node_modules build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name .git -prune -o -name .local -prune -o -type d -name __pycache__ -exec rm -rf {} +

clean-data: ## remove the data, logs and secrets of `make run`
	@$(PYTHON) -m dev.clean_data

# Made anew as a whole, so that nothing stays which the lock no longer names; the stamp comes last, after success only.
$(INSTALLED): requirements-dev.txt setup.cfg pyproject.toml
	@command -v $(PYTHON) >/dev/null || \
		{ echo "There is no $(PYTHON): install Python 3.11 or later, or name one with PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ShakerQueue needs Python 3.11 or later; name one with PYTHON=…. This is $$($(PYTHON) --version 2>&1)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing (Debian: apt-get install python3-venv)"; exit 1; }
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python dev/install.py
	@touch $@

$(LINTER): dev/openapi_lint/package-lock.json $(INSTALLED)
	@$(BIN)/python -m dev.openapi_lint --install
	@touch $@
