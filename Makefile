# The commands of the project. `make demo` and `make test` need nothing but Python 3.11 or newer.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 8000
SERVE ?= 1
STAMP := $(VENV)/.installed
OUTSIDE := .venv-outside
OUTSIDE_JS := tests/outside/js
PEERS := .bench-packages
# The server on which tests make their databases, and the tests that run on SQLite and there (tests/ledger does by itself).
export TEST_POSTGRES_URL ?= postgres://postgres@127.0.0.1:5432/postgres
POSTGRES_ANSWERS = $(PY) -c 'import psycopg, sys; psycopg.connect(sys.argv[1], connect_timeout=3)' $(TEST_POSTGRES_URL)
ON_BOTH := $(addprefix tests/,people registry reviews evidence releases cards training evals api pages invariants)

.PHONY: install outside demo serve test test-all test-postgres fuzz torture check bench audit clean

install: $(STAMP)

$(STAMP): requirements.txt requirements-dev.txt
	@test -x $(PY) || $(PYTHON) -c 'import sys; sys.exit("Charter needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages (a few minutes the first time)…"
	@$(PY) -m pip install --quiet --disable-pip-version-check --progress-bar on -r requirements-dev.txt
	@touch $(STAMP)

# Verifiers that others wrote, for tests/outside, apart from what Charter itself runs on; also needed: golang-golang-x-mod-dev.
outside: $(OUTSIDE)/.installed $(OUTSIDE_JS)/node_modules/.package-lock.json

$(OUTSIDE)/.installed: requirements-outside.txt
	@test -x $(OUTSIDE)/bin/python || $(PYTHON) -m venv $(OUTSIDE)
	@$(OUTSIDE)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-outside.txt
	@touch $@

$(OUTSIDE_JS)/node_modules/.package-lock.json: $(OUTSIDE_JS)/package-lock.json
	@npm ci --prefix $(OUTSIDE_JS) --silent --no-fund --no-audit
	@touch $@

demo: install
	@$(PY) manage.py demo $(if $(filter 0,$(SERVE)),--no-serve,--serve --port $(PORT))

serve: install
	@$(PY) manage.py serve --port $(PORT)

test: install
	@$(PY) -m pytest -q -m "not slow and not service" -n 2

# 10,000 mutated bundles, members and proofs each; `make test` tries a tenth.
fuzz: install
	@FUZZ=10000 $(PY) -m pytest -q tests/ledger/test_fuzz.py

test-postgres: install
	@DATABASE_URL=$(dir $(TEST_POSTGRES_URL))charter $(PY) -m pytest -q -m "not slow and not service" -n 2 $(ON_BOTH)

test-all: install
	@$(PY) -m pytest -q
	@if $(POSTGRES_ANSWERS); \
	then $(MAKE) --no-print-directory test-postgres; \
	else echo "Skipped: make test-postgres, because no PostgreSQL answers at $(TEST_POSTGRES_URL)"; fi

# So many processes are killed at least: half on SQLite, half on PostgreSQL where it answers. TORTURE=200 narrows it, SEED repeats one.
TORTURE ?= 2000
torture: install
	@$(PY) -m tests.torture --on sqlite --kills $$(($(TORTURE) / 2)) $(if $(SEED),--seed $(SEED))
	@if $(POSTGRES_ANSWERS); \
	then $(PY) -m tests.torture --on postgresql --kills $$(($(TORTURE) / 2)) $(if $(SEED),--seed $(SEED)); \
	else echo "Skipped: the torture on PostgreSQL, because none answers at $(TEST_POSTGRES_URL)"; fi

check: install
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy config governance training evals
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/djlint templates --check --lint
	@$(PY) manage.py makemigrations --check --dry-run

# BENCH="--only search --quick" narrows it. The packages that the ledger is compared with lie apart from what Charter runs on.
bench: install
	@$(MAKE) --no-print-directory $(PEERS)/.installed || echo "Not installed: what requirements-bench.txt names; its rows say so."
	@$(PY) -m benchmarks $(BENCH)

$(PEERS)/.installed: requirements-bench.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(PEERS) -r requirements-bench.txt
	@touch $@

audit: install
	@$(VENV)/bin/pip-audit -r requirements.txt --no-deps

clean:
	@rm -rf var .pytest_cache .mypy_cache .ruff_cache
