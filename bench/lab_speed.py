"""Training speed of the lab on two cores beside one plain two-thread transformers process.

    python bench/lab_speed.py [--steps 6] [--rounds 3] [--only NAME ...] [--ways plain lab] [--write]

With --write a network's row takes its place in the page beside the rows of earlier calls, so that networks can be
measured one by one, each on an idle machine.

Needs the extra [lab]. Candidates, each in processes of its own, started in turn so that a busy machine hits all alike:

- plain: transformers' class, `loss.backward()`, `torch.optim.AdamW`, two threads, one model;
- lab: two processes, one thread and one model each, as `lab zoo build --workers 2` works;
- lab, compiled: the same with `compile = true` (needs a C++ compiler; the first process compiles, others reuse it).

Counted after warm-up, fp32. Tokens per second add up over the processes. On a shared machine wall time says little:
CPU seconds stand beside it, as tokens per CPU second times two cores. All train the same networks from the same seed on
the same tokens; the losses of the counted steps are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from marks import put

PAGE = Path(__file__).parents[1] / "docs/benchmarks/lab_speed.md"
MARK = "<!-- figures -->"
BATCH, LENGTH, VOCABULARY, WARM = 8, 256, 4096, 2
SHAPES: dict[str, dict[str, Any]] = {
    "Llama 5M": {"kind": "llama", "hidden_size": 256, "layers": 5, "heads": 8, "kv_heads": 4,
                 "intermediate_size": 704},
    "DeepSeek-V3-style 5M": {"kind": "deepseek", "hidden_size": 256, "layers": 4, "heads": 8, "kv_rank": 64,
                             "nope_dim": 32, "rope_dim": 16, "value_dim": 32, "dense_size": 768, "expert_size": 128,
                             "experts": 8, "experts_per_token": 2, "mtp": False},
    "Llama 15M": {"kind": "llama", "hidden_size": 448, "layers": 7, "heads": 8, "kv_heads": 4,
                  "intermediate_size": 1024},
    "DeepSeek-V3-style 15M": {"kind": "deepseek", "hidden_size": 384, "layers": 6, "heads": 8, "kv_rank": 96,
                              "nope_dim": 32, "rope_dim": 16, "value_dim": 32, "dense_size": 1152, "expert_size": 224,
                              "experts": 8, "experts_per_token": 2, "mtp": False},
}  # fmt: skip


def one(name: str, way: str, steps: int) -> dict[str, Any]:
    """Trains in this process and returns tokens, wall and CPU seconds, losses and parameters."""
    import torch

    from hydrometer.lab.network import Network, config_of, language_losses
    from hydrometer.lab.recipes import DeepSeekShape, LlamaShape, Training

    torch.set_num_threads(2 if way == "plain" else 1)
    torch.manual_seed(0)
    shape = (LlamaShape if SHAPES[name]["kind"] == "llama" else DeepSeekShape).model_validate(SHAPES[name])
    model = Network(config_of(shape, vocab_size=VOCABULARY, longest=2 * LENGTH)).train()
    stock = stock_of(model, config_of(shape, vocab_size=VOCABULARY, longest=2 * LENGTH)) if way == "plain" else None
    # What transformers cannot train stays out, so that the losses are of the same thing.
    training = Training(
        tokens=1, batch=BATCH, sequence_length=LENGTH, precision="fp32", balance_alpha=0.0, balance_step=0.0,
        compile=way == "compiled",
    )  # fmt: skip
    draws = torch.Generator().manual_seed(1)
    batches = [torch.randint(0, VOCABULARY, (BATCH, LENGTH + 1), generator=draws) for _ in range(WARM + steps)]
    if stock is not None:
        optimiser = torch.optim.AdamW(stock.parameters(), lr=training.learning_rate, betas=(0.9, 0.95),
                                      weight_decay=training.weight_decay)  # fmt: skip
    else:
        from hydrometer.lab.fit import optimiser_of

        optimiser = optimiser_of(model, training)
        if training.compile:
            model.lm.model.compile()

    def step(tokens: Any) -> float:
        optimiser.zero_grad(set_to_none=True)
        if stock is not None:
            logits = stock(input_ids=tokens[:, :-1]).logits
            loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())
        else:
            with model.routed() as seen:
                loss, _, _ = model(lambda: language_losses(model, tokens, seen, training))
        loss.backward()
        torch.nn.utils.clip_grad_norm_((stock or model).parameters(), training.clip)
        optimiser.step()
        return float(loss.detach())

    losses = [step(tokens) for tokens in batches[:WARM]]
    wall, busy = time.perf_counter(), time.process_time()
    losses += [step(tokens) for tokens in batches[WARM:]]
    return {
        "tokens": steps * BATCH * LENGTH, "wall": time.perf_counter() - wall, "cpu": time.process_time() - busy,
        "losses": losses, "parameters": sum(p.numel() for p in model.parameters()),
    }  # fmt: skip


def stock_of(model: Any, config: Any) -> Any:
    """Returns transformers' own network, untouched, with a lab network's weights."""
    from transformers import AutoModelForCausalLM

    stock = AutoModelForCausalLM.from_config(config)
    stock.load_state_dict(model.lm.state_dict())
    return stock


def together(name: str, way: str, steps: int) -> list[dict[str, Any]]:
    """Runs one process for plain, two for the lab, and returns what each measured."""
    command = [sys.executable, __file__, "--one", name, way, "--steps", str(steps)]
    threads = {"OMP_NUM_THREADS": "2" if way == "plain" else "1"}
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})
        for _ in range(1 if way == "plain" else 2)
    ]
    outputs = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit(f"{name}, {way}: a process failed")
    return [json.loads(out.splitlines()[-1]) for out in outputs]


def measure(name: str, ways: list[str], steps: int, rounds: int) -> str:
    """Returns one row of the table: medians over the rounds of each candidate's speed and of its ratio to plain."""
    wall: dict[str, list[float]] = {way: [] for way in ways}
    busy: dict[str, list[float]] = {way: [] for way in ways}
    losses: dict[str, list[float]] = {}
    size = 0
    for _ in range(rounds):
        for way in ways:
            found = together(name, way, steps)
            wall[way].append(sum(f["tokens"] / f["wall"] for f in found))
            busy[way].append(2 * sum(f["tokens"] for f in found) / sum(f["cpu"] for f in found))
            losses[way], size = found[0]["losses"], found[0]["parameters"]
    gap = max(abs(a - b) / a for way in ways[1:] for a, b in zip(losses["plain"], losses[way], strict=True))
    cells = [
        f"{median(speeds[way]):,.0f} ({median(a / b for a, b in zip(speeds[way], speeds['plain'], strict=True)):.2f})"
        for way in ways
        for speeds in (wall, busy)
    ]
    return f"| {name} | {size:,} | {' | '.join(cells)} | {gap:.1e} |"


def main() -> None:
    """Prints the table; with --write puts it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "WAY"), help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(SHAPES))
    parser.add_argument("--ways", nargs="+", default=["plain", "lab", "compiled"], help="plain first")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one, options.steps)))
        return
    heads = "".join(f" {way}, wall | {way}, CPU |" for way in options.ways)
    head = f"| network | parameters |{heads} largest gap of losses |\n|---|---|{'---|---|' * len(options.ways)}---|"
    page = PAGE.read_text(encoding="utf-8")
    table = page.split(MARK)[1]
    rows = {line.split("|")[1].strip(): line for line in table.splitlines()[3:]} if head in table else {}
    for name in options.only:
        rows[name] = measure(name, options.ways, options.steps, options.rounds)
        print(rows[name], flush=True)
    if options.write:
        table = "\n".join([head, *(rows[name] for name in SHAPES if name in rows)])
        PAGE.write_text(put(page, MARK, table), encoding="utf-8")


if __name__ == "__main__":
    main()
