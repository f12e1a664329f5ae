# make run    build everything, then the guided first run: import, train, back-test, serve   (DATA=file.csv ONCE=1)
# make test   everything CI runs
# make cluster  three peers on loopback with eight training sessions, until Ctrl-C
# make golden  the reference's published figures, each beside what this engine computes (data in TM_TEST_DATA)
# make differential  random cases of tm env replay, label run and olps run against calculations in Python (CASES=200 SEED=1)
# make verify format, lint, test, slow tests, dependency rules, generated files

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

# PROFILE=release builds optimised programs; the default shares its build with the tests.
PROFILE ?= dev
ifeq ($(PROFILE),dev)
OUT := target/debug
else
OUT := target/$(PROFILE)
endif
CARGO ?= cargo
export LIBTORCH ?= $(CURDIR)/.libtorch
# `make run DATA=… ` names the file; without it the sample beside the checkout, else the synthetic market.
SAMPLE := ../shared/data/algorithmic_trading/BTC/data.csv
DATA ?= $(wildcard $(SAMPLE))

# Prints the wall time of a step: $(call timed,name,command). The parentheses make each part of an `a && b` end the recipe.
timed = @begin=$$(date +%s%N); ($(2)); end=$$(date +%s%N); \
  printf '%-28s %7.1f s\n' '$(1)' "$$(awk "BEGIN{print ($$end-$$begin)/1e9}")"

.PHONY: run build tm worker libtorch ui ui-deps test test-rust test-trainer test-ui test-browser test-slow lint fmt \
  generate bench deny verify clean-data browser-deps preflight cluster campaign-programs cluster-netns failover leader-kill \
  chaos rolling golden differential fuzz bench-peers oracles big-files

run: build
	$(OUT)/tm demo $(if $(DATA),--data '$(DATA)') $(if $(ONCE),--once)

build: preflight libtorch ui tm worker

preflight:
	@for tool in cargo node npm python3 gcc g++; do command -v $$tool >/dev/null || \
	  { echo "missing: $$tool. Install Rust 1.95, Node.js 20, Python 3 with pip and a C++ compiler, then run make again."; exit 1; }; done

libtorch:
	$(call timed,libtorch,python3 deploy/setup/libtorch.py)

ui-deps: webui/node_modules/.package-lock.json

webui/node_modules/.package-lock.json: webui/package-lock.json
	cd webui && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The pages are rebuilt only when a source is newer than the result.
webui/dist/index.html: webui/node_modules/.package-lock.json $(shell find webui/src webui/scripts webui/index.html webui/vite.config.ts webui/tsconfig.json -type f 2>/dev/null)
	cd webui && npm run build

ui:
	$(call timed,web UI,$(MAKE) webui/dist/index.html)

tm:
	$(call timed,tm (cargo),$(CARGO) build --profile $(PROFILE) --locked -p node --features embed-ui)

worker: libtorch
	$(call timed,tm-worker (cargo),$(CARGO) build --profile $(PROFILE) --locked -p trainer)

test: preflight libtorch test-rust test-trainer test-ui test-browser
	@echo "make test: everything passed"

# Process tests start the real worker, so it is built first.
test-rust: worker ui
	$(CARGO) build --locked -p node --features embed-ui
	$(call timed,tests: workspace,$(CARGO) test --locked --workspace --exclude trainer)

test-trainer: worker
	$(call timed,tests: trainer,$(CARGO) test --locked -p trainer)

test-ui: ui-deps
	$(call timed,tests: web UI,cd webui && npm run typecheck && npm test)

browser-deps:
	@command -v chromium >/dev/null || { echo "installing chromium"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-wqy-microhei >/dev/null; } || \
	  { echo "chromium could not be installed; install it by hand and run make test-browser"; exit 1; }

test-browser: ui worker browser-deps
	$(CARGO) build --locked -p node --features embed-ui
	$(call timed,tests: browser,webui/e2e/run.sh $(OUT)/tm)

# Long campaigns: process kills at many points.
test-slow: worker
	TM_CAMPAIGN_POINTS=20 $(CARGO) test --locked -p node --test crash_campaign -- --nocapture

cluster: build
	python3 deploy/local_cluster.py --tm $(OUT)/tm

# Campaigns against real processes. Their workers are stand-ins without libtorch; what a machine cannot do is named.
# ROUNDS, SECONDS and SEED set how many, for how long, and which run again.
CAMPAIGN = $(CARGO) test --locked --workspace --exclude trainer
campaign-programs:
	$(CARGO) build --locked --workspace --exclude trainer --bin tm --example fake_worker

cluster-netns: campaign-programs
	TM_CLUSTER_NETNS=1 $(CAMPAIGN) --test cluster_join -- --nocapture five_nodes

failover: campaign-programs
	TM_FAILOVER_ROUNDS=$(or $(ROUNDS),20) $(if $(SEED),TM_CAMPAIGN_SEED=$(SEED)) $(CAMPAIGN) --test cluster_failover -- --nocapture

leader-kill: campaign-programs
	TM_LEADER_KILLS=$(or $(ROUNDS),25) $(if $(SEED),TM_CAMPAIGN_SEED=$(SEED)) $(CAMPAIGN) --test leader_kill -- --nocapture

