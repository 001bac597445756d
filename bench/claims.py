"""Can claim checking tell a true bill from a corrupted one?

True: every dossier that ships, two more under bench/dossiers, their figures one by one, and every published run of
tiers A and B as a headline dossier of its own, if the table is at hand. A run is judged against the published runs of
other developers only. Corrupted: bench/claim_cases.toml; and each headline run with one figure ten times too large or
too small. What ships are the error rates that the reports print.
"""

from __future__ import annotations

import csv
import datetime as dt
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from frame import Inputs, Page
from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.evidence import check_cost
from hydrometer.records.claim_checking import CostCheck
from hydrometer.records.dossier import Dossier
from hydrometer.records.evidence import OperatingPoint, Range, Verdict
from hydrometer.stats.proportions import Proportion
from hydrometer.store.dossiers import read_dossier, read_siblings
from hydrometer.store.reference import find_accelerator
from prose import paragraph, table

ROOT = Path(__file__).parent.parent
CASES = ROOT / "bench/claim_cases.toml"
TARGET = "src/hydrometer/data/claim_checking_operating_point.json"
COMMAND = "python bench/run.py claims --ship"
Table = dict[str, Any]
RELATIONS = {"approx": "about", "upper_bound": "at_most"}
"""How the table's word for the basis of its hours reads as a relation."""


def dossier_path(name: str) -> Path:
    """Returns the file of a dossier named in a case."""
    folder = ROOT / "bench/dossiers" if name.startswith("bench/") else ROOT / "dossiers"
    return folder / f"{name.removeprefix('bench/')}.toml"


def load(name: str) -> Table:
    """Returns the raw table of a dossier, digits kept."""
    return tomllib.loads(dossier_path(name).read_text(encoding="utf-8"), parse_float=Decimal)


def check(table: Table, name: str) -> CostCheck:
    """Runs the checks on a raw table, with the siblings of the dossier of that name."""
    siblings = [file.dossier for file in read_siblings(read_dossier(dossier_path(name)))]
    return check_cost(Dossier.model_validate(table), siblings)


def corrupted(case: Table) -> Table:
    """Returns the dossier's table with the case's edits."""
    table = load(case["dossier"])
    if "keep" in case:
        table["claims"] = [c for c in table["claims"] if c["id"] in case["keep"]]
        table.pop("architecture", None)
    edits = dict(case.get("set", {}))
    for claim in table["claims"]:
        claim.update(edits.pop(claim["id"], {}))
    if edits:
        raise KeyError(f"{case['name']}: no claims named {', '.join(edits)}")
    for claim_id, fields in case.get("add", {}).items():
        own = next(s["id"] for s in table["sources"] if s.get("party", "developer") == "developer")
        table["claims"].append({"id": claim_id, "source": own, "place": "corrupted", **fields})
    for phase in table["phases"]:
        phase["accelerator"] = case.get("accelerator", phase["accelerator"])
    return table


def true_claims(name: str) -> Iterator[tuple[str, Verdict]]:
    """Yields every developer's figure of a true dossier that some check decides, with what they say."""
    result = check(load(name), name)
    own = [c for c in result.checks if c.third_party_claim is None]
    for claim_id in dict.fromkeys(i for c in own for i in c.claims):
        verdicts = {c.verdict for c in own if claim_id in c.claims}
        if Verdict.OPPOSES in verdicts:
            yield f"{name}: {claim_id}", Verdict.OPPOSES
        elif Verdict.SUPPORTS in verdicts:
            yield f"{name}: {claim_id}", Verdict.SUPPORTS


