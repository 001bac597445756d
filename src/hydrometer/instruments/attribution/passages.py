"""The passages that weigh most: words that subject and candidate share and that few others use on the same probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from hydrometer.panel import Panel
from hydrometer.panel.grams import tokens
from hydrometer.records.attribution import Passage
from hydrometer.records.responses import WITH_TEXT

# What a reader is shown, not what is counted; all five by hand, 2026-11-24. Three words are mostly grammar.
_SHORTEST_RUN = 4
_LONGEST_RUN = 12
_MOST_RUNS = 3
# Characters shown of an answer and of a prompt.
_EXCERPT = 700
_PROMPT = 300


@dataclass(frozen=True)
class _Shared:
    words: tuple[str, ...]
    n_others: int

    @property
    def weight(self) -> float:
        return len(self.words) / (1 + self.n_others)


def passages(
    panel: Panel, texts: Mapping[int, str], models: Sequence[str], probes: Sequence[int], *, without: Sequence[str] = ()
) -> tuple[Passage, ...]:
    """Returns passages in which subject and candidate share a run of four words or more, the most telling first.

    Telling is a long run that few others use.

    Args:
        panel: the panel.
        texts: the subject's answers by position of the probe.
        models: the candidate's snapshots.
        probes: positions of the probes to look at.
        without: models that are no others: the subject itself and its copies.
    """
    prompts = [panel.prompts[p] for p in probes]
    frame = panel.responses().frame.filter(pl.col("prompt").is_in(prompts) & pl.col("status").is_in(WITH_TEXT))
    found: list[tuple[float, Passage]] = []
    for probe, prompt in zip(probes, prompts, strict=True):
        rows = frame.filter((pl.col("prompt") == prompt) & ~pl.col("model").is_in(list(without)))
        answers = dict(zip(rows["model"].to_list(), rows["response"].to_list(), strict=True))
        best = max(
            (
                (shared[0].weight, name, shared)
                for name in models
                if name in answers and (shared := _shared(texts[probe], name, answers))
            ),
            default=None,
        )
        if best is not None:
            weight, name, shared = best
            passage = Passage(
                prompt=_cut(prompt, _PROMPT),
                model=name,
                subject_text=_cut(texts[probe].strip(), _EXCERPT),
                model_text=_cut(answers[name].strip(), _EXCERPT),
                shared=tuple(" ".join(run.words) for run in shared[:_MOST_RUNS]),
                n_others=shared[0].n_others,
                n_answers=len(answers),
            )
            found.append((weight, passage))
    # The sort is stable: of equal weights the probe named first stays first.
    return tuple(passage for _, passage in sorted(found, key=lambda pair: -pair[0]))


def _shared(text: str, model: str, answers: Mapping[str, str]) -> list[_Shared]:
    """Returns the longest runs of words that both use, the most telling first."""
    mine = tokens(text)
    theirs = f" {' '.join(tokens(answers[model]))} "
    others = [f" {' '.join(tokens(other))} " for name, other in answers.items() if name != model]
    runs = []
    start = 0
    while start + _SHORTEST_RUN <= len(mine):
        length = 0
        while length < _LONGEST_RUN and start + length < len(mine):
            # Blanks around both keep "art" from matching in "party".
            if f" {' '.join(mine[start : start + length + 1])} " not in theirs:
                break
            length += 1
        if length >= _SHORTEST_RUN:
            words = tuple(mine[start : start + length])
            runs.append(_Shared(words, sum(f" {' '.join(words)} " in other for other in others)))
            start += length
        else:
            start += 1
    return sorted(set(runs), key=lambda run: (-run.weight, run.words))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
