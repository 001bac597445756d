"""The networks: transformers' classes, and what DeepSeek-V3 trains beside them.

Transformers has latent attention, shared experts and the routing bias as a buffer. It lacks the update of that bias,
the balance loss and the training of multi-token prediction; those are here.

References:
    DeepSeek-AI, DeepSeek-V3 Technical Report, arXiv:2412.19437: sections 2.1.2 (bias, balance loss), 2.2 (MTP).
Axes: B sequences, T tokens, D hidden size, V vocabulary, E experts, K experts per token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hydrometer.costs.architecture import Architecture
from hydrometer.lab import ranks
from hydrometer.lab.quick import NOT_LEARNT, head_loss, pad_values, quicken
from hydrometer.lab.recipes import DeepSeekShape, LlamaShape, Training
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of

# transformers' own default; DeepSeek-V3 has 0.006, for a far wider network.
_INIT = 0.02


def config_of(shape: LlamaShape | DeepSeekShape, *, vocab_size: int, longest: int) -> Any:
    """Returns transformers' configuration of a shape.

    Args:
        shape: the network.
        vocab_size: rows of the embedding.
        longest: positions.
    """
    from transformers import DeepseekV3Config, LlamaConfig

    common = {
        "vocab_size": vocab_size, "hidden_size": shape.hidden_size, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "max_position_embeddings": longest, "initializer_range": _INIT,
        "tie_word_embeddings": shape.tied_embeddings, "bos_token_id": None, "eos_token_id": 0, "pad_token_id": None,
    }  # fmt: skip
    if isinstance(shape, LlamaShape):
        return LlamaConfig(
            **common, num_key_value_heads=shape.kv_heads, intermediate_size=shape.intermediate_size
        )  # fmt: skip
    return DeepseekV3Config(
        **common, num_key_value_heads=shape.heads, q_lora_rank=shape.query_rank or None, kv_lora_rank=shape.kv_rank,
        qk_nope_head_dim=shape.nope_dim, qk_rope_head_dim=shape.rope_dim, v_head_dim=shape.value_dim,
        first_k_dense_replace=shape.dense_layers, intermediate_size=shape.dense_size,
        moe_intermediate_size=shape.expert_size, n_routed_experts=shape.experts,
        num_experts_per_tok=shape.experts_per_token, n_shared_experts=shape.shared_experts,
        # One group and no scaling: DeepSeek-V3's 8 groups spread 256 experts over machines, which the lab's few need
        # not.
        n_group=1, topk_group=1, routed_scaling_factor=1.0, num_mtp_layers=int(shape.mtp),
    )  # fmt: skip


def architecture(config: Any) -> Architecture:
    """Returns what the cost engine counts, from transformers' configuration."""
    values = config.to_dict()
    values["num_nextn_predict_layers"] = values.get("num_nextn_predict_layers", values.get("num_mtp_layers", 0)) or 0
    return architecture_of(Fields(values, "the lab's own model"))


class MultiToken(nn.Module):
    """One module that predicts the token after next: two norms, a 2D·D projection, one layer of the network.

    The embedding and the head are the main model's. Input is the main model's last hidden state after its final norm.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3DecoderLayer, DeepseekV3RMSNorm

        width = config.hidden_size
        self.hidden_norm = DeepseekV3RMSNorm(width)
        self.embedding_norm = DeepseekV3RMSNorm(width)
        self.projection = nn.Linear(2 * width, width, bias=False)
        self.layer = DeepseekV3DecoderLayer(config, config.num_hidden_layers)
        self.final_norm = DeepseekV3RMSNorm(width)
        for name, parameter in self.named_parameters():
            if "norm" not in name:
                nn.init.normal_(parameter, std=_INIT)

    def forward(
        self, hidden_BTD: Tensor, embedded_BTD: Tensor, positions: tuple[Tensor, Tensor], *, cache: Any = None,
        mask_11TS: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Returns hidden states for the head, shape (B, T, D).

        Args:
            hidden_BTD: of the main model at positions 0..T-1.
            embedded_BTD: embeddings of the tokens at positions 1..T.
            positions: rotary cosines and sines of T positions.
            cache: of earlier positions, where the text is read piece by piece.
            mask_11TS: what each position may attend to; needed where a cache holds some already.
        """
        joined = torch.cat([self.hidden_norm(hidden_BTD), self.embedding_norm(embedded_BTD)], dim=-1)
        read = self.layer(self.projection(joined), attention_mask=mask_11TS, position_embeddings=positions, cache=cache)
        out: Tensor = self.final_norm(read)
        return out


@dataclass
class Routing:
    """What the routers chose in one forward pass, one entry a layer of experts."""

    logits: list[Tensor] = field(default_factory=list)
    chosen: list[Tensor] = field(default_factory=list)


