# Every verb sets up what it needs in $(VENV); the stamp files make the second call instant.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types docs bench plain clean

VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
# setuptools warns of every editable installation, which is what we want here.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --disable-pip-version-check
# Test workers share the cores, so each one's numerical libraries get a single thread.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

help: ## List the verbs
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1  \t\2/p' Makefile

demo: $(VENV)/.ready ## From a bundled record to a certified dosing report
	$(BIN)/dosegym demo

test: $(VENV)/.ready-dev ## The test-suite without its slow statistical and training checks
	$(ONE_THREAD) $(BIN)/pytest -m "not slow" -n 2 --dist loadfile

bench: $(VENV)/.ready-dev ## The slow checks, then every benchmark in examples/bench_*.py
	$(BIN)/pytest -m slow --durations=0
	@set -e; for script in examples/bench_*.py; do \
	  if [ -e "$$script" ]; then echo "== $$script"; $(BIN)/python "$$script"; fi; done

lint: plain ## Style, format and the order of the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=build/plain $(BIN)/lint-imports

types: plain ## mypy (strict) and pyright, on a plain installation
	cd build/plain && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p dosegym
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: plain ## The documentation, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

setup: $(VENV)/.ready-dev ## Everything the other verbs need

# An editable installation is found through an import hook that type checkers and griffe cannot follow.
plain: $(VENV)/.ready-dev
	@rm -rf build
	@$(PIP) install --quiet --no-deps --no-build-isolation --target build/plain .
	@rm -rf build/lib build/bdist.*

clean: ## Remove what was built, except $(VENV)
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@set -e; python="$(PYTHON)"; [ -n "$$python" ] || python=$$(.ci/find-python); \
	echo "Making $(VENV) with $$python"; "$$python" -m venv "$(VENV)"

$(VENV)/.ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing DoseGym into $(VENV) (once, some minutes)"
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing DoseGym and its developer tools into $(VENV) (once, some minutes)"
	@$(PIP) install --quiet --constraint constraints.txt --editable ".[dev,docs,browser,contrib,parquet,phenotypes]"
	@touch $@ $(VENV)/.ready
