"""Likeness of profiles by hand, and Jaccard's index by SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from hydrometer.stats.likeness import beyond_everybody, ratio, ruzicka


def test_ruzicka_is_minima_over_maxima() -> None:
    found = ruzicka(np.array([[1.0, 4.0, 0.0], [3.0, 2.0, 2.0], [0.0, 0.0, 5.0]]))
    assert found == pytest.approx(np.array([[1, 3 / 9, 0], [3 / 9, 1, 2 / 10], [0, 2 / 10, 1]]))


def test_ruzicka_has_no_unit() -> None:
    profile = np.array([[1.0, 4.0, 0.0], [3.0, 2.0, 2.0]])
    assert ruzicka(profile / 100) == pytest.approx(np.array([[1, 3 / 9], [3 / 9, 1]]))


def test_ruzicka_of_zeros_and_ones_is_jaccards() -> None:
    present = np.random.default_rng(1).random((5, 12)) < 0.5
    assert ruzicka(present.astype(float)) == pytest.approx(1 - squareform(pdist(present, "jaccard")))


def test_empty_profiles_are_alike_and_one_alone_is_like_itself() -> None:
    assert ruzicka(np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 3.0]])) == pytest.approx(
        np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    )
    assert ruzicka(np.array([[2.0, 5.0]])) == pytest.approx(np.ones((1, 1)))


def test_a_ratio_is_the_smaller_over_the_larger() -> None:
    found = ratio(np.array([2.0, 5.0, 0.0, 0.0]))
    expected = [[1, 0.4, 0, 0], [0.4, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    assert found == pytest.approx(np.array(expected))
    assert ratio(np.array([0.02, 0.05])) == pytest.approx(np.array([[1, 0.4], [0.4, 1]]))


def test_a_pair_beyond_everybody_by_hand() -> None:
    # Models 0 and 1 among 2, 3 and 4: 9 - (1 + 2 + 6)/3 - (3 + 4 + 8)/3 + (5 + 7 + 12)/3.
    similarity = np.full((1, 5, 5), 99.0)
    pairs = {
        (0, 1): 9,
        (0, 2): 1,
        (0, 3): 2,
        (0, 4): 6,
        (1, 2): 3,
        (1, 3): 4,
        (1, 4): 8,
        (2, 3): 5,
        (2, 4): 7,
        (3, 4): 12,
    }
    for (i, j), value in pairs.items():
        similarity[0, i, j] = similarity[0, j, i] = value
    assert beyond_everybody(similarity, first=0, second=1, others=np.array([2, 3, 4])) == pytest.approx([9 - 3 - 5 + 8])
    # Another silent model leaves 9 - (1 + 2)/2 - (3 + 4)/2 + 5.
    similarity[0, 4, :] = similarity[0, :, 4] = math.nan
    assert beyond_everybody(similarity, first=0, second=1, others=np.array([2, 3, 4])) == pytest.approx(
        [9 - 1.5 - 3.5 + 5]
    )


def test_probes_are_apart_and_silence_is_not_a_number() -> None:
    similarity = np.stack([np.ones((4, 4)), np.full((4, 4), 3.0), np.full((4, 4), 7.0)])
    similarity[0, 0, 1] = 2.0
    similarity[1, 0, :] = similarity[1, :, 0] = math.nan  # the subject did not answer
    similarity[2, 2:, :] = similarity[2, :, 2:] = math.nan  # nobody else did
    found = beyond_everybody(similarity, first=0, second=1, others=np.array([2, 3]))
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1:]).all()
    # One other model is enough to compare with, as long as somebody is known to be like it.
    similarity[2] = 7.0
    similarity[2, 0, 3] = similarity[2, 3, 0] = math.nan
    assert beyond_everybody(similarity, first=0, second=1, others=np.array([2, 3]))[2] == pytest.approx(0.0)
