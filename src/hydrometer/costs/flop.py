"""Floating-point operations of training, and what they imply about hours and utilisation.

One multiply-add is 2 FLOP; training is 3 forward passes (one forward, two in the backward pass), so 6 FLOP
per matrix weight and token, plus the attention core, which the short form 6·N·D leaves out.

References:
    Kaplan et al., arXiv:2001.08361, section 2.1 (6·N·D); Chowdhery et al., PaLM, arXiv:2204.02311, appendix B
    (model FLOP utilisation); Narayanan et al., arXiv:2104.04473 (attention core, full); Megatron-LM's counter
    (causal mask halves the core; one layer, a 2d·d projection and a head per MTP module).
    Known disagreement: counters differ by about 1 % in what they leave out (norms, softmax, rotary).
"""

from __future__ import annotations

from hydrometer.costs.architecture import Architecture

FLOP_PER_PARAMETER_AND_TOKEN = 6.0
_SECONDS_PER_HOUR = 3600.0


def training_flop_per_token(
    architecture: Architecture, *, sequence_length: int, causal: bool = True, include_mtp: bool = True
) -> float:
    """Returns the model FLOP of one training step per token.

    Args:
        architecture: the network.
        sequence_length: tokens in a training sequence; sequences are taken as full.
        causal: count masked attention as half (what a causal kernel computes) instead of full.
        include_mtp: count the multi-token-prediction modules.

    Returns:
        FLOP per token: 6·N + 3·core, with core = 2·s·h(e_qk + e_v) a layer, halved if causal.
    """
    head = architecture.embedding_parameters
    core = 2.0 * sequence_length * architecture.attention.core_width * (0.5 if causal else 1.0)
    weights = architecture.layer_parameters(active=True) + head
    layers = architecture.n_layers
    if include_mtp and architecture.mtp_layers:
        weights += architecture.mtp_parameters(active=True) + architecture.mtp_layers * head
        layers += architecture.mtp_layers
    return FLOP_PER_PARAMETER_AND_TOKEN * weights + 3.0 * core * layers


def implied_utilisation(*, flop: float, accelerator_hours: float, peak_flop_per_second: float) -> float:
    """Returns model FLOP over the FLOP the accelerators could have done in their hours (MFU, a fraction)."""
    return flop / (accelerator_hours * _SECONDS_PER_HOUR * peak_flop_per_second)
