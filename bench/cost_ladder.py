"""Does the ladder cover what is known, and does the audit of tables find published errors?

Known: SmolLM3's project over its main run (1.58), OPT's experiments (about 2 times the final run), Trinity's all-in
cost of four models (about $20M, salaries and data included), and every reading of DeepSeek's spending. Two tables that
are not part of the project are audited if they are at hand: published runs (no row may be opposed), and Epoch's
database (epoch-research/training-cost-trends on GitHub, read 2026-11-25).
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from frame import Inputs, Page
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.ladder import build_ladder
from hydrometer.instruments.training_cost.checking.table_audit import audit_table
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.records.dossier import Dossier
from hydrometer.store.dossiers import read_dossier
from prose import paragraph

ROOT = Path(__file__).parent.parent
TRINITY = ROOT / "bench/ladder_dossiers/trinity-large.toml"
ERRORS = (
    ("DeepSeek-V2", "172.8 thousand hours per trillion tokens stored as the total"),
    ("Falcon-180B", "17.7 million hours for about 7 million stated"),
    ("Nemotron-4 15B", "958 thousand hours for the 687.5 thousand of the paper's table"),
)


def ladder(path: Path, *, without: str = "") -> CostLadder:
    """Returns a dossier's ladder, without the claims of one quantity."""
    dossier: Dossier = read_dossier(path).dossier
    kept = tuple(claim for claim in dossier.claims if claim.quantity != without)
    return build_ladder(Claims(dossier.model_copy(update={"claims": kept})), rng=np.random.default_rng(0)).ladder


def ratio_range(found: CostLadder) -> tuple[float, float]:
    """Returns the 90 % range of programme over final run that the ladder's prior states."""
    prior = next(p for p in found.priors if p.name == "development_multiplier")
    return prior.p5, prior.p95


def coverage() -> list[str]:
    """Returns what the ladder covers."""
    rows = ["| known | figure | the ladder's 90 % range | covered |", "|---|---|---|---|"]
    for name, path, known in (
        ("SmolLM3: project ÷ main run, its programme hours withheld", ROOT / "dossiers/smollm3-3b.toml", 1.58),
        ("SmolLM3: project ÷ planned run", ROOT / "dossiers/smollm3-3b.toml", 1.98),
        ("OPT-175B: all ÷ final run", ROOT / "bench/ladder_dossiers/opt-175b.toml", 2.0),
    ):
        low, high = ratio_range(ladder(path, without="programme_accelerator_hours"))
        covered = "yes" if low <= known <= high else "no"
        rows.append(f"| {name} | {known} | {low} to {high} | {covered} |")
    trinity = next(r.usd for r in ladder(TRINITY).levels if r.id == "programme")
    covered = "yes" if trinity.low <= 20e6 <= trinity.high else "no"
    rows.append(
        f"| Trinity Large: all-in for four models | $20M | ${trinity.low / 1e6:,.0f}M to ${trinity.high / 1e6:,.0f}M "
        f"| {covered} |"
    )
    deepseek = ladder(ROOT / "dossiers/deepseek-v3.toml")
    levels = {r.id: r.usd for r in deepseek.levels}
    for reading in deepseek.readings:
        usd = levels[reading.level]
        covered = "yes" if usd.low <= reading.usd <= usd.high else "no"
        rows.append(
            f"| DeepSeek: {reading.text} ({reading.citation.title}) | ${reading.usd / 1e6:,.0f}M "
            f"| ${usd.low / 1e6:,.0f}M to ${usd.high / 1e6:,.0f}M | {covered} |"
        )
    rows += [
        "",
        "DeepSeek-V3's levels, million dollars (90 % ranges; company levels are lowest and highest reading):",
        "",
    ]
    rows += [f"- {r.title}: {r.usd.low / 1e6:.3g} to {r.usd.high / 1e6:.3g}" for r in deepseek.levels]
    rows += [
        "",
        "Which unknown matters most for the level with the people (median at its lowest and highest tenth):",
        "",
    ]
    rows += [
        f"- {s.prior}: {s.low / 1e6:.3g} to {s.high / 1e6:.3g} (rank correlation {s.rank_correlation:.2f})"
        for s in deepseek.swings
    ]
    return rows


def timing() -> str:
    """Returns the CPU seconds of a ladder of 100,000 draws."""
    path = ROOT / "dossiers/deepseek-v3.toml"
    ladder(path)
    start = time.process_time()
    ladder(path)
    return f"A ladder of 100,000 draws: {time.process_time() - start:.2f} s of CPU, reading the dossier included."


def table(path: Path, name: str) -> list[str]:
    """Returns what the audit of a table finds."""
    start = time.process_time()
    found = audit_table(path)
    seconds = time.process_time() - start
    lines = [
        f"**{name}**: {found.n_rows:,} rows, {found.n_inconsistent} inconsistent, {found.n_consistent} consistent, "
        f"{found.n_not_checkable:,} not checkable; {seconds:.1f} s of CPU."
    ]
    for row in found.rows:
        if row.verdict == "inconsistent":
            check = row.checks[0]
            lines.append(f"- line {row.line}, {row.model}: {check.left} against {check.right}")
        elif row.conflict:
            lines.append(
                f"- line {row.line}, {row.model}: {next(c for c in row.checks if c.name == row.conflict).explanation}"
            )
    return lines


def measure(inputs: Inputs) -> Page:
    """Looks at every known figure, and audits the tables that are at hand."""
    lines = [
        "# Benchmark: the ladder and the audit of tables",
        "",
        paragraph("Two of the tables that are audited are public and not part of the project."),
        "",
        "## What the ladder covers",
        "",
        *coverage(),
        "",
        timing(),
    ]
    if inputs["runs"] or inputs["epoch"]:
        lines += ["", "## Tables of runs", ""]
    if inputs["runs"]:
        lines += [*table(inputs["runs"], "Published runs, their figures as printed (no row should be opposed)"), ""]
    if inputs["epoch"]:
        lines += [*table(inputs["epoch"], "Epoch's database of 2026-04"), ""]
        lines += ["Known errors of that database:", "", *(f"- {name}: {what}" for name, what in ERRORS)]
    return Page("\n".join(lines))
