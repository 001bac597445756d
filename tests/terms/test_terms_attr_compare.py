"""Sums over probes and the means made from them, on arrays small enough to add up by hand."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import median, pstdev

import numpy as np
import polars as pl
import pytest

from hydrometer.instruments.attribution.compare import (
    Answers,
    Sums,
    add_up,
    compare_outsider,
    mean_log_length,
    member_probes,
    similarities,
)
from hydrometer.panel import open_panel
from hydrometer.panel.channel import Channel
from hydrometer.panel.grams import CHANNELS, features
from hydrometer.panel.index import Index, Style, build_index
from hydrometer.records.panel import IndexRecord

# Words per answer of three models on four probes; 0 is no answer.
LENGTHS = [[1, 2, 8], [4, 0, 2], [0, 16, 0], [2, 1, 4]]
SIMILARITY = {"content": 0.5, "phrasing": 0.25, "openings": 0.125, "layout": 0.75}
# Which of three words each answer uses: probe, model, word.
WORDS = [
    [[1, 0, 1], [0, 1, 1], [1, 1, 1]],
    [[1, 1, 0], [0, 0, 0], [0, 0, 1]],
    [[0, 0, 0], [1, 0, 0], [0, 0, 0]],
    [[1, 0, 0], [0, 0, 1], [0, 1, 0]],
]


def hand_made() -> Index:
    lengths = np.array(LENGTHS, dtype=np.float32)
    empty = np.zeros(0)

    def channel(value: float) -> Channel:
        # On probe p the pair (0, 1) has value / (p + 1), and each further pair twice as much.
        table = np.zeros((4, 3, 3), dtype=np.float16)
        for p in range(4):
            for k, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):
                if LENGTHS[p][i] and LENGTHS[p][j]:
                    table[p, i, j] = table[p, j, i] = value * 2**k / (2**p)
        return Channel(table, *(empty,) * 7)

    record = IndexRecord(
        schema_version=1, hydrometer_version="1", created_at="now", models=("a", "b", "c"), n_probes=4, sha256={}
    )
    presence = np.packbits(np.array(WORDS, dtype=bool), axis=2)
    style = Style(np.array([3, 5, 7], dtype=np.uint32), presence)
    return Index(Path(), record, {c: channel(v) for c, v in SIMILARITY.items()}, style, lengths)


INDEX = hand_made()
ALL = np.arange(4)


def test_a_model_answered_where_it_used_a_word() -> None:
    assert [member_probes(INDEX, m).tolist() for m in range(3)] == [[0, 1, 3], [0, 2, 3], [0, 1, 3]]


def test_sums_over_all_probes() -> None:
    sums = add_up(INDEX, ALL)
    assert sums.n_probes == 4
    assert sums.both_MM.tolist() == [[3, 2, 3], [2, 3, 2], [3, 2, 3]]
    # Pairs (0, 1) and (1, 2) meet on probes 0 and 3, pair (0, 2) on 1 as well: 1 + 1/8 and 1 + 1/2 + 1/8.
    for name, value in SIMILARITY.items():
        ab, ac, bc = value * 9 / 8, 2 * value * 13 / 8, 4 * value * 9 / 8
        assert sums.similarity_MM[name] == pytest.approx(np.array([[0, ab, ac], [ab, 0, bc], [ac, bc, 0]]))
    assert sums.style_MV.tolist() == [[3, 1, 1], [1, 1, 2], [1, 2, 2]]
    # In powers of two: a has 1, 4, 2; b 2, 16, 1; c 8, 2, 4. One word counts as no length, a missing answer as none.
    assert sums.log_length_M / math.log(2) == pytest.approx([3, 5, 6])
    distance = np.array([[0, 1 + 1, 3 + 1 + 1], [2, 0, 2 + 2], [5, 4, 0]])
    assert sums.distance_MM / math.log(2) == pytest.approx(distance)


def test_sums_of_parts_add_up_and_take_away() -> None:
    whole, first, rest = add_up(INDEX, ALL), add_up(INDEX, ALL[:1]), add_up(INDEX, ALL[1:])
    for left, right in ((first + rest, whole), (whole - first, rest)):
        assert left.n_probes == right.n_probes
        assert set(left.similarity_MM) == set(CHANNELS)
        for name in CHANNELS:
            assert left.similarity_MM[name] == pytest.approx(right.similarity_MM[name])
        for field in ("both_MM", "style_MV", "distance_MM", "log_length_M"):
            assert getattr(left, field) == pytest.approx(getattr(right, field)), field


def outsider() -> Answers:
    """An outsider that answered probes 0, 1 and 3 with 2, 1 and 32 words."""
    similarity = {name: np.arange(9).reshape(3, 3) * value for name, value in SIMILARITY.items()}
    used = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]], dtype=bool)
    return Answers(np.array([0, 1, 3]), similarity, used, np.array([2.0, 1.0, 32.0]), 0)


def test_an_outsider_is_the_last_model() -> None:
    sums = add_up(INDEX, np.array([0, 3]), outsider())
    assert sums.n_probes == 2
    assert sums.both_MM.tolist() == [[2] * 4] * 4
    for name, value in SIMILARITY.items():
        row = [0 + 6, 1 + 7, 2 + 8]
        assert sums.similarity_MM[name][3] == pytest.approx([value * x for x in row] + [0])
        assert sums.similarity_MM[name][:, 3] == pytest.approx([value * x for x in row] + [0])
        assert sums.similarity_MM[name][0, 1] == pytest.approx(value * 9 / 8)
    assert sums.style_MV[3].tolist() == [2, 1, 1]
    assert sums.log_length_M / math.log(2) == pytest.approx([1, 1, 5, 6])
    # Probe 0: 2 words against 1, 2 and 8; probe 3: 32 against 2, 1 and 4.
    assert sums.distance_MM[3] / math.log(2) == pytest.approx([1 + 4, 0 + 5, 2 + 3, 0])
    alone = add_up(INDEX, np.array([1]), outsider())
    assert alone.both_MM.tolist() == [[1, 0, 1, 1], [0, 0, 0, 0], [1, 0, 1, 1], [1, 0, 1, 1]]
    assert alone.distance_MM[3] / math.log(2) == pytest.approx([2, 0, 1, 0])


def test_means_are_over_the_probes_that_both_answered() -> None:
    found = similarities(add_up(INDEX, ALL))
    assert list(found) == [*CHANNELS, "style", "length"]
    for name, value in SIMILARITY.items():
        ab, ac, bc = value * 9 / 16, 2 * value * 13 / 24, 4 * value * 9 / 16
        assert found[name] == pytest.approx(np.array([[0, ab, ac], [ab, 0, bc], [ac, bc, 0]]))
    # The farther, the less alike.
    expected = -np.array([[0, 1, 5 / 3], [1, 0, 2], [5 / 3, 2, 0]])
    assert found["length"] / math.log(2) == pytest.approx(expected)
    assert mean_log_length(add_up(INDEX, ALL)) / math.log(2) == pytest.approx([1, 5 / 3, 2])


def test_one_shared_probe_is_a_mean_and_none_is_no_likeness() -> None:
    sums = add_up(INDEX, np.array([1]))
    found = similarities(sums)
    # On probe 1 the pair (0, 2) has half of twice the value; model 1 gave no answer.
    assert found["content"] == pytest.approx(np.array([[0, 0, 0.5], [0, 0, 0], [0.5, 0, 0]]))
    assert found["length"][0, 2] == pytest.approx(-math.log(2))
    assert mean_log_length(sums) / math.log(2) == pytest.approx([2, 0, 1])


def test_style_compares_how_often_the_words_are_used_beyond_everybody() -> None:
    counts = [[9, 16, 0], [16, 9, 0], [0, 16, 9], [4, 4, 1]]
    zero = np.zeros((4, 4))
    found = similarities(Sums({}, zero, np.array(counts, dtype=float), zero, np.zeros(4), 1))["style"]
    # Square roots over their length: 3 4 0 and 4 3 0 and 0 4 3 over 5, 2 2 1 over 3.
    roots = [[0.6, 0.8, 0], [0.8, 0.6, 0], [0, 0.8, 0.6], [2 / 3, 2 / 3, 1 / 3]]
    columns = list(zip(*roots, strict=True))
    spreads = [pstdev(column) for column in columns]
    scaled = [
        [(x - sum(c) / 4) / (spread + median(spreads)) for x, c, spread in zip(row, columns, spreads, strict=True)]
        for row in roots
    ]  # fmt: skip
    for i, one in enumerate(scaled):
        for j, other in enumerate(scaled):
            assert found[i, j] == pytest.approx(np.dot(one, other) / (math.hypot(*one) * math.hypot(*other)))


def test_style_does_not_see_how_much_a_model_wrote() -> None:
    zero = np.zeros((3, 3))

    def style(rows: list[list[int]]) -> np.ndarray:
        return similarities(Sums({}, zero, np.array(rows, dtype=float), zero, np.zeros(3), 1))["style"]

    assert style([[9, 16, 0], [3, 1, 2], [5, 5, 5]]) == pytest.approx(style([[36, 64, 0], [3, 1, 2], [5, 5, 5]]))
    # A model without any of the words is like nobody in particular, and no division by zero.
    assert np.isfinite(style([[0, 0, 0], [3, 1, 2], [5, 5, 5]])).all()
    assert style([[1, 1, 1], [1, 1, 1], [1, 1, 1]]) == pytest.approx(zero, abs=1e-3)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Six models; on the second prompt one is silent and one says a single word."""
    folder = tmp_path_factory.mktemp("compare") / "panel"
    folder.mkdir()
    first = [
        "the red cat sat on the mat",
        "the red cat ran off",
        "a red dog sat on the mat",
        "the cat sat",
        "a dog ran",
    ]
    second = ["we all go home now", "they all go home", "all go home now", "we stay home now", None]
    rows = [(f"m{i}", "p", text) for i, text in enumerate([*first, "red"])]
    rows += [(f"m{i}", "q", text) for i, text in enumerate([*second, "home"])]
    table = pl.DataFrame(rows, schema=["model", "probe", "response"], orient="row")
    table.drop_nulls().write_parquet(folder / "responses.parquet")
    probes = pl.DataFrame({"probe": ["p", "q"], "prompt": ["What happened?", "And then?"]})
    probes.write_parquet(folder / "probes.parquet")
    (folder / "lineage.csv").write_text("model\n" + "".join(f"m{i}\n" for i in range(6)))
    return build_index(open_panel(folder))


