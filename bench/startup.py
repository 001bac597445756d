"""How long a person waits for the command line: whole processes, median of ten, seconds.

python bench/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

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


def main() -> None:
    """Prints the table."""
    print("| command | median | slowest |\n|---|---|---|")
    for name, command in CASES.items():
        seconds(command)  # the first run warms the file cache
        times = [seconds(command) for _ in range(10)]
        print(f"| `{name}` | {statistics.median(times):.2f} s | {max(times):.2f} s |")


if __name__ == "__main__":
    main()
