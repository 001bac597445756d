"""Audits the models of a zoo whose weights ship: asked live where torch is at hand, else by their recorded answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from hydrometer.errors import InputError
from hydrometer.instruments.attribution.open import open_attributor
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.known_cases.zoo import KnownCase, known_case
from hydrometer.lab.zoo_panel import CASES, read_tree
from hydrometer.lab.zoo_weights import MODELS, Shipped, read_shipped
from hydrometer.panel.folder import RESPONSES

Progress = Callable[[str, int, int], None]


class LiveCase(KnownCase):
    """What attribution says of a model that was asked, beside the truth."""

    live: bool
    """Whether the weights answered now; otherwise the answers are those recorded when the zoo was built."""
    n_probes: int
    parameters: int
    weights_sha256: str


def _nothing(what: str, done: int, total: int) -> None:
    pass


def audit_live(
    # All 200 probes. Tried: every second one; the plain control is then told "t3, or its text", which is wrong. See
    # docs/lab.md.
    folder: Path, *, n_probes: int = 200, live: bool | None = None, alpha: float = 0.05, cache: Path | None = None,
    progress: Progress = _nothing,
) -> list[LiveCase]:  # fmt: skip
    """Asks every model whose weights ship and judges it as if its teacher were unknown.

    Args:
        folder: the zoo's panel.
        n_probes: how many of its probes to ask, evenly spread; of recorded answers all are judged.
        live: ask the weights; if None, wherever torch and transformers are installed.
        alpha: rate of false accusations.
        cache: where the panel's index goes if the folder cannot be written.
        progress: called as the work goes on.

    Raises:
        InputError: if no weights ship, a file of theirs has changed, or torch is missing.
    """
    shipped = read_shipped(folder)
    tree = {m.name: m for m in read_tree(folder)}
    for about in shipped:
        if about.name not in tree:
            raise InputError(
                f"'{about.name}' is not of this zoo", cure="see `hydrometer lab zoo list`", where=str(folder)
            )
    asked_now = all(find_spec(name) is not None for name in ("torch", "transformers")) if live is None else live
    attributor = open_attributor(folder, alpha=alpha, cache=cache, progress=progress)
    prompts = attributor.panel.prompts
    n = min(n_probes if asked_now else len(prompts), len(prompts))
    # Evenly spread: neighbouring windows of the held-out text are of one document.
    probes = [i * len(prompts) // n for i in range(n)]
    found = []
    for about in shipped:
        if asked_now:
            texts = _ask(folder / MODELS / about.name, about, {p: prompts[p] for p in probes}, progress)
        else:
            texts = _recorded(folder, about.name, attributor, probes)
        case = known_case(tree, tree[about.name], attributor.judge(_subject(attributor, about.name, texts, asked_now)))
        found.append(
            LiveCase(
                **case.model_dump(), live=asked_now, n_probes=len(texts), parameters=about.parameters,
                weights_sha256=about.sha256["model.safetensors"],
            )
        )  # fmt: skip
    return found


def _subject(attributor: Attributor, name: str, texts: Mapping[int, str], live: bool) -> Subject:
    """Returns the model as a stranger: what the panel holds of it helps nobody."""
    panel = attributor.panel
    place = panel.models.index(name) if name in panel.models else None
    if place is not None and not live:
        return Subject(panel.lineage_of(name), texts, place, frozenset(), ())
    copies = frozenset() if place is None else frozenset({place})
    return Subject(panel.lineage_of(name), texts, None, copies, ())


def _recorded(folder: Path, name: str, attributor: Attributor, probes: list[int]) -> dict[int, str]:
    ids = list(attributor.panel.probes)
    place = {ids[p]: p for p in probes}
    for file in (RESPONSES, CASES):
        if not (folder / file).exists():
            continue
        rows = pl.read_parquet(folder / file, columns=["model", "probe", "response"]).filter(pl.col("model") == name)
        if len(rows):
            return {place[p]: text for p, text in zip(rows["probe"], rows["response"], strict=True) if p in place}
    raise InputError(f"no recorded answers of '{name}'", cure="build the zoo's panel again", where=str(folder))


def _ask(weights: Path, about: Shipped, prompts: Mapping[int, str], progress: Progress) -> dict[int, str]:
    """Asks one model through its target, as the panel's members were asked."""
    from hydrometer.records.exchange import Request
    from hydrometer.targets.open import open_target

    async def all_of_them() -> dict[int, str]:
        target = open_target(str(weights), model=about.name)
        done = 0

        async def one(probe: int, prompt: str) -> tuple[int, str | None]:
            nonlocal done
            reply = await target.ask(
                Request(prompt=prompt, max_tokens=about.answer_tokens, temperature=about.temperature, seed=probe)
            )
            done += 1
            progress(f"Asking {about.name}", done, len(prompts))
            return probe, reply.text

        try:
            # All at once: they share batches, and each row draws by its own seed.
            found = await asyncio.gather(*(one(probe, prompt) for probe, prompt in prompts.items()))
        finally:
            await target.close()
        return {probe: text for probe, text in found if text}

    return asyncio.run(all_of_them())