def test_an_outsiders_answers_are_weighed_by_how_many_answered_the_probe(indexed: Index) -> None:
    assert indexed.lengths_PM.tolist() == [[7, 5, 7, 3, 3, 1], [5, 4, 4, 4, 0, 1]]
    texts = {1: "we all go home", 0: "the red cat sat"}
    found = compare_outsider(indexed, texts)
    assert found.probes.tolist() == [0, 1]
    assert found.lengths_P.tolist() == [4, 4]
    for row, (probe, n_answers) in enumerate(((0, 6), (1, 5))):
        told = features(texts[probe])
        assert told is not None
        for name in CHANNELS:
            expected = indexed.channels[name].compare(probe, told[name], n_answers=n_answers)
            assert found.similarity_PM[name][row] == pytest.approx(expected)
        assert found.similarity_PM["content"][row].max() > 0.2


def test_an_outsiders_words_are_looked_up_in_the_vocabulary(indexed: Index) -> None:
    vocabulary = indexed.style.vocabulary_V
    assert len(vocabulary) > 3
    words = {w: m["content"].hashes[0] for w in ("home", "red", "cat", "go", "all", "zebra") if (m := features(w))}
    found = compare_outsider(indexed, {0: "Zebra", 1: "home cat go red all"})
    assert not found.used_PV[0].any()
    used = {word for word, value in words.items() if value in vocabulary[found.used_PV[1]]}
    assert used == {word for word, value in words.items() if value in vocabulary}
    assert "zebra" not in used
    texts = ("the red cat sat on the mat", "we all go home now", "a red dog sat", "they all go home", "a cat ran off")
    rows = []
    for text in texts:
        told = features(text)
        assert told is not None
        rows.append([bool(v in told["content"].hashes) for v in vocabulary])
        assert compare_outsider(indexed, {0: text}).used_PV[0].tolist() == rows[-1]
    # So that the first word of the vocabulary is looked up too.
    assert any(row[0] for row in rows)


def test_answers_without_text_are_set_aside_and_long_ones_counted_as_cut(indexed: Index) -> None:
    found = compare_outsider(indexed, {0: " \n ", 1: "x" * 6000})
    assert found.probes.tolist() == [1]
    assert found.n_cut == 0
    assert compare_outsider(indexed, {0: "y" * 6001, 1: "x" * 6000}).n_cut == 1
    nobody = compare_outsider(indexed, {0: ""})
    assert nobody.probes.shape == (0,)
    assert nobody.used_PV.shape == (0, len(indexed.style.vocabulary_V))
    assert all(nobody.similarity_PM[name].shape == (0, 6) for name in CHANNELS)
