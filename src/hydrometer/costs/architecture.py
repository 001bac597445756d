"""Parameters of a decoder-only network, counted weight by weight, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from hydrometer.costs.mixers import GroupedQuery, Latent, Mixer


@dataclass(frozen=True)
class Dense:
    """One feed-forward network.

    Attributes:
        size: its width.
        gated: three matrices (SwiGLU) instead of two.
        bias: a bias after every matrix.
    """

    size: int
    gated: bool = True
    bias: bool = False

    def matrices(self) -> int:
        """How many matrices there are."""
        return 3 if self.gated else 2

    def matmul_parameters(self, hidden_size: int, *, active: bool) -> int:
        """Weights stored and used alike: 3·d·f, or 2·d·f without a gate."""
        return self.matrices() * hidden_size * self.size

    def other_parameters(self, hidden_size: int) -> int:
        """Biases."""
        return (self.matrices() - 1) * self.size + hidden_size if self.bias else 0


@dataclass(frozen=True)
class Experts:
    """A mixture of experts.

    Attributes:
        expert_size: width of a routed expert.
        n_experts: routed experts.
        experts_per_token: routed experts that one token passes through.
        shared_size: width of all shared experts together; 0 where there are none.
        gated: three matrices in an expert (SwiGLU) instead of two.
        bias: a bias after every matrix of an expert.
        router_bias: a bias on the router.
        shared_gate: a scalar gate on the shared expert (Qwen's).
        latent: width that routed experts work at instead of the hidden size (Nemotron 3's latent experts).
    """

    expert_size: int
    n_experts: int
    experts_per_token: int
    shared_size: int = 0
    gated: bool = True
    bias: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    latent: int | None = None

    def matmul_parameters(self, hidden_size: int, *, active: bool) -> int:
        """Weights of experts, shared experts and router: stored, or used by one token."""
        used = self.experts_per_token if active else self.n_experts
        matrices = 3 if self.gated else 2
        width = self.latent or hidden_size
        routed = used * matrices * width * self.expert_size
        projections = 2 * hidden_size * self.latent if self.latent is not None else 0
        shared = matrices * hidden_size * self.shared_size
        gate = hidden_size if self.shared_gate else 0
        return routed + projections + shared + gate + hidden_size * self.n_experts

    def other_parameters(self, hidden_size: int) -> int:
        """Biases of experts and router."""
        each = (2 if self.gated else 1) * self.expert_size + hidden_size if self.bias else 0
        return self.n_experts * each + (self.n_experts if self.router_bias else 0)


@dataclass(frozen=True)
class Layer:
    """One layer: a mixer, a feed-forward network, or both, and what normalises them.

    Attributes:
        mixers: usually one; two where attention and a recurrence run side by side (Falcon-H1).
        feed_forward: none in layers of a hybrid that only mix.
        norm_parameters: weights of the layer's norms.
        shared_with_earlier: its weights are another layer's (Zamba); they are used again, not stored again.
    """

    mixers: tuple[Mixer, ...]
    feed_forward: Dense | Experts | None
    norm_parameters: int
    shared_with_earlier: bool = False

    def matmul_parameters(self, hidden_size: int, *, active: bool) -> int:
        """Weights multiplied for each token."""
        mixing = sum(mixer.matmul_parameters(hidden_size) for mixer in self.mixers)
        if self.feed_forward is None:
            return mixing
        return mixing + self.feed_forward.matmul_parameters(hidden_size, active=active)

    def other_parameters(self, hidden_size: int) -> int:
        """Norms and biases."""
        mixing = sum(mixer.other_parameters(hidden_size) for mixer in self.mixers)
        forward = self.feed_forward.other_parameters(hidden_size) if self.feed_forward is not None else 0
        return self.norm_parameters + mixing + forward


@dataclass(frozen=True)
class Architecture:
    """The shape of a decoder-only network.

    Attributes:
        hidden_size: d.
        vocab_size: rows of an embedding matrix.
        layers: (layer, how often it occurs), multi-token-prediction modules not counted.
        tied_embeddings: the head is the embedding.
        mtp_layers: multi-token-prediction modules (DeepSeek-V3, arXiv:2412.19437, section 2.2).
        embedding_size: width of the embeddings where it is not d (OPT-350m); two projections stand between.
        other_parameters: weights outside the layers that cost no matrix multiplication for each token: the last norm,
            learned positions, embedding norms, a head's bias.
        mtp_module: layers of one such module; a copy of the last layer where empty.
    """

    hidden_size: int
    vocab_size: int
    layers: tuple[tuple[Layer, int], ...]
    tied_embeddings: bool = False
    mtp_layers: int = 0
    embedding_size: int | None = None
    other_parameters: int = 0
    mtp_module: tuple[Layer, ...] = ()

    @classmethod
    def uniform(
        cls,
        *,
        n_layers: int,
        hidden_size: int,
        vocab_size: int,
        attention: GroupedQuery | Latent,
        feed_forward: Dense | Experts,
        first_dense: tuple[int, Dense] | None = None,
        tied_embeddings: bool = False,
        mtp_layers: int = 0,
    ) -> Self:
        """Returns the commonest shape: two norms without bias in every layer, one at the end.

        Args:
            n_layers: all layers.
            hidden_size: d.
            vocab_size: rows of an embedding matrix.
            attention: of every layer.
            feed_forward: of every layer but the first few.
            first_dense: how many layers at the start are dense, and their feed-forward network.
            tied_embeddings: the head is the embedding.
            mtp_layers: multi-token-prediction modules.
        """
        n_dense, dense = first_dense or (0, None)
        norms = 2 * hidden_size
        layers = [(Layer((attention,), dense, norms), n_dense)] if n_dense else []
        layers.append((Layer((attention,), feed_forward, norms), n_layers - n_dense))
        return cls(hidden_size, vocab_size, tuple(layers), tied_embeddings, mtp_layers, None, hidden_size)

    @property
    def n_layers(self) -> int:
        """Layers, multi-token-prediction modules not counted."""
        return sum(count for _, count in self.layers)

    @property
    def is_mixture(self) -> bool:
        """Does a token pass through only some of the weights?"""
        return any(isinstance(layer.feed_forward, Experts) for layer, _ in self.layers)

    @property
    def is_latent(self) -> bool:
        """Does any layer use latent attention?"""
        return any(isinstance(mixer, Latent) for layer, _ in self.layers for mixer in layer.mixers)

    @property
    def mtp_layer_kinds(self) -> tuple[Layer, ...]:
        """The layers of one multi-token-prediction module."""
        return self.mtp_module or (self.layers[-1][0],)

    @property
    def embedding_parameters(self) -> int:
        """V·d: one embedding matrix."""
        return self.vocab_size * (self.embedding_size or self.hidden_size)

    def _projections(self) -> int:
        if self.embedding_size is None or self.embedding_size == self.hidden_size:
            return 0
        return 2 * self.hidden_size * self.embedding_size

    def layer_parameters(self, *, active: bool) -> int:
        """Matrix weights of all layers, embeddings, norms and MTP left out.

        Args:
            active: count the weights that one token is multiplied with, shared layers each time they are used;
                else the weights stored, shared layers once.
        """
        inner = sum(
            count * layer.matmul_parameters(self.hidden_size, active=active)
            for layer, count in self._counted(used=active)
        )
        return inner + self._projections()

    def _counted(self, *, used: bool) -> Iterable[tuple[Layer, int]]:
        return ((layer, count) for layer, count in self.layers if used or not layer.shared_with_earlier)

    def small_parameters(self) -> int:
        """Norms, biases and all else that costs no matrix multiplication."""
        inner = sum(count * layer.other_parameters(self.hidden_size) for layer, count in self._counted(used=False))
        return inner + self.other_parameters

    def total_parameters(self) -> int:
        """Stored weights without MTP modules; a tied embedding is counted once.

        The per-expert routing bias of DeepSeek-V3 is a balancing buffer, not a trained weight, and is left out.
        """
        embeddings = self.embedding_parameters * (1 if self.tied_embeddings else 2)
        return embeddings + self.layer_parameters(active=False) + self.small_parameters()

    def mtp_parameters(self, *, active: bool = False) -> int:
        """Weights that the MTP modules add: their layers and a 2d·d projection; embedding and head are shared."""
        inner = sum(layer.matmul_parameters(self.hidden_size, active=active) for layer in self.mtp_layer_kinds)
        return self.mtp_layers * (inner + 2 * self.hidden_size * self.hidden_size)

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

    def cache_bytes(self, context: float, *, bytes_per_value: float = 2.0) -> float:
        """Returns the bytes that decoding keeps for one sequence of `context` tokens.

        Keys and values (a latent where attention is latent, at most a window's worth where it slides) and the states of
        recurrences.
        """
        values = sum(
            count * (mixer.cache_values(context) + mixer.state_values)
            for layer, count in self.layers
            for mixer in layer.mixers
        )
        return values * bytes_per_value

    def cache_bytes_per_token(self, *, bytes_per_value: float = 2.0) -> float:
        """Returns the bytes that one token more of a long context adds: windows and states add nothing."""
        # Beyond any window and any indexer's choice that a published configuration has.
        far = 10.0**9
        one_more = self.cache_bytes(far + 1, bytes_per_value=1.0) - self.cache_bytes(far, bytes_per_value=1.0)
        return one_more * bytes_per_value
