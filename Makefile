# What README names. `make run` needs Rust, Node 20, make and a C compiler; `make test` installs what else it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
DATA ?= data/demo
SEED ?= 1
SPEED ?= 1
BENCH ?=
SECONDS ?= 60
CARGO_FUZZ := 0.13.1
CARGO_DEB := 3.8.0
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# No sanitizer: it needs a nightly compiler, and the only unsafe blocks of ours are behind no parser. What is looked for is a panic, an overflow, a
# hang (seconds for one input) or memory without bound (MiB).
FUZZ := --sanitizer none --debug-assertions
FUZZ_LIMITS := -timeout=10 -rss_limit_mb=2048
WEB := dashboards/web
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) $(WEB)/index.html $(WEB)/vite.config.ts $(WEB)/package-lock.json

.PHONY: help run test check bench fuzz package web

help:
	@echo "make run    the platform with a simulated banner (DATA=dir SEED=n SPEED=x)"
	@echo "make test   installs what the tests need, then runs every test, the browser's included"
	@echo "make bench  figures beside a peer's on this machine (BENCH=name for one of them)"
	@echo "make fuzz   what strangers may send, made up: every parser for a while (SECONDS=60), until the first crash"
	@echo "make package a Debian package of this machine's architecture, below target/debian"
	@echo "make check  format, lints, documentation, front-end type-check and lint"

run: $(WEB)/dist/.built
	cargo run --release --locked --package steppewatch -- demo --data "$(DATA)" --seed "$(SEED)" --speed "$(SPEED)"

test: $(WEB)/dist/.built
	tests/install.sh
	cd $(WEB) && npm test
	cargo build --locked --workspace --bins
	cargo test --locked --workspace

check: $(WEB)/dist/.built
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --workspace --no-deps --document-private-items
	cd $(WEB) && npm run check && npm run lint

# Ten thousand devices need twenty thousand sockets between them and the platform.
bench: $(WEB)/dist/.built
ifneq ($(BENCH),vision)
	tests/install.sh
ifneq ($(filter end_to_end,$(or $(BENCH),end_to_end)),)
	tests/bench/node-red/install.sh
endif
	cargo build --release --locked --package steppewatch
	ulimit -n $$(ulimit -Hn) && cargo bench --locked --package journeys --bench bench -- $(BENCH)
endif
ifneq ($(filter vision,$(or $(BENCH),vision)),)
	cargo bench --locked --package vision --bench speed
endif

# What it learns stays in fuzz/found and is where the next run begins; fuzz/corpus is only read.
fuzz:
	cargo install --list | grep -q '^cargo-fuzz v$(CARGO_FUZZ):' || cargo install --locked --version $(CARGO_FUZZ) cargo-fuzz
	cargo fetch --locked --manifest-path fuzz/Cargo.toml
	cargo fuzz build $(FUZZ)
	@for target in $(FUZZ_TARGETS); do \
		echo "== $$target, $(SECONDS) s"; \
		mkdir -p "fuzz/found/$$target"; \
		cargo fuzz run $(FUZZ) "$$target" "fuzz/found/$$target" "fuzz/corpus/$$target" -- \
			-max_total_time=$(SECONDS) $(FUZZ_LIMITS) -print_final_stats=1 || { \
			echo "$$target crashed. Again: cargo fuzz run $(FUZZ) $$target $$(ls -t fuzz/artifacts/$$target/* | head -n 1)"; \
			echo "Once it is mended, move that file to fuzz/corpus/$$target/: make test runs whatever is there."; \
			exit 1; }; \
	done

package: $(WEB)/dist/.built
	cargo install --list | grep -q '^cargo-deb v$(CARGO_DEB):' || cargo install --locked --version $(CARGO_DEB) cargo-deb
	cargo build --release --locked --package steppewatch
	cargo deb --locked --no-build --package steppewatch

web: $(WEB)/dist/.built

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

$(WEB)/dist/.built: $(WEB)/node_modules/.installed $(WEB_SOURCES)
	cd $(WEB) && npm run build
	@touch $@
