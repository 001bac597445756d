"""The operating point of a panel: every model of known lineage judged as if its own lineage were unknown."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from pydantic import ValidationError

from hydrometer.errors import InputError
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.panel import Panel
from hydrometer.panel.index import Index
from hydrometer.records.attribution import Attribution, AttributionPoint
from hydrometer.records.evidence import Range, Verdict
from hydrometer.records.lineage import Lineage
from hydrometer.stats.conformal import ROUNDING
from hydrometer.stats.proportions import Proportion
from hydrometer.store.files import read_bytes

_FILE = "operating_point.json"
# By hand, 2026-11-24: the ends of a 95 % interval then move by about a hundredth of its width from seed to seed.
_DRAWS = 10_000


def calibrate(
    panel: Panel,
    index: Index,
    *,
    alpha: float = 0.05,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AttributionPoint | None:
    """Judges every control and every documented student of the panel without any of its kin.

    Kin are the models of the same developer, of the same training set and of the same ancestor. They serve neither
    as null nor as documented students, so that no model is recognised by its own source.

    Args:
        panel: the panel.
        index: its index.
        alpha: the level.
        rng: for the interval of the power, which resamples data sources.
        progress: called with the models done and their total.

    Returns:
        The operating point, or None where the panel cannot support the level.
    """
    attributor = Attributor(panel, index, alpha=alpha)
    try:
        attributor.design.check()
    except InputError:
        return None
    known = [m for name in panel.models if (m := panel.lineage_of(name)).role in ("control", "positive")]
    judged: list[tuple[Lineage, Attribution]] = []
    for done, me in enumerate(known, start=1):
        result = attributor.judge(_member(panel, index, me))
        if result.verdict is not Verdict.NOT_MEASURED:
            judged.append((me, result))
        progress(done, len(known))
    return _point(panel, judged, alpha, rng)


def _member(panel: Panel, index: Index, lineage: Lineage) -> Subject:
    position = panel.models.index(lineage.model)
    probes = np.flatnonzero(index.lengths_PM[:, position] > 0)
    return Subject(lineage, dict.fromkeys(probes.tolist(), ""), position, frozenset(), ())


def _point(
    panel: Panel, judged: list[tuple[Lineage, Attribution]], alpha: float, rng: np.random.Generator
) -> AttributionPoint | None:
    controls = [(me, a) for me, a in judged if me.role == "control" and not me.same_text_as]
    hard = [bool(a.attributed) for me, a in judged if me.role == "control" and me.same_text_as]
    students = [(me, a) for me, a in judged if me.role == "positive"]
    if not controls or not students:
        return None
    smallest = [min(c.pvalue for c in a.candidates if c.pvalue is not None) for _, a in controls]
    # By the p-value alone: that a name is withheld for length or direction must not flatter the rate.
    accused = sum(p <= alpha + ROUNDING for p in smallest)
    hits, wrong = defaultdict(list), defaultdict(list)
    for me, a in students:
        # Students of one training set are one sample: seven Vicunas would otherwise decide the power alone.
        source = me.data_source or me.model
        hits[source].append(bool(set(a.attributed) & set(me.teacher_group)))
        wrong[source].append(bool(set(a.attributed) - set(me.teacher_group)))
    share = np.array([np.mean(v) for v in hits.values()])
    # Sources are drawn, not students, for the same reason; with five of them the interval is coarse.
    draws = rng.choice(share, size=(_DRAWS, len(share))).mean(axis=1)
    return AttributionPoint(
        measured_on=f"{len(judged)} models of {panel.folder.name} whose lineage is documented, each without its kin",
        created_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        alpha=alpha,
        n_controls=len(controls),
        n_control_developers=len({me.developer for me, _ in controls}),
        false_accusation=_rate(accused, len(controls)),
        n_same_text=len(hard),
        same_text_accusation=_rate(sum(hard), len(hard)) if hard else None,
        n_students=len(students),
        n_sources=len(share),
        power=Range(
            low=float(np.quantile(draws, 0.025)),
            middle=float(share.mean()),
            high=float(np.quantile(draws, 0.975)),
            unit="",
            level=0.95,
            method="bootstrap over data sources",
        ),
        wrong_teacher=float(np.mean([np.mean(v) for v in wrong.values()])),
        control_pvalues=tuple(sorted(smallest)),
        sha256=dict(panel.sha256),
    )


def _rate(hits: int, n: int) -> Range:
    found = Proportion(hits, n)
    low, high = found.confidence_interval()
    return Range(
        low=low, middle=found.estimate, high=high, unit="", level=0.95, method="Clopper-Pearson over controls"
    )  # fmt: skip


def save_operating_point(index: Index, point: AttributionPoint | None) -> None:
    """Stores the operating point with the index; removes an old one where there is none."""
    path = index.folder / _FILE
    if point is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(point.model_dump_json(indent=1), encoding="utf-8")


def load_operating_point(index: Index, *, alpha: float) -> AttributionPoint | None:
    """Returns the operating point of an index at a level; None if none was measured at it.

    Raises:
        InputError: if the file is damaged.
    """
    path = index.folder / _FILE
    if not path.exists():
        return None
    # Far above any such file (some kilobytes): a bound for files that are none.
    content = read_bytes(path, limit=16 * 1024 * 1024, what="operating point (JSON)")
    try:
        point = AttributionPoint.model_validate_json(content)
    except ValidationError:
        raise InputError(
            "the operating point is damaged", cure="delete it and run `hydrometer panel index`", where=str(path)
        ) from None
    return point if point.sha256 == index.record.sha256 and point.alpha == alpha else None
