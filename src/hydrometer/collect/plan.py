"""Which questions are asked, in which order: some again and again, to notice another model behind the same name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hydrometer.records.exchange import Request
from hydrometer.records.probes import Probe
from hydrometer.store.evidence import ProbeRequest

# By hand, 2026-11-25. All orders of the rounds are listed by the test: four have 24.
ROUNDS = 4
"""How often a canary is asked: at the start, after a third, after two thirds and at the end."""


@dataclass(frozen=True)
class Plan:
    """Questions in the order in which they are asked.

    Attributes:
        questions: all of them.
        canaries: ids of the probes that are asked in every round.
    """

    questions: tuple[ProbeRequest, ...]
    canaries: tuple[str, ...]


def usual_canaries(n_probes: int) -> int:
    """Returns how many probes are asked four times: one in fifty, 8 to 100, but never more than one in ten."""
    # By hand, 2026-11-25: a fiftieth asked four times adds 6 % to the bill. With 100 of them full swaps are noticed in
    # 100 of 100 runs, one reply in ten from elsewhere in 2 of 20 (docs/benchmarks/collection.md).
    return min(max(8, min(100, round(n_probes / 50))), max(1, n_probes // 10))


def plan_questions(probes: Sequence[Probe], *, base: Request, samples: int = 1, canaries: int | None = None) -> Plan:
    """Returns the questions that ask every probe `samples` times, and some of them in four rounds over the run.

    The probes asked in rounds also give the second answers by which a subject is compared with itself.

    Args:
        probes: with different ids.
        base: everything but the prompt; a probe's own system prompt stands where the base has none.
        samples: answers wanted for every probe, at least 1.
        canaries: number of probes asked in rounds; `usual_canaries` where absent, none with 0.
    """
    wanted = usual_canaries(len(probes)) if canaries is None else min(canaries, len(probes))
    # By hash: the choice is the same on every run, and independent of the order of the file.
    ranked = sorted(probes, key=lambda probe: hashlib.sha256(b"canary" + probe.id.encode()).digest())
    chosen = {probe.id for probe in ranked[:wanted]}
    repeated = [probe for probe in probes if probe.id in chosen]
    rest = [
        _question(probe, replicate, base)
        for replicate in range(samples)
        for probe in probes
        if probe.id not in chosen or replicate >= ROUNDS
    ]
    questions: list[ProbeRequest] = []
    for turn in range(ROUNDS):
        # The same request every time: with another seed, one model may give another answer, and hide a change of model.
        # Tried: another seed in every round; 0 of 10 full swaps noticed where seeds are honoured. See docs/log.md,
        # 2026-11-25.
        questions += [_question(probe, turn, base, canary=True) for probe in repeated]
        # After the last round nothing is left.
        questions += rest[turn * len(rest) // (ROUNDS - 1) : (turn + 1) * len(rest) // (ROUNDS - 1)]
    return Plan(tuple(questions), tuple(probe.id for probe in repeated))


def _question(probe: Probe, replicate: int, base: Request, *, canary: bool = False) -> ProbeRequest:
    system = probe.system if base.system is None else base.system
    seed = base.seed
    if replicate > 0 and not canary:
        # Without it, a provider that keeps answers to equal requests would return the first sample again.
        seed = (base.seed or 0) + replicate
    limit = base.max_tokens if probe.max_tokens is None else min(base.max_tokens, probe.max_tokens)
    request = replace(base, prompt=probe.prompt, system=system, seed=seed, max_tokens=limit)
    return ProbeRequest(probe.id, request, replicate)
