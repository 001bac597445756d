"""Measures the lab's latent attention, experts and multi-token module beside plain networks, on one core.

Needs the extra [lab]. Text is the help that comes with Python (`pydoc_data`), so that nothing is fetched. Speeds are
tokens per CPU second of this process, the best of two rounds in which the candidates take turns; the largest networks
are untrained, for speed does not depend on what a network has learnt. Training is kept in `--work` and goes on where
it was.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frame import Inputs, NotMeasuredError, Page

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROUNDS = 2
TOKENS = 300_000
BATCHES = (16, 64, 256)
RECIPE = """
name = "{name}"
seed = 3
text = ["text.txt"]
vocab_size = 1024
[model]
kind = "deepseek"
hidden_size = 128
layers = 4
heads = 4
kv_rank = 32
nope_dim = 32
rope_dim = 16
value_dim = 32
dense_size = 384
expert_size = 96
experts = 8
experts_per_token = 2
[training]
tokens = {tokens}
batch = 16
sequence_length = 128
precision = "fp32"
balance_step = {step}
balance_alpha = {alpha}
"""


def network(kind: str, **changes: Any) -> Any:
    """Returns an untrained network of about five million parameters."""
    import torch

    from hydrometer.lab.network import Network, config_of
    from hydrometer.lab.recipes import DeepSeekShape, LlamaShape

    torch.manual_seed(0)
    if kind == "deepseek":
        values: dict[str, Any] = {
            "kind": "deepseek", "hidden_size": 256, "layers": 4, "heads": 8, "kv_rank": 64, "nope_dim": 32,
            "rope_dim": 16, "value_dim": 32, "dense_layers": 4, "dense_size": 768, "expert_size": 128, "experts": 8,
            "experts_per_token": 2, "mtp": False,
        }  # fmt: skip
        shape: Any = DeepSeekShape.model_validate(values | changes)
    else:
        shape = LlamaShape(
            kind="llama", hidden_size=256, layers=4, heads=8, intermediate_size=768, **({"kv_heads": 8} | changes)
        )
    model = Network(config_of(shape, vocab_size=4096, longest=2048)).eval()
    return model


def stock(model: Any) -> Any:
    """Returns transformers' own network, untouched, with the weights of a lab network."""
    import copy

    from transformers import AutoModelForCausalLM

    config = copy.deepcopy(model.config)
    config._attn_implementation = "sdpa"
    own = AutoModelForCausalLM.from_config(config).eval()
    own.load_state_dict(model.lm.state_dict())
    # An end token would end rows at different lengths.
    own.generation_config.eos_token_id = None
    return own


def generated(own: Any, prompts: Any, n_new: int) -> Any:
    """Returns what transformers' own `generate` writes, greedy."""
    import torch

    with torch.no_grad():
        return own.generate(prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=n_new, do_sample=False)


def rates(runs: dict[str, Callable[[], Any]], n_tokens: int) -> dict[str, float]:
    """Returns the best tokens per CPU second of each; they take turns, so that a busy machine hits all alike."""
    best = dict.fromkeys(runs, 0.0)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.process_time()
            run()
            best[name] = max(best[name], n_tokens / (time.process_time() - start))
    return best


