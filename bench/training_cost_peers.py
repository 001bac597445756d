"""What other tools make of the runs whose shape is known: llm-analysis, and the EleutherAI cookbook's formula."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from fit_utilisation import Run
from hydrometer.store.reference import find_accelerator
from parameter_counts import FILE as CHECKPOINTS

SHAPES = {
    "LLaMA-7B": ("LLaMA-7B", 2048),
    "LLaMA-13B": ("LLaMA-13B", 2048),
    "LLaMA-65B": ("LLaMA-65B", 2048),
    "Llama-2-70B": ("Llama-2-70B", 4096),
    "Llama-3-8B": ("Llama-3.1-8B", 8192),
    "Llama-3.1-8B": ("Llama-3.1-8B", 8192),
    "Llama-3-70B": ("Llama-3.1-70B", 8192),
    "Llama-3.1-70B": ("Llama-3.1-70B", 8192),
    "Llama-3.1-405B": ("Llama-3.1-405B", 8192),
    "DeepSeek LLM 67B": ("DeepSeek-LLM-67B", 4096),
    "BLOOM-176B": ("BLOOM-176B", 2048),
    "Pythia-12B": ("Pythia-12B", 2048),
    "MPT-7B": ("MPT-7B", 2048),
    "Nemotron-4-15B": ("Nemotron-4-15B-like", 4096),
    "DeepSeek-V2": ("DeepSeek-V2", 4096),
    "DeepSeek-V3": ("DeepSeek-V3", 4096),
}
"""Runs of the table whose shape is in bench/checkpoints.json, and their sequence length."""
_CHIPS = {"A100-SXM-40GB": "a100-sxm-40gb", "A100-SXM-80GB": "a100-sxm-80gb"}


def _shape(run: Run) -> dict[str, Any] | None:
    if run.model not in SHAPES:
        return None
    found: dict[str, Any] = json.loads(CHECKPOINTS.read_text(encoding="utf-8"))[SHAPES[run.model][0]]["config"]
    return found


def _first(config: dict[str, Any], *keys: str, default: int = 0) -> int:
    return int(next((config[key] for key in keys if config.get(key) is not None), default))


def _case(run: Run, config: dict[str, Any]) -> dict[str, Any]:
    d, heads = _first(config, "hidden_size", "d_model"), _first(config, "num_attention_heads", "n_head", "n_heads")
    length = SHAPES[run.model][1]
    network = {
        "name": run.model,
        "num_layers": _first(config, "num_hidden_layers", "n_layer", "n_layers"),
        "n_head": heads,
        "hidden_dim": d,
        "vocab_size": config["vocab_size"],
        "max_seq_len": length,
        "num_key_value_heads": _first(config, "num_key_value_heads", default=heads),
        # It rejects a width that d does not divide; its own files give SwiGLU networks 4·d without a gate, as here.
        "ffn_embed_dim": _first(config, "intermediate_size", default=4 * d) if run.shape.mixture else 4 * d,
        "model_type": config["model_type"],
    }
    if run.shape.mixture:
        network["moe_num_experts"] = config["n_routed_experts"]
        network["moe_top_k"] = config["num_experts_per_tok"]
    return {
        "config": network,
        # It knows no H800; the H100 has the same peak.
        "accelerator": _CHIPS.get(run.accelerator, "h100-sxm-80gb"),
        "tokens": run.tokens,
        "sequence_length": length,
        "gated": run.shape.mixture,
    }


def llm_analysis(runs: list[Run], python: Path) -> dict[str, float | str]:
    """Returns the utilisation-free hours (at an efficiency of 1) or the error of every run whose shape is known."""
    known = [(run, config) for run in runs if (config := _shape(run)) is not None]
    done = subprocess.run(
        [str(python), str(Path(__file__).parent / "peers/llm_analysis_hours.py")],
        input=json.dumps([_case(run, config) for run, config in known]),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout.strip().splitlines()[-1])
    return {run.model: answer for (run, _), answer in zip(known, answers, strict=True)}


def cookbook_hours(run: Run) -> float | None:
    """Returns the hours at full peak by the EleutherAI cookbook's formula, or None where the shape is not known.

    As its calc_transformer_flops stood in 2026: attention in full, feed-forward networks always 4·d wide with two
    matrices, the output head counted once.
    """
    config = _shape(run)
    if config is None:
        return None
    case = _case(run, config)["config"]
    d, s, ratio = case["hidden_dim"], case["max_seq_len"], case["num_key_value_heads"] / case["n_head"]
    layer = 2 * d * d * (2 + 2 * ratio) + 4 * s * d + 16 * d * d
    experts = case.get("moe_top_k", 1)
    layer += 16 * d * d * (experts - 1)
    flop = run.tokens * (3 * case["num_layers"] * layer + 2 * d * case["vocab_size"])
    return flop / (find_accelerator(run.accelerator).bf16_flop_per_second * 3600)
