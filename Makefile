# Every task of the project. `make help` lists them; the set-up that a task needs is done by the task.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first interpreter that is new enough: 3.11 and 3.12 are what the locked packages are tried with.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR ?= $(or $(AR_HOME),var)
SIZE ?= small
SEED ?= 7
EXTRACTS ?=
PROFILE ?=
AS_OF ?=

# A lock that is installed already is not installed again: the stamp's name is the hash of what it stands for.
stamp = $(VENV)/.installed-$(shell cat $(1) pyproject.toml 2>/dev/null | sha256sum | cut -c1-16)
RUN_STAMP := $(call stamp,requirements-bootstrap.lock requirements.lock)
DEV_STAMP := $(call stamp,requirements-bootstrap.lock requirements.lock requirements-dev.lock)-dev

.PHONY: help
help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "No python3.11 (or newer) on the PATH; install one, or say PYTHON=/path/to/python." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than 3.11; say PYTHON=/path/to/a/newer/python." >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock

# uv reads its own settings of indexes and proxies; where only pip is set up, pip installs the same lock (slower).
define install
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes $(foreach lock,$(1),-r $(lock)) \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(foreach lock,$(1),-r $(lock))
	$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation -e .
endef

$(RUN_STAMP): | $(BIN)/uv
	$(call install,requirements-bootstrap.lock requirements.lock)
	@touch $@

$(DEV_STAMP): | $(BIN)/uv
	$(call install,requirements-bootstrap.lock requirements-dev.lock)
	@touch $@ $(RUN_STAMP)

.PHONY: setup
setup: $(RUN_STAMP) ## Create .venv with the locked packages and install arw

# The demo and your own books never share a home: figures of both together would be nobody's.
DEMO_INBOX = $(HOME_DIR)/demo-$(SIZE)-$(SEED)
DEMO_MARK = $(HOME_DIR)/.demo

.PHONY: run
run: setup ## The main job: extracts to a published warehouse (EXTRACTS=path PROFILE=name AS_OF=date; without: the demo)
ifeq ($(EXTRACTS),)
	@if [ -d $(HOME_DIR)/lake ] && [ ! -e $(DEMO_MARK) ]; then \
	  echo "$(HOME_DIR)/ holds your own books; give the demo another home: make run HOME_DIR=var-demo" >&2; exit 1; fi
	@if [ -e $(DEMO_MARK) ] && [ "$$(cat $(DEMO_MARK))" != "$(SIZE)-$(SEED)" ]; then \
	  echo "$(HOME_DIR)/ holds another demo ($$(cat $(DEMO_MARK))); give this one its own home: make run HOME_DIR=var-$(SIZE)-$(SEED) ..." >&2; exit 1; fi
	@mkdir -p $(HOME_DIR) && echo "$(SIZE)-$(SEED)" > $(DEMO_MARK)
	@test -d $(DEMO_INBOX) || $(BIN)/arw --home $(HOME_DIR) demo --size $(SIZE) --seed $(SEED) --out $(DEMO_INBOX)
	@$(BIN)/arw --home $(HOME_DIR) run $(DEMO_INBOX) $(if $(AS_OF),--as-of $(AS_OF))
else
	@if [ -e $(DEMO_MARK) ]; then \
	  aside=$(HOME_DIR)-demo-$$(date +%Y%m%d%H%M%S); mv $(HOME_DIR) $$aside; \
	  echo "the demo moved from $(HOME_DIR)/ to $$aside/, so that its figures do not mix with yours" >&2; fi
	@$(BIN)/arw --home $(HOME_DIR) run "$(EXTRACTS)" $(if $(PROFILE),--profile "$(PROFILE)") $(if $(AS_OF),--as-of $(AS_OF))
endif

.PHONY: demo
demo: setup ## Write a demo inbox (SIZE=small|medium|large|N SEED=N), without loading it
	$(BIN)/arw --home $(HOME_DIR) demo --size $(SIZE) --seed $(SEED) --out $(DEMO_INBOX)

.PHONY: status
status: setup ## What is published now
	@$(BIN)/arw --home $(HOME_DIR) status

