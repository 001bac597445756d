"""What mixes tokens in a layer: attention in its kinds, and the recurrences that replace it in hybrids.

Letters follow the papers: d hidden size, h heads, k KV heads, e head size, s sequence length, w window; for latent
attention q and c are the query and KV ranks, n, r and v the no-position, rotary and value head sizes.

Every mixer answers the same questions: weights multiplied for each token, weights that cost no matrix multiplication,
FLOP of its core for one token (forward), and what it keeps for each token and for each sequence while decoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FLOP_PER_MULTIPLY_ADD = 2.0


def attended_positions(sequence_length: float, *, window: int | None = None, causal: bool = True) -> float:
    """Returns how many positions one token attends to, averaged over a sequence.

    Args:
        sequence_length: s, in tokens.
        window: w, the sliding window; none where absent.
        causal: count masked positions as not computed (s/2), as a causal kernel does; else twice that.

    Returns:
        s/2 causal; w - w²/(2s) where a window w < s cuts it: the mean of min(t, w) over t = 0 ... s.
    """
    s = float(sequence_length)
    mean = s / 2 if window is None or window >= s else window - window * window / (2 * s)
    return mean if causal else 2 * mean


@dataclass(frozen=True)
class GroupedQuery:
    """Multi-head (kv_heads = heads), grouped-query or multi-query attention.

    Attributes:
        heads: query heads.
        kv_heads: key and value heads.
        head_dim: size of a head.
        qkv_bias: a bias on queries, keys and values.
        qk_norm: a norm over queries and keys: `head` over each head (Qwen3, Gemma 3), `full` over all heads together
            (OLMo 2); True means `head`.
        out_bias: a bias on the output projection.
        window: sliding window in tokens; full attention where absent.
        sinks: one learned logit a head (GPT-OSS).
        gated: a gate as wide as the queries on the output (Qwen3-Next).

    References:
        Ainslie et al., GQA, arXiv:2305.13245.
    """

    heads: int
    kv_heads: int
    head_dim: int
    qkv_bias: bool = False
    qk_norm: bool | Literal["head", "full"] = False
    out_bias: bool = False
    window: int | None = None
    sinks: bool = False
    gated: bool = False

    def matmul_parameters(self, hidden_size: int) -> int:
        """Weights multiplied for each token: d·h·e (twice where gated) + 2·d·k·e + h·e·d."""
        d, h, k, e = hidden_size, self.heads, self.kv_heads, self.head_dim
        return d * h * e * (2 if self.gated else 1) + 2 * d * k * e + h * e * d

    def other_parameters(self, hidden_size: int) -> int:
        """Biases, norms and sinks, which cost no matrix multiplication."""
        query_width, kv_width = self.heads * self.head_dim, self.kv_heads * self.head_dim
        bias = query_width + 2 * kv_width if self.qkv_bias else 0
        norms = {"full": query_width + kv_width, "head": 2 * self.head_dim, True: 2 * self.head_dim, False: 0}
        norm = norms[self.qk_norm]
        return bias + norm + (hidden_size if self.out_bias else 0) + (self.heads if self.sinks else 0)

    def core_flop(self, sequence_length: float, *, causal: bool = True) -> float:
        """FLOP of scores and weighted values for one token, forward: 2·h·2e a position attended to."""
        positions = attended_positions(sequence_length, window=self.window, causal=causal)
        return FLOP_PER_MULTIPLY_ADD * self.heads * 2 * self.head_dim * positions

    def cache_values(self, context: float) -> float:
        """Numbers kept for a sequence of `context` tokens: keys and values, a window's worth at most."""
        kept = context if self.window is None else min(context, self.window)
        return 2.0 * self.kv_heads * self.head_dim * kept

    @property
    def state_values(self) -> int:
        """Numbers kept for a sequence whatever its length."""
        return 0


