# Every target makes its own virtual environment (.venv) and installs what it needs from the lock file.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: demo test lint bench clean lab-ready

demo: $(READY)
	$(BIN)/hydrometer audit dossiers/deepseek-v3.toml --out audits/deepseek-v3
	$(BIN)/hydrometer lab zoo demo

test: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(READY)
	$(BIN)/python bench/run.py all
	$(BIN)/python bench/run.py check

$(READY): pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)

# Tests of local models and of the lab skip without torch; with it they run.
lab-ready: $(VENV)/.lab-ready

$(VENV)/.lab-ready: $(READY) requirements-lab.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-lab.lock
	touch $(VENV)/.lab-ready

clean:
	rm -rf $(VENV) audits dist .cache
