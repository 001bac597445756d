"""Judging subjects on a panel whose likenesses are drawn by hand: what is said, withheld and shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attribution_cases import candidate, control, model, response_set, student, write_panel
from synthetic import make_world

from hydrometer.instruments.attribution.compare import add_up, similarities
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.instruments.attribution.statistic import statistics, subject_statistic
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.panel import Panel, open_panel
from hydrometer.panel.channel import Channel
from hydrometer.panel.grams import CHANNELS
from hydrometer.panel.index import Index, Style, build_index
from hydrometer.records.attribution import Attribution
from hydrometer.records.evidence import Verdict
from hydrometer.records.lineage import Lineage
from hydrometer.records.panel import IndexRecord

P = 26
SKY = (
    candidate("sun-1", "sun", "Sky"), candidate("sun-2", "sun", "Sky"), candidate("moon-1", "moon", "Sky"),
    candidate("star-1", "star", "Cosmos"),
)  # fmt: skip
PUPILS = tuple(student(f"pupil-{k}", "sun") for k in "abc")
# Two of them by one developer.
CONTROLS = tuple(control(f"c{k:02}", "Twice" if k < 2 else None) for k in range(19))
ME = model("me", developer="Mine")
WORLD = {m.model: m for m in (*SKY, *PUPILS, *CONTROLS, ME)}
FAMILY = ("sun-1", "sun-2", "pupil-a", "pupil-b", "pupil-c", "me")


def text(name: str, p: int) -> str:
    """Four words that the family shares on every probe."""
    own = f"{name.replace('-', '')} says so at some length about matter number {p}"
    return f"one and the same run. {own}" if name in FAMILY else own


def attributor(
    folder: Path,
    *changed: Lineage,
    family: tuple[str, ...] = FAMILY,
    lengths: Mapping[str, float] = {},
    silent: Mapping[str, tuple[int, ...]] = {},
    excess: Callable[[int], float] = lambda p: 0.0,
    **options: Any,
) -> Attributor:
    """Makes a panel whose models resemble each other by chance, but for one family.

    Args:
        folder: where.
        changed: models whose lineage is another.
        family: who resembles each other.
        lengths: words per answer, 100 for whoever is not named.
        silent: probes that a model did not answer.
        excess: further likeness of the subject to `sun-2` on a probe, in phrasing and openings.
        options: of the attributor.
    """
    lineage = {**WORLD, **{m.model: m for m in changed}}
    names = sorted(lineage)
    texts = {n: [None if p in silent.get(n, ()) else text(n, p) for p in range(P)] for n in names}
    panel = write_panel(folder / "panel", texts, lineage.values(), [f"Matter {p}?" for p in range(P)])
    rng = np.random.default_rng(20261125)
    n = len(names)
    kin = np.array([name in family for name in names])
    channels = {}
    for name in CHANNELS:
        half = rng.uniform(0.1, 0.15, (P, n, n)) + 0.1 * (kin[:, None] & kin[None, :])
        if name in ("phrasing", "openings"):
            half[:, names.index("me"), names.index("sun-2")] += [excess(p) for p in range(P)]
        table = half + half.transpose(0, 2, 1)
        for model_name, probes in silent.items():
            table[list(probes), names.index(model_name)] = table[list(probes), :, names.index(model_name)] = 0
        channels[name] = Channel(table.astype(np.float16), *(np.zeros(0),) * 7)
    counted = np.full((P, n), 100.0)
    for name, words in lengths.items():
        counted[:, names.index(name)] = words
    for name, probes in silent.items():
        counted[list(probes), names.index(name)] = 0
    presence = np.packbits(rng.uniform(size=(P, n, 16)) < 0.5, axis=2)
    record = IndexRecord(
        schema_version=1, hydrometer_version="1", created_at="now", models=panel.models, n_probes=P,
        sha256=dict(panel.sha256),
    )  # fmt: skip
    style = Style(np.arange(16, dtype=np.uint32), presence)
    index = Index(folder, record, channels, style, counted.astype(np.float32))
    return Attributor(panel, index, **options)


def member(made: Attributor, name: str = "me", *, probes: range = range(P), **told: Any) -> Subject:
    lineage = made.panel.lineage_of(name).model_copy(update=told)
    position = made.panel.models.index(name)
    return Subject(lineage, {p: text(name, p) for p in probes}, position, frozenset(), ())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Attributor:
    return attributor(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def found(plain: Attributor) -> Attribution:
    return plain.judge(member(plain))


def test_the_family_is_named_at_the_smallest_p_value_of_its_null(plain: Attributor, found: Attribution) -> None:
    assert (found.subject, found.attributed, found.verdict) == ("me", ("sun",), Verdict.SUPPORTS)
    # 19 controls, and three students of sun, untaught by star.
    assert found.n_null == 22
    assert found.smallest_pvalue == pytest.approx(1 / 23)
    assert {c.name: c.pvalue for c in found.candidates}["sun"] == pytest.approx(1 / 23)
    # Of 23 places, 5 % are one.
    assert found.false_positive_rate == pytest.approx(1 / 23)
    null = [m.statistic for m in found.reference if m.kind != "student"]
    assert found.threshold == max(null)
    assert [m.kind for m in found.reference].count("student") == 3
    assert (found.n_probes, found.alpha, found.withheld, found.also_resembles) == (P, 0.05, None, ())
    assert (found.panel, found.sha256, found.operating_point) == ("panel", dict(plain.panel.sha256), None)
    assert found.needs == ()
    assert len(found.channels) == 6
    assert len(found.cannot_rule_out) == 6


def test_the_candidates_are_told_apart(found: Attribution) -> None:
    told = {c.name: c for c in found.candidates}
    assert list(told) == ["moon", "star", "sun"]
    assert told["sun"].models == ("sun-1", "sun-2")
    assert {name: c.n_students for name, c in told.items()} == {"moon": 0, "star": 0, "sun": 3}
    assert {c.note for c in told.values()} == {None}
    assert {c.shared_text_pvalue for c in told.values()} == {None}
    assert max(told, key=lambda name: told[name].statistic or -9) == "sun"


def test_what_weakens_the_answer_is_said(found: Attribution) -> None:
    assert found.warnings == (
        "the null population is 22 models; its controls come from 18 developers, so that it is thinner than their "
        "number says",
    )


def test_the_interval_is_the_jackknifes_over_blocks_of_probes(tmp_path: Path) -> None:
    """With twenty probes every block is one of them."""
    made = attributor(tmp_path)
    subject = member(made, probes=range(20))
    found = made.judge(subject)
    who = made.design.comparison_set(subject)
    whole = similarities(add_up(made.index, np.arange(20)))
    stats = statistics(who, whole)
    sun = who.candidates.index("sun")
    left = [
        subject_statistic(who, similarities(add_up(made.index, np.delete(np.arange(20), p))), stats.frame)[sun]
        for p in range(20)
    ]
    # Efron and Tibshirani 1993, eq. 11.5: (n - 1)/n times the sum of squares, which is (n - 1) times the variance.
    error = np.sqrt(19 * np.var(left))
    value = stats.total_MG[who.subject, sun]
    assert found.interval is not None
    assert found.interval.middle == pytest.approx(value)
    assert found.interval.low == pytest.approx(value - 1.959964 * error)
    assert found.interval.high == pytest.approx(value + 1.959964 * error)
    assert (found.interval.level, found.interval.method) == (0.95, "jackknife over 20 blocks of probes")


def test_blocks_take_every_twentieth_probe(plain: Attributor, found: Attribution) -> None:
    subject = member(plain)
    who = plain.design.comparison_set(subject)
    blocks = [[p for p in range(P) if p % 20 == k] for k in range(20)]
    stats = statistics(who, similarities(add_up(plain.index, np.arange(P))))
    sun = who.candidates.index("sun")
    left = [
        subject_statistic(who, similarities(add_up(plain.index, np.delete(np.arange(P), block))), stats.frame)[sun]
        for block in blocks
    ]
    assert found.interval is not None
    half = (found.interval.high - found.interval.low) / 2
    assert half == pytest.approx(1.959964 * np.sqrt(19 * np.var(left)))


def test_only_probes_that_both_sides_answered_are_compared(tmp_path: Path) -> None:
    silent = {"c00": (0, 1, 2), "me": (3,), "c01": ()}
    made = attributor(tmp_path, silent=silent)
    assert made.judge(member(made)).n_probes == P - 1
    assert made.judge(member(made, "c00")).n_probes == P - 3
    assert made.judge(member(made, "c01")).n_probes == P
    assert made.judge(member(made, probes=range(22))).n_probes == 21
    # Its name for the panel is the position, 0 for the first.
    assert made.panel.models.index("c00") == 0


def test_too_few_probes_are_not_measured(plain: Attributor) -> None:
    subject = replace(member(plain, probes=range(19)), warnings=("something was set aside",))
    found = replace(plain, candidates=("star", "sun")).judge(subject)
    reason = "only 19 of its answers are to prompts of the panel: 20 are the least"
    assert (found.subject, found.verdict, found.n_probes, found.n_null) == ("me", Verdict.NOT_MEASURED, 19, 0)
    assert found.warnings == ("something was set aside", reason)
    assert found.needs == (reason,)
    assert [(c.name, c.statistic, c.pvalue) for c in found.candidates] == [("star", None, None), ("sun", None, None)]
    assert found.panel == "panel"
    assert plain.judge(member(plain, probes=range(20))).verdict is Verdict.SUPPORTS


def test_a_candidate_that_cannot_be_judged_says_why(tmp_path: Path) -> None:
    late = dt.date(2024, 6, 1)
    made = attributor(tmp_path, candidate("star-1", "star", "Cosmos", released=late))
    found = made.judge(member(made, developer="Sky", released=dt.date(2024, 1, 1)))
    assert found.verdict is Verdict.NOT_MEASURED
    both = made.judge(member(made, released=dt.date(2024, 1, 1)))
    assert {c.name: c.note for c in both.candidates} == {
        "moon": None, "sun": None, "star": "released after the subject: it cannot have taught it",
    }  # fmt: skip
    assert {c.name for c in both.candidates if c.statistic is None or c.pvalue is None} == {"star"}
    own = made.judge(member(made, developer="Sky", released=late))
    note = "its maker's own, or its parent's: not a foreign teacher"
    assert {c.name: c.note for c in own.candidates} == {"moon": note, "sun": note, "star": None}


def test_kin_of_the_subject_are_no_students(tmp_path: Path) -> None:
    made = attributor(tmp_path, student("pupil-a", "sun", developer="Mine"))
    found = made.judge(member(made))
    assert {c.name: c.n_students for c in found.candidates}["sun"] == 2
    assert found.n_null == 21


DIRECTION = "the subject is itself a candidate of this panel, and it is not known which of the two came first"
LENGTH = "its answers are longer than those of every untaught model"
SHARED = "models that learnt the human text of sun, and nothing from it, resemble its students as much"


def reasons(found: Attribution) -> set[str]:
    return {reason for reason in (DIRECTION, LENGTH, SHARED) if any(w.startswith(reason) for w in found.warnings)}


CANDIDATE = candidate("me", "comet", "Mine")
HEIRS = tuple(control(f"c{k:02}", same_text_as=("sun",)) for k in (17, 18))
AS_PUPILS = (*FAMILY, "c17", "c18")
LONG = {"me": 106.0}


@pytest.mark.parametrize(
    ("changed", "family", "lengths", "withheld", "said"),
    [
        ((CANDIDATE,), FAMILY, {}, "direction", {DIRECTION}),
        ((), FAMILY, LONG, "length", {LENGTH}),
        (HEIRS, AS_PUPILS, {}, "shared_text", {SHARED}),
        # The first of several reasons is given.
        ((CANDIDATE, *HEIRS), AS_PUPILS, LONG, "direction", {DIRECTION}),
        (HEIRS, AS_PUPILS, LONG, "length", {LENGTH}),
        # Models of the same text that resemble nobody explain nothing.
        (HEIRS, FAMILY, {}, None, set()),
    ],
)  # fmt: skip
def test_a_name_is_withheld_for_a_reason_that_is_told(
    tmp_path: Path, changed: tuple[Lineage, ...], family: tuple[str, ...], lengths: Mapping[str, float],
    withheld: str | None, said: set[str],
) -> None:  # fmt: skip
    # The level bears the heirs' absence from the null of sun.
    made = attributor(tmp_path, *changed, family=family, lengths=lengths, alpha=0.06)
    found = made.judge(member(made))
    assert found.withheld == withheld
    assert reasons(found) == said
    if withheld is None:
        assert (found.attributed, found.verdict) == (("sun",), Verdict.SUPPORTS)
    else:
        assert (found.attributed, found.also_resembles) == ((), ("sun",))
        assert found.verdict is Verdict.INCONCLUSIVE
        assert found.needs
    assert {c.name: c.n_same_text for c in found.candidates}["sun"] == len([m for m in changed if m in HEIRS])


@pytest.mark.parametrize(("words", "too_long"), [(90.0, False), (104.9, False), (105.1, True), (150.0, True)])
def test_answers_may_be_five_percent_longer_than_the_longest_untaught_models(
    tmp_path: Path, words: float, too_long: bool
) -> None:
    # However long candidates are; c03 is the longest untaught model.
    lengths = {"me": words, "sun-1": 500.0, "moon-1": 500.0, "c03": 100.0, "c04": 20.0, "pupil-a": 99.0}
    made = attributor(tmp_path, lengths=lengths)
    assert made.judge(member(made)).withheld == ("length" if too_long else None)


def test_a_reason_to_withhold_is_not_told_where_nobody_passes(tmp_path: Path) -> None:
    made = attributor(tmp_path, family=(), lengths=LONG)
    found = made.judge(member(made))
    assert (found.withheld, found.attributed, reasons(found)) == (None, (), set())


def test_what_helps_less_to_recognise_a_candidate_is_said(tmp_path: Path) -> None:
    made = attributor(tmp_path, family=("star-1", "me"))
    found = made.judge(member(made))
    assert found.attributed == ("star",)
    assert "no documented student of star helps to recognise it: its power is lower" in found.warnings
    # Students of sun are known to be untaught by star, so that there are enough for star alone.
    assert len(found.warnings) == 2


NARROW = "too few models are documented as untaught by just the candidates asked about"


def test_a_null_over_more_candidates_than_were_asked_about_is_said(plain: Attributor) -> None:
    # Untaught by sun: 19 controls, p = 1/20 at best; by any: 22.
    for alpha, wide in ((0.05, False), (0.049, True)):
        found = replace(plain, candidates=("sun",), alpha=alpha).judge(member(plain))
        assert any(w.startswith(NARROW) for w in found.warnings) is wide
        assert found.n_null == (22 if wide else 19)
        assert [c.name for c in found.candidates] == ["sun"]


def test_passages_come_from_the_probes_that_resemble_the_candidate_most(tmp_path: Path) -> None:
    """All runs weigh the same; three of the probes are shown."""
    liked = {5: 0.3, 17: 0.2, 11: 0.1}
    made = attributor(tmp_path, excess=lambda p: liked.get(p, 0.0))
    found = made.judge(member(made))
    assert [passage.prompt for passage in found.passages] == ["Matter 5?", "Matter 17?", "Matter 11?"]
    assert {passage.model for passage in found.passages} == {"sun-2"}
    # The subject's own answers in the panel are nobody else's; three students use the words, and sun-1.
    assert {(p.n_others, p.n_answers) for p in found.passages} == {(4, 26)}


def test_a_probe_on_which_everybody_is_alike_tells_nothing(tmp_path: Path) -> None:
    made = attributor(tmp_path, excess=lambda p: {5: 0.2, 7: 0.1, 9: 0.3, 11: 0.25}.get(p, 0.0))
    me = made.panel.models.index("me")
    for name in ("phrasing", "openings"):
        table = made.index.channels[name].similarity_PMM
        table[7, me] += np.float16(0.5)
        table[7, :, me] += np.float16(0.5)
    assert [p.prompt for p in made.judge(member(made)).passages] == ["Matter 9?", "Matter 11?", "Matter 5?"]


def test_the_copies_of_the_subject_are_no_others_of_a_passage(tmp_path: Path) -> None:
    made = attributor(tmp_path)
    subject = replace(member(made), copies=frozenset({made.panel.models.index("pupil-b")}))
    found = made.judge(subject)
    assert {(p.n_others, p.n_answers) for p in found.passages} == {(3, 25)}
    assert found.n_null == 21


def test_twenty_four_probes_are_searched_for_passages(tmp_path: Path) -> None:
    made = attributor(tmp_path, excess=lambda p: 0.4 - p / 100)
    texts = {p: f"{text('me', p)}" for p in range(P)}
    # The longest shared runs are on the two probes that rank last, and the next longest on the 24th.
    texts |= {24: text("sun-2", 24), 25: text("sun-2", 25), 23: text("sun-2", 23)[:60]}
    found = made.judge(replace(member(made), texts=texts))
    assert found.passages[0].prompt == "Matter 23?"
    assert not {"Matter 24?", "Matter 25?"} & {p.prompt for p in found.passages}


def test_without_text_there_are_no_passages(plain: Attributor) -> None:
    blank = replace(member(plain), texts=dict.fromkeys(range(P), ""))
    found = plain.judge(blank)
    assert found.passages == ()
    assert found.attributed == ("sun",)


def test_every_model_of_a_file_is_judged_by_name(plain: Attributor) -> None:
    rows = [(n, f"Matter {p}?", text(n, p), "answered") for n in ("me", "c05") for p in range(P)]
    steps: list[tuple[int, int]] = []
    lines = plain.run(response_set(rows), progress=lambda done, total: steps.append((done, total)))
    assert [line.subject for line in lines] == ["c05", "me"]
    assert steps == [(1, 2), (2, 2)]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Panel, Index, dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("real") / "panel"
    outside = make_world(folder, n_controls=12, n_probes=21)
    panel = open_panel(folder)
    return panel, build_index(panel), outside


def outsider(texts: list[str]) -> Subject:
    return Subject(Lineage(model="me"), dict(enumerate(texts)), None, frozenset(), ())


def test_outsiders_and_members_do_not_get_into_each_others_way(real: tuple[Panel, Index, dict[str, list[str]]]) -> None:
    panel, index, outside = real
    made = Attributor(panel, index, alpha=0.1)
    inside = Subject(
        panel.lineage_of("star-a-student1"), dict.fromkeys(range(21), ""), panel.models.index("star-a-student1"),
        frozenset(), (),
    )  # fmt: skip
    first = made.judge(inside)
    pupil = made.judge(outsider(outside["pupil-of-sun"]))
    stranger = made.judge(outsider(outside["stranger"]))
    assert made.judge(inside) == first
    assert (first.attributed, pupil.attributed, stranger.attributed) == (("star",), ("sun",), ())
    assert pupil == Attributor(panel, index, alpha=0.1).judge(outsider(outside["pupil-of-sun"]))
    # Other probes are another case.
    fewer = replace(inside, texts=dict.fromkeys(range(20), ""))
    assert made.judge(fewer) == Attributor(panel, index, alpha=0.1).judge(fewer)


def test_an_outsiders_passages_and_cut_answers(real: tuple[Panel, Index, dict[str, list[str]]]) -> None:
    panel, index, outside = real
    made = Attributor(panel, index, alpha=0.1)
    texts = list(outside["pupil-of-sun"])
    found = made.judge(outsider(texts))
    assert not any("were cut" in w for w in found.warnings)
    assert len(found.passages) == 3
    assert all("sun habit" in " ".join(p.shared) for p in found.passages)
    texts[4] += " so" * 3000
    cut = made.judge(outsider(texts))
    assert cut.warnings[0] == "1 answers are longer than what is compared and were cut"
