"""The operating point: which models count for which rate, and every data source once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attribution_cases import candidate, control, model, student, write_panel
from scipy.stats import beta, binom

from hydrometer.errors import InputError
from hydrometer.instruments.attribution import calibration
from hydrometer.instruments.attribution.calibration import calibrate, load_operating_point, save_operating_point
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.panel import Panel
from hydrometer.panel.index import Index, Style
from hydrometer.records.attribution import Attribution, AttributionPoint, CandidateResult
from hydrometer.records.evidence import Verdict
from hydrometer.records.lineage import Lineage
from hydrometer.records.panel import IndexRecord

SKY = (candidate("sun-1", "sun", "Sky"), candidate("star-1", "star", "Cosmos"))


def indexed(folder: Path, *lineage: Lineage) -> tuple[Panel, Index]:
    """A panel whose first probe nobody answered but the first model, and whose second everybody did."""
    names = sorted(m.model for m in lineage)
    answers = {name: ["Yes." if k == 0 else None, "Yes."] for k, name in enumerate(names)}
    panel = write_panel(folder / "panel", answers, lineage, ["Well?", "So?"])
    record = IndexRecord(
        schema_version=1, hydrometer_version="1", created_at="now", models=panel.models, n_probes=2,
        sha256=dict(panel.sha256),
    )  # fmt: skip
    lengths = np.array([[float(k == 0) for k in range(len(names))], [2.0] * len(names)], dtype=np.float32)
    style = Style(np.zeros(0, dtype=np.uint32), np.zeros((2, len(names), 0), dtype=np.uint8))
    return panel, Index(folder, record, {}, style, lengths)


@pytest.fixture
def judged_as(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts scripted results in the place of judging: p-values, and who is named."""
    script: dict[str, tuple[tuple[float | None, ...], tuple[str, ...]] | None] = {}
    asked: list[Any] = []

    def judge(self: Attributor, subject: Any) -> Attribution:
        asked.append(subject)
        told = script[subject.lineage.model]
        pvalues, named = ((), ()) if told is None else told
        return Attribution.model_construct(
            candidates=tuple(CandidateResult(name="x", statistic=None, pvalue=p) for p in pvalues),
            attributed=named,
            verdict=Verdict.NOT_MEASURED if told is None else Verdict.INCONCLUSIVE,
        )

    monkeypatch.setattr(Attributor, "judge", judge)
    monkeypatch.setattr(calibration.Attributor, "design", SimpleNamespace(check=lambda: None))
    return SimpleNamespace(script=script, asked=asked)


def point_of(panel: Panel, index: Index, *, alpha: float = 0.05, **options: Any) -> AttributionPoint:
    point = calibrate(panel, index, alpha=alpha, rng=np.random.default_rng(1), **options)
    assert point is not None
    return point


