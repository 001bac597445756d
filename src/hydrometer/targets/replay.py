"""Answers from a script: the fake that ships, with faults where the script has them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from hydrometer.records.exchange import Capabilities, Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus

Answer = str | Reply | Fault
"""What a script may hold: the text of an answer, a whole reply, or a fault to raise."""


class Replay:
    """Gives stored answers to known prompts."""

    def __init__(
        self, answers: Mapping[str, Answer | Sequence[Answer]], *, model: str = "replay", delay: float = 0.0
    ) -> None:
        """Stores the script.

        Args:
            answers: prompt to the answer; a list is gone through request by request, its last entry again and again.
            model: the name of the subject.
            delay: seconds that every answer takes.
        """
        self._answers = answers
        self._model = model
        self._delay = delay
        self._asked: Counter[str] = Counter()
        self.requests: list[Request] = []
        """Every request that was received, in order."""

    @property
    def model(self) -> str:
        """The name of the subject."""
        return self._model

    @property
    def identity(self) -> Mapping[str, str]:
        """Kind and model."""
        return MappingProxyType({"kind": "replay", "model": self._model})

    @property
    def capabilities(self) -> Capabilities:
        """Costs nothing."""
        return Capabilities(billed=False)

    async def ask(self, request: Request) -> Reply:
        """Returns the scripted answer.

        Raises:
            Fault: where the script has one, or no answer to this prompt.
        """
        self.requests.append(request)
        if self._delay:
            await asyncio.sleep(self._delay)
        # Response files join prompts by their text without white space around it.
        prompt = request.prompt if request.prompt in self._answers else request.prompt.strip()
        if prompt not in self._answers:
            raise Fault("the script has no answer to this prompt", retry=False)
        scripted = self._answers[prompt]
        if not isinstance(scripted, str | Reply | Fault):
            turn = self._asked[prompt]
            self._asked[prompt] += 1
            scripted = scripted[min(turn, len(scripted) - 1)]
        if isinstance(scripted, Fault):
            # A fresh one each time: an exception collects the places it was raised at.
            raise Fault(**scripted.fields)
        return scripted if isinstance(scripted, Reply) else _reply(scripted, self._model)

    async def close(self) -> None:
        """Nothing to give back."""


def _reply(text: str, model: str) -> Reply:
    status = ResponseStatus.ANSWERED if text.strip() else ResponseStatus.EMPTY
    raw = json.dumps({"model": model, "text": text}).encode()
    mark = hashlib.sha256(model.encode()).hexdigest()[:8]
    return Reply(status=status, text=text, raw=raw, model=model, fingerprint=f"replay-{mark}")
