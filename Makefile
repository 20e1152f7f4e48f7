# All development tasks; `make` lists them.
# They need a Debian machine with root, Python 3.11 and Go 1.26.8, and install the rest.

PYTHON ?= python3
GROUP ?= dev
# Processes that run tests. They share the daemons of the stack.
JOBS ?= 2
REGISTRY ?= localhost:$(or $(PYLLB_REGISTRY_PORT),5000)

BIN := .venv/bin
SETUP := .venv/$(GROUP).stamp
# Runs a command with the running stack's addresses in its environment.
STACK_ENV = eval "$$(dev/stack env)" &&

# The dependencies of `import llb, llb.frontend` in the frontend image.
IMAGE_WHEELS := attrs googleapis-common-protos hpack protobuf
IMAGE_PYTHON := 3.13

.DEFAULT_GOAL := help
.PHONY: help changelog docs setup up down status protos protos-check format lint test lines test-as-darwin test-as-windows coverage mutants fuzz fuzz-llb fuzz-dockerfile fuzz-parser corpus-dockerfile corpus-rewrite demo recording wheels image bump conformance bench clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(SETUP) ## Create .venv with this package and its development dependencies.

$(SETUP): pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { apt-get update -q && apt-get install -q -y python3-venv; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --upgrade 'pip>=25.1'
	$(BIN)/pip install -q --editable . --group $(GROUP)
	@touch $@

up: ## Start BuildKit, a registry and base images (see dev/stack -h).
	dev/stack up

down: ## Stop them; keep built programs and images.
	dev/stack down

status: ## Show what is running, and where.
	dev/stack status

protos: setup ## Generate llb/_pb and the stubs in llb/grpcio from protos/.
	protos/generate

protos-check: setup ## Fail if llb/_pb or the stubs differ from what protos/ generates.
	protos/generate --check

format: setup ## Format the code, and apply the linter's fixes.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Other systems run the package and the image's program. Tests, examples and tools are for Linux. What
# a system lacks is unreachable there.
lint: setup ## Check style, types and import directions.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	for platform in darwin win32; do $(BIN)/mypy --platform $$platform \
	  --cache-dir .mypy_cache/$$platform --no-warn-unreachable llb frontend || exit 1; done
	$(BIN)/pyright -p tests/typing --pythonpath $(BIN)/python
	$(BIN)/lint-imports

test: lint protos-check up ## Run the checks and all tests, including those with real daemons.
	dev/stack trim
	$(BIN)/python -m pytest --no-fold-skipped -n $(JOBS) --dist loadfile $(PYTEST)

# Linux without what the other system lacks. The workflow `systems` runs tests on the real ones.
test-as-darwin: setup ## Run unit tests with the names that Python lacks on macOS taken away.
	$(BIN)/python -m tests.systems darwin

test-as-windows: setup ## Run unit tests with the names that Python lacks on Windows taken away.
	$(BIN)/python -m tests.systems windows

changelog: setup ## Show the section of the changelog that the files in changes/ would become.
	$(BIN)/towncrier build --draft --version next

docs: setup ## Build the documentation site into out/site, without warnings.
	$(BIN)/python -m sphinx -q -E -W --keep-going docs out/site
	@echo out/site/index.html

lines: setup up ## Run all command lines of docs/docker-build-lines.md with buildx and with llb.
	PYLLB_ALL_LINES=1 $(BIN)/python -m pytest tests/e2e/test_command_lines.py $(PYTEST)

coverage: setup ## Measure the coverage of tests without a daemon, and check its floors.
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not e2e" $(PYTEST)
	$(BIN)/coverage combine -q
	$(BIN)/coverage json -q --fail-under=0
	$(BIN)/python -m tests.coverage_floor

mutants: setup ## Check that the tests catch known mutations.
	$(BIN)/python -m tests.mutants

fuzz: setup ## Fuzz what parses the messages of peers, with INPUTS for each target, 200,000 by default.
	$(BIN)/python -m tests.attacks.fuzz $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

fuzz-llb: setup ## Compare random graphs with Go's client/llb for SECONDS, 600 by default.
	$(BIN)/python -m tests.property.fuzz_llb --seconds $(or $(SECONDS),600)

fuzz-dockerfile: setup ## Compare random Dockerfiles with Go for SECONDS, 600 by default.
	$(BIN)/python -m tests.property.fuzz_dockerfile --seconds $(or $(SECONDS),600)

fuzz-parser: setup ## Fuzz the Dockerfile parser for SECONDS, 600 by default.
	$(BIN)/pip install -q --group fuzz
	$(BIN)/python -m tests.property.fuzz_parser --seconds $(or $(SECONDS),600)

corpus-dockerfile: setup ## Compare conversions of the Dockerfiles below DIR with Go's.
	$(BIN)/python -m tests.conformance.dockerfile.corpus $(or $(DIR),.)

corpus-rewrite: setup ## Compare the Dockerfiles below DIR with their Python build files.
	$(BIN)/python -m tests.conformance.dockerfile.rewritten $(or $(DIR),.)

demo: setup up ## Build examples/01_hello.py on a real BuildKit, into out/.
	$(STACK_ENV) dev/demo

recording: setup up ## Record the build of docs/images/build.py as docs/images/build.svg.
	$(STACK_ENV) PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python dev/record --lines 18 \
	  docs/images/build.svg llb build docs/images/build.py --no-cache -t example

wheels: setup ## Collect the wheels for the frontend image in dist/wheels.
	rm -rf dist/wheels
	$(BIN)/pip wheel -q --no-deps --wheel-dir dist/wheels .
	$(BIN)/pip freeze -q --exclude-editable > dist/constraints.txt
	$(BIN)/pip download -q --no-deps --only-binary :all: --constraint dist/constraints.txt \
	  --python-version $(IMAGE_PYTHON) --platform manylinux2014_$(shell uname -m) \
	  --dest dist/wheels $(IMAGE_WHEELS)

image: wheels up ## Build the frontend image with pyllb itself, and push it to the registry.
	$(STACK_ENV) $(BIN)/llb build -f Dockerfile.frontend . \
	  --output type=image,name=$(REGISTRY)/pyfrontend,push=true

bump: setup ## Report what BUILDKIT=vX or BUILDX=vY changes for this project.
	$(BIN)/python -m tests.conformance.bump $(if $(BUILDKIT),--buildkit $(BUILDKIT)) $(if $(BUILDX),--buildx $(BUILDX))

conformance: wheels up ## Run BuildKit's own Dockerfile tests against this frontend and the stock one.
	$(STACK_ENV) $(BIN)/llb build -f Dockerfile.frontend . --output type=oci,dest=dist/ours.tar
	echo 'FROM docker/dockerfile:1' > dist/stock.Dockerfile
	$(STACK_ENV) $(BIN)/llb build -f dist/stock.Dockerfile . --output type=oci,dest=dist/stock.tar
	dev/suite --table docs/conformance.md pyllb=dist/ours.tar stock=dist/stock.tar

bench: setup up ## Measure against buildctl and the stock frontend, side by side.
	$(STACK_ENV) $(BIN)/python -m bench

clean: ## Remove generated files in the tree, but not dev/stack's state.
	rm -rf .venv out dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* coverage.json
	find . -name __pycache__ -prune -exec rm -rf {} +
