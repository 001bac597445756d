"""Sampling from the lab's models, many prompts of one length at a time.

Latent attention has two caches: the latent, as DeepSeek serves it (small, but keys and values are computed again at
every step), and the expanded keys and values (large, quick at this size). The tokens are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from torch import Tensor

from hydrometer.lab.network import Network

CacheKind = Literal["expanded", "latent"]


@contextmanager
def _expanded(attention: Any, cache: Any) -> Iterator[None]:
    """Lets one layer of latent attention keep keys and values instead of the latent."""
    forward, expand = attention.forward, attention.expand_kv

    def without_cache(*arguments: Any, **options: Any) -> Any:
        options["cache"] = None
        return forward(*arguments, **options)

    def expand_and_keep(latent: Tensor, rotary: Tensor) -> Any:
        return cache.update(*expand(latent, rotary), attention.layer_idx)

    attention.forward, attention.expand_kv = without_cache, expand_and_keep
    try:
        yield
    finally:
        del attention.forward, attention.expand_kv


@torch.no_grad()
def sample(
    model: Network, prompts_BP: Tensor, *, n_new: int, temperature: float, generator: torch.Generator | None = None,
    cache_kind: CacheKind = "expanded",
) -> tuple[Tensor, int]:  # fmt: skip
    """Returns prompts with their continuations, shape (B, P + n_new), and the bytes of the cache at the end.

    Args:
        model: the network.
        prompts_BP: prompts of one length.
        n_new: tokens to write; `END` does not stop a sample, for all must have one length.
        temperature: 0 takes the likeliest token.
        generator: of the draws; needed above temperature 0.
        cache_kind: what latent attention keeps.
    """
    from transformers import DynamicCache

    model.eval()
    cache = DynamicCache()
    tokens, fresh = prompts_BP, prompts_BP
    with ExitStack() as stack:
        if cache_kind == "expanded":
            for layer in model.lm.model.layers:
                if hasattr(layer.self_attn, "expand_kv"):
                    stack.enter_context(_expanded(layer.self_attn, cache))
        named = "past_key_values" if model.config.model_type == "llama" and not _new_name(model) else "cache"
        for _ in range(n_new):
            hidden = model.lm.model(input_ids=fresh, use_cache=True, **{named: cache}).last_hidden_state[:, -1]
            logits = model.lm.lm_head(hidden).float()
            fresh = _draw(logits, temperature, generator)
            tokens = torch.cat([tokens, fresh], dim=1)
    return tokens, cache_bytes(cache)


def _new_name(model: Network) -> bool:
    import inspect

    return "cache" in inspect.signature(type(model.lm.model).forward).parameters


def _draw(logits_BV: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    if temperature == 0:
        return logits_BV.argmax(-1, keepdim=True)
    return torch.multinomial(torch.softmax(logits_BV / temperature, dim=-1), 1, generator=generator)


def cache_bytes(cache: Any) -> int:
    """Returns the bytes that a cache holds."""
    held = [t for layer in cache.layers for t in (layer.keys, layer.values) if t is not None]
    return sum(t.numel() * t.element_size() for t in held)


def sample_many(
    model: Network, prompts_NP: Tensor, *, n_new: int, temperature: float, seed: int, at_once: int = 128
) -> Tensor:
    """Returns continuations of many prompts, shape (N, P + n_new): see `sample`."""
    generator = torch.Generator(device=prompts_NP.device).manual_seed(seed)
    parts = [
        sample(model, part, n_new=n_new, temperature=temperature, generator=generator)[0]
        for part in prompts_NP.split(at_once)
    ]
    return torch.cat(parts)
