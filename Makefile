# Every target makes its own virtual environment (.venv) and installs what it needs from the lock file.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
# Chosen anew on every run and shown in the command; give it to see a failure again.
SEED := $(or $(SEED),$(shell od -An -N3 -tu4 /dev/urandom | tr -d ' '))
TIMES ?= 20

.PHONY: demo test coverage fuzz shuffle mutate lint bench clean lab-ready

demo: $(READY)
	$(BIN)/hydrometer audit dossiers/deepseek-v3.toml --out audits/deepseek-v3
	$(BIN)/hydrometer lab zoo demo

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

# The tests, and which lines and branches of every floor they run; half as long again as `make test`.
coverage:
	$(MAKE) test ARGS="--cov --cov-report=json:.cache/coverage.json"

# Property tests with fresh examples, twenty times as many as `make test` takes (minutes).
fuzz: $(READY)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -m hypothesis --hypothesis-seed=$(SEED)

# The whole suite again and again, each time with files and the tests in them in another order.
shuffle: $(READY)
	for n in $$(seq 0 $$(($(TIMES) - 1))); do \
	  $(BIN)/python -m pytest --random-order-bucket=module --random-order-seed=$$(($(SEED) + n)) || exit 1; done

# Do the tests notice when one operator or number changes? ARGS="--n 40 --area costs" for less; stopped, it goes on.
mutate: $(READY)
	$(BIN)/python bench/mutate.py $(ARGS)

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