def headline_dossier(row: dict[str, str], **factors: float) -> Table | None:
    """Returns a row of the table of runs as a dossier; None where it has too little to check."""
    try:
        find_accelerator(row["accelerator"])
    except InputError:
        return None
    kinds = {
        "pretrain": "pretraining",
        "all": "pretraining",
        "posttrain": "fine_tuning",
        "rl": "reinforcement_learning",
    }
    claims = []
    columns = (
        ("total_params", "total_parameters", "parameters"),
        ("active_params", "active_parameters", "parameters"),
        ("tokens", "tokens", "tokens"),
        ("accelerator_hours", "accelerator_hours", "accelerator-hours"),
        ("n_accelerators", "n_accelerators", "accelerators"),
        ("price_per_hour_claimed", "price_per_hour", "USD per accelerator-hour"),
        ("reported_cost_usd", "cost", "USD"),
    )
    for column, quantity, unit in columns:
        if row[column]:
            value = Decimal(row[column]) * Decimal(str(factors.get(column, 1)))
            exact = value.quantize(Decimal(1)) if value == value.to_integral_value() else value
            bound = (
                RELATIONS.get(row["hours_basis"], "equals") if quantity in {"accelerator_hours", "cost"} else "equals"
            )
            claims.append(
                {"id": quantity, "quantity": quantity, "value": exact, "unit": unit, "relation": bound,
                 "source": "s", "place": "table"}
            )  # fmt: skip
    precision = row["precision"].split("+")[0] or "bf16"
    return {
        "schema_version": 1,
        "model": {"name": row["model"], "developer": row["developer"], "summary": "a row",
                  "released": dt.date.fromisoformat(row["date"])},
        "sources": [{"id": "s", "title": "table", "url": "https://example.org", "date": dt.date(2026, 1, 1)}],
        "phases": [{"id": "p", "kind": kinds.get(row["phase"], "other"), "accelerator": row["accelerator"],
                    "precision": precision, "source": "s", "place": "table"}],
        "claims": claims,
    }  # fmt: skip


def plain(name: str) -> str:
    """Returns a model's name without blanks, dots and case, to find the same model twice."""
    return "".join(c for c in name.casefold() if c.isalnum())


def share(successes: int, n: int) -> str:
    """Returns a share with its exact 95 % interval."""
    if n == 0:
        return "none"
    low, high = Proportion(successes, n).confidence_interval()
    return f"{successes} of {n} ({100 * successes / n:.1f} %, 95 % interval {100 * low:.1f} to {100 * high:.1f} %)"


