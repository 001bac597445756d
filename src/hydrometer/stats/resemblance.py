"""Resemblance between models as geometry: each model a point, each candidate a centre.

Axes: M models, G candidates, C contrasts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def unit_kernel(similarity_MM: Array) -> Array:
    """Returns similarities as inner products of points on a sphere around the population's centre.

    A model is as similar to itself as to its nearest neighbour: the 1 on the diagonal says nothing about origin.
    Then row and column means are taken out (Schölkopf, Smola and Müller 1998, eq. A.2: centring in feature space) and
    every point is scaled to length 1.

    Args:
        similarity_MM: symmetric, any scale.
    """
    kernel = np.array(similarity_MM, dtype=np.float64)
    # Minus infinity keeps a model's own 1 out of the maximum that replaces it.
    np.fill_diagonal(kernel, -np.inf)
    np.fill_diagonal(kernel, kernel.max(axis=1))
    mean_M = kernel.mean(axis=1)
    return _scaled(kernel - mean_M[:, None] - mean_M[None, :] + kernel.mean())


def soften(kernel_MM: Array, contrast_CM: Array, *, share: float) -> Array:
    """Returns the kernel with a share of some directions taken out of every point.

    Args:
        kernel_MM: inner products.
        contrast_CM: each row weighs models so that its sum is a direction, as base family minus everybody.
        share: 0 leaves everything, 1 projects the directions out.
    """
    if not len(contrast_CM):
        return kernel_MM
    along_MC = kernel_MM @ contrast_CM.T
    # Base families can be sums of each other; directions below 1e-4 of the largest count as such. By hand, 2026-11-24.
    inverse = np.linalg.pinv(contrast_CM @ along_MC, rcond=1e-4, hermitian=True)
    # Shrinking the component by (1 - share) leaves (1 - share)^2 of its inner products.
    return _scaled(kernel_MM - (1 - (1 - share) ** 2) * (along_MC @ inverse @ along_MC.T))


def _scaled(kernel_MM: Array) -> Array:
    # A point in the population's centre has no direction; the floor leaves it there instead of dividing by 0.
    length_M = np.sqrt(np.maximum(np.diag(kernel_MM), 1e-12))
    return kernel_MM / length_M[:, None] / length_M[None, :]


def nearer_centre(kernel_MM: Array, model: int, *, centre_GM: Array, null_GM: Array) -> Array:
    """Returns how much nearer a model lies to each candidate's centre than to the centre of the untaught.

    Half the difference of the squared distances; the linear discriminant of two spherical classes (Hastie, Tibshirani
    and Friedman 2009, eq. 4.9). 0 is half-way, positive is nearer to the candidate's.

    Args:
        kernel_MM: inner products.
        model: the point.
        centre_GM: each candidate's centre as weights over models that sum to 1.
        null_GM: likewise the centre of models that it did not teach.

    Returns:
        One number per candidate, shape (G,).
    """
    direction_GM = centre_GM - null_GM
    image_GM = direction_GM @ kernel_MM
    projection_G = image_GM[:, model] - (image_GM * null_GM).sum(axis=1)
    nearer_G: Array = projection_G - 0.5 * (image_GM * direction_GM).sum(axis=1)
    return nearer_G
