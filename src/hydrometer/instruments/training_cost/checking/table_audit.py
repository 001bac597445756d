"""Audits a table of training runs: which rows cannot be true?

Every row is put through the checks of published figures that a dossier gets. Three checks are the table's own:
compute over hours where no tokens are given, the row against what the makers published, and rows against each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.checking.checks import check_claims
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.plausibility import CEILING, FLOOR_MARGIN, SMALL_MODEL, other_runs
from hydrometer.records.claim_checking import Check
from hydrometer.records.dossier import Dossier, Precision
from hydrometer.records.evidence import Verdict
from hydrometer.records.numbers import percent, readable
from hydrometer.records.quantities import QUANTITIES, SECONDS_PER_HOUR
from hydrometer.records.run_table import RowCheck, RowFinding, RowVerdict, RunRow, TableAudit
from hydrometer.store.reference import find_accelerator
from hydrometer.store.run_tables import plain, published_records, read_run_table

# By hand, 2026-11-25.
AGREE = 0.15
"""Two hours of one model may differ by this: a published total includes or omits small phases (V3: 5 %)."""
# By hand, 2026-11-25, as is the margin of the clock. Tried: 15 % for the clock; it opposed FRED-T5-XL, whose cluster
# changed. See docs/log.md.
_SHORT_RUN = 1e21
"""FLOP below which a run is not judged for using too little."""
CONFLICT = "published_cluster"
"""Name of the check that finds two readings in the public record."""
# Found on Epoch's row of GPT-2: $8 an hour is a board's price (docs/log.md, 2026-11-25).
_CHIPS_A_BOARD = 4
"""A Cloud TPU of the second and third generation was sold as a board of four chips."""
CLOCK_AGREE = 0.25
"""Accelerators × time may differ from the hours by this: days are rounded, and clusters change during a run."""
_KINDS = {
    "pretrain": "pretraining",
    "pretraining": "pretraining",
    "all": "pretraining",
    "": "pretraining",
    "posttrain": "fine_tuning",
    "sft": "fine_tuning",
    "rl": "reinforcement_learning",
    "context_extension": "context_extension",
}
_WHOLE = frozenset({"pretrain", "pretraining", "all", ""})
_UNEVEN = ("growth",)
"""Architectures whose parameters grow during training: 6·N·D with the last N means nothing."""
_RELATIONS = {"approx": "about", "upper_bound": "at_most"}
_CLAIMS = (
    ("total_parameters", "parameters"),
    ("active_parameters", "parameters"),
    ("tokens", "tokens"),
    ("accelerator_hours", "accelerator-hours"),
    ("n_accelerators", "accelerators"),
    ("price_per_hour", "USD per accelerator-hour"),
    ("cost", "USD"),
)
_WORDS: dict[Verdict, RowVerdict] = {
    Verdict.SUPPORTS: "consistent",
    Verdict.OPPOSES: "inconsistent",
    Verdict.INCONCLUSIVE: "not checkable",
    Verdict.NOT_MEASURED: "not checkable",
}
_RANK: dict[RowVerdict, int] = {"inconsistent": 0, "consistent": 1, "not checkable": 2}


def audit_table(path: Path) -> TableAudit:
    """Returns what cannot be true in a table of runs.

    Raises:
        InputError: as `read_run_table` does, and for a number that no training could have.
    """
    rows = read_run_table(path)
    twins = _twins(rows)
    findings = tuple(audit_row(row, twins.get(row.line, ()), where=f"{path}:{row.line}") for row in rows)
    counts = [finding.verdict for finding in findings]
    return TableAudit(
        file=str(path),
        n_rows=len(rows),
        n_inconsistent=counts.count("inconsistent"),
        n_consistent=counts.count("consistent"),
        n_not_checkable=counts.count("not checkable"),
        rows=findings,
    )


def audit_row(row: RunRow, twins: Sequence[RunRow] = (), *, where: str = "") -> RowFinding:
    """Returns every check of one row and what they say together.

    Args:
        row: the row.
        twins: other rows of the same model and phase.
        where: file and line, for errors.
    """
    checks = [
        *_dossier_checks(row, where),
        *_clock(row),
        *_flop_over_hours(row),
        *_against_the_makers(row),
        *_against_twins(row, twins),
    ]
    if row.cost_usd is not None and row.accelerator_hours is None and not checks:
        checks.append(_open("cost_needs_hours", "The cost can be checked", "the cost is given without hours"))
    if not checks:
        checks.append(_open("too_little", "The row can be checked", "too little is given to form an equation"))
    checks.sort(key=lambda check: (_RANK[check.verdict], check.name != CONFLICT))
    verdict = checks[0].verdict
    # Where the public record disagrees with itself, no equation can say which reading the row should have.
    conflict = CONFLICT if any(check.name == CONFLICT for check in checks) else ""
    if verdict == "consistent" and conflict:
        verdict = "not checkable"
    return RowFinding(line=row.line, model=row.model, verdict=verdict, checks=tuple(checks), conflict=conflict)


def _open(name: str, title: str, why: str, source: str = "") -> RowCheck:
    return RowCheck(
        name=name, title=title, left="", right="", ratio=None, verdict="not checkable",
        explanation=f"Not checkable: {why}.", source=source,
    )  # fmt: skip


def _dossier_checks(row: RunRow, where: str) -> Iterator[RowCheck]:
    table = _dossier(row, where)
    if table is None:
        return
    try:
        dossier = Dossier.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        problem = first.get("ctx", {}).get("problem", first["msg"])
        raise InputError(str(problem), cure="correct the row, or blank the cell", where=where) from None
    for check in check_claims(dossier, []):
        yield _of_a_board(row, _row_check(check))


def _of_a_board(row: RunRow, check: RowCheck) -> RowCheck:
    """Returns a TPU's price as not checkable where it is out of the market for a chip but not for a board."""
    chip = _chip_name(row) or ""
    price = row.price_per_hour
    if check.name != "price_in_the_market" or check.verdict != "inconsistent" or price is None:
        return check
    if not chip.startswith("TPU"):
        return check
    board = _dossier(row.model_copy(update={"price_per_hour": price / _CHIPS_A_BOARD}), "")
    again = [c for c in check_claims(Dossier.model_validate(board), []) if c.name == check.name]
    if any(c.verdict is Verdict.OPPOSES for c in again):
        return check
    words = f"Not checkable: {check.left} is a price of a board of {_CHIPS_A_BOARD} chips, not of one."
    return check.model_copy(update={"verdict": "not checkable", "explanation": words})


