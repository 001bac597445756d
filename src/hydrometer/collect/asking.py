"""Single requests put to one target through one store, for judges, helpers and panels that ask in rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hydrometer.collect.engine import RunSummary, Settings, Stop
from hydrometer.collect.money import Estimate
from hydrometer.collect.plan import Plan
from hydrometer.collect.run import Collected, collect
from hydrometer.records.exchange import Request, Target
from hydrometer.records.responses import WITH_TEXT
from hydrometer.store.evidence import ProbeRequest, read_answers
from hydrometer.store.evidence.counts import identity_of
from hydrometer.store.evidence.keys import canonical


class Asker:
    """Asks one target, round by round; what is answered in the store is never paid for again."""

    def __init__(
        self,
        open_target: Callable[[], Target],
        store: Path,
        *,
        settings: Settings,
        confirm: Callable[[Estimate], None] = lambda _: None,
        on_change: Callable[[RunSummary], None] | None = None,
    ) -> None:
        """Sends nothing yet.

        Args:
            open_target: opens the target anew for every round, since a round closes it.
            store: where everything is written.
            settings: concurrency and budget, which counts all rounds and earlier runs together.
            confirm: called with the estimate of every round that has something to send.
            on_change: called after every request.
        """
        self._open = open_target
        self._store = store
        self._settings = settings
        self._confirm = confirm
        self._on_change = on_change
        self.last: Collected | None = None
        """The last round."""

    @property
    def stopped(self) -> str | None:
        """Why the last round ended early; None where it did not."""
        if self.last is None:
            return None
        if self.last.refusal is not None:
            return self.last.refusal
        return None if self.last.run_summary.stop is Stop.DONE else f"stopped: {self.last.run_summary.stop.value}"

    def answers(self, requests: Sequence[Request]) -> list[tuple[str, str | None]]:
        """Returns status and text of every request, in order; `failed` where no answer came or none was asked for.

        Raises:
            InputError: if the store cannot be used.
            OutputError: if it cannot be written.
        """
        target = self._open()
        identity = identity_of(target)
        wanted = {canonical(request): request for request in requests}
        questions = tuple(ProbeRequest(f"r-{i}", request) for i, request in enumerate(wanted.values()))
        self.last = collect(
            target,
            Plan(questions, ()),
            self._store,
            settings=self._settings,
            confirm=self._confirm,
            on_change=self._on_change,
        )
        found: dict[bytes, tuple[str, str | None]] = {}
        for answer in read_answers(self._store, target=identity):
            if answer.replicate == 0 and (key := canonical(answer.request)) in wanted:
                status = "failed" if answer.status == "open" else answer.status
                found[key] = (status, answer.text)
        return [found.get(canonical(request), ("failed", None)) for request in requests]

    def __call__(self, requests: Sequence[Request]) -> list[str | None]:
        """Returns the texts of the replies, in order; None where no usable reply came."""
        return [text if status in WITH_TEXT else None for status, text in self.answers(requests)]
