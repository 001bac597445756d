"""Floating-point operations of training, and what they imply about hours and utilisation.

One multiply-add is 2 FLOP; training is 3 forward passes (one forward, two in the backward pass), so 6 FLOP
per matrix weight and token, plus the attention core, which the short form 6·N·D leaves out. With full
recomputation of activations the forward pass runs once more.

References:
    Kaplan et al., arXiv:2001.08361, section 2.1 (6·N·D); Chowdhery et al., PaLM, arXiv:2204.02311, appendix B
    (model FLOP utilisation); Narayanan et al., arXiv:2104.04473 (attention core, full); Megatron-LM's counter
    (causal mask halves the core; one layer, a 2d·d projection and a head per MTP module; Σ L² of packed documents
    for s²; scans of state spaces).
    Known disagreement: counters differ by about 1 % in what they leave out (norms, softmax, rotary).
"""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.mixers import FLOP_PER_MULTIPLY_ADD

FLOP_PER_PARAMETER_AND_TOKEN = 6.0
FORWARD_PASSES_OF_TRAINING = 3.0
_SECONDS_PER_HOUR = 3600.0


def packed_length(document_lengths: Sequence[float]) -> float:
    """Returns the length whose causal attention costs as much for each token as these packed documents: ΣL²/ΣL.

    Args:
        document_lengths: tokens of each document; attention does not cross documents.

    Raises:
        ValueError: if there is none, or one is not positive.
    """
    if not document_lengths or min(document_lengths) <= 0:
        raise ValueError("documents need a positive length")
    return sum(length * length for length in document_lengths) / sum(document_lengths)


def forward_flop_per_token(
    architecture: Architecture, *, sequence_length: float, causal: bool = True, include_mtp: bool = False
) -> float:
    """Returns the FLOP of one forward pass for one token.

    Args:
        architecture: the network.
        sequence_length: tokens in a sequence; sequences are taken as full. Of packed documents: see `packed_length`.
        causal: count masked attention as half (what a causal kernel computes) instead of full.
        include_mtp: count the multi-token-prediction modules.

    Returns:
        FLOP per token: 2·N + core, with N the weights multiplied for the token, head included.
    """
    head = architecture.embedding_parameters
    weights = architecture.layer_parameters(active=True) + head
    core = sum(
        count * mixer.core_flop(sequence_length, causal=causal)
        for layer, count in architecture.layers
        for mixer in layer.mixers
    )
    if include_mtp and architecture.mtp_layers:
        weights += architecture.mtp_parameters(active=True) + architecture.mtp_layers * head
        mixers = [mixer for layer in architecture.mtp_layer_kinds for mixer in layer.mixers]
        core += architecture.mtp_layers * sum(m.core_flop(sequence_length, causal=causal) for m in mixers)
    return FLOP_PER_MULTIPLY_ADD * weights + core


def training_flop_per_token(
    architecture: Architecture,
    *,
    sequence_length: float,
    causal: bool = True,
    include_mtp: bool = True,
    recompute: bool = False,
) -> float:
    """Returns the FLOP of one training step per token.

    Args:
        architecture: the network.
        sequence_length: tokens in a training sequence; sequences are taken as full. Of packed documents: see
            `packed_length`.
        causal: count masked attention as half (what a causal kernel computes) instead of full.
        include_mtp: count the multi-token-prediction modules.
        recompute: count the second forward pass of full recomputation: hardware FLOP instead of model FLOP.

    Returns:
        FLOP per token: 6·N + 3·core, 8·N + 4·core with recomputation.
    """
    forward = forward_flop_per_token(
        architecture, sequence_length=sequence_length, causal=causal, include_mtp=include_mtp
    )
    return (FORWARD_PASSES_OF_TRAINING + (1.0 if recompute else 0.0)) * forward


def implied_utilisation(*, flop: float, accelerator_hours: float, peak_flop_per_second: float) -> float:
    """Returns model FLOP over the FLOP the accelerators could have done in their hours (MFU, a fraction)."""
    return flop / (accelerator_hours * _SECONDS_PER_HOUR * peak_flop_per_second)
