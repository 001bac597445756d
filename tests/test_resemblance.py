"""The arithmetic under attribution, against outside answers."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import KernelCenterer
from synthetic import make_world

from hydrometer.errors import DegenerateInputWarning
from hydrometer.panel import open_panel
from hydrometer.panel.channel import ChannelBuilder
from hydrometer.panel.grams import CHANNELS, features, tokens
from hydrometer.panel.index import build_index
from hydrometer.stats.conformal import ROUNDING, NullDistribution, block_jackknife_error, models_needed
from hydrometer.stats.resemblance import nearer_centre, soften, unit_kernel


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261124)


def test_the_kernel_is_centred_as_scikit_learn_centres(rng: np.random.Generator) -> None:
    points = rng.normal(size=(12, 5))
    similarity = points @ points.T
    np.fill_diagonal(similarity, 99.0)
    kernel = unit_kernel(similarity)
    without = similarity.copy()
    np.fill_diagonal(without, -np.inf)
    np.fill_diagonal(without, without.max(axis=1))
    centred = KernelCenterer().fit_transform(without)
    length = np.sqrt(np.maximum(np.diag(centred), 1e-12))
    assert kernel == pytest.approx(centred / np.outer(length, length))


def test_nearer_centre_is_half_the_difference_of_squared_distances(rng: np.random.Generator) -> None:
    points = rng.normal(size=(9, 4))
    centre, null = rng.dirichlet(np.ones(9), size=3), rng.dirichlet(np.ones(9), size=3)
    for model in range(9):
        to_null = ((points[model] - null @ points) ** 2).sum(axis=1)
        to_centre = ((points[model] - centre @ points) ** 2).sum(axis=1)
        found = nearer_centre(points @ points.T, model, centre_GM=centre, null_GM=null)
        assert found == pytest.approx((to_null - to_centre) / 2)


def test_softening_takes_a_share_of_a_direction_out(rng: np.random.Generator) -> None:
    points = rng.normal(size=(10, 6))
    contrast = np.zeros((1, 10))
    contrast[0, :5], contrast[0, 5:] = 0.2, -0.2
    direction = (contrast @ points)[0]
    direction /= np.linalg.norm(direction)
    for share in (0.5, 1.0):
        left = points - share * np.outer(points @ direction, direction)
        expected = left @ left.T
        length = np.sqrt(np.diag(expected))
        assert soften(points @ points.T, contrast, share=share) == pytest.approx(expected / np.outer(length, length))
    kernel = points @ points.T
    assert soften(kernel, np.empty((0, 10)), share=1.0) is kernel


def test_pvalues_are_those_of_a_permutation_test(rng: np.random.Generator) -> None:
    """Phipson and Smyth 2010: (b + 1) / (m + 1); here against scipy, whose permutation test counts likewise."""
    null = rng.normal(size=99)
    population = NullDistribution(null)
    assert population.pvalue(np.inf) == population.smallest_pvalue == 0.01
    assert population.pvalue(-np.inf) == 1.0
    sample = rng.normal(size=4)
    result = scipy_stats.permutation_test(
        (sample, np.zeros(4)), lambda x, y: x.mean() - y.mean(), permutation_type="samples", alternative="greater",
        n_resamples=50, rng=np.random.default_rng(1),
    )  # fmt: skip
    # An exhaustive test counts the observed among the permutations; a null population does not hold the subject.
    exhaustive = np.sort(result.null_distribution)
    observed = int(np.argmax(np.isclose(exhaustive, result.statistic)))
    assert NullDistribution(np.delete(exhaustive, observed)).pvalue(result.statistic) == pytest.approx(result.pvalue)


@given(st.integers(1, 60), st.floats(0.001, 0.5), st.integers(0, 2**32 - 1))
def test_an_exchangeable_model_is_accused_at_the_stated_rate(n: int, alpha: float, seed: int) -> None:
    """Over all places that a model can take among n others, the share with p <= alpha is the stated rate exactly."""
    values = np.random.default_rng(seed).permutation(n + 1).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateInputWarning)
        accused = [NullDistribution(np.delete(values, i)).pvalue(values[i]) <= alpha + ROUNDING for i in range(n + 1)]
        population = NullDistribution(values[1:])
    assert np.mean(accused) == pytest.approx(population.false_positive_rate(alpha))
    assert population.false_positive_rate(alpha) <= alpha + 1e-9
    threshold = population.threshold(alpha)
    assert (threshold is None) == (population.smallest_pvalue > alpha + ROUNDING)
    if threshold is not None:
        assert population.pvalue(threshold + 0.5) <= alpha + ROUNDING < population.pvalue(threshold)


def test_models_needed() -> None:
    assert [models_needed(alpha) for alpha in (0.5, 0.1, 0.05, 0.01)] == [1, 9, 19, 99]
    for alpha in (0.5, 0.1, 0.05, 0.01):
        assert NullDistribution(np.arange(models_needed(alpha))).smallest_pvalue <= alpha


def test_a_degenerate_null_warns_and_nonsense_is_refused() -> None:
    with pytest.warns(DegenerateInputWarning, match="same statistic"):
        NullDistribution(np.ones(5))
    with pytest.raises(ValueError, match="not a number"):
        NullDistribution(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="two blocks"):
        block_jackknife_error([1.0])


def test_the_jackknife_of_a_mean_is_its_standard_error(rng: np.random.Generator) -> None:
    """Efron and Tibshirani 1993, section 11.2: for the mean the jackknife gives the usual formula exactly."""
    sample = rng.normal(size=30)
    leave_out = [np.delete(sample, i).mean() for i in range(30)]
    assert block_jackknife_error(leave_out) == pytest.approx(scipy_stats.sem(sample))


def test_content_is_sublinear_tfidf_cosine_as_scikit_learn_counts_it() -> None:
    texts = [
        "The cat sat on the mat, the cat slept.",
        "A cat sat on the mat and the cat purred on the mat.",
        "The cat sat down. Dogs bark.",
        "Dogs bark at the cat on the mat!",
        "Nothing here is alike.",
    ]
    builder = ChannelBuilder(1, len(texts))
    found = [(i, m["content"]) for i, text in enumerate(texts) if (m := features(text)) is not None]
    builder.add(0, found)
    counted = CountVectorizer(tokenizer=tokens, token_pattern=None, ngram_range=(1, 2)).fit_transform(texts).toarray()
    users = (counted > 0).sum(axis=0)
    idf = np.log(len(texts) / np.where(users >= 3, users, 1))
    weighted = np.where(counted > 0, 1 + np.log(np.maximum(counted, 1)), 0) * idf
    norm = np.linalg.norm(weighted, axis=1)
    shared = weighted * (users >= 3)
    expected = np.sqrt(shared @ shared.T / np.outer(norm, norm))
    assert builder.finish().similarity_PMM[0] == pytest.approx(expected, abs=2e-3)


def test_an_outsider_is_compared_as_if_it_were_a_member(tmp_path: Path) -> None:
    make_world(tmp_path / "panel", n_controls=6, n_probes=5)
    panel = open_panel(tmp_path / "panel")
    whole = build_index(panel)
    frame = panel.responses().frame
    last = len(panel.models) - 1
    for name in CHANNELS:
        builder = ChannelBuilder(5, last)
        for p, prompt in enumerate(panel.prompts):
            rows = dict(frame.filter(prompt=prompt).select("model", "response").iter_rows())
            found = [(i, features(rows[model])) for i, model in enumerate(panel.models[:last])]
            builder.add(p, [(i, m[name]) for i, m in found if m is not None])
        channel = builder.finish()
        for p, prompt in enumerate(panel.prompts):
            outsider = features(frame.filter(prompt=prompt, model=panel.models[last])["response"][0])
            assert outsider is not None
            row = channel.compare(p, outsider[name], n_answers=last)
            gap = np.abs(row - whole.channels[name].similarity_PMM[p, last, :last])
            assert gap.mean() < 0.008
            assert gap.max() < 0.06


@given(st.text(max_size=400))
def test_any_text_has_marks_or_none(text: str) -> None:
    found = features(text)
    assert (found is None) == (not tokens(text))
    if found is not None:
        assert set(found) == set(CHANNELS)
        for channel in found.values():
            assert (np.diff(channel.hashes.astype(np.int64)) > 0).all()
            assert (channel.counts >= 1).all()


def test_white_space_around_an_answer_is_no_mark() -> None:
    plain, padded = features("Sure! Here it is:\n- one\n- two"), features("  \nSure! Here it is:\n- one\n- two\n\n")
    assert plain is not None
    assert padded is not None
    for name in CHANNELS:
        assert (plain[name].hashes == padded[name].hashes).all()
