# Every task of the project. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

DEMO_SECONDS ?=
CHAOS_ROUNDS ?= 20
SOAK_MINUTES ?= 10
FUZZ_SECONDS ?= 60
# Figures of the reliability suite, a line of JSON for each scenario.
RESULTS ?= $(CURDIR)/.build/reliability.jsonl
BENCH_RECORDS ?= 1000000
# In CI a warning is an error.
SWIFT_FLAGS := $(if $(CI),-Xswiftc -warnings-as-errors)
SOURCES := Package.swift Sources Tests bench/delta-bench bench/latency-bench bench/models-bench
# Caches, settings and temporary files of Swift stay inside the project.
PLACES := $(CURDIR)/.build/places
SWIFT := mkdir -p $(PLACES)/tmp && env HOME=$(PLACES) XDG_CACHE_HOME=$(PLACES)/cache TMPDIR=$(PLACES)/tmp \
  CLANG_MODULE_CACHE_PATH=$(PLACES)/modules
KEPT := --cache-path $(PLACES)/cache --config-path $(PLACES)/config --security-path $(PLACES)/security
LAKEWARD := .build/release/lakeward

.DEFAULT_GOAL := help
.PHONY: help setup peers build demo test bench soak chaos fuzz interop spark airflow dist dist-test format lint clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install and fetch what building needs (once; needs the network the first time)
	@scripts/setup

peers: ## the Python peers that tests compare with, in .venv-peers (once)
	@scripts/peers

build: setup ## the program, optimised: .build/release/lakeward
	@$(SWIFT) swift build $(KEPT) -c release --product lakeward $(SWIFT_FLAGS)

demo: build ## everything in one process until Ctrl-C; DEMO_SECONDS=20 ends by itself
	@$(LAKEWARD) demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: setup peers lint ## every test, against real peers
	@$(SWIFT) swift build $(KEPT) --build-tests $(SWIFT_FLAGS)
	@$(SWIFT) LAKEWARD_REQUIRE_PEERS=1 swift test $(KEPT) --skip-build --disable-xctest $(SWIFT_FLAGS)

bench: build ## every figure beside its peers', on this machine, into docs/benchmarks.md; BENCH_RECORDS=1000000
	@for product in delta-bench latency-bench models-bench; do $(SWIFT) swift build $(KEPT) -c release --product $$product; done
	@bench/report --records $(BENCH_RECORDS)

soak: build ## the vitals pipeline at 20,000 records/s with faults for SOAK_MINUTES=10, then verify
	@bench/soak --minutes $(SOAK_MINUTES)

chaos: setup peers ## kills, full and slow disks, clock jumps, damaged files, broken inputs: CHAOS_ROUNDS=20
	@$(SWIFT) swift build $(KEPT) --build-tests
	@$(SWIFT) LAKEWARD_CHAOS_ROUNDS=$(CHAOS_ROUNDS) LAKEWARD_REQUIRE_PEERS=1 LAKEWARD_RESULTS=$(RESULTS) \
	  swift test $(KEPT) --skip-build --disable-xctest --filter 'Chaos|FuzzTests'

fuzz: setup ## libFuzzer on every reader of a format for FUZZ_SECONDS=60 each
	@$(SWIFT) FUZZ_SECONDS=$(FUZZ_SECONDS) LAKEWARD_RESULTS=$(RESULTS) scripts/fuzz

interop: setup peers ## only the tests that open tables with delta-rs and DuckDB
	@$(SWIFT) swift build $(KEPT) --build-tests
	@$(SWIFT) LAKEWARD_REQUIRE_PEERS=1 swift test $(KEPT) --skip-build --disable-xctest \
	  --filter 'Interop|Conformance'

spark: setup ## an exported pipeline on Spark itself (fetches 450 MB once)
	@scripts/spark-peer
	@$(SWIFT) swift build $(KEPT) --build-tests
	@$(SWIFT) swift test $(KEPT) --skip-build --disable-xctest --filter SparkInterop

airflow: setup ## the DAGs of integrations/airflow in a real Airflow (fetches it once)
	@scripts/airflow-peer
	@$(SWIFT) swift build $(KEPT) --build-tests
	@$(SWIFT) swift test $(KEPT) --skip-build --disable-xctest --filter AirflowInterop

dist: setup ## one folder and archive that runs on any Debian 12, in .build/dist
	@$(SWIFT) scripts/dist

dist-test: dist ## the packed folder in a fresh Debian 12 with nothing installed (root; fetches 200 MB once)
	@scripts/dist-test

format: ## lay out all Swift files
	@$(SWIFT) swift format -i --parallel --recursive $(SOURCES)

lint: ## check the layout of all Swift files
	@$(SWIFT) swift format lint --strict --parallel --recursive $(SOURCES)

clean: ## remove what was built; keeps what was fetched
	rm -rf .build bench/.work
