"""What a processor spends its time on in training, computed more cheaply than transformers does; the same numbers.

Axes: N tokens, D hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

# torch's own default for targets that do not count.
NOT_LEARNT = -100
# Measured, 2026-11-26: 0.686 s a step, with 128 and 512 rows 0.688 and 0.709, with no pieces 0.766 (Llama 5M). Tried:
# torch's `linear_cross_entropy`; 0.701. See docs/log.md.
_ROWS = 256
"""Tokens whose logits exist at one time: what a core's cache holds at the lab's vocabularies."""
_PADDED = "sdpa_values_padded"


class Norm(nn.RMSNorm):
    """transformers' RMS norm in one kernel, in fp32 as there."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns the norm of `x` over its last axis, fp32."""
        # Measured, 2026-11-26: 0.766 to 0.734 s a step (Llama 5M), losses equal to the bit. Tried besides: the gated
        # network in pieces with gradients by hand; 0.695 to 0.690 s, not kept. See docs/log.md.
        return super().forward(x.float())


def quicken(model: nn.Module) -> None:
    """Puts the quicker norm in the place of every norm of transformers; names of weights stay."""
    for name, child in model.named_children():
        if type(child).__name__ in ("LlamaRMSNorm", "DeepseekV3RMSNorm"):
            norm: Any = child
            setattr(model, name, Norm(norm.weight.shape, eps=norm.variance_epsilon))
        else:
            quicken(child)


def pad_values(lm: Any) -> None:
    """Lets latent attention of a model of transformers use the fused kernel, which wants values as wide as keys."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(_PADDED, _padded)
    AttentionMaskInterface.register(_PADDED, sdpa_mask)
    lm.set_attn_implementation(_PADDED)


def _padded(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    # The largest single gain: 0.774 to 0.656 s a step (DeepSeek-V3-style 5M, docs/log.md, 2026-11-26).
    width = value.shape[-1]
    filled = F.pad(value, (0, key.shape[-1] - width)) if width < key.shape[-1] else value
    read, _ = sdpa_attention_forward(module, query, key, filled, attention_mask, **options)
    return read[..., :width], None


class _HeadLoss(torch.autograd.Function):
    """Logits, their loss and both gradients, a few rows at a time, so that no tensor of N·V is ever made."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
        """Returns the mean negative log-likelihood of the targets that are not NOT_LEARNT."""
        kind = hidden_ND.device.type
        precision = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight_VD.dtype
        weight, wide_ND = weight_VD.to(precision), hidden_ND.to(precision)
        to_hidden, to_weight = torch.empty_like(hidden_ND), torch.zeros_like(weight_VD)
        learnt_N = targets_N != NOT_LEARNT
        total = hidden_ND.new_zeros((), dtype=torch.float32)
        for rows, targets, learnt, slot in zip(
            wide_ND.split(_ROWS), targets_N.split(_ROWS), learnt_N.split(_ROWS), to_hidden.split(_ROWS), strict=True
        ):
            place = targets.masked_fill(~learnt, 0)[:, None]
            likelihood = torch.log_softmax((rows @ weight.T).float(), dim=-1)
            total -= (likelihood.gather(1, place)[:, 0] * learnt).sum()
            # The gradient of the loss in the logits: probabilities, less 1 at the target.
            slope = likelihood.exp_().scatter_add_(1, place, -torch.ones_like(place, dtype=torch.float32))
            slope = slope.mul_(learnt[:, None]).to(precision)
            slot.copy_(slope @ weight)
            if precision == to_weight.dtype:
                to_weight.addmm_(slope.T, rows)
            else:
                to_weight += slope.T @ rows
        n_learnt = learnt_N.sum()
        ctx.save_for_backward(to_hidden.div_(n_learnt), to_weight.div_(n_learnt))
        return total / n_learnt

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        """Returns the gradients in hidden states and weights."""
        to_hidden, to_weight = ctx.saved_tensors
        return to_hidden * slopes[0], to_weight * slopes[0], None


def head_loss(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """Returns the mean negative log-likelihood in nats per token under logits `hidden · weight`, fp32.

    Args:
        hidden_ND: last hidden states.
        weight_VD: of the head.
        targets_N: the tokens that came; NOT_LEARNT for those that do not count.
    """
    loss: Tensor = _HeadLoss.apply(hidden_ND, weight_VD, targets_N)
    return loss