.PHONY: dashboards
dashboards: setup ## The dashboards on the published version, until Ctrl-C (PORT=8501)
	@$(BIN)/arw --home $(HOME_DIR) dashboards --port $(PORT)
PORT ?= 8501

.PHONY: export
export: setup ## The published tables as Parquet files, for Excel and Power BI
	@$(BIN)/arw --home $(HOME_DIR) export

.PHONY: docs
docs: setup ## The documentation of all models as one page (docs.html in the home)
	@$(BIN)/arw --home $(HOME_DIR) docs

.PHONY: reference
reference: setup ## Write the parts of docs/ again that are made from the program (for who changes settings or metrics)
	$(BIN)/python -m orchestration.reference

.PHONY: browser-deps
browser-deps: ## Install Debian's Chromium for the browser tests (needs root)
	apt-get update -qq
	apt-get install -y -qq chromium

.PHONY: orchestrate
orchestrate: setup ## The Dagster UI and daemon on this home, with its schedules and the inbox sensor
	@$(BIN)/arw --home $(HOME_DIR) orchestrate

# In the order of collection: the long ones come first, so that no worker ends up waiting for the others. Three on two cores, for tests of processes wait a lot.
PARALLEL := -n 3 --dist loadgroup --no-loadscope-reorder

.PHONY: test
test: $(DEV_STAMP) ## All tests, with all set-up
	$(BIN)/python -m pytest $(PARALLEL)

.PHONY: test-fast
test-fast: $(DEV_STAMP) ## The unit tests only (under two minutes)
	$(BIN)/python -m pytest $(PARALLEL) tests/unit

.PHONY: mutate
mutate: $(DEV_STAMP) ## Try wrong changes of the models against the golden cases (about 20 minutes; writes docs/mutations.md)
	cd tests && ../$(BIN)/python -m mutation

.PHONY: lint
lint: $(DEV_STAMP) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: bench
bench: $(DEV_STAMP) ## Measure the cost of everything against a bare DuckDB (SIZES="100k 1M 5M 10M" for all of it: two hours and 40 GB of disk; writes docs/performance.md)
	$(BIN)/python -m benchmarks run $(SIZES) --scratch $(BENCH_DIR) --out $(BENCH_DIR)/performance
	cp $(BENCH_DIR)/performance.md docs/performance.md

.PHONY: bench-files
bench-files: $(DEV_STAMP) ## Measure files as they come (10 GB, a million rejects, 5,000 drops: an hour and 30 GB of disk) and add them to the table
	@test -f $(BENCH_DIR)/performance.json || { echo "there is no $(BENCH_DIR)/performance.json to add to; nothing was measured: make bench first" >&2; exit 1; }
	$(BIN)/python -m benchmarks.files --scratch $(BENCH_DIR)/files > $(BENCH_DIR)/files.json
	$(BIN)/python -m benchmarks files $(BENCH_DIR)/files.json --out $(BENCH_DIR)/performance
	cp $(BENCH_DIR)/performance.md docs/performance.md

.PHONY: bench-compare
bench-compare: $(DEV_STAMP) ## Hold the last `make bench` against the saved baseline, ratios only
	@$(BIN)/python -m benchmarks compare $(BENCH_DIR)/performance.json benchmarks/baseline.json
SIZES ?= 100k
BENCH_DIR ?= var-bench

.PHONY: lock
lock: $(BIN)/uv ## Resolve the locked requirements again (after a change of pyproject.toml)
	$(BIN)/uv pip compile --quiet --group bootstrap $(LOCK_OPTIONS) -o requirements-bootstrap.lock
	$(BIN)/uv pip compile --quiet pyproject.toml $(LOCK_OPTIONS) -o requirements.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev -c requirements.lock $(LOCK_OPTIONS) -o requirements-dev.lock
LOCK_OPTIONS := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

.PHONY: clean
clean: ## Remove what is made again by itself: builds, caches, logs (the lake and what is published stay)
	rm -rf $(HOME_DIR)/build $(HOME_DIR)/warehouse.duckdb* $(HOME_DIR)/dbt_target $(HOME_DIR)/logs
	rm -rf target logs .pytest_cache .ruff_cache .mypy_cache .hypothesis
