"""A dossier's architecture as the formulas see it, and its parameters by every convention."""

from __future__ import annotations

from hydrometer.costs.architecture import Architecture, Dense, Experts
from hydrometer.costs.mixers import GroupedQuery, Latent
from hydrometer.records.claim_checking import ParameterCount
from hydrometer.records.dossier import ArchitectureSpec, DenseFeedForward, GroupedQueryAttention

ACTIVE_CONVENTIONS = {
    "with_both_embeddings": "weights one token passes through, input embedding and output head included",
    "with_head_only": "weights one token is multiplied with: the output head counts, the look-up does not",
    "without_embeddings": "weights one token passes through in the layers alone",
}


def build_architecture(spec: ArchitectureSpec) -> Architecture:
    """Returns the formulas' view of a dossier's architecture."""
    a, f = spec.attention, spec.feed_forward
    attention: GroupedQuery | Latent
    if isinstance(a, GroupedQueryAttention):
        attention = GroupedQuery(a.heads, a.kv_heads, a.head_dim, a.qkv_bias, a.qk_norm)
    else:
        attention = Latent(a.heads, a.query_rank, a.kv_rank, a.nope_dim, a.rope_dim, a.value_dim)
    feed_forward: Dense | Experts
    first_dense = None
    if isinstance(f, DenseFeedForward):
        feed_forward = Dense(f.size, f.gated)
    else:
        shared = f.shared_experts * f.expert_size
        feed_forward = Experts(f.expert_size, f.experts, f.experts_per_token, shared, gated=f.gated)
        if f.dense_layers and f.dense_size is not None:
            first_dense = (f.dense_layers, Dense(f.dense_size, f.gated))
    return Architecture.uniform(
        n_layers=spec.layers,
        hidden_size=spec.hidden_size,
        vocab_size=spec.vocab_size,
        attention=attention,
        feed_forward=feed_forward,
        first_dense=first_dense,
        tied_embeddings=spec.tied_embeddings,
        mtp_layers=spec.mtp_layers,
    )


def parameter_counts(architecture: Architecture) -> tuple[ParameterCount, ...]:
    """Returns total and active parameters, each with its convention."""
    counts = [
        ParameterCount(
            convention="total",
            meaning="stored weights, multi-token-prediction modules left out",
            parameters=architecture.total_parameters(),
        )
    ]
    if architecture.mtp_layers:
        counts.append(
            ParameterCount(
                convention="mtp",
                meaning="weights the multi-token-prediction modules add",
                parameters=architecture.mtp_parameters(),
            )
        )
    for convention, parameters in architecture.active_parameters().items():
        counts.append(
            ParameterCount(
                convention=f"active, {convention.replace('_', ' ')}",
                meaning=ACTIVE_CONVENTIONS[convention],
                parameters=parameters,
            )
        )
    return tuple(counts)
