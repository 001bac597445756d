"""What collecting costs and survives, against a mock endpoint with faults that keeps a ledger of what it billed.

python bench/collection.py --mock PATH/mock_endpoint.py            # shortened
python bench/collection.py --mock PATH/mock_endpoint.py --whole --write   # 100,000 requests, 200 kills; writes the page

A part that was interrupted can be run again alone, and finished parts are kept, with:

python bench/collection.py --mock PATH/mock_endpoint.py --whole --results whole.json --parts kills,swaps --write

Other clients are timed with the Python that --peers names: an environment with aiohttp, openai, httpx, litellm and
inspect-ai, of which it times those that are there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from collection_clients import CLIENTS
from collection_mock import Mock
from collection_parts import PARTS

PAGE = Path(__file__).parent.parent / "docs/benchmarks/collection.md"
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
            script = Path(__file__).parent / "collection_clients.py"
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


def _sized(whole: bool) -> str:
    return "whole" if whole else "shortened"


def measure(options: argparse.Namespace, kept: dict[str, Any]) -> None:
    """Runs the parts that are wanted, printing each and keeping it at once."""
    names = [*PARTS, "cpu"]
    wanted = [name for name in (options.parts.split(",") if options.parts else names) if name]
    if unknown := set(wanted) - set(names):
        raise SystemExit(f"unknown part {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    mock = Mock(options.mock)
    try:
        for name in wanted:
            if not options.parts and kept.get(name, {}).get("size") == _sized(options.whole):
                continue
            with tempfile.TemporaryDirectory() as scratch:
                if name == "cpu":
                    rows = cpu(mock, Path(scratch), 4000, options.peers)
                else:
                    part, short, whole = PARTS[name]
                    rows = part(mock, Path(scratch), whole if options.whole else short)
            kept[name] = {"rows": rows, "size": _sized(options.whole), "date": str(dt.date.today())}
            print("\n".join(rows), flush=True)
            if options.results is not None:
                fresh = options.results.with_suffix(".part")
                fresh.write_text(json.dumps(kept, indent=1), encoding="utf-8")
                fresh.replace(options.results)
    finally:
        mock.process.kill()
        mock.process.wait()


def main() -> None:
    """Measures and prints; writes the page on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mock", type=Path, required=True)
    parser.add_argument("--whole", action="store_true", help="the full numbers; an hour of two cores")
    parser.add_argument("--parts", default="", help=f"only these, even if kept: {','.join(PARTS)},cpu")
    parser.add_argument(
        "--results", type=Path, help="JSON file that keeps every part as it ends; kept parts are not run"
    )
    parser.add_argument("--peers", type=Path, default=Path(sys.executable), help="Python that has the other clients")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    os.environ["HYDROMETER_LOOPBACK_ONLY"] = "1"
    kept: dict[str, Any] = {}
    if options.results is not None and options.results.exists():
        kept = json.loads(options.results.read_text(encoding="utf-8"))
    measure(options, kept)
    if options.write:
        PAGE.write_text(page(kept), encoding="utf-8")


def page(kept: dict[str, Any]) -> str:
    """Returns the page."""
    sizes = {kept[name]["size"] for name in PARTS if name in kept}
    dates = sorted({part["date"] for part in kept.values()})
    short = [name for name in PARTS if name in kept and kept[name]["size"] != "whole"]
    how = "shortened" if sizes == {"shortened"} else "whole" + (f" but for {', '.join(short)}" if short else "")
    return "\n".join(
        [
            "# Benchmark: collecting answers",
            "",
            f"Made by `python bench/collection.py --mock PATH{'' if how == 'shortened' else ' --whole'} --write` on "
            f"{' and '.join(dates)} ({how}; Python {platform.python_version()}, {os.cpu_count()} cores that other work "
            "shared). The endpoint is a mock on the same machine that injects faults and keeps a ledger of what it "
            "billed.",
            "",
            "| test | measured | wanted |",
            "|---|---|---|",
            *(row for name in PARTS if name in kept for row in kept[name]["rows"]),
            "",
            "CPU seconds of the client for 1,000 chats, 64 at once: processes of their own against the same mock, in "
            f"turns, after a warm-up that is not counted (median of {_RUNS}, range). Only Hydrometer and Inspect keep "
            "what comes back.",
            "",
            "| client | CPU s |",
            "|---|---|",
            *kept.get("cpu", {"rows": []})["rows"],
            "",
            "Not measured: real providers, TLS, power loss of a real machine.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