def _row_check(check: Check) -> RowCheck:
    left, right = check.left, check.right
    ratio = left.value / right.value if left is not None and right is not None and right.value > 0 else None
    return RowCheck(
        name=check.name,
        title=check.title,
        left=left.text if left is not None else "",
        right=right.text if right is not None else "",
        ratio=ratio,
        verdict=_WORDS[check.verdict],
        explanation=check.explanation,
    )


def _dossier(row: RunRow, where: str) -> dict[str, Any] | None:
    """Returns the row as the table of a dossier, or None where its chip is not known."""
    name = _chip_name(row)
    if name is None:
        return None
    uneven = any(word in row.architecture.casefold() for word in _UNEVEN)
    values = {
        "total_parameters": row.total_parameters,
        "active_parameters": row.active_parameters,
        "tokens": None if uneven else row.tokens,
        "accelerator_hours": row.accelerator_hours,
        "n_accelerators": row.n_accelerators,
        "price_per_hour": row.price_per_hour,
        "cost": row.cost_usd,
    }
    basis = _RELATIONS.get(row.hours_basis, "equals")
    claims = []
    for quantity, unit in _CLAIMS:
        value = values[quantity]
        if value is None:
            continue
        kind = QUANTITIES[quantity]
        if not kind.lower <= value <= kind.upper:
            raise InputError(
                f"{quantity.replace('_', ' ')}: {value:g} is out of range",
                cure=f"from {kind.lower:g} to {kind.upper:g}: check the unit",
                where=where,
            )
        claims.append(
            {
                "id": quantity.replace("_", "-"), "quantity": quantity, "value": _exact(value), "unit": unit,
                "relation": basis if quantity in {"accelerator_hours", "cost"} else "equals",
                "source": "table", "place": "row",
            }
        )  # fmt: skip
    if not claims:
        return None
    # A dossier needs a date; the checks of figures do not read it.
    date = row.date or dt.date(2026, 1, 1)
    return {
        "schema_version": 1,
        "model": {"name": row.model, "developer": row.developer or "not given", "summary": "a row", "released": date},
        "sources": [{"id": "table", "title": "the table", "url": "https://example.org", "date": date}],
        "phases": [
            {
                "id": "run", "kind": _KINDS.get(row.phase.casefold(), "other"), "accelerator": name,
                "precision": _precision(row), "source": "table", "place": "row",
            }
        ],
        "claims": claims,
    }  # fmt: skip


