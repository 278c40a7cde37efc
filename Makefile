# What the bridge is built and checked with. `make help` lists it.
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   = golang.org/x/vuln/cmd/govulncheck@v1.9.0
TOOLS         = .cache/bin
FUZZTIME     ?= 30s
CHROMIUM     ?= chromium

.DEFAULT_GOAL := help
.PHONY: help build demo test check fmt lint race tidy vuln fuzz bench browser interop

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

build: ## the binary, stripped
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bridge ./cmd/bridge

demo: ## everything on this machine, headless
	go run ./cmd/bridge demo --no-browser

test: ## all tests
	go test ./...

check: fmt vet lint race tidy vuln ## everything that must hold before a commit lands
	git diff --exit-code

fmt: ## gofmt finds nothing to change
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }

.PHONY: vet
vet:
	go vet ./...

lint: $(TOOLS)/golangci-lint ## golangci-lint, with the rules of who may import whom
	$(TOOLS)/golangci-lint run ./...

# SQLite itself, which was C, is not looked into: the tests of the ledger take a quarter of the time so. The ledger is.
race: ## all tests with the race detector, those that repeat much shorter
	go test -race -short -timeout 30m -gcflags='modernc.org/sqlite/lib=-race=false' ./...

tidy: ## go.mod and go.sum are what the code needs
	go mod tidy -diff

vuln: $(TOOLS)/govulncheck ## known vulnerabilities, when the database can be reached
	@.ci/vuln $(TOOLS)/govulncheck

fuzz: ## every fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

bench: ## every benchmark; what they gave is in docs/performance.md
	go test -run '^$$' -bench . -benchmem ./...

browser: ## Arabic messages, drawn by Chromium and measured
	BRIDGE_TEST_BROWSER=$(CHROMIUM) go test -count=1 -run '^TestBrowser' ./pipeline/journey

interop: ## the suites, the journeys and the crash tests on Apache Kafka and HAPI, HL7's validator; PostgreSQL is only started
	interop/run.sh

$(TOOLS)/golangci-lint: Makefile
	GOBIN=$(CURDIR)/$(TOOLS) go install $(GOLANGCI_LINT)
	@touch $@

$(TOOLS)/govulncheck: Makefile
	GOBIN=$(CURDIR)/$(TOOLS) go install $(GOVULNCHECK)
	@touch $@
