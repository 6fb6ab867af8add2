# The commands of developers and CI: `make help` lists them. Needs Rust, Go, Python 3.11+ and a C compiler: `make doctor`.

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo demo-fleet test test-gitops dashboard-picture sweep bench bench-detector bench-operator bench-fleet lint fmt crds check-crds docs man check-docs check-words check-adding chart check-chart config check-config install-yaml check-image kind \
	up build build-tests doctor checkout control-plane chart-tools lua emulator operator operator-tests detector-package

# Outside the clone: every clone and worktree shares what was built.
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vpc-flow-operator
CARGO_TARGET_DIR ?= $(cache)/target
export CARGO_TARGET_DIR

devenv := $(CARGO_TARGET_DIR)/debug/devenv
operator := $(CARGO_TARGET_DIR)/debug/vpc-flow-operator
detector := $(CARGO_TARGET_DIR)/detector/bootstrap
# The demo and the tests run the function as the workspace's build leaves it: the profile for Lambda takes as long to build as all the rest.
export DETECTOR_PACKAGE := $(CARGO_TARGET_DIR)/debug/detector.zip
# The kinds by their plural names. In the recipe of a target that ends with a kind, `crd` is its CRD, and `reference` the document of its fields.
kinds := vpcflowmonitors vpcflowfleets vpcflowoverviews
crd = crds/vpcflow.dev_$*.yaml
reference = $(reference_of_$*)
reference_of_vpcflowmonitors := docs/configuration.md
reference_of_vpcflowfleets := docs/fleet-configuration.md
reference_of_vpcflowoverviews := docs/overview-configuration.md

# Always the whole workspace: a single package would turn on other features of shared crates, and build the AWS SDKs again.
# Not part of make's own job server: each build tool counts the processors itself.
cargo := env MAKEFLAGS= MFLAGS= cargo
bench := $(cargo) bench --package detector --no-default-features --features files --bench speed
# Without taskset the measurements still run in a single thread, one after the other.
one_core := $(if $(shell command -v taskset),taskset --cpu-list $(shell taskset --cpu-list --pid $$$$ | grep -o '[0-9]*$$'))
in_parallel := $(MAKE) --no-print-directory -j4

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: doctor ## Show the operator at work on this machine, with no cluster and no AWS account
	@$(in_parallel) build
	@$(devenv) demo

demo-fleet: doctor ## Show a fleet and an overview in three accounts and two regions, and draw the dashboard
	@$(in_parallel) build
	@$(devenv) run -- tools/demo-fleet/demo.sh $(operator) "$$(emulator/install.sh | tail -n 1)" $(CARGO_TARGET_DIR)/tmp/overview.svg

test: doctor ## Run every test but those of test-gitops
	@$(in_parallel) build-tests
	emulator/test.sh
	$(devenv) run -- $(cargo) test --workspace --no-fail-fast

test-gitops: doctor ## Run the tests with Argo CD, Flux, Prometheus and Alertmanager themselves (an hour the first time)
	@$(in_parallel) build-tests
	@tools/others/build.sh
	$(devenv) run -- $(cargo) test --workspace --test gitops -- --nocapture --test-threads=2

dashboard-picture: ## Draw docs/images/dashboard.png from what Prometheus had in the last `make test-gitops`
	@mkdir -p docs/images
	@tools/dashboard-picture/draw.sh $(CARGO_TARGET_DIR)/tmp/dashboard.json docs/images/dashboard.png

sweep: doctor ## Try every crash point, failure and field, and print what was covered (SWEEP_ONLY=name: some of it)
	@$(in_parallel) build-tests
	@tests/sweep/run.sh $(devenv) run -- $(cargo) test --workspace --test sweep -- --test-threads=1 --nocapture $(SWEEP_ONLY)

bench: doctor bench-detector bench-operator ## Measure the detector beside a handler in Python, and the operator against the emulator

bench-detector: operator $(detector)
	$(bench) --no-run
	@$(devenv) package-detector --binary $(detector) --out $(detector).zip
	@DETECTOR_PROGRAM=$(detector) DETECTOR_PACKAGE=$(detector).zip $(one_core) $(bench)

# The release build takes half an hour, once.
bench-operator: build
	$(cargo) build --release --package vpc-flow-operator
	@$(devenv) run -- $(CARGO_TARGET_DIR)/debug/bench-operator
	@$(devenv) run -- tools/bench-monitors.sh $(CARGO_TARGET_DIR)/release/vpc-flow-operator 1
	@$(devenv) run -- tools/bench-monitors.sh $(CARGO_TARGET_DIR)/release/vpc-flow-operator 100

# On a machine with nothing else to do: 10 to 30 minutes, besides the release build.
bench-fleet: build ## Measure 1, 10, 100 and 1,000 monitors of five fleets in five accounts, with the quotas of AWS
	$(cargo) build --release --package vpc-flow-operator
	@tools/bench-fleet/run.sh $(devenv) $(CARGO_TARGET_DIR)/release/vpc-flow-operator $(CARGO_TARGET_DIR)/tmp

