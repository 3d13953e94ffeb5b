# The verbs of Komainu. `make` lists them.
#
# Each verb first makes the machine ready (packaging/bootstrap.sh, quick the second time). As root it installs the
# packages that the lab needs; without root the lab's tests are left out, and the verb says so.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
LAB := $(BIN)/komainu-lab
PYTEST := $(BIN)/python -m pytest
ROOT := $(filter 0,$(shell id -u))

EXAMPLE ?= vip
JSON ?=
SEEDS ?=
KIND ?=
SEED ?=
MINIMISE ?=
RUNS ?=
QUIET ?=
GUARDS ?=
ARGS ?=

# What pytest leaves out: the slow tests, and without root those of the lab.
QUICK := $(if $(ROOT),not slow,not slow and not lab)
WHOLE := $(if $(ROOT),,not lab)

# Several tests at once, file by file: most of them wait for something most of the time.
WORKERS ?= $(shell cores=$$(nproc); echo $$((cores < 5 ? 2 * cores : 8)))
SUITE := $(PYTEST) -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# A hanging run ends and says where: pytest prints the stacks of all threads on SIGABRT.
LIMIT := timeout --foreground --signal=ABRT --kill-after=30s

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: venv
venv: ## make .venv from the hashed lock
	@packaging/bootstrap.sh --venv

.PHONY: ready
ready:
	@packaging/bootstrap.sh $(if $(ROOT),--lab,--venv)
	@$(if $(ROOT),:,echo "Not root: the tests of the lab are left out.")
	@command -v g++ > /dev/null || echo "NO C++ COMPILER: the tests of the model are left out (Debian: g++, or: make model)."

.PHONY: demo
demo: ## a failover for real on this machine (root): make demo [EXAMPLE=vip] [JSON=FILE]
	@packaging/bootstrap.sh --lab
	@$(LAB) demo --example $(EXAMPLE) $(if $(JSON),--json $(JSON))

.PHONY: test
test: ready lint types ## what each change must pass: style, types, contracts, unit, ports, simulator, lab [WORKERS=n]
	@$(LIMIT) 10m $(LAB) sim --seeds 240 --first 1  # the same for all: a change is judged, not luck; `make sim` looks further
	@$(LIMIT) 30m $(SUITE) -m "$(QUICK)" tests

.PHONY: test-all
test-all: ready lint types ## `make test` and what is slower
	@$(LIMIT) 30m $(LAB) sim --seeds 5000
	@$(LIMIT) 60m $(SUITE) -m "$(WHOLE)" tests

.PHONY: sim
sim: venv ## the simulator: make sim SEEDS=n [KIND=k]; SEED=s replays one, MINIMISE=folder looks for its core
	@$(LAB) sim $(if $(SEEDS),--seeds $(SEEDS)) $(if $(KIND),--kind $(KIND)) $(if $(SEED),--seed $(SEED)) \
		$(if $(MINIMISE),--minimise $(MINIMISE))

.PHONY: scenarios
scenarios: venv ## write today's answers of the core into tests/scenarios/*.txt, to be read before they are committed
	@.venv/bin/python -m tests.scenarios.transcript --rewrite tests/scenarios/*.txt

.PHONY: mutants
mutants: venv ## break every guard of the core, one at a time, and see who notices: make mutants [GUARDS="word word"]
	@$(LIMIT) 25m $(BIN)/python -m tests.mutants $(GUARDS)

# The model of the safety protocol: a checker of our own (model-check/README.md).
MODEL := build/model-check

.PHONY: model
model: ready-model $(MODEL) ## explore the safety protocol, and find every broken variant of it: some minutes [ARGS=--traces]
	@$(LIMIT) 60m $(MODEL) $(ARGS)

.PHONY: model-quick
model-quick: ready-model $(MODEL) ## the same within smaller bounds: about a minute
	@$(LIMIT) 15m $(MODEL) --quick $(ARGS)

.PHONY: ready-model
ready-model:
	@packaging/bootstrap.sh --model

$(MODEL): $(wildcard model-check/*.cpp model-check/*.hpp model-check/*/*.hpp)
	@mkdir -p $(@D)
	@g++ -O3 -std=c++20 -Wall -Wextra -Werror -pthread -o $@ model-check/main.cpp

.PHONY: bench
bench: ## Komainu, Pacemaker and keepalived in the same lab (root): make bench [JSON=FILE] [RUNS=n]
	@packaging/bootstrap.sh --bench
	@$(LAB) bench $(if $(JSON),--json $(JSON)) $(if $(RUNS),--runs $(RUNS))

.PHONY: bench-rights
bench-rights: ## what it costs that never two nodes are active (root): make bench-rights [JSON=FILE] [RUNS=n] [QUIET=minutes]
	@packaging/bootstrap.sh --lab
	@$(LAB) bench-rights $(if $(JSON),--json $(JSON)) $(if $(RUNS),--runs $(RUNS)) $(if $(QUIET),--quiet-minutes $(QUIET))

.PHONY: bench-agents
bench-agents: ## the agent aws-vpc-move-ip with the aws CLI, beside awsvip (root): make bench-agents [JSON=FILE] [RUNS=n]
	@packaging/bootstrap.sh --agents
	@$(LAB) bench-agents $(if $(JSON),--json $(JSON)) $(if $(RUNS),--runs $(RUNS))

.PHONY: bench-routes
bench-routes: venv ## how long a takeover of an awsvip with many route tables takes, over a slow API
	@PYTHONPATH=. $(BIN)/python bench/routes.py

.PHONY: bench-step
bench-step: venv ## how long one step() of the core takes
	@$(BIN)/python bench/step.py

.PHONY: lint
lint: venv ## style (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; echo "Run: make format"; exit 1; }

.PHONY: format
format: venv ## rewrite the sources in the one style
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

.PHONY: types
types: venv ## strict types (mypy)
	@$(BIN)/mypy

.PHONY: tidy
tidy: venv ## the laws of the tree: imports, sizes, names, mirror of the tests, documents
	@$(PYTEST) -q tests/tidy

.PHONY: docs
docs: venv ## write the generated parts of the documents: messages, reference of the configuration
	@$(BIN)/python -m komainu_lab.docs

.PHONY: docs-check
docs-check: venv ## both languages, links, anchors
	@$(PYTEST) -q tests/tidy/test_documents.py

.PHONY: lock
lock: ## resolve requirements/*.in anew
	@packaging/lock.sh

.PHONY: clean
clean: ## remove what the verbs made, .venv included
	rm -rf .venv build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find src lab tests bench \( -name __pycache__ -o -name '*.egg-info' \) -prune -exec rm -rf {} + 2> /dev/null || true
