# Every command of the project. `make help` lists them.

PYTHON ?= python3
PREFIX ?= /usr/local
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
RELEASE := $(TARGET)/release
INCLUDE := $(CURDIR)/include
SUITE_PYTHON := .venv-server/bin/python
DURABILITY := tests/suite/killing tests/suite/syncing tests/suite/life

# cgo compiles and links against this checkout.
GO := CGO_CFLAGS="-I$(INCLUDE)" CGO_LDFLAGS="-L$(RELEASE) -Wl,-rpath,$(RELEASE)" go
STRICT := -Wall -Wextra -Werror -pedantic -fsyntax-only -I$(INCLUDE) -Ibindings/c/include -Ibindings/cpp/include

# Languages that a machine may be without are left out there; scripts/test-deps.sh installs them in CI.
where = @if command -v $(1) >/dev/null; then $(2); else echo "$(1) is not here: left out"; fi

.DEFAULT_GOAL := help
.PHONY: help build command install uninstall dist licenses header check-header reference test-deps test test-rust test-loom test-suite test-go test-python test-node test-ruby test-lua test-durability test-programs lint demo bench bench-table soak soak-sync soak-model fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the release library and print its sizes
	cargo rustc --release --lib --crate-type cdylib,staticlib # no rlib: with one, Cargo leaves LTO out
	@ln -sf libweave.so "$(RELEASE)/libweave.so.0" # what the loader looks for, by the soname
	@scripts/sizes.sh "$(RELEASE)"

command: ## build the weave command, target/command/weave
	cargo build --profile command --package libweave-cli --locked

install: ## copy what `make build` made to PREFIX (/usr/local), DESTDIR before it; LIBDIR and INCLUDEDIR where others are wanted
	scripts/install.sh "$(RELEASE)" "$(PREFIX)" "$(DESTDIR)"

uninstall: ## remove what `make install` copied, with the same settings
	scripts/uninstall.sh "$(RELEASE)" "$(PREFIX)" "$(DESTDIR)"

dist: build ## pack library, headers, pages and licences into build/libweave-VERSION-linux-ARCHITECTURE.tar.gz
	PYTHON="$(PYTHON)" scripts/dist.sh "$(RELEASE)" build

licenses: ## print the licences of what is linked into the library; fail if one is missing or not accepted
	@$(PYTHON) scripts/licenses.py

header: ## copy the generated C header to include/weave.h, and its declarations to include/weave.cdef
	cp "$$($(PYTHON) scripts/built_header.py)" include/weave.h
	$(PYTHON) scripts/declarations.py

check-header: ## compare include/weave.h with what the code generates
	@cmp "$$($(PYTHON) scripts/built_header.py)" include/weave.h || \
		{ echo 'include/weave.h is not what src/ffi generates: run `make header` and commit it'; exit 1; }

reference: ## make pages of the C and C++ headers in build/reference (needs doxygen)
	mkdir -p build && doxygen docs/Doxyfile

test-deps: ## make the environments of the tests; name what is missing
	PYTHON="$(PYTHON)" scripts/test-deps.sh

test: test-deps build check-header lint test-rust test-loom test-go test-python test-node test-ruby test-lua test-suite ## everything

test-rust: test-deps ## the tests of the Rust code
	cargo test --workspace

test-loom: ## every order in which two threads can meet on a ring of the journal
	RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR="$(TARGET)/loom" cargo test --lib store::journal::ring::model_tests

test-suite: ## programs in every language against real servers and the official clients, in two halves at once
	$(MAKE) -j2 --output-sync=target test-durability test-programs

test-durability: test-deps build ## the half of the suite that kills, forks and fills disks; KILLS says how often
	$(SUITE_PYTHON) -m pytest $(DURABILITY)

test-programs: test-deps build ## the other half
	cargo build --package libweave-cli
	$(SUITE_PYTHON) -m pytest tests/suite $(addprefix --ignore=,$(DURABILITY))

test-go: build ## the tests of the Go module: with the race detector, and with every pointer to C checked
	cd bindings/go && $(GO) test -race ./...
	cd bindings/go && GOEXPERIMENT=cgocheck2 $(GO) test -short -exec 'env GOGC=1' ./...

test-python: test-deps build ## the tests of the Python package
	$(SUITE_PYTHON) -m pytest -p no:cacheprovider bindings/python/tests

test-node: test-deps build ## the tests of the Node package
	$(call where,node,cd bindings/node && WEAVE_LIBRARY="$(RELEASE)/libweave.so" npm test)

test-ruby: test-deps build ## the tests of the Ruby gem
	$(call where,ruby,cd bindings/ruby && WEAVE_LIBRARY="$(RELEASE)/libweave.so" \
		ruby -w -Ilib -Itest -e 'Dir["test/test_*.rb"].sort.each { |path| require "./#{path}" }')

test-lua: test-deps build ## the tests of the LuaJIT package
	$(call where,busted,cd bindings/lua && WEAVE_LIBRARY="$(RELEASE)/libweave.so" luajit "$$(command -v busted)")

lint: ## formatting and warnings of every language
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --lib
	@unformatted=$$(gofmt -l bindings/go tests/suite); \
		if [ -n "$$unformatted" ]; then echo "run gofmt -w on:" $$unformatted; exit 1; fi
	cd bindings/go && $(GO) vet ./... && $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
	cd tests/suite/commands/go && $(GO) vet .
	$(call where,npm,cd bindings/node && npm run lint)
	$(CC) -std=c11 $(STRICT) examples/*.c tests/suite/commands/c/*.c
	$(CXX) -std=c++17 $(STRICT) examples/*.cpp

demo: test-deps build ## an agent session from C, C++ and Go: log offline, sync, read the traces back
	scripts/demo.sh

bench: build ## what logging costs, beside yardsticks and peers; ONLY=call,disk for some sections
	BACKLOG="$(BACKLOG)" $(PYTHON) benches/run.py --only "$(ONLY)"

bench-table: ## put the figures of the last `make bench` into README.md and docs/benchmarks.md
	$(PYTHON) benches/table.py

soak: test-deps build ## kill writers KILLS times (20000); SEED and FROM go on with an earlier run
	cd tests/suite && ../../$(SUITE_PYTHON) -m killing "$(or $(KILLS),20000)" "$(SEED)" "$(FROM)"

soak-sync: test-deps build ## kill syncers KILLS times (5000) while the server fails; SEED and FROM go on with an earlier run
	cd tests/suite && ../../$(SUITE_PYTHON) -m syncing "$(or $(KILLS),5000)" "$(SEED)" "$(FROM)"

soak-model: ## play HISTORIES (200000) random histories of the store against its model, from number FIRST on
	MODEL_HISTORIES=$(or $(HISTORIES),200000) MODEL_FIRST=$(or $(FIRST),1000000) \
		cargo test --lib model_tests -- --nocapture no_history

fuzz: ## feed the readers of data files and journals any bytes, SECONDS (60) each of TARGETS (all)
	scripts/fuzz.sh "$(or $(SECONDS),60)" $(TARGETS)

clean: ## remove what was built; `rm -r .venv-*` removes the environments of the tests
	cargo clean
	rm -rf build
