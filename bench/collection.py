"""What collecting costs and survives, against a mock endpoint with faults that keeps a ledger of what it billed.

A part that was interrupted can be run again alone, and finished parts are kept:

    python bench/run.py collection --whole --results whole.json --parts kills,swaps --write

Other clients are timed with the Python that `--peers` names: an environment with aiohttp, openai, httpx, litellm and
inspect-ai, of which it times those that are there.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from collection_mock import Mock
from collection_parts import PARTS
from frame import Inputs, NotMeasuredError, Page
from peers.collection_clients import CLIENTS
from prose import paragraph

_RUNS = 3
_FEWER = {"Inspect eval()": 4, "litellm": 2}
"""The slow ones do a fraction of the chats; the figure is per 1,000 either way."""


def cpu(mock: Mock, folder: Path, n: int, peers: Path) -> list[str]:
    """CPU seconds of each client for 1,000 chats at 64 at once, in processes of their own, in turns."""
    mock.fresh({})
    spent: dict[str, list[float]] = {}
    versions: dict[str, str] = {}
    for _ in range(_RUNS):
        for name, package in CLIENTS.items():
            python = Path(sys.executable) if package == "hydrometer" else peers
            script = Path(__file__).parent / "peers/collection_clients.py"
            command = [str(python), str(script), name, f"{mock.address}/v1", str(n // _FEWER.get(name, 1))]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name}: {done.stderr.strip()[-300:]}", file=sys.stderr, flush=True)
                continue
            line = json.loads(done.stdout.splitlines()[-1])
            if line["seconds"] is not None:
                spent.setdefault(name, []).append(line["seconds"])
                versions[name] = line["version"]
    return [
        f"| {name} {versions[name]} | {sorted(times)[len(times) // 2]:.2f} ({min(times):.2f} to {max(times):.2f}) |"
        for name, times in spent.items()
    ]


def run_parts(inputs: Inputs, kept: dict[str, Any]) -> None:
    """Runs the parts that are wanted, printing each and keeping it at once."""
    names = [*PARTS, "cpu"]
    wanted = inputs.words("parts") or names
    if unknown := set(wanted) - set(names):
        raise NotMeasuredError(f"unknown part {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    size, results = "whole" if inputs["whole"] else "shortened", inputs["results"]
    mock = Mock(inputs["mock"])
    try:
        for name in wanted:
            if not inputs["parts"] and kept.get(name, {}).get("size") == size:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                if name == "cpu":
                    rows = cpu(mock, Path(scratch), 4000, inputs["peers"] or Path(sys.executable))
                else:
                    part, short, whole = PARTS[name]
                    rows = part(mock, Path(scratch), whole if inputs["whole"] else short)
            kept[name] = {"rows": rows, "size": size, "date": str(dt.date.today())}
            print("\n".join(rows), file=sys.stderr, flush=True)
            if results is not None:
                fresh = results.with_suffix(".part")
                fresh.write_text(json.dumps(kept, indent=1), encoding="utf-8")
                fresh.replace(results)
    finally:
        mock.process.kill()
        mock.process.wait()


def measure(inputs: Inputs) -> Page:
    """Runs every part that is not kept."""
    os.environ["HYDROMETER_LOOPBACK_ONLY"] = "1"
    kept: dict[str, Any] = {}
    if inputs["results"] is not None and inputs["results"].exists():
        kept = json.loads(inputs["results"].read_text(encoding="utf-8"))
    run_parts(inputs, kept)
    return Page(page(kept))


def page(kept: dict[str, Any]) -> str:
    """Returns the page."""
    sizes = {kept[name]["size"] for name in PARTS if name in kept}
    dates = sorted({part["date"] for part in kept.values()})
    short = [name for name in PARTS if name in kept and kept[name]["size"] != "whole"]
    how = "shortened" if sizes == {"shortened"} else "whole" + (f" but for {', '.join(short)}" if short else "")
    parts = [
        "# Benchmark: collecting answers",
        paragraph(
            f"Measured on {' and '.join(dates)} ({how}; Python {platform.python_version()}, {os.cpu_count()} cores "
            "that other work shared). The endpoint is a mock on the same machine that injects faults and keeps a "
            "ledger of what it billed."
        ),
        "\n".join(
            [
                "| test | measured | wanted |",
                "|---|---|---|",
                *(row for name in PARTS if name in kept for row in kept[name]["rows"]),
            ]
        ),
        paragraph(
            "CPU seconds of the client for 1,000 chats, 64 at once: processes of their own against the same mock, in "
            f"turns, after a warm-up that is not counted (median of {_RUNS}, range). Only Hydrometer and Inspect keep "
            "what comes back."
        ),
        "\n".join(["| client | CPU s |", "|---|---|", *kept.get("cpu", {"rows": []})["rows"]]),
        "Not measured: real providers, TLS, power loss of a real machine.",
    ]
    return "\n\n".join(parts)
