"""Parameters of a decoder-only transformer, counted weight by weight.

Letters follow the papers: d hidden size, h heads, k KV heads, e head size, V vocabulary; for latent
attention q and c are the query and KV ranks, n, r and v the no-position, rotary and value head sizes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GroupedQuery:
    """Multi-head (kv_heads = heads), grouped-query or multi-query attention.

    References:
        Ainslie et al., GQA, arXiv:2305.13245.
    """

    heads: int
    kv_heads: int
    head_dim: int
    qkv_bias: bool = False
    qk_norm: bool = False

    def matmul_parameters(self, hidden_size: int) -> int:
        """Weights multiplied for each token: d·h·e + 2·d·k·e + h·e·d."""
        d, h, k, e = hidden_size, self.heads, self.kv_heads, self.head_dim
        return d * h * e + 2 * d * k * e + h * e * d

    def other_parameters(self) -> int:
        """Biases and norms, which cost no matrix multiplication."""
        bias = (self.heads + 2 * self.kv_heads) * self.head_dim if self.qkv_bias else 0
        return bias + (2 * self.head_dim if self.qk_norm else 0)

    @property
    def core_width(self) -> int:
        """h·(e_qk + e_v): multiply-adds per token pair in the attention core."""
        return self.heads * 2 * self.head_dim


@dataclass(frozen=True)
class Latent:
    """Multi-head latent attention.

    References:
        DeepSeek-V2, arXiv:2405.04434, section 2.1; weight shapes as in the published checkpoints.
    """

    heads: int
    query_rank: int | None
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int

    def matmul_parameters(self, hidden_size: int) -> int:
        """d·q + q·h(n+r) + d(c+r) + c·h(n+v) + h·v·d; without a query rank d·h(n+r) for the first two."""
        d, h = hidden_size, self.heads
        key_dim = self.nope_dim + self.rope_dim
        rank = self.query_rank
        query = d * h * key_dim if rank is None else d * rank + rank * h * key_dim
        down = d * (self.kv_rank + self.rope_dim)
        up = self.kv_rank * h * (self.nope_dim + self.value_dim)
        return query + down + up + h * self.value_dim * d

    def other_parameters(self) -> int:
        """The norms over the two compressed vectors."""
        return self.kv_rank + (self.query_rank or 0)

    @property
    def core_width(self) -> int:
        """h·(e_qk + e_v), with keys of n + r and values of v."""
        return self.heads * (self.nope_dim + self.rope_dim + self.value_dim)


@dataclass(frozen=True)
class Experts:
    """A mixture of experts in every layer but the first `dense_layers`."""

    expert_size: int
    n_experts: int
    experts_per_token: int
    shared_experts: int = 0
    dense_layers: int = 0


@dataclass(frozen=True)
class Architecture:
    """The shape of a decoder-only transformer.

    Attributes:
        n_layers: transformer layers, multi-token-prediction modules not counted.
        dense_size: width of the dense feed-forward networks (0 where there are none).
        gated: three matrices in a feed-forward network (SwiGLU) instead of two.
        mtp_layers: multi-token-prediction modules (DeepSeek-V3, arXiv:2412.19437, section 2.2).
    """

    n_layers: int
    hidden_size: int
    vocab_size: int
    attention: GroupedQuery | Latent
    dense_size: int = 0
    experts: Experts | None = None
    gated: bool = True
    tied_embeddings: bool = False
    mtp_layers: int = 0

    @property
    def is_mixture(self) -> bool:
        """Does a token pass through only some of the weights?"""
        return self.experts is not None

    @property
    def embedding_parameters(self) -> int:
        """V·d: one embedding matrix."""
        return self.vocab_size * self.hidden_size

    def _dense_ffn(self) -> int:
        return (3 if self.gated else 2) * self.hidden_size * self.dense_size

    def _expert(self) -> int:
        assert self.experts is not None
        return (3 if self.gated else 2) * self.hidden_size * self.experts.expert_size

    def _last_layer(self, *, active: bool) -> int:
        """Matrix weights of one layer of the kind that stands last: stored, or used by one token."""
        attention = self.attention.matmul_parameters(self.hidden_size)
        if self.experts is None:
            return attention + self._dense_ffn()
        used = self.experts.experts_per_token if active else self.experts.n_experts
        router = self.hidden_size * self.experts.n_experts
        return attention + (used + self.experts.shared_experts) * self._expert() + router

    def layer_parameters(self, *, active: bool) -> int:
        """Matrix weights of all layers, embeddings, norms and MTP left out.

        Args:
            active: count only the experts that one token passes through.
        """
        n_dense = self.experts.dense_layers if self.experts is not None else 0
        dense_layer = self.attention.matmul_parameters(self.hidden_size) + self._dense_ffn()
        return n_dense * dense_layer + (self.n_layers - n_dense) * self._last_layer(active=active)

    def small_parameters(self) -> int:
        """Norms and biases: two norms a layer, one at the end, and what attention adds."""
        return self.n_layers * (2 * self.hidden_size + self.attention.other_parameters()) + self.hidden_size

    def total_parameters(self) -> int:
        """Stored weights without MTP modules; a tied embedding is counted once.

        The per-expert routing bias of DeepSeek-V3 is a balancing buffer, not a trained weight, and is left out.
        """
        embeddings = self.embedding_parameters * (1 if self.tied_embeddings else 2)
        return embeddings + self.layer_parameters(active=False) + self.small_parameters()

    def mtp_parameters(self, *, active: bool = False) -> int:
        """Weights that the MTP modules add: one layer and a 2d·d projection each; embedding and head are shared."""
        each = self._last_layer(active=active) + 2 * self.hidden_size * self.hidden_size
        return self.mtp_layers * each

    def active_parameters(self) -> dict[str, int]:
        """Weights that one token passes through, by each convention in use.

        Returns:
            `with_both_embeddings`, `with_head_only` (what the matrix multiplications see) and
            `without_embeddings`. Published "active" figures use any of the three.
        """
        inner = self.layer_parameters(active=True) + self.small_parameters()
        head = self.embedding_parameters
        # A tied matrix is stored once, so "both embeddings" of a tied model is that one matrix.
        both = head if self.tied_embeddings else 2 * head
        return {
            "with_both_embeddings": inner + both,
            "with_head_only": inner + head,
            "without_embeddings": inner,
        }
