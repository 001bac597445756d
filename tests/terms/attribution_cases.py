"""Small populations for tests of attribution: models by name, each with only what its case is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.panel import Panel, open_panel
from hydrometer.panel.lineage_table import lineage_csv
from hydrometer.records.lineage import Lineage
from hydrometer.store.responses import ResponseSet


def model(name: str, role: str = "unscored", **documented: Any) -> Lineage:
    """Returns a model; what is not given is unknown."""
    return Lineage.model_validate({"model": name, "role": role, **documented})


def control(name: str, developer: str | None = None, **documented: Any) -> Lineage:
    """Returns a model that is documented as untaught, by a maker of its own unless one is given."""
    return model(name, "control", developer=developer or f"maker of {name}", **documented)


def student(name: str, *teachers: str, **documented: Any) -> Lineage:
    """Returns a documented student, by a maker of its own unless one is given."""
    return model(name, "positive", **{"developer": f"maker of {name}", "teacher_group": teachers, **documented})


def candidate(name: str, group: str, developer: str | None, **documented: Any) -> Lineage:
    """Returns a snapshot of a possible teacher."""
    return model(name, developer=developer, own_group=group, **documented)


def roster(
    *models: Lineage, subject: str = "subject", left_out: Sequence[str] = (), candidates: Sequence[str] | None = None
) -> ComparisonSet:
    """Returns the models with a subject, which is a stranger at the end unless one of them is named."""
    names = [m.model for m in models]
    if subject not in names:
        models, names = (*models, model(subject)), [*names, subject]
    groups = sorted({m.own_group for m in models if m.own_group}) if candidates is None else candidates
    return ComparisonSet(models, names.index(subject), frozenset(names.index(n) for n in left_out), tuple(groups))


def at(who: ComparisonSet, name: str) -> int:
    """Returns a model's position."""
    return [m.model for m in who.models].index(name)


def named(who: ComparisonSet, positions: Iterable[int]) -> set[str]:
    """Returns the names of positions."""
    return {who.models[i].model for i in positions}


def true_for(who: ComparisonSet, mask_G: NDArray[np.bool_]) -> set[str]:
    """Returns the candidates for which a mask is true."""
    return {name for name, yes in zip(who.candidates, mask_G, strict=True) if yes}


def write_panel(
    folder: Path, answers: Mapping[str, Sequence[str | None]], lineage: Iterable[Lineage], prompts: Sequence[str]
) -> Panel:
    """Writes and opens a panel; None is an answer that never came."""
    folder.mkdir(parents=True)
    rows = [
        (name, f"p{p}", text, "failed" if text is None else "answered")
        for name, texts in answers.items()
        for p, text in enumerate(texts)
    ]
    schema = {"model": pl.String, "probe": pl.String, "response": pl.String, "status": pl.String}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / "responses.parquet")
    probes = pl.DataFrame({"probe": [f"p{p}" for p in range(len(prompts))], "prompt": prompts})
    probes.write_parquet(folder / "probes.parquet")
    (folder / "lineage.csv").write_text(lineage_csv(lineage), encoding="utf-8")
    return open_panel(folder)


def response_set(answers: Iterable[tuple[str, str, str | None, str]]) -> ResponseSet:
    """Returns answers as a response file would give them: model, prompt, response, status."""
    frame = pl.DataFrame(
        list(answers), schema=dict.fromkeys(("model", "prompt", "response", "status"), pl.String), orient="row"
    )
    return ResponseSet(frame, Path("answers.jsonl"), "0" * 64, "jsonl", ())
