"""How long a person waits for the command line: whole processes, median of ten, seconds."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from frame import Inputs, Page
from prose import paragraph, table

COMMAND = str(Path(sys.executable).with_name("hydrometer"))
DOSSIER = str(Path(__file__).parent.parent / "dossiers/deepseek-v3.toml")
CASES = {
    "python -c 'import hydrometer'": [sys.executable, "-c", "import hydrometer"],
    "hydrometer --help": [COMMAND, "--help"],
    "hydrometer cost check dossiers/deepseek-v3.toml": [COMMAND, "cost", "check", DOSSIER],
}


def seconds(command: list[str]) -> float:
    """Returns the wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def measure(inputs: Inputs) -> Page:
    """Times every command."""
    rows = []
    for name, command in CASES.items():
        seconds(command)  # the first run warms the file cache
        times = [seconds(command) for _ in range(2 if inputs.quick else 10)]
        rows.append((f"`{name}`", f"{statistics.median(times):.2f} s", f"{max(times):.2f} s"))
    text = [
        "# Benchmark: waiting for the command line",
        paragraph(f"Whole processes by the clock, ten runs each, on {os.cpu_count()} cores."),
        table(("command", "median", "slowest"), rows),
    ]
    return Page("\n\n".join(text))
