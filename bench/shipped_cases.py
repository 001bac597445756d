"""What the shipped dossiers say, asked as anybody would ask: `hydrometer cost check` and `cost ladder`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from frame import ROOT, Inputs, Page
from prose import paragraph, table

WHOLE = "deepseek-v3"
"""The dossier whose equations and ladder are printed whole."""
Json = dict[str, Any]


def asked(*words: str) -> Json:
    """Returns the JSON of a command."""
    command = [sys.executable, "-c", "from hydrometer.cli import main; main()", *words, "--json"]
    found: Json = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def dossiers() -> list[Path]:
    """Returns the dossiers that ship."""
    return sorted((ROOT / "dossiers").glob("*.toml"))


def propositions(name: str, found: Json) -> list[tuple[str, ...]]:
    """Returns a row for every proposition of a dossier."""
    return [(f"{name}: {p['id']}", p["verdict"], p["answer"]) for p in found["propositions"]]


def equations(found: Json) -> list[tuple[str, ...]]:
    """Returns a row for every equation of a dossier."""
    rows = []
    for check in found["checks"]:
        left, right = (side["text"] if side else "–" for side in (check["left"], check["right"]))
        rows.append((f"`{check['id']}`", check["title"], left, right, check["verdict"]))
    return rows


def conventions(found: Json) -> list[tuple[str, ...]]:
    """Returns a row for utilisation by each convention."""
    return [
        (f"{u['attention']}, {u['peak'].upper()} peak, MTP {'in' if u['includes_mtp'] else 'out'}", f"{u['mfu']:.1%}")
        for u in found["utilisation_by_convention"]
    ]


def rungs(found: Json) -> list[tuple[str, ...]]:
    """Returns a row for every rung of a ladder, in million dollars."""
    return [
        (r["title"], *(f"{r['usd'][end] / 1e6:,.1f}" for end in ("low", "middle", "high")))
        for r in found["ladder"]["rungs"]
    ]


def measure(inputs: Inputs) -> Page:
    """Asks about every dossier that ships."""
    paths = [path for path in dossiers() if path.stem == WHOLE or not inputs.quick]
    found = {path.stem: asked("cost", "check", str(path)) for path in paths}
    ladder = asked("cost", "ladder", str(ROOT / f"dossiers/{WHOLE}.toml"))
    text = [
        "# What the shipped dossiers say",
        paragraph("The answers of `hydrometer cost check` and `cost ladder`: arithmetic on what was published."),
        "## Propositions",
        table(
            ("dossier", "verdict", "answer"), [row for name, one in found.items() for row in propositions(name, one)]
        ),
        "## Equations of DeepSeek-V3",
        table(("id", "equation", "what follows", "what was claimed or must hold", "verdict"), equations(found[WHOLE])),
        "## Utilisation of DeepSeek-V3 by convention",
        table(("convention", "utilisation"), conventions(found[WHOLE])),
        "## The ladder of DeepSeek-V3",
        table(("rung, million dollars", "low", "middle", "high"), rungs(ladder)),
    ]
    return Page("\n\n".join(text))
