"""Sampling from the lab's models, many prompts of one length at a time.

Latent attention has two caches. The expanded keys and values are large. The latent is small, and `lab/latent.py` reads
it as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from torch import Tensor

from hydrometer.lab.latent import LatentSteps, has_latents
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


class Decoder:
    """Reads tokens step by step with a cache, in a `with` block."""

    def __init__(self, model: Network, *, cache_kind: CacheKind = "latent") -> None:
        """Args: the network, and what its latent attention keeps (other attention always keeps keys and values)."""
        from transformers import DynamicCache

        self.model, self.cache = model.eval(), DynamicCache()
        # Tried: latent re-expanded at every step, as transformers does it; 1,050 instead of 2,840 tokens a CPU second
        # at 256 prompts (measured 2026-11-23, 4.6 million parameters).
        latent = has_latents(model.lm)
        self._expand = latent and cache_kind == "expanded"
        self._steps = LatentSteps(model.lm, self.cache) if latent and not self._expand else None
        self._stack = ExitStack()

    def __enter__(self) -> Decoder:
        for layer in self.model.lm.model.layers if self._expand else []:
            self._stack.enter_context(_expanded(layer.self_attn, self.cache))
        return self

    def __exit__(self, *problem: object) -> None:
        self._stack.close()

    @torch.no_grad()
    def hidden(self, fresh_BT: Tensor) -> Tensor:
        """Reads on and returns the last hidden states after the final norm, shape (B, T, D)."""
        if self._steps is not None and fresh_BT.shape[1] == 1 and self.cache.get_seq_length():
            return self._steps.hidden(fresh_BT)
        out: Tensor = self.model.lm.model(input_ids=fresh_BT, use_cache=True, cache=self.cache).last_hidden_state
        return out

    @torch.no_grad()
    def logits(self, fresh_BT: Tensor) -> Tensor:
        """Reads on and returns the logits after the last token, fp32, shape (B, 1, V)."""
        out: Tensor = self.model.lm.lm_head(self.hidden(fresh_BT)[:, -1:]).float()
        return out

    def keep(self, rows: list[int]) -> None:
        """Goes on with these sequences only."""
        self.cache.batch_select_indices(torch.tensor(rows, dtype=torch.long, device=self.model.lm.device))


@torch.no_grad()
def sample(
    model: Network, prompts_BP: Tensor, *, n_new: int, temperature: float, generator: torch.Generator | None = None,
    cache_kind: CacheKind = "latent",
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
    tokens, fresh = prompts_BP, prompts_BP
    with Decoder(model, cache_kind=cache_kind) as decoder:
        for _ in range(n_new):
            fresh = _draw(decoder.logits(fresh)[:, -1], temperature, generator)
            tokens = torch.cat([tokens, fresh], dim=1)
    return tokens, cache_bytes(decoder.cache)


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
    # 128 at once by hand, 2026-11-25: sampling is 2.2, 3.9 and 7.4 times `generate` at 16, 64 and 256 prompts
    # (docs/log.md, 2026-11-26).
    parts = [
        sample(model, part, n_new=n_new, temperature=temperature, generator=generator)[0]
        for part in prompts_NP.split(at_once)
    ]
    return torch.cat(parts)
