"""Training speed of the lab on two cores beside one plain two-thread transformers process.

A network's row takes its place in the page beside the rows of earlier calls, so that networks can be measured one by
one (`--only`), each on an idle machine.

Needs the extra [lab]. Candidates, each in processes of its own:

- plain: transformers' class, `loss.backward()`, `torch.optim.AdamW`, two threads, one model;
- lab: two processes, one thread and one model each, as `lab zoo build --workers 2` works;
- compiled: the same with `compile = true` (needs a C++ compiler).

All are started first and trained a little; then they take turns of a few steps, the others waiting, so that what else
goes on at the host hits all alike. Medians over the rounds, of speeds and of each round's ratio to plain; fp32. Tokens
per second add up over the processes. CPU columns are tokens per CPU second times two cores. All train the same networks
from the same seed on the same tokens, at the rates of the first steps of a thousand; all losses are compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from frame import Inputs, NotMeasuredError, Page

WAYS = ("plain", "lab", "compiled")
FOLDER = str(Path(__file__).parent)
BATCH, LENGTH, VOCABULARY, WARM, STEPS = 8, 256, 4096, 2, 1000
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


def one(name: str, way: str) -> None:
    """Trains in this process: for every line with a number, so many steps, and prints what they took."""
    import torch

    from hydrometer.lab.fit import optimiser_of, rate_at
    from hydrometer.lab.network import Network, config_of, language_losses
    from hydrometer.lab.recipes import DeepSeekShape, LlamaShape, Training

    torch.set_num_threads(2 if way == "plain" else 1)
    torch.manual_seed(0)
    shape = (LlamaShape if SHAPES[name]["kind"] == "llama" else DeepSeekShape).model_validate(SHAPES[name])
    model = Network(config_of(shape, vocab_size=VOCABULARY, longest=2 * LENGTH)).train()
    stock = stock_of(model, config_of(shape, vocab_size=VOCABULARY, longest=2 * LENGTH)) if way == "plain" else None
    # What transformers cannot train stays out, so that the losses are of the same thing.
    training = Training(
        tokens=1, batch=BATCH, sequence_length=LENGTH, precision="fp32", balance_alpha=0.0, balance_step=0.0
    )
    draws = torch.Generator().manual_seed(1)
    if stock is not None:
        optimiser = torch.optim.AdamW(stock.parameters(), betas=(0.9, 0.95), weight_decay=training.weight_decay)
    else:
        optimiser = optimiser_of(model, training)
    if way == "compiled":
        model.lm.model.compile()

    def step(number: int) -> float:
        tokens = torch.randint(0, VOCABULARY, (BATCH, LENGTH + 1), generator=draws)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(number, STEPS, training)
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

    done = 0
    for line in sys.stdin:
        wall, busy, n = time.perf_counter(), time.process_time(), int(line)
        losses = [step(done + i) for i in range(n)]
        done += n
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        told = {"tokens": n * BATCH * LENGTH, "wall": wall, "cpu": busy, "losses": losses}
        print(json.dumps(told | {"parameters": sum(p.numel() for p in model.parameters())}), flush=True)


def stock_of(model: Any, config: Any) -> Any:
    """Returns transformers' own network, untouched, with a lab network's weights."""
    from transformers import AutoModelForCausalLM

    stock = AutoModelForCausalLM.from_config(config)
    stock.load_state_dict(model.lm.state_dict())
    return stock


def start(name: str, way: str) -> list[subprocess.Popen[str]]:
    """Starts one process for plain, two for the lab."""
    call = f"import sys; sys.path.insert(0, {FOLDER!r}); import lab_speed; lab_speed.one({name!r}, {way!r})"
    command = [sys.executable, "-c", call]
    environment = {**os.environ, "OMP_NUM_THREADS": "2" if way == "plain" else "1"}
    return [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(1 if way == "plain" else 2)
    ]


def turn(team: list[subprocess.Popen[str]], steps: int) -> list[dict[str, Any]]:
    """Lets the processes of one candidate train so many steps at the same time."""
    for process in team:
        assert process.stdin is not None
        print(steps, file=process.stdin, flush=True)
    lines = [process.stdout.readline() for process in team if process.stdout is not None]
    if not all(lines):
        raise SystemExit("a process failed")
    return [json.loads(line) for line in lines]


def row_of(name: str, ways: Sequence[str], steps: int, rounds: int) -> str:
    """Returns one row of the table: medians over the rounds of each candidate's speed and of its ratio to plain."""
    teams = {way: start(name, way) for way in ways}
    wall: dict[str, list[float]] = {way: [] for way in ways}
    busy: dict[str, list[float]] = {way: [] for way in ways}
    losses = {way: list(turn(teams[way], WARM)[0]["losses"]) for way in ways}
    size = 0
    for _ in range(rounds):
        for way, team in teams.items():
            found = turn(team, steps)
            wall[way].append(sum(f["tokens"] / f["wall"] for f in found))
            busy[way].append(2 * sum(f["tokens"] for f in found) / sum(f["cpu"] for f in found))
            losses[way] += found[0]["losses"]
            size = found[0]["parameters"]
    for team in teams.values():
        for process in team:
            process.communicate()
    cells = [
        f"{median(speeds[way]):,.0f} ({median(a / b for a, b in zip(speeds[way], speeds['plain'], strict=True)):.2f})"
        for way in ways
        for speeds in (wall, busy)
    ]
    gaps = [max(abs(a - b) / a for a, b in zip(losses["plain"], losses[way], strict=True)) for way in ways[1:]]
    return f"| {name} | {size:,} | {' | '.join(cells)} | {', '.join(f'{gap:.1e}' for gap in gaps)} |"


def measure(inputs: Inputs) -> Page:
    """Measures the networks that are asked for; the other rows stay as they are."""
    names = inputs.words("only") or list(SHAPES)
    if unknown := set(names) - set(SHAPES):
        raise NotMeasuredError(f"no network {', '.join(sorted(unknown))}: {', '.join(SHAPES)}")
    heads = "".join(f" {way}, wall | {way}, CPU |" for way in WAYS)
    head = f"| network | parameters |{heads} largest gaps of losses |\n|---|---|{'---|---|' * len(WAYS)}---|"
    page = inputs.bench.on_page()
    earlier = [line for line in page.splitlines() if line.startswith("|")] if head in page else []
    rows = {line.split("|")[1].strip(): line for line in earlier[2:]}
    for name in names:
        rows[name] = row_of(name, WAYS, inputs["steps"], 1 if inputs.quick else inputs["rounds"])
        print(rows[name], file=sys.stderr, flush=True)
    return Page("\n".join([head, *(rows[name] for name in SHAPES if name in rows)]))
