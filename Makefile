# Everything is installed inside the checkout. Run `make help` for the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: demo chaos bench local local-stop synth check platforms release-check tidy cdk-latest test test-product test-modules fuzz pictures chromium tools tools-all dev-tool golden clean help

dev := build/bin/dev
node := node_modules/node/bin

# With ARGS=--console it stops at the outage, for you to heal in the browser.
demo: dev-tool ## deploy to an emulator, run real events through, print what happened (build/demo.json)
	@exec $(dev) demo $(ARGS)

# Such as make chaos ARGS="--seed 7 --events 600 --levels 20". EMULATOR_QUOTAS= plays none.
chaos: export EMULATOR_QUOTAS ?= other
chaos: dev-tool ## run real events through constant trouble and check that nothing is lost (build/chaos.json)
	@exec $(dev) chaos $(ARGS)

# Such as make bench ARGS="--only cold,listener". EMULATOR_QUOTAS= plays none on the emulator.
bench: export EMULATOR_QUOTAS ?= other
bench: dev-tool ## measure time, memory, calls and money, and compare with the baseline (build/bench.json); a quarter of an hour
	@exec $(dev) bench $(ARGS)

local: dev-tool ## leave the deployed dev stage running in the background (build/local.json)
	@exec $(dev) local

local-stop: dev-tool ## stop what `make local` started
	@exec $(dev) local-stop

synth: tools ## synthesize all stages into cdk.out; needs no account
	@PATH="$(CURDIR)/$(node):$$PATH" node node_modules/aws-cdk/bin/cdk synth --quiet --no-notices --output cdk.out
	@echo "templates:" && ls cdk.out/*.template.json

# The product, and beside it modules of their own: what develops it, and the tests that need that or a library that only they do.
# go.work has them use the product as it lies here.
packages := ./... ./dev/... ./test/... ./test/browser/...
check: tools-all ## formatting, linters with vet among them, tidy modules
	@echo "gofmt"; out=$$(git ls-files -z --cached --others --exclude-standard -- '*.go' | xargs -0 gofmt -l); \
		test -z "$$out" || { echo "run gofmt -w on:" $$out; exit 1; }
	@echo "golangci-lint, with go vet"; .bin/golangci-lint run $(packages)
	@echo "go mod tidy"; tools/tidy.sh -diff
	@$(MAKE) --no-print-directory platforms

# go list -export compiles, as go build does, and does not link a dozen programs that nobody runs.
platforms: ## compile and vet the product alone, as its users get it, for Linux, macOS and Windows
	@for os in linux darwin windows; do \
		echo "compile and go vet, GOOS=$$os"; export GOWORK=off GOOS=$$os; go list -export ./... >/dev/null; go vet ./...; \
	done

# GoReleaser is a module of its own: compiling it takes half an hour on two processors, and seconds from then on.
release_pkg := github.com/ce873799/replayable-ingestion/internal/ctl/factory
release-check: ## check the configuration of GoReleaser, and build replayctl for each target of a release
	@echo "goreleaser check"; GOWORK=off go -C tools/release build -o ../../.bin/goreleaser github.com/goreleaser/goreleaser/v2
	@.bin/goreleaser check
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		echo "go build, GOOS=$$os GOARCH=$$arch"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags "-s -w -X $(release_pkg).stamped=v0.0.0-check" \
			-o build/release/$$os-$$arch/ ./cmd/replayctl; \
	done; done
	@test "$$(build/release/$$(go env GOOS)-$$(go env GOARCH)/replayctl --version)" = "replayctl v0.0.0-check"

tidy: ## go mod tidy of every module
	@tools/tidy.sh

cdk-latest: tools ## try the construct with the latest awscdk; VERSION=v2.276.0 for another
	@PATH="$(CURDIR)/$(node):$$PATH" tools/cdk-latest.sh $(VERSION)

test: check chromium ## check, then every test of every module, the end-to-end ones and those in a browser included
	@$(MAKE) --no-print-directory --keep-going test-product test-modules fuzz FUZZTIME=3s

test-product: tools
	@echo "go test ./...: the product"; PATH="$(CURDIR)/$(node):$$PATH" go test -timeout 20m ./...

# go test keeps the results of a module's tests although files outside of the module have changed: therefore -count 1. What
# takes longest comes first. The end-to-end tests wait most of the time: one package more than there are processors runs.
test-modules: tools chromium
	@echo "go test: what runs on the emulator and in a browser, and the tools in dev"
	@PATH="$(CURDIR)/$(node):$$PATH" go test -timeout 20m -count 1 -p "$$(($$(nproc) + 1))" \
		./test/e2e ./test/consumer ./test/synth ./test/workflows ./dev/... ./test/... ./test/browser/...

# go fuzzes one target per call. "context deadline exceeded" without a failing input means that the time was up while an input ran.
# A new failing input is kept in testdata/fuzz, where every go test tries it again.
FUZZTIME := 10s
fuzz: ## fuzz every target for FUZZTIME each (10s)
	@mkdir -p build
	@git ls-files --cached --others --exclude-standard -- '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9]*' | \
		while IFS=: read -r file target; do \
			echo "go test -fuzz $${target#func } ./$$(dirname $$file)"; \
			go test -run '^$$' -fuzz "^$${target#func }$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s "./$$(dirname $$file)" </dev/null >build/fuzz.log 2>&1 || \
				{ grep -q 'context deadline exceeded' build/fuzz.log && ! grep -q 'Failing input' build/fuzz.log; } || \
				{ cat build/fuzz.log; exit 1; }; \
		done

golden: tools ## rewrite the golden files and what is generated in docs; review them with git diff
	@PATH="$(CURDIR)/$(node):$$PATH" go test ./test/synth -update
	@go test ./internal/ctl ./replay -update
	@go test ./internal/docstest -update

pictures: tools chromium ## take the pictures of replayctl console in docs/images; look at them
	@go test ./test/browser -run TestPictures -count 1 -pictures

tools: dev-tool ## install the CDK CLI, the emulator, and what checks pages and workflows
	@$(dev) tools

tools-all: dev-tool
	@$(dev) tools --linter

chromium: ## install Chromium for the tests of replayctl console, unless there is one
	@tools/chromium.sh

# go build decides whether anything is to be done.
dev-tool:
	@go build -o $(dev) ./dev/cmd/dev

clean: ## remove everything that was built or installed, except running stacks' directories
	@test ! -x $(dev) || $(dev) local-stop
	@rm -rf build cdk.out node_modules .venv .bin

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