def run_headlines(path: Path) -> tuple[list[tuple[str, Verdict]], dict[str, list[Verdict]]]:
    """Returns the verdicts of true headline runs, and of the same runs with one figure off by ten."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["tier"] in {"A", "B"}]
    true: list[tuple[str, Verdict]] = []
    wrong: dict[str, list[Verdict]] = {}
    for row in rows:
        table = headline_dossier(row)
        if table is None:
            continue
        verdict = check_cost(Dossier.model_validate(table), []).verdict
        if verdict is Verdict.NOT_MEASURED:
            continue
        true.append((row["model"], verdict))
        if row["phase"] not in {"pretrain", "all"} or not row["tokens"] or not row["accelerator_hours"]:
            continue
        for column in ("accelerator_hours", "tokens"):
            for factor in (0.1, 10.0):
                bad = headline_dossier(row, **{column: factor})
                assert bad is not None
                found = check_cost(Dossier.model_validate(bad), []).verdict
                wrong.setdefault(f"{column.replace('_', ' ')} × {factor:g}", []).append(found)
    return true, wrong


def rate(successes: int, n: int) -> Range:
    """Returns a share as it is stored."""
    low, high = Proportion(successes, n).confidence_interval()
    return Range(
        low=low, middle=successes / n, high=high, unit="fraction", level=0.95, method="exact (Clopper-Pearson)"
    )


def true_models(names: list[str], alarms: list[str], runs: list[tuple[str, Verdict]]) -> dict[str, bool]:
    """Returns every model with a true figure, and whether one of them is opposed."""
    models = {plain(load(name)["model"]["name"]): False for name in names}
    for claim in alarms:
        models[plain(load(claim.split(":")[0])["model"]["name"])] = True
    for name, verdict in runs:
        known = next((m for m in models if plain(name).startswith(m)), plain(name))
        models[known] = models.get(known, False) or verdict is Verdict.OPPOSES
    return models


def _named(names: list[str]) -> str:
    return f": {', '.join(names)}" if names else ""


def measure(inputs: Inputs) -> Page:
    """Judges every case; returns the page and the error rates that ship."""
    names = [p.stem for p in sorted((ROOT / "dossiers").glob("*.toml"))]
    names += [f"bench/{p.stem}" for p in sorted((ROOT / "bench/dossiers").glob("*.toml"))]
    single = [claim for name in names for claim in true_claims(name)]
    cases = tomllib.loads(CASES.read_text(encoding="utf-8"), parse_float=Decimal)["cases"]
    judged = [(case, check(corrupted(case), case["dossier"]).verdict) for case in cases]
    caught = sum(verdict is Verdict.OPPOSES for _, verdict in judged)
    alarms = [name for name, verdict in single if verdict is Verdict.OPPOSES]
    true, wrong = run_headlines(inputs["runs"]) if inputs["runs"] else ([], {})
    models = true_models(names, alarms, true)
    rows = [
        ("corrupted claims", share(caught, len(judged))),
        ("figures of true dossiers", share(len(alarms), len(single)) + _named(alarms)),
        ("models with a true figure", share(sum(models.values()), len(models))),
    ]
    text = [
        "# Benchmark: can claim checking tell a true bill from a corrupted one?",
        paragraph(
            "A corrupted claim counts as caught only if it is opposed, a true one as a false alarm if it is opposed. "
            "The corruptions are of our own making (`bench/claim_cases.toml`), those marked *printed somewhere* "
            "apart; the tolerances were set while most of the cases were in view."
        ),
        table(("what", "opposed"), rows),
        *_headlines(true, wrong),
        "## Corrupted claims",
        table(("dossier", "what was changed", "caught", "verdict"), [_case(*one) for one in judged]),
    ]
    point = operating_point(len(models), sum(models.values()), len(judged), caught, n_dossiers=len(names))
    return Page("\n\n".join(text), ships={TARGET: point} if inputs["runs"] else {})


def _case(case: Table, verdict: Verdict) -> tuple[str, ...]:
    printed = " *(printed somewhere)*" if case.get("published") else ""
    caught = "yes" if verdict is Verdict.OPPOSES else "**no**"
    return case["dossier"], case["name"] + printed, caught, verdict.value


def _headlines(true: list[tuple[str, Verdict]], wrong: dict[str, list[Verdict]]) -> list[str]:
    """Returns the page's part on published runs; nothing where their table is not at hand."""
    if not true:
        return []
    false = [name for name, verdict in true if verdict is Verdict.OPPOSES]
    unsure = [name for name, verdict in true if verdict is Verdict.INCONCLUSIVE]
    rows = [
        ("as published: opposed", share(len(false), len(true)) + _named(false)),
        ("as published: inconclusive", share(len(unsure), len(true)) + _named(unsure)),
    ]
    for name, verdicts in wrong.items():
        rows.append((f"{name}: opposed", share(sum(v is Verdict.OPPOSES for v in verdicts), len(verdicts))))
    return [
        "## Published runs as headline dossiers",
        "Each judged by other developers' runs. The table of runs is not part of the project.",
        table(("run", "share"), rows),
    ]


def operating_point(n_true: int, n_alarms: int, n_corrupted: int, n_caught: int, *, n_dossiers: int) -> bytes:
    """Returns the error rates as they ship."""
    point = OperatingPoint(
        measured_on=f"{n_true} models with true published figures, {n_dossiers} of them in full dossiers, each "
        f"judged against other developers' runs; {n_corrupted} corrupted claims",
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        command=COMMAND,
        n_true=n_true,
        n_corrupted=n_corrupted,
        false_positive_rate=rate(n_alarms, n_true),
        true_positive_rate=rate(n_caught, n_corrupted),
    )
    return (point.model_dump_json(indent=1) + "\n").encode()