def _exact(value: float) -> int | Decimal:
    """Returns the number with its digits: 2664000 for 2664000.0."""
    exact = Decimal(repr(value))
    # Whole doubles are exact below 2^53; 1e15 is safely below that.
    return int(exact) if exact == exact.to_integral_value() and value < 1e15 else exact


def _precision(row: RunRow) -> Precision:
    word = row.precision.casefold().split("+")[0].split(",")[0].strip()
    known: dict[str, Precision] = {"fp8": "fp8", "fp4": "fp4", "fp16": "fp16"}
    return next((value for key, value in known.items() if key in word), "bf16")


def _chip_name(row: RunRow) -> str | None:
    if row.accelerator is None or "," in row.accelerator or "+" in row.accelerator:
        return None
    for name in (row.accelerator, row.accelerator.replace("SXM5", "").replace("SXM4", "SXM")):
        try:
            return find_accelerator(name).name
        except InputError:
            continue
    return None


def _compare(
    name: str,
    title: str,
    sides: tuple[float, float],
    texts: tuple[str, str],
    *,
    source: str = "",
    within: float = AGREE,
) -> RowCheck:
    ratio = sides[0] / sides[1]
    agree = 1 / (1 + within) <= ratio <= 1 + within
    times = f"{ratio:.2f} times" if ratio >= 1 else f"1/{1 / ratio:.2f} of"
    return RowCheck(
        name=name,
        title=title,
        left=texts[0],
        right=texts[1],
        ratio=ratio,
        verdict="consistent" if agree else "inconsistent",
        explanation="The two sides agree." if agree else f"The left side is {times} the right side.",
        source=source,
    )


def _clock(row: RunRow) -> Iterator[RowCheck]:
    hours, n, clock = row.accelerator_hours, row.n_accelerators, row.wall_clock_hours
    if hours is None or n is None or clock is None:
        return
    texts = (f"{readable(n)} × {readable(clock)} h = {readable(n * clock)} h", f"{readable(hours)} h")
    yield _compare(
        "clock_times_cluster", "Accelerators × time = accelerator-hours", (n * clock, hours), texts, within=CLOCK_AGREE
    )


def _hours(row: RunRow) -> float | None:
    if row.accelerator_hours is not None:
        return row.accelerator_hours
    if row.n_accelerators is not None and row.wall_clock_hours is not None:
        return row.n_accelerators * row.wall_clock_hours
    return None


