# Every command sets up what it needs; from a fresh clone nothing but Python 3.11 and make is required.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

.venv/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ambrotype needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

setup: .venv/ready ## a virtual environment with all that the project needs

demo: setup ## provider URLs die, the permanent ones go on serving
	$(BIN)/ambrotype demo $(ARGS)

serve: setup ## API and worker on http://127.0.0.1:8484
	$(BIN)/ambrotype serve $(ARGS)

tools: setup ## the servers that the tests talk to, from Debian's packages where that is allowed
	@tests/tools.sh

test: tools ## all tests
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

lint: setup ## ruff, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: tools ## speed and memory against a baseline in the same run, into bench/RESULTS.md
	$(BIN)/python -m bench $(ARGS)

soak: tools ## the long chaos runs, and a library of ten million items
	$(BIN)/pytest -m soak -o addopts= $(ARGS)

lock: setup ## pin the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group dev \
	  --custom-compile-command "make lock" pyproject.toml -o requirements/dev.txt

.PHONY: help setup demo serve tools test lint bench soak lock
