"""No test may cost money, and `make test` gives the same result every time.

Endpoints on other machines are refused. Property tests draw the same examples on every run, unless the environment
says `HYPOTHESIS_PROFILE=fuzz`: then they draw fresh ones, and many times more of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import floors
import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

os.environ["HYDROMETER_LOOPBACK_ONLY"] = "1"
os.environ.pop("OPENAI_API_KEY", None)

# Nothing here may depend on the clock: a deadline and `too_slow` fail on a busy machine.
CLOCKLESS = settings(deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fixed", CLOCKLESS, derandomize=True)
settings.register_profile("fuzz", CLOCKLESS)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "fixed")
settings.load_profile(PROFILE)
TIMES_MORE = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under `fuzz`, a test that states how many examples it needs gets many times as many."""
    places: set[tuple[Any, str]] = set()
    for item in items:
        if PROFILE == "fuzz" and isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
            # Hypothesis keeps the settings of a state machine in public, those of a function here; its own plug-in for
            # pytest reads and writes them in the same way.
            places.add((item.cls, "settings") if item.cls else (item.obj, "_hypothesis_internal_use_settings"))
    for owner, name in places:
        stated = getattr(owner, name)
        setattr(owner, name, settings(stated, max_examples=TIMES_MORE * stated.max_examples))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints what `make coverage` measured, floor by floor."""
    if report := (getattr(config.option, "cov_report", None) or {}).get("json"):
        terminalreporter.section("what the tests run")
        for line in floors.table(Path(report)):
            terminalreporter.write_line(line)
