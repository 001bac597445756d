"""The test: every question at every budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from hydrometer.lab.budget import Delimiters, Thought, think
from hydrometer.lab.meter import Meter
from hydrometer.lab.network import Network
from hydrometer.lab.reasoning import ANSWER, TOKEN, WAIT, Problem, tokens_of
from hydrometer.lab.s1_records import S1Recipe


def budgets(recipe: S1Recipe) -> list[tuple[int, int]]:
    """Returns limit and waits of every budget: cut ones, the model's own end, and made to go on."""
    testing = recipe.testing
    # Tried, as s1 reports it: `wait` appended once and twice. Accuracy falls from 99.7 to 96.7 and 78.3 %; the paper's
    # gain is not seen in so small a model. See docs/log.md, 2026-11-25.
    return [(limit, 0) for limit in testing.limits] + [(testing.most, waits) for waits in (0, *testing.waits)]


def answer(model: Network, questions: Sequence[Problem], recipe: S1Recipe) -> dict[str, Any]:
    """Returns the ledger, and for each budget which questions were answered right, with how much thinking.

    Args:
        model: the network.
        questions: of the test.
        recipe: its budgets and its bill.
    """
    meter = Meter(recipe.bill, device="cpu", precision="fp32")
    rows = []
    for limit, waits in budgets(recipe):
        thoughts = _thoughts(model, questions, limit=limit, waits=waits)
        for thought, question in zip(thoughts, questions, strict=True):
            length = len(question.words) + len(thought.thinking) + 2
            meter.read(model, length, length, sampled=True)
        rows.append(
            {
                "limit": limit,
                "waits": waits,
                "right": [t.answer == TOKEN[str(q.truth)] for t, q in zip(thoughts, questions, strict=True)],
                "tokens": [len(t.thinking) for t in thoughts],
                "kept": [len(t.thinking) <= limit and (t.waits == waits or len(t.thinking) == limit) for t in thoughts],
            }
        )
    return {"budgets": rows, "ledger": meter.ledger(predicted_flop=0.0).model_dump(mode="json")}


def _thoughts(model: Network, questions: Sequence[Problem], *, limit: int, waits: int) -> list[Thought]:
    """Thinks about questions of one length together; returns thoughts in the order of the questions."""
    found: dict[int, Thought] = {}
    delimiters = Delimiters(answer=TOKEN[ANSWER], wait=TOKEN[WAIT])
    for length in sorted({len(q.digits) for q in questions}):
        places = [i for i, q in enumerate(questions) if len(q.digits) == length]
        prompts = torch.tensor([tokens_of(questions[i].words) for i in places])
        thoughts = think(model, prompts, limit=limit, waits=waits, delimiters=delimiters)
        found |= dict(zip(places, thoughts, strict=True))
    return [found[i] for i in range(len(questions))]
