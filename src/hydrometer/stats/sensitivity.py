"""Which unknown moves a Monte Carlo's answer the most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Influence:
    """What one input does to the output.

    Attributes:
        name: the input.
        low: median output over the draws in which the input is in its lowest share.
        high: the same for its highest share.
        rank_correlation: Spearman's between input and output, -1 to 1; draws that are alike share their mean rank.
    """

    name: str
    low: float
    high: float
    rank_correlation: float


# A tenth at either end is what docs/demand.md and the ladder's tornado print; by hand, 2026-11-25.
def influences(inputs: Mapping[str, Array], *, output: Array, share: float = 0.10) -> list[Influence]:
    """Returns every input's influence, the widest swing first.

    Args:
        inputs: draws of each input, shape (n,).
        output: draws of the answer that they went into, shape (n,).
        share: of the draws at either end, 0 to 0.5.

    References:
        Saltelli et al., "Sensitivity Analysis in Practice" (2004), section 1.2 (rank correlation); the swing of
        conditional medians is the tornado of decision analysis (Howard, Management Science 34, 1988).
    """
    tail = max(int(len(output) * share), 1)
    output_rank = _mean_ranks(output)
    found = []
    for name, draws in inputs.items():
        order = np.argsort(draws, kind="stable")
        constant = bool(draws[order[0]] == draws[order[-1]])
        middle = float(np.median(output))
        low = middle if constant else float(np.median(output[order[:tail]]))
        high = middle if constant else float(np.median(output[order[-tail:]]))
        found.append(Influence(name, low, high, _correlation(_mean_ranks(draws), output_rank)))
    return sorted(found, key=lambda i: abs(i.high - i.low), reverse=True)


def _correlation(a: Array, b: Array) -> float:
    """Returns Pearson's; 0 where one of both is all alike, and has nothing to correlate."""
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(np.corrcoef(a, b)[0, 1])


def _mean_ranks(values: Array) -> Array:
    """Returns ranks from 1 on. Values that are alike share theirs: else a sort, and so the processor, would choose."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])
