"""Notices a provider that lets another model answer under the same name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hydrometer.collect.plan import ROUNDS
from hydrometer.stats.drift import ChangeTestResult, change_test
from hydrometer.store.evidence import read_answers

# By hand: a run is one of many, and a false alarm accuses a provider. Measured: 0 of 40 without a swap (docs/log.md).
ALPHA = 0.001
"""Rate of false alarms at which a change is reported."""
_WITH_TEXT = ("answered", "truncated", "refused")
# Three characters by hand, 2026-11-25: works in languages without blanks; not varied.
_NGRAM = 3


@dataclass(frozen=True)
class Watch:
    """What the canaries say.

    Attributes:
        n_canaries: probes with an answer in every round.
        result: the test; None without canaries.
        changed: whether the answers changed over the run, at `ALPHA`.
        note: what to make of it, one sentence.
    """

    n_canaries: int
    result: ChangeTestResult | None
    changed: bool
    note: str


def watch(path: Path, target: str, canaries: Sequence[str]) -> Watch:
    """Compares the rounds in which canaries were asked.

    Args:
        path: the store.
        target: identity of the target, as the store keeps it.
        canaries: ids of the probes.

    Raises:
        InputError: if the store is damaged.
    """
    wanted = set(canaries)
    texts: dict[str, dict[int, str]] = defaultdict(dict)
    if wanted:
        for answer in read_answers(path, target=target):
            if answer.probe in wanted and answer.replicate < ROUNDS and answer.status in _WITH_TEXT:
                texts[answer.probe][answer.replicate] = answer.text or ""
    return judge([[found[turn] for turn in range(ROUNDS)] for found in texts.values() if len(found) == ROUNDS])


def judge(texts_PT: Sequence[Sequence[str]]) -> Watch:
    """Tests the answers of probes P in rounds T for a change."""
    if not texts_PT:
        return Watch(0, None, False, "No canary has an answer in every round: a change of model would go unnoticed.")
    result = change_test(
        np.array([[[likeness(a, b) for b in texts] for a in texts] for texts in texts_PT]),
        rng=np.random.default_rng(0),
    )
    changed = result.pvalue <= ALPHA
    if changed:
        note = (
            f"Answers changed after round {result.change_point} of {ROUNDS} (p = {result.pvalue:.2g}, {len(texts_PT)} "
            "canaries): another model, version or setting may have answered from there on."
        )
    elif result.smallest_pvalue > ALPHA:
        note = f"{len(texts_PT)} canaries are too few to notice a change at {ALPHA:g}; 7 or more could."
    else:
        note = f"No change noticed (p = {result.pvalue:.2g}, {len(texts_PT)} canaries)."
    return Watch(len(texts_PT), result, changed, note)


def likeness(one: str, other: str) -> float:
    """Returns the share of three-character pieces that two texts have in common (Jaccard), 1 for equal texts."""
    if one == other:
        return 1.0
    a, b = _pieces(one), _pieces(other)
    return len(a & b) / len(a | b)


def _pieces(text: str) -> set[str]:
    # Bounds time on endless answers; by hand, 2026-11-25.
    text = text[:20_000]
    return {text[i : i + _NGRAM] for i in range(max(1, len(text) - _NGRAM + 1))}
