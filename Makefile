# Two commands do everything on a fresh machine: `make demo` and `make test`.
# They need Python 3.11 or newer, Node.js 20 or newer with npm, and (for the tests' servers) Debian's apt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSOLE := alerts/console
CONSOLE_SOURCES := $(shell find $(CONSOLE) -type f -not -path '*/node_modules/*' 2>/dev/null)
STATIC := alerts/api/static/index.html
SOURCE ?=
CONFIG ?= configs/demo.yaml
DATA ?= ../shared/data
PARTS ?=

.PHONY: help setup demo run test chaos soak ultralytics check kafka bench eval console packages format clean
help:  ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# The base install: what runs in production, no tools of developers.
$(VENV)/base.stamp: pyproject.toml | $(BIN)/python
	@echo "installing lianfang and what it needs …"
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/base.stamp
	@echo "installing the developers' tools …"
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(CONSOLE)/node_modules/.stamp: $(CONSOLE)/package-lock.json
	@echo "installing the console's packages …"
	cd $(CONSOLE) && npm ci --silent
	@touch $@

$(STATIC): $(CONSOLE)/node_modules/.stamp $(CONSOLE_SOURCES)
	@echo "building the console …"
	cd $(CONSOLE) && npm run --silent build
	@touch $@

console: $(STATIC)  ## build the console

packages:  ## install the Debian packages that the tests need (browser, RTSP server, Java)
	@bash tests/packages.sh

setup: $(VENV)/dev.stamp $(STATIC)  ## everything for working on it
	$(BIN)/lianfang models install

demo: $(VENV)/base.stamp $(STATIC)  ## show the main job; SOURCE=rtsp://… or a file for your own
	$(BIN)/lianfang demo $(if $(SOURCE),--source '$(SOURCE)')

run: $(VENV)/base.stamp $(STATIC)  ## run everything from CONFIG=…
	$(BIN)/lianfang run $(CONFIG)

check: $(VENV)/dev.stamp  ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp  ## let ruff write what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: packages $(VENV)/dev.stamp $(STATIC)  ## every test, its stages timed
	@bash tests/run.sh

chaos: packages $(VENV)/dev.stamp $(STATIC)  ## the long tests with deaths at random moments
	$(BIN)/python -m pytest -q -s -m chaos tests

soak: packages $(VENV)/dev.stamp  ## cameras that fail and come back for HOURS (1): nothing is left behind
	SOAK_S=$$(( $(or $(HOURS),1) * 3600 )) $(BIN)/python -m pytest -q -s tests/soak

kafka: $(VENV)/base.stamp  ## a Kafka broker on 127.0.0.1:9092, until Ctrl-C
	$(BIN)/python -m deploy.kafka

ultralytics: $(VENV)/dev.stamp  ## the tests of the ultralytics engine, in an environment of its own (6 GB)
	@bash tests/ultralytics.sh

bench: $(VENV)/dev.stamp $(STATIC)  ## measure, into build/bench.json
	$(BIN)/python -m tests.bench

# Only the usual data writes into the documentation: a site's own figures are its own.
eval: $(VENV)/base.stamp  ## measure detectors and rules on DATA=folder (PARTS="objects events"), into build/eval.json
	-$(BIN)/lianfang models install
	$(BIN)/python -m deploy.evaluation '$(DATA)' $(if $(strip $(PARTS)),--parts $(PARTS)) \
		$(if $(filter ../shared/data,$(DATA)),--table docs/models.md)

clean:  ## remove what was built, and not what was cached
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis alerts/api/static
