"""Models as points on a sphere: kernels by hand and from coordinates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hydrometer.stats.resemblance import nearer_centre, soften, unit_kernel


def test_a_model_is_as_similar_to_itself_as_to_its_nearest() -> None:
    # The diagonal becomes 5, 5 and 2: row means 11/3, 4 and 5/3, mean 28/9; then every point has length 1.
    similarity = np.array([[99.0, 5.0, 1.0], [5.0, 99.0, 2.0], [1.0, 2.0, 99.0]])
    mean = np.array([11 / 3, 4, 5 / 3])
    raw = np.array([[5.0, 5.0, 1.0], [5.0, 5.0, 2.0], [1.0, 2.0, 2.0]])
    kernel = raw - mean[:, None] - mean[None, :] + 28 / 9
    length = np.sqrt(np.diag(kernel))
    assert unit_kernel(similarity) == pytest.approx(kernel / np.outer(length, length))
    assert similarity[0, 0] == 99.0


def test_a_point_at_the_centre_keeps_a_length_above_zero() -> None:
    # Everybody alike: nothing is left but the smallest squared length.
    assert unit_kernel(np.ones((3, 3))) == pytest.approx(np.zeros((3, 3)))
    assert soften(np.eye(2), np.array([[1.0, 0.0]]), share=1.0) == pytest.approx(np.diag([0.0, 1.0]))
    # A squared length of 4e-14 is taken for 1e-12.
    assert soften(np.diag([1.0, 4e-14]), np.array([[1.0, 0.0]]), share=0.0)[1, 1] == pytest.approx(0.04)


POINTS = np.random.default_rng(2).normal(size=(6, 4))
POINTS /= np.linalg.norm(POINTS, axis=1, keepdims=True)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_softening_shrinks_a_share_of_the_directions_in_coordinates(share: float) -> None:
    contrasts = np.array([[1, -1, 0, 0, 0, 0], [0, 0, 0.5, 0.5, -1, 0]])
    directions, _ = np.linalg.qr((contrasts @ POINTS).T)
    left = POINTS - share * (POINTS @ directions) @ directions.T
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    assert soften(POINTS @ POINTS.T, contrasts, share=share) == pytest.approx(left @ left.T)


def test_without_contrasts_nothing_is_softened() -> None:
    kernel = 3 * POINTS @ POINTS.T
    assert soften(kernel, np.zeros((0, 6)), share=0.5) is kernel


@pytest.mark.parametrize(("size", "kept"), [(0.0099, True), (0.011, False)])
def test_a_direction_of_a_hundredth_is_rounding(size: float, kept: bool) -> None:
    # Squared length over that of the longest: 1e-4 is where a direction counts.
    kernel = np.diag([1.0, size**2])
    left = soften(kernel, np.eye(2), share=1.0)
    assert left[1, 1] == pytest.approx(1.0 if kept else 0.0, abs=1e-3)


def test_nearer_centre_is_half_the_difference_of_squared_distances() -> None:
    centre = np.array([[0.5, 0.5, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]])
    null = np.array([[0, 0, 0, 0.2, 0.8, 0], [0, 0, 0, 0, 0, 1]])
    found = nearer_centre(POINTS @ POINTS.T, 1, centre_GM=centre, null_GM=null)
    far, near = ((w @ POINTS - POINTS[1]) for w in (null, centre))
    assert found == pytest.approx(((far**2).sum(axis=1) - (near**2).sum(axis=1)) / 2)


def test_half_way_is_zero() -> None:
    kernel = np.outer([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    found = nearer_centre(kernel, 1, centre_GM=np.array([[0.0, 0, 1]]), null_GM=np.array([[1.0, 0, 0]]))
    assert found == pytest.approx([0.0])
    assert math.isclose(
        nearer_centre(kernel, 2, centre_GM=np.array([[0.0, 0, 1]]), null_GM=np.array([[1.0, 0, 0]]))[0], 2.0
    )
