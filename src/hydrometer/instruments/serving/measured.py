"""What was measured near a question: offsets, widths of intervals, and the rows to name."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hydrometer.costs.served import Served
from hydrometer.costs.serving import Deployment, Load
from hydrometer.costs.serving_time import Constants
from hydrometer.instruments.serving.headline import TPOT_WIDTH, TTFT_WIDTH
from hydrometer.records.serving import InformingRows, MeasuredCell, MeasuredFamily
from hydrometer.store.serving import serving_fit

MOST_NAMED = 5
# Offsets are of layouts within one server of eight.
_WIDE = 8
LONGEST = 16_384
"""Tokens of a request; the longest measured are 15,500."""
# By hand, 2026-11-26.
_BEYOND = 2.0
"""Loads beyond the measured ones by more than this factor take the width of a network that was not measured."""
# By hand, 2026-11-26; not measured.
_DRAFT_WIDTH = 0.15
"""Added in logs where a draft model speculates: no measured row says with how many tokens accepted."""
KINDS = {"tp": "tensor parallel", "ep": "expert parallel", "dp": "data-parallel attention"}


@dataclass(frozen=True)
class Near:
    """Offsets (log of predicted over measured), half widths in logs, and what they rest on."""

    tpot_shift: float
    ttft_shift: float
    tpot_width: float
    ttft_width: float
    rows: tuple[InformingRows, ...]
    basis: str


def constants() -> Constants:
    """Returns the shipped constants."""
    return Constants(**serving_fit().constants)


def kind_of(way: Deployment) -> str:
    """Returns the kind of layout that a replica is, a key of `KINDS`."""
    return "dp" if way.dp > 1 else "ep" if way.ep > 1 else "tp"


def _cells(net: Served, way: Deployment, accelerator: str) -> tuple[MeasuredFamily | None, list[MeasuredCell]]:
    """Returns the measured network of this shape, and its cells on this accelerator, precision and kind of layout."""
    same = next((f for f in serving_fit().families if f.key == net.key), None)
    # Tried: a family's offset carried to cells where it was not measured; half width 0.21 without any, 0.25 to 0.37
    # with it. Engines and accelerators do not share a family's offset; see docs/log.md, 2026-11-25.
    if same is None or way.disaggregated or way.across > _WIDE or way.pp > 1:
        return same, []
    wanted = (accelerator, way.precision, kind_of(way))
    return same, [c for c in same.cells if (c.accelerator, c.precision, c.kind) == wanted]


def measured_engines(net: Served, way: Deployment, accelerator: str) -> tuple[str, ...]:
    """Returns the engines that this network was measured with, on this accelerator, precision and kind of layout."""
    return tuple(sorted({cell.engine for cell in _cells(net, way, accelerator)[1]}))


def near(net: Served, way: Deployment, load: Load, accelerator: str, *, guessed: bool = False) -> Near:
    """Returns what was measured near a question whose engine is named.

    A network of a measured shape, on the accelerator, engine, precision and kind of layout, takes the offset and width
    of those rows; any other takes no offset, and the width of families that were left out whole; one that is guessed,
    the width of families whose configurations were hidden as well.
    """
    fit = serving_fit()
    same, cells = (None, []) if guessed else _cells(net, way, accelerator)
    cell = next((c for c in cells if c.engine == way.engine), None)
    extra = _DRAFT_WIDTH if load.drafted else 0.0
    if same is None or cell is None:
        # Tried: widths by engine, precision, generation or load, regressions of residuals, disagreement of fits; 31 to
        # 97 % held where one width for all holds 36 to 97 %. See docs/log.md, 2026-11-25.
        later, first = (TPOT_WIDTH, TTFT_WIDTH) if guessed else (fit.tpot_width, fit.ttft_width)
        words = (
            f"families left out whole{', configurations hidden' if guessed else ''}: "
            "80 % of rows, each family weighing the same, lie within x/÷"
            f"{math.exp(later):.2f} of time per token and x/÷{math.exp(first):.2f} of time to first"
        )
        return Near(0.0, 0.0, math.hypot(later, extra), math.hypot(first, extra),
                    _alike(net, way, accelerator, same), words)  # fmt: skip
    low, high = cell.concurrency[0] / _BEYOND, cell.concurrency[1] * _BEYOND
    inside = low <= load.concurrency <= high and load.input_tokens + load.output_tokens <= LONGEST
    tpot_width = cell.tpot_width if inside else max(cell.tpot_width, fit.tpot_width)
    ttft_width = cell.ttft_width if inside else max(cell.ttft_width, fit.ttft_width)
    return Near(
        cell.tpot_shift, cell.ttft_shift, math.hypot(tpot_width, extra), math.hypot(ttft_width, extra),
        (_named(same, cell, "same network"),),
        "measured rows of this network on this accelerator, engine, precision and kind of layout: "
        + ("80 % of them, layouts and lengths left out in turn" if inside else
           "the load lies beyond theirs, so the interval is as wide as of families left out"),
    )  # fmt: skip


def _named(family: MeasuredFamily, cell: MeasuredCell, how: str) -> InformingRows:
    return InformingRows(
        models=family.models, accelerator=cell.accelerator, engine=cell.engine, precision=cell.precision,
        layout=KINDS[cell.kind], rows=cell.rows, concurrency=cell.concurrency, how=how,
    )  # fmt: skip


def _alike(net: Served, way: Deployment, accelerator: str, same: MeasuredFamily | None) -> tuple[InformingRows, ...]:
    """Returns the nearest cells of other kinds: the same network elsewhere, then like networks on like hardware."""
    mixture, latent = net.n_experts > 1, not net.key.endswith("grouped")
    ranked: list[tuple[float, MeasuredFamily, MeasuredCell]] = []
    for family in serving_fit().families:
        for cell in family.cells:
            # Order in which rows are named beside an answer, nothing else; weights by hand, 2026-11-26.
            distance = (
                4.0 * (family is not same)
                + 2.0 * ((not family.key.split("-")[1].startswith("1of")) != mixture)
                + 1.0 * (family.key.endswith("grouped") == latent)
                + 2.0 * (cell.accelerator != accelerator)
                + 1.5 * (cell.precision != way.precision)
                + 1.0 * (way.engine not in {"", cell.engine})
            )
            ranked.append((distance, family, cell))
    ranked.sort(key=lambda item: (item[0], -item[2].rows))
    return tuple(
        _named(family, cell, "same network elsewhere" if family is same else "alike")
        for _, family, cell in ranked[:MOST_NAMED]
    )
