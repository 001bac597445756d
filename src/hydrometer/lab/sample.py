"""Sampling from the lab's models, many prompts of one length at a time.

Latent attention has two caches. The expanded keys and values are large. The latent is small, and it is read as it
stands: the up-projections of keys and values move into the query and the output (DeepSeek-V2, arXiv:2405.04434, section
2.1.2), where transformers computes keys and values of the whole prefix again at every step. The tokens are the same.
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


@contextmanager
def _latent(attention: Any, cache: Any) -> Iterator[None]:
    """Lets one layer of latent attention read the latent itself; several tokens at once go the usual way."""
    forward = attention.forward

    def read(hidden_states: Tensor, position_embeddings: tuple[Tensor, Tensor], *rest: Any, **options: Any) -> Any:
        if hidden_states.shape[1] > 1:
            return forward(hidden_states, position_embeddings, *rest, **options)
        return _absorbed(attention, cache, hidden_states, position_embeddings), None

    attention.forward = read
    try:
        yield
    finally:
        del attention.forward


def _absorbed(attention: Any, cache: Any, hidden_B1D: Tensor, place: tuple[Tensor, Tensor]) -> Tensor:
    """Returns what one token attends to, shape (B, 1, D). Axes: H heads, S tokens so far, R rank, N, P, W widths."""
    from transformers.models.deepseek_v3.modeling_deepseek_v3 import apply_rotary_pos_emb_interleave

    at = attention
    n_heads, rank, nope = at.num_heads, at.kv_lora_rank, at.qk_nope_head_dim
    query = at.q_proj(hidden_B1D) if at.q_proj is not None else at.q_b_proj(at.q_a_layernorm(at.q_a_proj(hidden_B1D)))
    query_BH1 = query.view(len(query), 1, n_heads, -1).transpose(1, 2)
    latent, rotary = at.kv_a_proj_with_mqa(hidden_B1D).split([rank, at.qk_rope_head_dim], dim=-1)
    turned_BH1P, rotary_B11P = apply_rotary_pos_emb_interleave(query_BH1[..., nope:], rotary[:, None], *place)
    latent_B1SR, rotary_B1SP = cache.update(at.kv_a_layernorm(latent)[:, None], rotary_B11P, at.layer_idx)
    up_HXR = at.kv_b_proj.weight.view(n_heads, -1, rank)
    query_BHR = torch.einsum("bhn,hnr->bhr", query_BH1[:, :, 0, :nope], up_HXR[:, :nope])
    scores_BHS = query_BHR @ latent_B1SR[:, 0].mT + turned_BH1P[:, :, 0] @ rotary_B1SP[:, 0].mT
    weights_BHS = torch.softmax(scores_BHS * at.scaling, dim=-1, dtype=torch.float32).to(query.dtype)
    read_BHW = torch.einsum("bhr,hwr->bhw", weights_BHS @ latent_B1SR[:, 0], up_HXR[:, nope:])
    out: Tensor = at.o_proj(read_BHW.flatten(1)[:, None])
    return out


class Decoder:
    """Reads tokens step by step with a cache, in a `with` block."""

    def __init__(self, model: Network, *, cache_kind: CacheKind = "latent") -> None:
        """Args: the network, and what its latent attention keeps (other attention always keeps keys and values)."""
        from transformers import DynamicCache

        self.model, self.cache, self._kind = model.eval(), DynamicCache(), cache_kind
        self._named = "past_key_values" if model.config.model_type == "llama" and not _new_name(model) else "cache"
        self._stack = ExitStack()

    def __enter__(self) -> Decoder:
        keeping = _expanded if self._kind == "expanded" else _latent
        for layer in self.model.lm.model.layers:
            if hasattr(layer.self_attn, "expand_kv"):
                self._stack.enter_context(keeping(layer.self_attn, self.cache))
        return self

    def __exit__(self, *problem: object) -> None:
        self._stack.close()

    @torch.no_grad()
    def hidden(self, fresh_BT: Tensor) -> Tensor:
        """Reads on and returns the last hidden states after the final norm, shape (B, T, D)."""
        named = {self._named: self.cache}
        out: Tensor = self.model.lm.model(input_ids=fresh_BT, use_cache=True, **named).last_hidden_state
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