def twins(quick: bool) -> list[str]:
    """Latent attention beside multi-head and grouped-query attention, the rest alike."""
    import torch

    from hydrometer.lab.network import architecture
    from hydrometer.lab.sample import sample

    batch, read, n_new = (4, 64, 16) if quick else (16, 256, 128)
    prompts = torch.randint(1, 4096, (batch, read))
    models = {"MLA": network("deepseek"), "MHA": network("llama"), "GQA, 4 queries a key": network("llama", kv_heads=2)}
    ways = [("MLA", "latent"), ("MLA", "expanded"), ("MHA", "expanded"), ("GQA, 4 queries a key", "expanded")]
    runs = {
        f"{name}, {way} cache" if name == "MLA" else name: (
            lambda n=name, w=way: sample(models[n], prompts, n_new=n_new, temperature=0, cache_kind=w)
        )
        for name, way in ways
    }
    own = stock(models["MLA"])
    runs["MLA, transformers' `generate`"] = lambda: generated(own, prompts, n_new)
    found = rates(runs, batch * n_new)
    held = read + n_new - 1
    lines = [
        f"Batch {batch}, {read} tokens read, {n_new} written, fp32, dense networks of the same width and depth.",
        "",
        "| attention | parameters | cache, bytes measured | by the formula | bytes a token | tokens per CPU second |",
        "|---|---|---|---|---|---|",
    ]
    for name, run in runs.items():
        model = models[name.split(", ")[0] if name.startswith("MLA") else name]
        size = sum(p.numel() for p in model.parameters())
        if "generate" in name:
            lines.append(f"| {name} | {size:,} | latent too | | | {found[name]:,.0f} |")
            continue
        measured = run()[1]
        counted = batch * architecture(model.config).cache_bytes(held, bytes_per_value=4.0)
        if "expanded" in name:
            heads, config = model.config.num_attention_heads, model.config
            width = config.qk_nope_head_dim + config.qk_rope_head_dim + config.v_head_dim
            counted = batch * held * config.num_hidden_layers * heads * width * 4
        assert measured == counted, (name, measured, counted)
        lines.append(
            f"| {name} | {size:,} | {measured:,} | {counted:,.0f} | {measured // (batch * held):,} "
            f"| {found[name]:,.0f} |"
        )
    return lines


def sampling(quick: bool) -> list[str]:
    """The lab's sampler beside transformers' `generate` on a teacher with experts."""
    import torch

    from hydrometer.lab.sample import sample

    model = network("deepseek", dense_layers=1)
    own = stock(model)
    n_new = 12 if quick else 120
    lines = [
        f"DeepSeek-V3-style, {sum(p.numel() for p in model.parameters()):,} parameters, prompts of 16 tokens, "
        f"{n_new} written, greedy.",
        "",
        "| batch | `generate` | expanded cache | times | latent cache | times | same tokens |",
        "|---|---|---|---|---|---|---|",
    ]
    for batch in (4,) if quick else BATCHES:
        prompts = torch.randint(1, 4096, (batch, 16))
        written: dict[str, Any] = {}

        def keep(name: str, tokens: Any, written: dict[str, Any] = written) -> None:
            written[name] = tokens

        def ours(way: Any, prompts: Any = prompts, keep: Any = keep) -> None:
            keep(way, sample(model, prompts, n_new=n_new, temperature=0, cache_kind=way)[0])

        runs: dict[str, Callable[[], Any]] = {
            "generate": lambda p=prompts, k=keep: k("generate", generated(own, p, n_new)),
            "expanded": lambda o=ours: o("expanded"),
            "latent": lambda o=ours: o("latent"),
        }
        found = rates(runs, batch * n_new)
        same = [bool(torch.equal(written["generate"], written[way])) for way in ("expanded", "latent")]
        base = found["generate"]
        lines.append(
            f"| {batch} | {base:,.0f} | {found['expanded']:,.0f} | {found['expanded'] / base:.2f} "
            f"| {found['latent']:,.0f} | {found['latent'] / base:.2f} | {'all' if all(same) else same} |"
        )
    return lines


def trained(work: Path, name: str, tokens: int, *, step: float, alpha: float) -> Path:
    """Trains a small network on Python's help, or takes the one that is there."""
    import pydoc_data.topics

    from hydrometer.lab.recipes import TrainRecipe, read_recipe
    from hydrometer.lab.train import train

    work.mkdir(parents=True, exist_ok=True)
    text = "\f".join(pydoc_data.topics.topics[k] for k in sorted(pydoc_data.topics.topics))
    cut = len(text) * 9 // 10
    (work / "text.txt").write_text(text[:cut], encoding="utf-8")
    (work / "held_out.txt").write_text(text[cut:], encoding="utf-8")
    path = work / f"{name}.toml"
    path.write_text(RECIPE.format(name=name, tokens=tokens, step=step, alpha=alpha), encoding="utf-8")
    out = work / f"{name}-{tokens}"
    if not (out / "run.json").exists():
        train(read_recipe(path, TrainRecipe)[0], path, out)
    return out