def test_controls_and_students_are_judged_by_their_answers_in_the_panel(tmp_path: Path, judged_as: Any) -> None:
    mixed = model("mix", "mixed", teacher_group=("sun",))
    panel, index = indexed(tmp_path, *SKY, control("a"), control("b", "Two"), student("s", "sun"), mixed)
    judged_as.script.update({"a": ((0.5, 0.2), ()), "b": ((None, 0.9), ()), "s": ((0.01,), ("sun",))})
    steps: list[tuple[int, int]] = []
    point = point_of(panel, index, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert [(s.lineage.model, panel.models[s.member], sorted(s.texts)) for s in judged_as.asked] == [
        ("a", "a", [0, 1]), ("b", "b", [1]), ("s", "s", [1]),
    ]  # fmt: skip
    assert (point.n_controls, point.n_control_developers, point.n_students, point.n_sources) == (2, 2, 1, 1)
    assert point.control_pvalues == (0.2, 0.9)
    assert point.measured_on == "3 models of panel whose lineage is documented, each without its kin"
    assert point.sha256 == dict(panel.sha256)
    assert (point.n_same_text, point.same_text_accusation) == (0, None)


def test_a_control_is_accused_by_its_smallest_p_value_at_the_level_itself(tmp_path: Path, judged_as: Any) -> None:
    """Clopper and Pearson 1934: the bounds are quantiles of beta distributions."""
    names = ("a", "b", "c", "d", "e")
    panel, index = indexed(
        tmp_path, *SKY, *(control(n, "One" if n < "c" else None) for n in names), student("s", "sun")
    )
    for name, pvalues in zip(names, ((0.05, 0.7), (0.051,), (0.9, 0.04), (0.3, None), (0.6,)), strict=True):
        # Whether the name was then withheld does not matter.
        judged_as.script[name] = (pvalues, ("sun",) if name == "d" else ())
    judged_as.script["s"] = ((0.9,), ())
    point = point_of(panel, index)
    rate = point.false_accusation
    # a and c.
    assert (rate.low, rate.middle, rate.high) == pytest.approx((beta.ppf(0.025, 2, 4), 2 / 5, beta.ppf(0.975, 3, 3)))
    assert rate.level == 0.95
    assert (point.n_controls, point.n_control_developers) == (5, 4)
    assert point.alpha == 0.05


def test_controls_of_a_candidates_own_text_are_counted_apart_and_by_the_name(tmp_path: Path, judged_as: Any) -> None:
    heirs = [control(f"h{k}", same_text_as=("sun",)) for k in range(4)]
    panel, index = indexed(
        tmp_path, *SKY, control("a"), student("s", "sun"), student("t", "sun", same_text_as=()), *heirs
    )
    judged_as.script.update({"a": ((0.5,), ()), "s": ((0.5,), ()), "t": None})
    judged_as.script.update({f"h{k}": ((0.001,), ("sun",) if k == 2 else ()) for k in range(4)})
    point = point_of(panel, index)
    assert (point.n_controls, point.n_same_text, point.n_students) == (1, 4, 1)
    assert point.false_accusation.middle == 0
    assert point.same_text_accusation is not None
    assert point.same_text_accusation.middle == 1 / 4
    # t could not be measured.
    assert point.measured_on.startswith("6 models")


def test_students_count_once_for_every_data_source(tmp_path: Path, judged_as: Any) -> None:
    pupils = {
        # Two of three of the first source are right; one of them names another beside the teacher.
        "p1": ("d1", ("sun",)), "p2": ("d1", ("sun", "star")), "p3": ("d1", ("star",)),
        "p4": (None, ("star",)), "p5": (None, ("sun",)), "p6": ("d2", ()),
    }  # fmt: skip
    lineage = [student(name, "sun", data_source=source) for name, (source, _) in pupils.items()]
    panel, index = indexed(tmp_path, *SKY, control("a"), *lineage)
    judged_as.script.update({name: ((0.01,), named) for name, (_, named) in pupils.items()}, a=((0.5,), ()))
    point = point_of(panel, index)
    assert (point.n_students, point.n_sources) == (6, 4)
    assert point.power.middle == pytest.approx((2 / 3 + 0 + 1 + 0) / 4)
    assert point.wrong_teacher == pytest.approx((2 / 3 + 1 + 0 + 0) / 4)
    assert point.power.level == 0.95


def test_the_interval_of_the_power_resamples_data_sources(tmp_path: Path, judged_as: Any) -> None:
    """With one student a source, the share of hits in a resample is binomial."""
    n, hits = 15, 7
    pupils = [f"p{k:02}" for k in range(n)]
    panel, index = indexed(tmp_path, *SKY, control("a"), *(student(p, "sun", data_source=p) for p in pupils))
    judged_as.script.update({p: ((0.01,), ("sun",) if k < hits else ()) for k, p in enumerate(pupils)}, a=((0.5,), ()))
    power = point_of(panel, index).power
    exact = binom(n, hits / n)
    # Far enough from a step of the distribution for ten thousand draws to find it.
    assert exact.cdf(2) < 0.02 < 0.03 < exact.cdf(3) < 0.035
    assert (power.low, power.high) == pytest.approx((exact.ppf(0.025) / n, exact.ppf(0.975) / n))


def test_without_controls_or_students_there_is_no_operating_point(tmp_path: Path, judged_as: Any) -> None:
    for k, lineage in enumerate(
        ([control("a")], [student("s", "sun")], [control("h", same_text_as=("sun",)), student("s", "sun")])
    ):
        panel, index = indexed(tmp_path / str(k), *SKY, *lineage)
        judged_as.script.update({m.model: ((0.5,), ()) for m in lineage})
        assert calibrate(panel, index, alpha=0.05, rng=np.random.default_rng(1)) is None


def test_a_panel_that_cannot_bear_the_level_has_none(tmp_path: Path) -> None:
    panel, index = indexed(tmp_path, *SKY, control("a"), student("s", "sun"))
    assert calibrate(panel, index, alpha=0.05, rng=np.random.default_rng(1)) is None


def stored(tmp_path: Path, judged_as: Any) -> tuple[Index, AttributionPoint]:
    panel, index = indexed(tmp_path, *SKY, control("a"), student("s", "sun"))
    judged_as.script.update({"a": ((0.5,), ()), "s": ((0.01,), ("sun",))})
    point = point_of(panel, index)
    save_operating_point(index, point)
    return index, point


def test_an_operating_point_is_kept_for_its_files_and_its_level(tmp_path: Path, judged_as: Any) -> None:
    index, point = stored(tmp_path, judged_as)
    assert load_operating_point(index, alpha=0.05) == point
    assert load_operating_point(index, alpha=0.01) is None
    other = index.record.model_copy(update={"sha256": {**index.record.sha256, "lineage.csv": "0" * 64}})
    changed = Index(index.folder, other, index.channels, index.style, index.lengths_PM)
    assert load_operating_point(changed, alpha=0.05) is None
    save_operating_point(index, None)
    save_operating_point(index, None)
    assert load_operating_point(index, alpha=0.05) is None


def test_a_damaged_operating_point_is_refused_and_a_huge_one_is_not_read(tmp_path: Path, judged_as: Any) -> None:
    index, _ = stored(tmp_path, judged_as)
    (path,) = index.folder.glob("*.json")
    path.write_text("{}")
    with pytest.raises(InputError, match="the operating point is damaged; delete it"):
        load_operating_point(index, alpha=0.05)
    most = 16 * 2**20
    with path.open("r+b") as file:
        file.truncate(most)
    with pytest.raises(InputError, match="the operating point is damaged"):
        load_operating_point(index, alpha=0.05)
    with path.open("r+b") as file:
        file.truncate(most + 1)
    with pytest.raises(InputError, match="16,777,217 bytes is too large"):
        load_operating_point(index, alpha=0.05)
