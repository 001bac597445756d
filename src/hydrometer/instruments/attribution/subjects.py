"""Matches the models of a response file with a panel: which probes they answered, and whether the panel holds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from hydrometer.errors import InputError, printable
from hydrometer.panel import Panel
from hydrometer.records.lineage import Lineage
from hydrometer.records.responses import WITH_TEXT
from hydrometer.store.responses import ResponseSet

# By hand, 2026-11-24, as are both shares below.
_SHORTEST_COPY = 40
"""Characters from which on the same text twice is no accident: many models answer "Yes."."""
# As in the panel's check. In AlpacaEval Samba-CoE v0.1 and v0.2 have 47 % of their answers in common, other models of
# one parent under 1 % (docs/panel.md).
_COPY = 0.25
# Not 1: a file may have lost or repaired single answers.
_SAME = 0.95


@dataclass(frozen=True)
class Subject:
    """One model of a response file.

    Attributes:
        lineage: what is documented about it; its name as the file gives it.
        texts: its answers by position of the probe.
        member: its position in the panel, if the panel holds these very answers.
        copies: positions of further panel models that hold many of its answers, or its name.
        warnings: what was set aside.
    """

    lineage: Lineage
    texts: Mapping[int, str]
    member: int | None
    copies: frozenset[int]
    warnings: tuple[str, ...]


def match_subjects(
    panel: Panel, responses: ResponseSet, *, developer: str | None = None, released: dt.date | None = None
) -> list[Subject]:
    """Returns the models of a response file, sorted by name.

    Args:
        panel: the panel.
        responses: what the subjects answered.
        developer: who makes them, where the panel's lineage does not say.
        released: when they came out, likewise.

    Raises:
        InputError: if no prompt of the file is in the panel.
    """
    prompts = pl.DataFrame({"prompt": panel.prompts}).with_row_index("probe")
    joined = responses.frame.join(prompts, on="prompt", how="left")
    if joined["probe"].is_null().all():
        raise InputError(
            f"none of its {joined['prompt'].n_unique():,} prompts is in the panel {printable(panel.folder)}",
            cure="ask the model the panel's prompts, word for word (probes.parquet)",
            where=str(responses.path),
        )
    same = _same_answers(joined, panel)
    positions = {name: i for i, name in enumerate(panel.models)}
    known = {"developer": developer and (panel_spelling(developer, panel) or developer), "released": released}
    found = []
    for name in joined["model"].unique().sort():
        rows = joined.filter(pl.col("model") == name)
        subject = _subject(panel, name, rows, same.get(name, {}), positions)
        missing = {key: value for key, value in known.items() if value and getattr(subject.lineage, key) is None}
        found.append(replace(subject, lineage=subject.lineage.model_copy(update=missing)))
    return found


def panel_spelling(developer: str, panel: Panel) -> str | None:
    """Returns a developer's name as the panel writes it, forgiving of case, spaces, `-` and `_`; None if unknown."""

    def key(name: str) -> str:
        return "".join(c for c in name.casefold() if c not in " -_")

    known = {row.developer for row in panel.lineage if row.developer is not None}
    return next((name for name in sorted(known) if key(name) == key(developer)), None)


def _subject(
    panel: Panel,
    name: str,
    rows: pl.DataFrame,
    same: Mapping[str, tuple[int, int]],
    positions: Mapping[str, int],
) -> Subject:
    warnings = []
    outside = rows["probe"].null_count()
    if outside:
        warnings.append(f"{outside:,} of its prompts are not in the panel and were set aside")
    inside = rows.filter(pl.col("probe").is_not_null())
    for status, n in sorted(inside.filter(~pl.col("status").is_in(WITH_TEXT)).group_by("status").len().iter_rows()):
        warnings.append(f"{n:,} answers are '{status}': counted as missing, not as unlike anybody")
    cut = inside.filter(pl.col("status") == "truncated").height
    if cut:
        warnings.append(f"{cut:,} answers are cut off by a limit on length and were used as they are")
    usable = inside.filter(pl.col("status").is_in(WITH_TEXT))
    texts = dict(zip(usable["probe"].to_list(), usable["response"].to_list(), strict=True))
    member, copies = None, set()
    for other, (n_same, n_common) in sorted(same.items(), key=lambda item: -item[1][0] / item[1][1]):
        share = n_same / n_common
        if share >= _SAME and member is None and len(texts) <= n_common * 2:
            member = positions[other]
            if other != name:
                warnings.append(
                    f"these are the answers of {other} in the panel ({n_same:,} of {n_common:,} are the same)"
                )
        elif share >= _COPY:
            copies.add(positions[other])
            warnings.append(f"{n_same:,} of {n_common:,} answers are those of {other}, which was left out of the panel")
    if name in positions and positions[name] not in {member, *copies}:
        copies.add(positions[name])
        warnings.append("the panel holds a model of this name with other answers, which was left out")
    known = panel.models[member] if member is not None and name not in positions else name
    lineage = panel.lineage_of(known).model_copy(update={"model": name})
    return Subject(lineage, texts, member, frozenset(copies - {member}), tuple(warnings))


def _same_answers(joined: pl.DataFrame, panel: Panel) -> dict[str, dict[str, tuple[int, int]]]:
    """Returns for every subject the panel models with equal answers: how many, and of how many that both gave."""

    def keyed(frame: pl.DataFrame) -> pl.DataFrame:
        text = pl.col("response").str.strip_chars()
        return frame.filter(text.str.len_chars() >= _SHORTEST_COPY).select("model", "prompt", text=text.hash())

    mine = keyed(joined.filter(pl.col("probe").is_not_null()))
    theirs = keyed(panel.responses().frame)
    # Only pairs with equal answers are counted: all pairs of a large file would not fit into memory.
    pairs = (
        mine.join(theirs, on=["prompt", "text"], suffix="_panel")
        .group_by("model", "model_panel")
        .agg(n_same=pl.len())
        # By hand, 2026-11-24: two equal answers of 40 characters happen, as in refusals and one-line facts.
        .filter(pl.col("n_same") >= 3)
        .sort("model", "model_panel")
    )
    asked, given = (
        {model: set(prompts) for model, prompts in frame.group_by("model").agg("prompt").iter_rows()}
        for frame in (mine, theirs)
    )
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for model, other, n_same in pairs.iter_rows():
        found.setdefault(model, {})[other] = (n_same, len(asked[model] & given[other]))
    return found
