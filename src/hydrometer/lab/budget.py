"""Budget forcing: cutting a model's thinking at a limit, or making it go on where it would stop.

At the limit the end-of-thinking delimiter is put in and the model must answer; where it would end too early, the
delimiter is dropped and "Wait" appended instead (Muennighoff et al., s1, arXiv:2501.19393, section 3.1).
Axes: B questions, P tokens of the prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hydrometer.lab.network import Network
from hydrometer.lab.sample import Decoder


@dataclass(frozen=True)
class Delimiters:
    """Tokens that steer thinking.

    Attributes:
        answer: ends thinking; what follows is the answer, one token.
        wait: starts to think again.
    """

    answer: int
    wait: int


@dataclass(frozen=True)
class Thought:
    """One question thought about.

    Attributes:
        thinking: the tokens thought, forced `wait`s included, the delimiter not.
        answer: the token after the delimiter.
        cut: whether the limit ended the thinking.
        waits: how often the model was made to go on.
    """

    thinking: tuple[int, ...]
    answer: int
    cut: bool
    waits: int


def think(model: Network, prompts_BP: Tensor, *, limit: int, waits: int, delimiters: Delimiters) -> list[Thought]:
    """Returns what a model thinks and answers, the likeliest token at every step.

    Args:
        model: the network.
        prompts_BP: questions of one length, each ending where thinking starts.
        limit: most tokens of thinking.
        waits: how often an end that the model chose is replaced by `wait`, as long as the limit allows.
        delimiters: the tokens that steer.
    """
    rows = [_Row(limit=limit, waits=waits, delimiters=delimiters) for _ in range(len(prompts_BP))]
    open_rows = list(rows)
    with Decoder(model) as decoder:
        fresh = prompts_BP
        while open_rows:
            chosen = decoder.logits(fresh)[:, -1].argmax(-1).tolist()
            fed = [row.take(token) for row, token in zip(open_rows, chosen, strict=True)]
            kept = [i for i, row in enumerate(open_rows) if row.answer is None]
            if len(kept) < len(open_rows):
                decoder.keep(kept)
                open_rows = [open_rows[i] for i in kept]
            fresh = torch.tensor([[fed[i]] for i in kept], device=prompts_BP.device)
    return [row.thought() for row in rows]


class _Row:
    """One question on its way: thinking, then answering."""

    def __init__(self, *, limit: int, waits: int, delimiters: Delimiters) -> None:
        self.limit, self.waits_left, self.waits, self.delimiters = limit, waits, 0, delimiters
        self.thinking: list[int] = []
        self.ended = self.cut = False
        self.answer: int | None = None

    def take(self, token: int) -> int:
        """Takes the model's choice and returns what is put in its place."""
        if self.ended:
            self.answer = token
            return token
        # The limit first: s1 puts the delimiter in at the cap even where a `wait` would be due (arXiv:2501.19393,
        # section 3.1).
        if len(self.thinking) >= self.limit:
            self.ended, self.cut = True, token != self.delimiters.answer
            return self.delimiters.answer
        if token == self.delimiters.answer:
            if self.waits_left == 0:
                self.ended = True
                return token
            self.waits_left -= 1
            self.waits += 1
            token = self.delimiters.wait
        self.thinking.append(token)
        return token

    def thought(self) -> Thought:
        assert self.answer is not None
        return Thought(tuple(self.thinking), self.answer, self.cut, self.waits)