def balance(work: Path, quick: bool) -> list[str]:
    """How evenly experts are used, with and without the update of the routing bias."""
    import json

    tokens = 40_000 if quick else TOKENS
    lines = [
        f"Four layers, the last three and the multi-token module with 8 experts, 2 a token; {tokens:,} tokens of "
        "prose. Largest load over the mean, worst layer.",
        "",
        "| update of the bias | balance loss | first 20 steps | last 20 steps | loss at the end |",
        "|---|---|---|---|---|",
    ]
    for name, step, alpha in (("both", 1e-3, 1e-4), ("neither", 0.0, 0.0)):
        curve = json.loads((trained(work, name, tokens, step=step, alpha=alpha) / "curve.json").read_text())
        loads, losses = [row["largest_load"] for row in curve], [row["loss"] for row in curve[-20:]]
        lines.append(
            f"| {'0.001 a step' if step else 'none'} | {alpha or 'none'} | {sum(loads[:20]) / 20:.2f} "
            f"| {sum(loads[-20:]) / 20:.2f} | {sum(losses) / len(losses):.3f} |"
        )
    return lines


def drafts(work: Path, quick: bool) -> list[str]:
    """The multi-token module as a draft on held-out text."""
    import torch

    from hydrometer.lab.corpus import pack, read_text, token_stream
    from hydrometer.lab.files import load_model
    from hydrometer.lab.sample import sample
    from hydrometer.lab.speculate import draft_and_check
    from hydrometer.stats.clustered import clustered_rate

    model, tokenizer = load_model(trained(work, "both", 40_000 if quick else TOKENS, step=1e-3, alpha=1e-4))
    stream = token_stream(tokenizer, [read_text(work / "held_out.txt")])
    n, n_new = (2, 16) if quick else (30, 60)
    blocks = pack(stream, length=32, where="held out")
    prompts = torch.from_numpy(blocks[:: len(blocks) // n][:n, :32])
    checked, plain, same, hits, owner = 0.0, 0.0, 0, [], []
    passes = 0
    for i, prompt in enumerate(prompts):
        start = time.process_time()
        found = draft_and_check(model, prompt, n_new=n_new)
        checked += time.process_time() - start
        start = time.process_time()
        own, _ = sample(model, prompt[None], n_new=n_new, temperature=0)
        plain += time.process_time() - start
        same += bool(torch.equal(found.tokens_T, own[0]))
        hits += [True] * found.accepted + [False] * (found.proposed - found.accepted)
        owner += [i] * found.proposed
        passes += found.passes
    import numpy as np

    rate = clustered_rate(np.array(hits), np.array(owner))
    return [
        f"{n} prompts of 32 tokens from text not trained on, {n_new} tokens each, one prompt at a time, greedy.",
        "",
        "| | |",
        "|---|---|",
        f"| drafts accepted | {rate.estimate:.1%} ({rate.low:.1%} to {rate.high:.1%}, 95 % over prompts) |",
        f"| tokens a pass of the network | {n * n_new / passes:.2f} |",
        f"| tokens per CPU second, plain | {n * n_new / plain:,.0f} |",
        f"| tokens per CPU second, with drafts | {n * n_new / checked:,.0f} |",
        f"| same tokens as plain | {same} of {n} prompts |",
    ]


SECTIONS: dict[str, tuple[str, Callable[[Path, bool], list[str]]]] = {
    "cache": ("Cache and speed of decoding", lambda work, quick: twins(quick)),
    "sampling": ("Sampling from teachers", lambda work, quick: sampling(quick)),
    "balance": ("Balance of the experts", balance),
    "drafts": ("Multi-token prediction as a draft", drafts),
}


def measure(inputs: Inputs) -> Page:
    """Measures the sections that are asked for; the others stay as they are on the page."""
    import torch
    import transformers

    torch.set_num_threads(1)
    names = inputs.words("only") or list(SECTIONS)
    if unknown := set(names) - set(SECTIONS):
        raise NotMeasuredError(f"no section {', '.join(sorted(unknown))}: {', '.join(SECTIONS)}")
    parts = (part.partition("\n") for part in inputs.bench.on_page().split("\n## ")[1:])
    told = {heading: body.strip("\n") for heading, _, body in parts}
    for name in names:
        heading, section = SECTIONS[name]
        told[heading] = "\n".join(section(inputs["work"], inputs.quick))
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, {platform.machine()}"
    sections = [f"## {heading}\n\n{told[heading]}" for heading, _ in SECTIONS.values() if heading in told]
    return Page("\n\n".join([f"{versions}, one thread, fp32.", *sections]))