lint: checkout ## Check formatting, and clippy without warnings; workflow files, Dockerfiles and scripts
	$(cargo) fmt --all --check
	$(cargo) clippy --workspace --all-targets -- -D warnings
	$(cargo) clippy --workspace --test gitops -- -D warnings
	@tools/linters/lint.sh

fmt: ## Format the Rust code
	$(cargo) fmt --all

crds: $(kinds:%=crd-%) ## Write crds/ from the code

crd-%: operator
	$(operator) crd $* > $(crd).new
	@mv $(crd).new $(crd)

check-crds: $(kinds:%=check-crd-%) ## Check that crds/ is what the code generates
	@echo "crds/ is what the code generates"

check-crd-%: operator
	@$(operator) crd $* | diff -u $(crd) - || { echo "$(crd) differs from the code: run 'make crds'" >&2; exit 1; }

chart: ## Write what is generated in charts/: the copy of crds/, README.md and the renderings
	@tools/chart-tools/chart.sh generate

check-chart: ## Lint the Helm chart, run its tests, and check that what is generated is current
	@tools/chart-tools/chart.sh check

config: ## Write config/ from the Helm chart and crds/
	@config/generate.sh config

check-config: build ## Check that config/ is the Helm chart with its defaults, and the GitOps and Prometheus objects against their CRDs
	@config/check.sh
	@$(devenv) run -- config/check-kinds.sh

install-yaml: control-plane ## Write dist/install.yaml: all of config/ in one file
	@mkdir -p dist
	@"$$(devenv/control-plane/build.sh | tail -n 1)/kubectl" kustomize config > dist/install.yaml
	@echo "written: dist/install.yaml"

check-image: operator $(detector) ## Check what the programs need of the container image and of Lambda (libraries, glibc), and the detector's size
	@tools/image/check-binary.sh operator-dev $(operator)
	@tools/image/check-binary.sh detector $(detector)

kind: ## The demo in a kind cluster, for those who have Docker (tools/kind/kind.sh down ends it)
	@tools/kind/kind.sh

docs: $(kinds:%=reference-%) ## Write the documents that are generated: the references of all fields

reference-%: operator
	$(devenv) reference $(crd) > $(reference).new
	@mv $(reference).new $(reference)

man: operator ## Write man pages of all commands into dist/man
	@$(operator) man dist/man

check-docs: $(kinds:%=check-reference-%) ## Check the documents: their commands, links, flags and names
	@docs/check.py $(dir $(operator))

check-reference-%: operator
	@$(devenv) reference $(crd) | diff -u $(reference) - || { echo "$(reference) differs from $(crd): run 'make docs'" >&2; exit 1; }

check-words: ## Check that sentences begin with their subject, and that words fit programs
	@tools/words/words.py

check-adding: ## Check that a new system needs only the places that docs/architecture.md lists
	@tools/adding-a-system/check.sh

up: doctor ## Start a Kubernetes control plane and the AWS emulator, and keep them until Ctrl-C
	@$(in_parallel) build
	@$(devenv) up

build: control-plane emulator operator detector-package ## Build everything that the demo needs

build-tests: control-plane chart-tools lua emulator operator-tests detector-package

doctor: ## Check that this machine has what the builds need
	@tools/doctor.sh

# Cargo compares only the times of sources, so it would use builds of another checkout.
checkout:
	@mkdir -p $(CARGO_TARGET_DIR)
	@if [ "$$(cat $(CARGO_TARGET_DIR)/checkout 2>/dev/null)" != "$(CURDIR)" ]; then \
		find src crd-schema detector devenv flow-log-fields testkit tests -name '*.rs' -exec touch {} + && echo "$(CURDIR)" > $(CARGO_TARGET_DIR)/checkout; \
	fi

control-plane:
	@echo "[control plane] in $$(devenv/control-plane/build.sh)"

lua:
	@echo "[lua] in $$(tools/lua/build.sh)"

chart-tools:
	@echo "[chart tools] in $$(tools/chart-tools/build.sh)"

emulator:
	@echo "[emulator] in $$(emulator/install.sh)"

operator: checkout
	@tools/label.sh operator $(cargo) build --workspace

operator-tests: operator
	@tools/label.sh tests $(cargo) test --workspace --no-run

# The profile for Lambda has a folder of its own, so this runs beside the other build.
$(detector): checkout force
	@tools/label.sh detector $(cargo) build --profile detector --package detector --bin bootstrap --no-default-features --features lambda

detector-package: operator
	@$(devenv) package-detector --binary $(CARGO_TARGET_DIR)/debug/bootstrap --out $(DETECTOR_PACKAGE)
	@echo "[detector] in $(DETECTOR_PACKAGE)"

.PHONY: force
force:
