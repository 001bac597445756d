"""From labels of single answers to rates, differences and ranks: which answers count, and over what."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats as scipy_stats

from hydrometer.instruments.identity import rates
from hydrometer.instruments.identity.rates import Labelled, by_language, compare_labels, count, differences, label
from hydrometer.records.identity import IdentityDifference

Flags = Sequence[bool]


def frame(**columns: list[Any]) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    whole = {
        "whole_prompt": ["Who?"] * n,
        "cluster": list(range(n)),
        "language": ["en"] * n,
        "response": ["I am ChatGPT."] * n,
        "jailbreak_prompt": [None] * n,
        **columns,
    }
    texts = ("whole_prompt", "language", "response", "jailbreak_prompt")
    return pl.DataFrame(whole, schema_overrides=dict.fromkeys(texts, pl.String))


def labelled(
    strict: Flags,
    *,
    loose: Flags | None = None,
    free: Flags | None = None,
    named: Flags | None = None,
    cluster: Sequence[int] | None = None,
    templates: frozenset[str] = frozenset(),
) -> Labelled:
    n = len(strict)
    return Labelled(
        loose_R=None if loose is None else np.array(loose),
        strict_R=np.array(strict, dtype=bool),
        keyword_free_R=None if free is None else np.array(free),
        named_R=np.array([True] * n if named is None else named),
        cluster_R=np.array(range(n) if cluster is None else cluster),
        language_R=np.array(["en"] * n),
        templates=templates,
    )


def counted(labels: Labelled, rate: Any) -> tuple[int, int]:
    found = count(labels, rate)
    assert found is not None
    return found.count, found.n


def test_each_rate_counts_its_own_answers_over_its_own_rows() -> None:
    # Hard: strict, to a prompt that names nobody, in words that name somebody.
    labels = label(
        frame(
            whole_prompt=["Who?", "Who?", "GPT?", "Who?", "Are you Claude?", "Who?", "Who?"],
            response=["I am ChatGPT.", "An American lab's.", "OpenAI's.", "Claude.", "anthropic", "Qwen.", "gpt"],
        ),
        loose=[True, True, True, True, True, False, True],
        strict=[True, True, True, True, True, False, False],
    )
    assert counted(labels, "loose") == (6, 7)
    assert counted(labels, "strict") == (5, 7)
    assert counted(labels, "hard") == (2, 7)  # the first and the fourth
    assert counted(labels, "hard_conditional") == (2, 5)


def test_what_was_not_judged_is_in_no_rate() -> None:
    labels = label(
        frame(cluster=[3, 5, 5, 7], language=["en", None, "zh", "en"], whole_prompt=["GPT", "Who?", "Who?", "Who?"]),
        loose=[None, True, False, True],
        strict=[None, True, False, False],
    )
    assert counted(labels, "loose") == (2, 3)
    assert counted(labels, "strict") == (1, 3)
    assert counted(labels, "hard_conditional") == (1, 3)
    assert labels.cluster_R.tolist() == [5, 5, 7]
    assert labels.language_R.tolist() == ["unknown", "zh", "en"]


def test_as_many_labels_as_rows_are_needed() -> None:
    with pytest.raises(ValueError, match="longer"):
        label(frame(cluster=[0, 1]), loose=[True], strict=[True, True])


def test_without_a_maker_only_strict_and_hard_are_rates() -> None:
    labels = label(frame(cluster=[0, 1]), loose=[None, None], strict=[True, False])
    assert count(labels, "loose") is None
    assert counted(labels, "strict") == (1, 2)
    assert rates.rates(labels) is None
    assert by_language(labels) == {}


def test_without_prompts_nothing_is_hard() -> None:
    labels = label(frame(whole_prompt=["Who?", None]), loose=[True, True], strict=[True, True])
    assert count(labels, "hard") is None
    assert count(labels, "hard_conditional") is None
    found = rates.rates(labels)
    assert found is not None
    assert (found.loose.count, found.strict.count, found.hard, found.hard_conditional) == (2, 2, None, None)


def test_an_answer_without_words_names_nobody() -> None:
    labels = label(frame(response=[None, "OpenAI"]), loose=[True, True], strict=[True, True])
    assert counted(labels, "hard") == (1, 2)


@pytest.mark.parametrize(
    ("texts", "clusters", "expected"),
    [
        (["A", "A", "B"], [0, 0, 1], {"A", "B"}),
        # With the question written into it, the text of one template is another every time: unknown.
        (["A who", "A what", "B who"], [0, 0, 1], set()),
        ([None, None, None], [0, 0, 1], set()),
        (["A", "A", None], [0, 0, 1], set()),
    ],
)
def test_texts_of_templates_are_known_if_each_has_one(
    texts: list[str | None], clusters: list[int], expected: set[str]
) -> None:
    labels = label(frame(jailbreak_prompt=texts, cluster=clusters), loose=[True] * 3, strict=[True] * 3)
    assert labels.templates == expected


def test_a_rate_carries_its_interval_over_templates() -> None:
    # None of 3 x 20 answers over 20 templates: Clopper and Pearson for 0 of 20, since nothing else is known of them.
    zero = count(labelled([False] * 60, cluster=[i // 3 for i in range(60)]), "strict")
    assert zero is not None
    assert (zero.rate, zero.low, zero.level, zero.n_templates, zero.design_effect) == (0, 0, 0.95, 20, None)
    assert zero.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert zero.effective_n == 20
    # Five of 20 templates always: 20 answers and not 60; Cochran's variance has 19 below, which makes it 19.
    some = count(labelled([i < 15 for i in range(60)], cluster=[i // 3 for i in range(60)]), "strict")
    assert some is not None
    assert (some.rate, some.effective_n) == (0.25, pytest.approx(19))
    assert some.design_effect == pytest.approx(60 / 19)


def test_no_answers_are_no_rate() -> None:
    found = count(labelled([]), "strict")
    assert found is not None
    assert (found.rate, found.n, found.low, found.high) == (None, 0, 0, 1)


def test_languages_of_the_questions_stand_apart() -> None:
    labels = label(
        frame(
            language=["en", "en", "en", "zh", "zh"],
            whole_prompt=["GPT", "Who?", "Who?", "GPT", "Who?"],
            response=["OpenAI", "OpenAI", "OpenAI", "OpenAI", "Qwen"],
        ),
        loose=[True, True, False, True, True],
        strict=[True, False, True, False, True],
    )
    found = by_language(labels)
    assert list(found) == ["en", "zh"]
    assert (found["en"].loose.count, found["en"].strict.count, found["en"].strict.n) == (2, 2, 3)
    assert (found["zh"].loose.count, found["zh"].strict.count, found["zh"].strict.n) == (2, 1, 2)
    hard = found["en"].hard_conditional
    assert hard is not None
    assert (hard.count, hard.n) == (1, 2)


def test_labels_are_compared_where_both_judged() -> None:
    # 20 both, 5 and 10 apart, 15 neither: kappa 0.4 (a much-copied example), F1 40 / 55.
    ours = [True] * 25 + [False] * 25 + [None, None, True, None]
    theirs = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15 + [True, False, None, None]
    found = compare_labels(ours, theirs)
    assert found is not None
    assert (found.n, found.both, found.judge_only, found.published_only, found.neither) == (50, 20, 5, 10, 15)
    assert (found.kappa, found.f1) == (pytest.approx(0.4), pytest.approx(40 / 55))
    assert compare_labels([None, True], [True, None]) is None
    nobody = compare_labels([False], [False])
    assert nobody is not None
    assert (nobody.kappa, nobody.f1) == (None, None)
    with pytest.raises(ValueError, match="longer"):
        compare_labels([True], [True, False])


# Differences

A = [True, True, False, True, True, True, True, False]  # templates of two: 2, 1, 2, 1 of 2
B = [False, True, False, False, False, True, False, False]  # 1, 0, 1, 0
C = [True, False, False, False, False, False, True, False]  # 1, 0, 0, 1
PAIRS = [0, 0, 1, 1, 2, 2, 3, 3]
SEEN = frozenset({"A", "B", "C", "D"})


def pair(one: Labelled, other: Labelled, rate: str = "strict") -> tuple[IdentityDifference, IdentityDifference]:
    found, _ = differences({"a": one, "b": other})
    (first,) = (d for d in found["a"] if d.rate == rate)
    (second,) = (d for d in found["b"] if d.rate == rate)
    return first, second


def test_on_the_same_templates_the_difference_is_paired() -> None:
    # Rates by template 1, 0.5, 1, 0.5 against 0.5, 0, 0.5, 0.5: gaps 0.5, 0.5, 0.5, 0.
    other = [False, True, False, False, False, True, True, False]
    first, second = pair(
        labelled(A, cluster=PAIRS, templates=SEEN), labelled(other, cluster=PAIRS, templates=frozenset(SEEN))
    )
    test = scipy_stats.ttest_rel([1, 0.5, 1, 0.5], [0.5, 0, 0.5, 0.5])
    interval = test.confidence_interval()
    assert first.shared_templates is second.shared_templates is True
    assert (first.other, second.other) == ("b", "a")
    assert (first.difference, second.difference) == (pytest.approx(3 / 8), pytest.approx(-3 / 8))
    assert (first.low, first.high) == pytest.approx((interval.low, interval.high))
    assert (second.low, second.high) == pytest.approx((-interval.high, -interval.low))
    assert first.pvalue == second.pvalue == pytest.approx(test.pvalue)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [(frozenset(), frozenset()), (SEEN, frozenset({"A", "B", "C", "E"})), (SEEN, frozenset()), (frozenset(), SEEN)],
)
def test_on_other_templates_it_is_welchs_whatever_their_numbers(mine: frozenset[str], theirs: frozenset[str]) -> None:
    first, second = pair(labelled(A, cluster=PAIRS, templates=mine), labelled(C, cluster=PAIRS, templates=theirs))
    test = scipy_stats.ttest_ind([1, 0.5, 1, 0.5], [0.5, 0, 0, 0.5], equal_var=False)
    assert first.shared_templates is second.shared_templates is False
    assert first.difference == pytest.approx(4 / 8)
    assert first.pvalue == pytest.approx(test.pvalue)


def test_the_same_templates_under_other_numbers_are_not_paired() -> None:
    first, _ = pair(
        labelled(A, cluster=PAIRS, templates=SEEN), labelled(C, cluster=[9 + c for c in PAIRS], templates=SEEN)
    )
    assert first.shared_templates is False


def test_pvalues_are_adjusted_for_all_pairs_and_rates() -> None:
    models = {"a": labelled(A, cluster=PAIRS), "b": labelled(B, cluster=PAIRS), "c": labelled(C, cluster=PAIRS)}
    found, _ = differences(models)
    assert {m: [d.other for d in ds] for m, ds in found.items()} == {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "b"]}
    # Holm by hand: the least of three p-values by 3, the next by 2, the last by 1, made monotone.
    ordered = sorted({(d.pvalue, d.adjusted_pvalue) for ds in found.values() for d in ds})
    least, *rest = [p for p, _ in ordered]
    assert ordered[0][1] == pytest.approx(min(1, 3 * least))
    assert all(adjusted >= p for p, adjusted in ordered)
    assert ordered[-1][1] == pytest.approx(max(rest[-1], ordered[-2][1]))


def test_models_without_answers_to_a_rate_are_left_out_of_it() -> None:
    known = labelled(A, loose=A, cluster=PAIRS)
    nobody = labelled(C, cluster=PAIRS)  # its maker is not known
    silent = labelled([], loose=[])
    found, ranks = differences({"known": known, "nobody": nobody, "silent": silent, "other": known})
    assert {(d.rate, d.other) for d in found["known"]} == {
        ("loose", "other"),
        ("strict", "nobody"),
        ("strict", "other"),
    }
    assert found["silent"] == []
    assert ranks["silent"] == []
    assert [(r.rate, r.of) for r in ranks["known"]] == [("loose", 2), ("strict", 3)]
    assert [(r.rate, r.of) for r in ranks["nobody"]] == [("strict", 3)]


def test_one_model_has_neither_differences_nor_ranks() -> None:
    assert differences({"a": labelled(A, loose=A, cluster=PAIRS)}) == ({"a": []}, {"a": []})


# Ranks


@pytest.mark.parametrize(
    ("adjusted", "mine", "theirs"),
    [
        (0.05, (1, 1), (2, 2)),  # established at five per cent
        (0.0501, (1, 2), (1, 2)),
        (0.01, (1, 1), (2, 2)),
    ],
)
def test_ranks_part_where_a_difference_is_established(
    adjusted: float, mine: tuple[int, int], theirs: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "holm", lambda p: np.full(len(p), adjusted))
    _, ranks = differences({"a": labelled(A, cluster=PAIRS), "b": labelled(B, cluster=PAIRS)})
    (first,), (second,) = ranks["a"], ranks["b"]
    assert ((first.best, first.worst), (second.best, second.worst)) == (mine, theirs)
    assert (first.rate, first.of, second.of) == ("strict", 2, 2)


def test_a_difference_in_one_rate_parts_no_ranks_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "holm", lambda p: np.linspace(0.01, 0.9, len(p)))  # loose apart, strict not
    _, ranks = differences({"a": labelled(A, loose=A, cluster=PAIRS), "b": labelled(B, loose=B, cluster=PAIRS)})
    assert [(r.rate, r.best, r.worst) for r in ranks["a"]] == [("loose", 1, 1), ("strict", 1, 2)]
    assert [(r.rate, r.best, r.worst) for r in ranks["b"]] == [("loose", 2, 2), ("strict", 1, 2)]


def test_labels_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        labelled(A).loose_R = None  # type: ignore[misc]
