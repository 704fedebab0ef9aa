# What README names. `make run` needs Rust, Node 20, make and a C compiler; `make test` installs what else it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
DATA ?= data/demo
SEED ?= 1
SPEED ?= 1
BENCH ?=
WEB := dashboards/web
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) $(WEB)/index.html $(WEB)/vite.config.ts $(WEB)/package-lock.json

.PHONY: help run test check bench web

help:
	@echo "make run    the platform with a simulated banner (DATA=dir SEED=n SPEED=x)"
	@echo "make test   installs what the tests need, then runs every test, the browser's included"
	@echo "make bench  figures beside a peer's on this machine (BENCH=name for one of them)"
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
	tests/install.sh
	cargo build --release --locked --package steppewatch
	ulimit -n $$(ulimit -Hn) && cargo bench --locked --package journeys --bench bench -- $(BENCH)

web: $(WEB)/dist/.built

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

$(WEB)/dist/.built: $(WEB)/node_modules/.installed $(WEB_SOURCES)
	cd $(WEB) && npm run build
	@touch $@