@dataclass(frozen=True)
class Latent:
    """Multi-head latent attention, over all positions or over those that an indexer picks.

    Attributes:
        heads: query heads.
        query_rank: q; queries straight from the hidden state where it is None.
        kv_rank: c.
        nope_dim: n.
        rope_dim: r.
        value_dim: v.
        index_heads: heads of the indexer that picks positions (DeepSeek sparse attention); 0 without one.
        index_dim: size of such a head.
        index_top: positions that it picks.

    References:
        DeepSeek-V2, arXiv:2405.04434, section 2.1; the indexer: DeepSeek-V3.2, arXiv:2512.02556, section 2.1; weight
        shapes as in the published checkpoints.
    """

    heads: int
    query_rank: int | None
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    index_heads: int = 0
    index_dim: int = 0
    index_top: int | None = None

    def matmul_parameters(self, hidden_size: int) -> int:
        """d·q + q·h(n+r) + d(c+r) + c·h(n+v) + h·v·d, the indexer's q·H·D + d(D+H); without a query rank d·h(n+r)."""
        d, h = hidden_size, self.heads
        key_dim = self.nope_dim + self.rope_dim
        rank = self.query_rank
        query = d * h * key_dim if rank is None else d * rank + rank * h * key_dim
        down = d * (self.kv_rank + self.rope_dim)
        up = self.kv_rank * h * (self.nope_dim + self.value_dim)
        # The indexer reads the compressed query where there is one, as DeepSeek-V3.2's checkpoint does.
        index = (rank or d) * self.index_heads * self.index_dim + d * (self.index_dim + self.index_heads)
        return query + down + up + h * self.value_dim * d + index

    def other_parameters(self, hidden_size: int) -> int:
        """The norms over the two compressed vectors, and the indexer's (weight and bias)."""
        return self.kv_rank + (self.query_rank or 0) + 2 * self.index_dim

    def core_flop(self, sequence_length: float, *, causal: bool = True) -> float:
        """FLOP for one token, forward: 2·h(n + r + v) a position attended to , 2·H·D a position indexed."""
        width = self.heads * (self.nope_dim + self.rope_dim + self.value_dim)
        picked = attended_positions(sequence_length, window=self.index_top, causal=causal)
        looked = attended_positions(sequence_length, causal=causal)
        return FLOP_PER_MULTIPLY_ADD * (width * picked + self.index_heads * self.index_dim * looked)

    def cache_values(self, context: float) -> float:
        """Numbers kept for a sequence of `context` tokens: the latent, the shared rotary key, the indexer's key."""
        return float(self.kv_rank + self.rope_dim + self.index_dim) * context

    @property
    def state_values(self) -> int:
        """Numbers kept for a sequence whatever its length."""
        return 0


@dataclass(frozen=True)
class Mamba1:
    """A selective state space (Mamba).

    Attributes:
        inner: channels.
        state: numbers kept for each channel.
        conv: width of the causal convolution.
        rank: of the step-size projection.
        inner_norms: Jamba's norms over step, B and C.

    References:
        Gu and Dao, arXiv:2312.00752, section 3; weight shapes as in the published checkpoints.
    """

    inner: int
    state: int
    conv: int
    rank: int
    inner_norms: bool = False
    conv_bias: bool = True

    def matmul_parameters(self, hidden_size: int) -> int:
        """In d·2i, to step, B and C i(R + 2N), step R·i, out i·d."""
        i = self.inner
        return hidden_size * 2 * i + i * (self.rank + 2 * self.state) + self.rank * i + i * hidden_size

    def other_parameters(self, hidden_size: int) -> int:
        """Convolution and its bias, step bias, A, D, and norms."""
        i = self.inner
        norms = self.rank + 2 * self.state if self.inner_norms else 0
        return i * self.conv + (i if self.conv_bias else 0) + i + i * self.state + i + norms

    def core_flop(self, sequence_length: float, *, causal: bool = True) -> float:
        """FLOP of the scan for one token, forward: 7·i·N, as Megatron-LM's counter has it (whatever the length)."""
        return 7.0 * self.inner * self.state

    def cache_values(self, context: float) -> float:
        """Nothing grows with the context."""
        return 0.0

    @property
    def state_values(self) -> int:
        """Numbers kept for a sequence whatever its length: the state and the convolution's window."""
        return self.inner * (self.state + self.conv - 1)