class Network(nn.Module):
    """A causal language model of transformers with its multi-token module, if it has one."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        from transformers import DeepseekV3ForCausalLM, LlamaForCausalLM

        deep = config.model_type == "deepseek_v3"
        self.config = config
        self.lm: Any = DeepseekV3ForCausalLM(config) if deep else LlamaForCausalLM(config)
        if deep:
            pad_values(self.lm)
        self.mtp = MultiToken(config) if deep and config.num_mtp_layers else None
        quicken(self)

    def forward(self, losses: Callable[[], Losses]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Returns what `losses` gives: total, main and multi-token loss.

        Sharded parameters are gathered when a module is called and not before, so that training goes through here.
        """
        found = losses()
        return found.total, found.main, found.mtp

    def layers(self) -> list[nn.Module]:
        """Returns the blocks, first first, the multi-token module's last."""
        return [*self.lm.model.layers, *([self.mtp.layer] if self.mtp is not None else [])]

    def routers(self) -> list[Any]:
        """Returns the routers, first layer first, the multi-token module's last."""
        return [m for m in self.modules() if type(m).__name__ == "DeepseekV3TopkRouter"]

    @contextmanager
    def routed(self) -> Iterator[Routing]:
        """Records what the routers choose."""
        seen = Routing()

        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            seen.logits.append(output[0])
            seen.chosen.append(output[2])

        handles = [router.register_forward_hook(note) for router in self.routers()]
        try:
            yield seen
        finally:
            for handle in handles:
                handle.remove()

    def hidden(self, tokens_BT: Tensor) -> Tensor:
        """Returns the last hidden state after the final norm, shape (B, T, D)."""
        out: Tensor = self.lm.model(input_ids=tokens_BT, use_cache=False).last_hidden_state
        return out

    def logits(self, tokens_BT: Tensor) -> Tensor:
        """Returns next-token logits in fp32, shape (B, T, V)."""
        out: Tensor = self.lm.lm_head(self.hidden(tokens_BT)).float()
        return out

    def two_ahead(self, hidden_BTD: Tensor, tokens_BT: Tensor) -> Tensor:
        """Returns hidden states that tell the token after next, shape (B, T - 1, D)."""
        assert self.mtp is not None
        embedded = self.lm.model.embed_tokens(tokens_BT[:, 1:])
        place = torch.arange(embedded.shape[1], device=tokens_BT.device)[None]
        out: Tensor = self.mtp(hidden_BTD[:, :-1], embedded, self.lm.model.rotary_emb(embedded, place))
        return out

    def loss(self, hidden_BTD: Tensor, targets_BT: Tensor, learnt_BT: Tensor | None = None) -> Tensor:
        """Returns the mean loss of hidden states in nats per token, of the tokens that are learnt if that is given."""
        targets = targets_BT if learnt_BT is None else targets_BT.masked_fill(~learnt_BT, NOT_LEARNT)
        return head_loss(hidden_BTD.flatten(0, 1), self.lm.lm_head.weight, targets.flatten())


def balance_loss(logits_NE: Tensor, chosen_NK: Tensor, *, n_sequences: int) -> Tensor:
    """Returns the sequence-wise balance loss, mean over sequences; 1 where load and affinity are even.

    L = sum_i f_i P_i, f_i = E/(K T) · tokens that chose expert i, P_i = mean normalised affinity (arXiv:2412.19437,
    equations 17 to 20), before its weight alpha.

    Args:
        logits_NE: of the router, N = B·T tokens, sequence by sequence.
        chosen_NK: experts chosen.
        n_sequences: B.
    """
    n_experts = logits_NE.shape[1]
    affinity = logits_NE.float().sigmoid()
    share_BE = (affinity / affinity.sum(-1, keepdim=True)).view(n_sequences, -1, n_experts).mean(1)
    counts = F.one_hot(chosen_NK, n_experts).sum(1).view(n_sequences, -1, n_experts).float().mean(1)
    return ((counts * n_experts / chosen_NK.shape[1]) * share_BE).sum(-1).mean()


@torch.no_grad()
def update_biases(routers: list[Any], seen: Routing, *, step: float) -> list[float]:
    """Moves each routing bias by `step` towards even load, and returns each layer's largest load over the mean.

    bias += step · sign(mean load - load): arXiv:2412.19437, section 2.1.2.
    """
    ratios = []
    for router, chosen in zip(routers, seen.chosen, strict=True):
        load = ranks.total(torch.bincount(chosen.flatten(), minlength=router.num_experts).float())
        # Not centred as torchtitan's is: the report's own rule.
        router.e_score_correction_bias += step * torch.sign(load.mean() - load)
        ratios.append(float(load.max() / load.mean()))
    return ratios


@dataclass(frozen=True)
class Losses:
    """Of one batch, in nats per token; `total` is what is minimised."""

    total: Tensor
    main: Tensor
    mtp: Tensor | None


def language_losses(
    model: Network, tokens_BT: Tensor, seen: Routing, training: Training, *, learnt_BT: Tensor | None = None
) -> Losses:
    """Returns the loss on the next token, plus lambda times that on the token after next, plus alpha times balance.

    Args:
        model: the network, inside `routed()`.
        tokens_BT: one token longer than what is read, shape (B, T + 1).
        seen: what `routed()` gave.
        training: lambda and alpha.
        learnt_BT: which of the tokens from the second on are learnt, shape (B, T); all where absent.
    """
    read = tokens_BT[:, :-1]
    hidden = model.hidden(read)
    main = model.loss(hidden, tokens_BT[:, 1:], learnt_BT)
    total, mtp = main, None
    if model.mtp is not None:
        ahead = None if learnt_BT is None else learnt_BT[:, 1:]
        mtp = model.loss(model.two_ahead(hidden, read), tokens_BT[:, 2:], ahead)
        total = total + training.mtp_weight * mtp
    for logits, chosen in zip(seen.logits, seen.chosen, strict=True):
        total = total + training.balance_alpha * balance_loss(logits, chosen, n_sequences=len(tokens_BT))
    return Losses(total, main, mtp)