def _flop_over_hours(row: RunRow) -> Iterator[RowCheck]:
    """The stated compute over the stated hours: can the accelerators have done it?"""
    name, hours = _chip_name(row), _hours(row)
    if row.training_flop is None or hours is None or name is None:
        return
    # Tried: judging such rows; 16 of Epoch's were opposed whose compute is their base model's. See docs/log.md,
    # 2026-11-25.
    if row.base_model is not None:
        # Tables give a fine-tune the compute of its base as well, but only its own hours.
        why = f"the compute may include that of the base model, {row.base_model}"
        yield _open("flop_over_hours", "The stated hours could have done the stated compute", why)
        return
    chip = find_accelerator(name)
    precision = _precision(row)
    ceiling = CEILING[precision] * (chip.peak(precision) or chip.bf16_flop_per_second) / chip.bf16_flop_per_second
    used = row.training_flop / (hours * SECONDS_PER_HOUR * chip.bf16_flop_per_second)
    lowest = _lowest(row)
    title = "The stated hours could have done the stated compute"
    if used > ceiling:
        verdict: RowVerdict = "inconsistent"
        words = (
            f"{used / ceiling:.1f} times the best steady benchmark ever published: too few hours or too much compute."
        )
    elif used < lowest / FLOOR_MARGIN and _judged_from_below(row):
        verdict = "inconsistent"
        words = f"{lowest / used:.1f} times below the lowest published run: too many hours or too little compute."
    else:
        verdict, words = "consistent", "Ordinary: published runs reach this."
    yield RowCheck(
        name="flop_over_hours",
        title=title,
        left=f"{row.training_flop:.3g} FLOP ÷ {readable(hours)} h ÷ {chip.bf16_flop_per_second / 1e12:g} TFLOP/s "
        f"({chip.name}, BF16) = {percent(used)}",
        right=f"{percent(lowest / FLOOR_MARGIN)} to {percent(ceiling)}",
        ratio=used / ceiling,
        verdict=verdict,
        explanation=words,
    )


def _judged_from_below(row: RunRow) -> bool:
    """Small models and short runs often use little of their accelerators, so only large ones have a floor."""
    assert row.training_flop is not None
    size = row.active_parameters or row.total_parameters
    large = size is not None and size >= SMALL_MODEL
    return large and row.training_flop > _SHORT_RUN and row.phase.casefold() in _WHOLE


def _lowest(row: RunRow) -> float:
    table = _dossier(row.model_copy(update={"tokens": None}), "")
    assert table is not None
    return min(run.mfu for run in other_runs(Claims(Dossier.model_validate(table)), same_developer=False))


def _names(model: str) -> list[str]:
    """Returns the plain names that a model may go by: with and without what stands in brackets."""
    return [plain(model), plain(model.split("(")[0])]


def _against_the_makers(row: RunRow) -> Iterator[RowCheck]:
    """The row's hours and cluster against what the makers published of that model."""
    if row.phase.casefold() not in _WHOLE:
        return
    record = next((published_records()[n] for n in _names(row.model) if n in published_records()), None)
    if record is None:
        return
    hours = _hours(row)
    if record.accelerator_hours is not None and hours is not None:
        texts = (f"{readable(hours)} h in the table", f"{readable(record.accelerator_hours)} h published")
        sides = (hours, record.accelerator_hours)
        title = "The hours are those that the makers published"
        yield _compare("published_hours", title, sides, texts, source=record.source)
    if len(record.n_accelerators) > 1 and (row.n_accelerators is not None or hours is not None):
        sizes = " or ".join(f"{n:,.0f}" for n in record.n_accelerators)
        yield _open(
            CONFLICT, "The cluster is the one published", f"{record.note}: {sizes} accelerators",
            record.source,
        )  # fmt: skip


def _twins(rows: Sequence[RunRow]) -> dict[int, list[RunRow]]:
    """Returns, by line, the other rows of the same model, phase and accelerator."""
    groups: dict[tuple[str, str], list[RunRow]] = {}
    for row in rows:
        groups.setdefault((plain(row.model), row.phase.casefold()), []).append(row)
    return {
        row.line: [r for r in group if r is not row] for group in groups.values() if len(group) > 1 for row in group
    }


def _against_twins(row: RunRow, twins: Sequence[RunRow]) -> Iterator[RowCheck]:
    """Two rows of one model must tell the same hours and the same cluster."""
    for twin in twins:
        for key, title, unit in (
            ("accelerator_hours", "Two rows of one model give the same hours", "h"),
            ("n_accelerators", "Two rows of one model give the same cluster", "accelerators"),
        ):
            mine, other = getattr(row, key), getattr(twin, key)
            if mine is not None and other is not None:
                texts = (f"{readable(mine)} {unit}", f"{readable(other)} {unit} on line {twin.line}")
                yield _compare(f"same_{key}", title, (mine, other), texts)