@dataclass(frozen=True)
class Mamba2:
    """State-space duality (Mamba-2).

    Attributes:
        heads: of `head_dim` channels each.
        head_dim: channels of a head.
        groups: that share B and C.
        state: numbers kept for each channel.
        conv: width of the causal convolution.
        projection_bias: a bias on the projections in and out.
        gated_norm: a norm over the inner channels.

    References:
        Dao and Gu, arXiv:2405.21060; weight shapes as in the published checkpoints.
    """

    heads: int
    head_dim: int
    groups: int
    state: int
    conv: int = 4
    projection_bias: bool = False
    conv_bias: bool = True
    gated_norm: bool = True

    @property
    def inner(self) -> int:
        """Channels."""
        return self.heads * self.head_dim

    @property
    def _convolved(self) -> int:
        return self.inner + 2 * self.groups * self.state

    def _projected(self) -> int:
        return self.inner + self._convolved + self.heads

    def matmul_parameters(self, hidden_size: int) -> int:
        """In d(2i + 2gN + h), out i·d."""
        return hidden_size * self._projected() + self.inner * hidden_size

    def other_parameters(self, hidden_size: int) -> int:
        """Convolution and its bias, step bias, A, D, the gated norm, and projection biases."""
        bias = self._projected() + hidden_size if self.projection_bias else 0
        convolution = self._convolved * (self.conv + (1 if self.conv_bias else 0))
        return convolution + 3 * self.heads + (self.inner if self.gated_norm else 0) + bias

    def core_flop(self, sequence_length: float, *, causal: bool = True) -> float:
        """FLOP of the scan for one token, forward: 7·i·N, as Megatron-LM's counter has it (whatever the length)."""
        # Not Mamba-2's chunked products: Megatron-LM's counter, which published FLOP are checked against, has the scan
        # for both.
        return 7.0 * self.inner * self.state

    def cache_values(self, context: float) -> float:
        """Nothing grows with the context."""
        return 0.0

    @property
    def state_values(self) -> int:
        """Numbers kept for a sequence whatever its length: the state and the convolution's window."""
        return self.inner * self.state + self._convolved * (self.conv - 1)


@dataclass(frozen=True)
class GatedDelta:
    """Gated delta rule (Qwen3-Next's linear attention).

    References:
        Yang et al., arXiv:2412.06464; weight shapes as in the published checkpoints.
    """

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    conv: int = 4

    @property
    def _convolved(self) -> int:
        return 2 * self.key_heads * self.key_dim + self.value_heads * self.value_dim

    def matmul_parameters(self, hidden_size: int) -> int:
        """Queries, keys, values and gate; two scalars a value head; out."""
        value_width = self.value_heads * self.value_dim
        return hidden_size * (self._convolved + value_width + 2 * self.value_heads) + value_width * hidden_size

    def other_parameters(self, hidden_size: int) -> int:
        """Convolution, decay and step bias, and the norm over a value head."""
        return self._convolved * self.conv + 2 * self.value_heads + self.value_dim

    def core_flop(self, sequence_length: float, *, causal: bool = True) -> float:
        """FLOP for one token, forward: 4 multiply-adds for each number of the state (decay, erase, write, read)."""
        # Counted from the recurrence by hand, 2026-11-25; not checked against a published counter.
        return FLOP_PER_MULTIPLY_ADD * 4 * self.value_heads * self.key_dim * self.value_dim

    def cache_values(self, context: float) -> float:
        """Nothing grows with the context."""
        return 0.0

    @property
    def state_values(self) -> int:
        """Numbers kept for a sequence whatever its length: the state and the convolution's window."""
        return self.value_heads * self.key_dim * self.value_dim + self._convolved * (self.conv - 1)


@dataclass(frozen=True)
class Lightning:
    """Lightning attention with an output gate (MiniMax-01).

    References:
        MiniMax-01, arXiv:2501.08313, section 2.2; weight shapes as in the published checkpoints.
    """

    heads: int
    head_dim: int

    def matmul_parameters(self, hidden_size: int) -> int:
        """Queries, keys and values, the gate, and out: 5·d·h·e."""
        return 5 * hidden_size * self.heads * self.head_dim

    def other_parameters(self, hidden_size: int) -> int:
        """The norm over the heads."""
        return self.heads * self.head_dim

    def core_flop(self, sequence_length: float, *, causal: bool = True) -> float:
        """FLOP for one token, forward: write and read the state, 2·2·h·e²."""
        return FLOP_PER_MULTIPLY_ADD * 2 * self.heads * self.head_dim**2

    def cache_values(self, context: float) -> float:
        """Nothing grows with the context."""
        return 0.0

    @property
    def state_values(self) -> int:
        """Numbers kept for a sequence whatever its length."""
        return self.heads * self.head_dim**2


Mixer = GroupedQuery | Latent | Mamba1 | Mamba2 | GatedDelta | Lightning
