"""One token a sequence through a network with latent attention, the latent read as it stands.

The up-projections of keys and values move into the query and the output (DeepSeek-V2, arXiv:2405.04434, section 2.1.2),
where transformers computes keys and values of the whole prefix again at every step. The tokens are the same.

Many small products cost more than few large ones, and at few rows a product with a weight that is laid out input by
input is a third quicker: the layers' weights are therefore copied, joined and turned before the first step.

Axes: B sequences, D hidden size, H heads, S tokens so far, R rank, N, P, W widths of a head, E experts with the shared
ones, I their width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

# Measured at 16 and 64 prompts, 2026-11-26: all experts side by side 2.86 instead of 2.52 times `generate` at 16; above
# 16 tokens an expert the chosen ones alone are quicker (docs/log.md).
_FEW = 16
"""Tokens an expert gets on average, up to which all experts read all tokens."""


def has_latents(lm: Any) -> bool:
    """Returns whether a model of transformers has latent attention in every layer."""
    return all(hasattr(layer.self_attn, "expand_kv") for layer in lm.model.layers)


class LatentSteps:
    """Reads on, one token a sequence, with a cache that transformers has filled. Weights must not change meanwhile."""

    @torch.no_grad()
    def __init__(self, lm: Any, cache: Any) -> None:
        self.model, self.cache = lm.model, cache
        self.layers = [(_Attention(layer), _FeedForward(layer)) for layer in lm.model.layers]

    @torch.no_grad()
    def hidden(self, tokens_B1: Tensor) -> Tensor:
        """Returns the last hidden states after the final norm, shape (B, 1, D)."""
        hidden_BD = self.model.embed_tokens(tokens_B1)[:, 0]
        place = torch.tensor([[self.cache.get_seq_length()]], device=tokens_B1.device)
        turns = [part[0, 0].chunk(2)[0] for part in self.model.rotary_emb(hidden_BD, place)]
        for attend, feed in self.layers:
            hidden_BD = hidden_BD + attend(hidden_BD, self.cache, *turns)
            hidden_BD = hidden_BD + feed(hidden_BD)
        out: Tensor = self.model.norm(hidden_BD)[:, None]
        return out


class _Attention:
    def __init__(self, layer: Any) -> None:
        at = layer.self_attn
        self.norm, self.at = layer.input_layernorm, at
        first = at.q_proj if at.q_proj is not None else at.q_a_proj
        self.to_query_and_latent = _columns(first.weight, at.kv_a_proj_with_mqa.weight)
        self.to_query = None if at.q_proj is not None else _columns(at.q_b_proj.weight)
        self.up_HXR = at.kv_b_proj.weight.detach().view(at.num_heads, -1, at.kv_lora_rank)
        self.out = _columns(at.o_proj.weight)

    def __call__(self, hidden_BD: Tensor, cache: Any, cos_P: Tensor, sin_P: Tensor) -> Tensor:
        """Returns what one token of each sequence attends to, shape (B, D)."""
        at, nope = self.at, self.at.qk_nope_head_dim
        widths = [at.kv_lora_rank, at.qk_rope_head_dim]
        joined = self.norm(hidden_BD) @ self.to_query_and_latent
        query, latent_BR, rotary_BP = joined.split([joined.shape[1] - sum(widths), *widths], dim=1)
        if self.to_query is not None:
            query = at.q_a_layernorm(query) @ self.to_query
        query_BHX = (query * at.scaling).unflatten(1, (at.num_heads, -1))
        fresh = at.kv_a_layernorm(latent_BR)[:, None, None], _turned(rotary_BP, cos_P, sin_P)[:, None, None]
        latent_BSR, rotary_BSP = (part[:, 0] for part in cache.update(*fresh, at.layer_idx))
        query_HBR = query_BHX[..., :nope].transpose(0, 1) @ self.up_HXR[:, :nope]
        turned_BHP = _turned(query_BHX[..., nope:], cos_P, sin_P)
        scores_BHS = torch.baddbmm(turned_BHP @ rotary_BSP.mT, query_HBR.transpose(0, 1), latent_BSR.mT)
        read_BHR = torch.softmax(scores_BHS, dim=-1, dtype=torch.float32).to(query.dtype) @ latent_BSR
        read_HBW = read_BHR.transpose(0, 1) @ self.up_HXR[:, nope:].mT
        return read_HBW.transpose(0, 1).flatten(1) @ self.out


class _FeedForward:
    def __init__(self, layer: Any) -> None:
        self.norm, self.mlp = layer.post_attention_layernorm, layer.mlp
        self.experts: Any = getattr(layer.mlp, "experts", None)
        always = layer.mlp if self.experts is None else layer.mlp.shared_experts
        gates, ups, downs = [always.gate_proj.weight], [always.up_proj.weight], [always.down_proj.weight]
        if self.experts is not None:
            gate_EID, up_EID = self.experts.gate_up_proj.chunk(2, dim=1)
            gates.insert(0, gate_EID.flatten(0, 1))
            ups.insert(0, up_EID.flatten(0, 1))
            downs.insert(0, self.experts.down_proj.transpose(0, 1).flatten(1))
        self.gates_and_ups, self.down = _columns(*gates, *ups), torch.cat(downs, dim=1).T.contiguous()

    def __call__(self, hidden_BD: Tensor) -> Tensor:
        """Returns what the layer adds to each token, shape (B, D)."""
        read_BD = self.norm(hidden_BD)
        if self.experts is None:
            return self._all(read_BD, None)
        if len(read_BD) * self.mlp.gate.top_k > _FEW * self.experts.num_experts:
            out: Tensor = self.mlp(read_BD)
            return out
        _, share_BK, chosen_BK = self.mlp.gate(read_BD)
        share_BE = read_BD.new_zeros(len(read_BD), self.experts.num_experts).scatter(1, chosen_BK, share_BK)
        return self._all(read_BD, share_BE)

    def _all(self, read_BD: Tensor, share_BE: Tensor | None) -> Tensor:
        """All experts side by side as one network; the shared ones stand last and count whole."""
        gate, up = (read_BD @ self.gates_and_ups).chunk(2, dim=1)
        inner = F.silu(gate) * up
        if share_BE is not None:
            width = self.experts.intermediate_dim
            routed = inner[:, : width * share_BE.shape[1]].unflatten(1, (-1, width))
            routed *= share_BE[..., None]
        return inner @ self.down


def _columns(*weights: Tensor) -> Tensor:
    """Returns weights of linear maps that read the same, joined, laid out input by input."""
    # A product of 16 rows with a 256 × 4,096 weight takes 453 instead of 564 µs so; at 256 rows no difference. Tried:
    # MKL's packed weights; torch's operator refused our tensors. See docs/log.md, 2026-11-26.
    return torch.cat([weight.detach() for weight in weights]).T.contiguous()


def _turned(pairs: Tensor, cos_P: Tensor, sin_P: Tensor) -> Tensor:
    """Returns pairs (x0, x1), (x2, x3), ... each turned by its angle, as transformers lays them out."""
    even, odd = pairs[..., 0::2], pairs[..., 1::2]
    return torch.cat([even * cos_P - odd * sin_P, odd * cos_P + even * sin_P], dim=-1)
