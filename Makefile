# What one does here, each also a step of `.ci/run`. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup dev run test fmt lint migrations doc bench ci clean

CARGO ?= cargo

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## once after cloning: toolchain, git hook, a migrated and seeded development database
	rustup show active-toolchain
	git config core.hooksPath .githooks
	$(CARGO) run --locked -- db upgrade
	$(CARGO) run --locked -- db seed

dev: ## run, and run again on each change (needs bacon: cargo install --locked bacon)
	bacon run

run: ## everything in one process on SQLite: API, worker, beat, documentation, monitoring
	$(CARGO) run --locked

test: ## every test; PostgreSQL's where its server programs are installed
	$(CARGO) test --locked

fmt: ## format
	$(CARGO) fmt --all

lint: ## formatting and clippy, warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

migrations: ## up, down and up again on a throw-away SQLite file and a throw-away PostgreSQL
	.ci/migrations

doc: ## rustdoc with warnings denied, and the pages of /doc as a folder: target/guide
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps
	$(CARGO) run --locked -- doc --out target/guide

bench: ## ours beside its peers, written to bench/README.md
	bench/run

ci: lint test migrations doc ## what .ci/run does once the machine has what it needs

clean: ## remove what was built, and the development database
	$(CARGO) clean
	rm -rf var
