"""Did the answers to the same questions change over a run?

Axes: P probes, T rounds, Q orders of the rounds, C change points, N permutations (the first is the observed order).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

# Probes whose answers never changed have no spread but rounding; likeness lies between 0 and 1. By hand, 2026-11-25.
_SMALLEST_SPREAD = 1e-12


@dataclass(frozen=True)
class ChangeTestResult:
    """Whether answers of later rounds differ from those of earlier ones more than answers of one round do.

    Attributes:
        statistic: largest standardised gap between likeness within and across a change point.
        pvalue: share of permutations of the rounds that reach it; the observed order counts as one.
        change_point: number of rounds before the change that fits best, from 1.
        n_probes: probes compared.
        smallest_pvalue: that so many probes could give, were all of them to change at once.
    """

    statistic: float
    pvalue: float
    change_point: int
    n_probes: int
    smallest_pvalue: float


def change_test(
    similarity_PTT: NDArray[np.float64], *, rng: np.random.Generator, n_permutations: int = 19_999
) -> ChangeTestResult:
    """Tests whether the rounds of every probe are exchangeable, against one change between two rounds.

    Under the null hypothesis one model answers throughout, so the answers to one probe come in any order with the
    same probability. Rounds are therefore permuted within each probe, independently of the other probes; nothing is
    assumed of the distribution of likeness. The largest of the standardised gaps over all change points is compared
    with the same maximum under permutation, which pays for having looked at all of them.

    Args:
        similarity_PTT: likeness of the answers to probe P in rounds T and T, symmetric, 1 where they are equal. At
            least two rounds, at most six.
        rng: source of the permutations.
        n_permutations: number of random permutations.

    Raises:
        ValueError: if the array has another shape, or holds anything but finite numbers.

    References:
        B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", Statistical Applications in Genetics
        and Molecular Biology 9(1), 2010: the observed order counts as one permutation.
    """
    if similarity_PTT.ndim != 3 or similarity_PTT.shape[1] != similarity_PTT.shape[2]:
        raise ValueError("one square of rounds for every probe is needed")
    n_probes, n_rounds, _ = similarity_PTT.shape
    # Every order is listed and none drawn: six rounds have 720, seven would have 5,040 for each probe.
    if not 2 <= n_rounds <= 6 or not n_probes:
        raise ValueError("between two and six rounds and at least one probe are needed")
    if not np.isfinite(similarity_PTT).all():
        raise ValueError("likeness must be finite")
    gap_PQC = _gaps(similarity_PTT)
    n_orders = gap_PQC.shape[1]
    # 19,999 orders resolve p to 0.00005, a twentieth of the level of 0.001 at which canaries alarm (collect/watch.py).
    sum_NC = np.zeros((n_permutations + 1, gap_PQC.shape[2]))
    sum_NC[0] = gap_PQC[:, 0].sum(axis=0)
    for gap_QC in gap_PQC:
        sum_NC[1:] += gap_QC[rng.integers(n_orders, size=n_permutations)]
    # The spread under permutation is known exactly: probes are independent and every order is as probable.
    spread_C = np.sqrt(gap_PQC.var(axis=1).sum(axis=0))
    z_NC = np.divide(
        sum_NC - gap_PQC.mean(axis=1).sum(axis=0),
        spread_C,
        out=np.zeros_like(sum_NC),
        where=spread_C > _SMALLEST_SPREAD,
    )
    # The maximum over change points is what is ranked, so that having looked at all of them costs nothing in level.
    largest_N = z_NC.max(axis=1)
    # Equal orders must count as equal, whatever the last bits of their sums.
    reached = int((largest_N[1:] >= largest_N[0] - 1e-9).sum())
    smallest = min(_share_as_far_apart(n_rounds, c, n_probes) for c in range(1, n_rounds))
    return ChangeTestResult(
        statistic=float(largest_N[0]),
        pvalue=(1 + reached) / (1 + n_permutations),
        change_point=1 + int(z_NC[0].argmax()),
        n_probes=n_probes,
        smallest_pvalue=max(smallest, 1 / (1 + n_permutations)),
    )


def _gaps(similarity_PTT: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns likeness within minus across, for probe P, order of rounds Q (the first is as given) and change C."""
    n_rounds = similarity_PTT.shape[1]
    orders = np.array(list(permutations(range(n_rounds))))
    upper = np.triu(np.ones((n_rounds, n_rounds), dtype=bool), k=1)
    gaps = []
    for change in range(1, n_rounds):
        after = np.arange(n_rounds) >= change
        across = upper & (after[:, None] != after[None, :])
        within = upper & ~across
        weight = np.where(across, -1.0 / across.sum(), 0.0)
        weight = np.where(within, 1.0 / max(1, within.sum()), weight)
        gaps.append(
            np.stack(
                [(similarity_PTT[:, order][:, :, order] * weight).sum(axis=(1, 2)) for order in orders],
                axis=1,
            )
        )
    return np.stack(gaps, axis=2)


def _share_as_far_apart(n_rounds: int, change: int, n_probes: int) -> float:
    """Returns the share of orders of all probes that reach the statistic of a change of all of them at once.

    Every probe's rounds must fall into the two sets of the observed order, and the sets lie the same way round in all.
    Sets of equal size may change places within one probe: the change point stays where it is.
    """
    one_probe = 1 / math.comb(n_rounds, change)
    return (2 * one_probe) ** n_probes if 2 * change == n_rounds else 2 * one_probe**n_probes