chaos: campaign-programs
	TM_CHAOS_SECONDS=$(or $(SECONDS),600) $(if $(SEED),TM_CHAOS_SEED=$(SEED)) $(if $(ONLY),TM_CHAOS_ONLY='$(ONLY)') $(CAMPAIGN) --test chaos -- --nocapture

rolling: campaign-programs
	$(CAMPAIGN) --test rolling_restart -- --nocapture

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --exclude trainer --all-targets -- -D warnings
	$(CARGO) clippy --locked -p trainer --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all

generate:
	UPDATE_GENERATED=1 $(CARGO) test --locked -p gateway --test generated_files
	UPDATE_GENERATED=1 $(CARGO) test --locked -p node --test tidy
	cd webui && npm run generate

# Benches are optimised, and the node they start looks for its worker beside itself.
bench: libtorch
	$(MAKE) worker PROFILE=release
	$(CARGO) bench --locked -p engine
	$(CARGO) bench --locked -p trainer
	$(CARGO) bench --locked -p store --bench journal
	$(CARGO) bench --locked -p cluster --bench control --bench router
	$(CARGO) bench --locked -p actors --bench plan
	$(CARGO) bench --locked -p node --bench first_step --bench gateway_latency

# The engine's benches and the same jobs in Python, one after the other; figures in docs/benchmarks.md.
PEERS := engine/core/benches/peers
bench-peers:
	python3 -m venv target/peers && target/peers/bin/pip install -q -r $(PEERS)/requirements.txt
	$(CARGO) bench --locked -p engine --bench environment_step
	target/peers/bin/python $(PEERS)/environment_loop.py
	$(CARGO) bench --locked -p engine --bench features
	target/peers/bin/python $(PEERS)/alpha158_pandas.py

# What independent libraries compute, written anew beside the build and compared with what the tests hold this engine to.
ORACLE_SCRIPTS := engine/core/tests/oracles
ORACLES_PYTHON := $(CURDIR)/target/oracle-libraries/bin/python
oracles: export ORACLES_OUT := $(CURDIR)/target/oracles-written
oracles:
	python3 -m venv target/oracle-libraries && $(ORACLES_PYTHON) -m pip install -q -r $(ORACLE_SCRIPTS)/requirements.txt
	rm -rf $(ORACLES_OUT)
	cd $(ORACLE_SCRIPTS) && for script in *_expected.py; do $(ORACLES_PYTHON) $$script; done
	$(ORACLES_PYTHON) $(ORACLE_SCRIPTS)/written.py $(ORACLES_OUT)

# Every parser against mutated files, SECONDS each; a failure names target and seed.
FUZZ_PARSERS := import|import with a dialect|detect|csv|panel|trades|book by level|book by distance|book as JSON|wide and reference|parquet|snapshot of bars|snapshot of any kind
FUZZ_DOCUMENTS := formula|replay policy|labelling file|strategy|session|model file
fuzz:
	$(CAMPAIGN) --test fuzz_parsers --test fuzz_documents --no-run
	@export TM_FUZZ_SECONDS=$(or $(SECONDS),300); IFS='|'; \
	for target in $(FUZZ_PARSERS); do TM_FUZZ_TARGET="$$target" $(CAMPAIGN) -q --test fuzz_parsers -- --nocapture || exit 1; done; \
	for target in $(FUZZ_DOCUMENTS); do TM_FUZZ_TARGET="$$target" $(CAMPAIGN) -q --test fuzz_documents -- --nocapture || exit 1; done

# Huge and broken files against `tm` and a node: time, memory and what is left of each, as a table. SIZE=10G is the real thing.
big-files: tm
	python3 deploy/big_files.py --tm $(OUT)/tm --size $(or $(SIZE),200M) $(if $(ONLY),--only '$(ONLY)')

# One line per figure; exit code 1 when one is missed. What lacks its data is skipped by name.
golden:
	$(CARGO) run --locked -q --release -p engine --example golden

# The same figures a second time, in Python, on random data; what differs is shown with the command that repeats it.
# One kernel for scipy's solver: where the filter is slow, the reference's own figures differ by 1e-9 between processors.
ORACLES := target/oracles
REPLAY_ORACLES := engine/core/tests/oracles/replay
differential: export OPENBLAS_CORETYPE := Haswell
differential: $(ORACLES)/.installed
	$(CARGO) build --locked --workspace --exclude trainer --bin tm
	$(ORACLES)/bin/python $(REPLAY_ORACLES)/run.py --tm target/debug/tm --cases $(or $(CASES),200) --seed $(or $(SEED),1) \
	  --data $${TM_TEST_DATA:-../shared/data} $(if $(ONLY),--only '$(ONLY)')
	$(ORACLES)/bin/python $(REPLAY_ORACLES)/peers.py --tm target/debug/tm
	$(ORACLES)/bin/python $(REPLAY_ORACLES)/hostile.py --tm target/debug/tm

$(ORACLES)/.installed: $(REPLAY_ORACLES)/requirements.txt
	python3 -m venv $(ORACLES)
	$(ORACLES)/bin/pip install -q -r $(REPLAY_ORACLES)/requirements.txt
	@touch $@

deny:
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --offline check bans licenses sources

verify: lint test test-slow deny
