"""Lets a network of transformers answer many prompts together, each row as if it were alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from hydrometer.records.exchange import Request

# By hand, 2026-11-26: a token at a time would call `generate` for each, and each call has its own overhead.
_CHUNK = 32
"""Tokens between two looks at which rows have ended; those cost nothing from there on."""
# Sorting 49,152 tokens for 64 rows takes 0.67 s a step, more than the network; these hold the nucleus mostly
# (docs/log.md, 2026-11-25).
_NUCLEUS = 256
"""Most probable tokens among which the nucleus is looked for first: sorting whole vocabularies is slow."""

Ended = Callable[[int, list[int], "list[float] | None"], None]
"""Takes the place of a row, its tokens, and the natural log of each one's probability where wanted."""


def generate(network: Any, batch: Any, requests: Sequence[Request], *, pad: int, logprobs: bool, ended: Ended) -> None:
    """Writes on from every row of a batch until it ends by itself or at its own limit.

    transformers' own `generate` computes the rows that have ended until the last one has. Here it writes a few tokens
    at a time, and rows that have ended are taken out of the batch in between.

    Args:
        network: with a head for the next token.
        batch: `input_ids` and `attention_mask`, [B, T], padded on the left.
        requests: what each row asks for.
        pad: token that fills rows which have ended.
        logprobs: also tell how probable every token was.
        ended: called for each row as soon as it has ended, with all of its tokens (an end token included).
    """
    import torch

    stops = ends(network)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    memory: dict[str, Any] = {}
    live = list(range(len(requests)))
    draws = [_rng(request) for request in requests]
    tokens: list[list[int]] = [[] for _ in requests]
    logs: list[list[float]] = [[] for _ in requests]
    with torch.inference_mode():
        while live:
            out = network.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=min(_CHUNK, *(requests[i].max_tokens - len(tokens[i]) for i in live)),
                pad_token_id=pad,
                do_sample=False,
                logits_processor=[_Draw([requests[i] for i in live], [draws[i] for i in live])],
                return_dict_in_generate=True,
                output_logits=logprobs,
                **memory,
            )
            new = out.sequences[:, ids.shape[1] :]
            probable = _logs(out.logits, new) if logprobs else None
            kept = []
            for row, i in enumerate(live):
                added = new[row].tolist()
                stop = next((n for n, token in enumerate(added) if token in stops), None)
                tokens[i] += added if stop is None else added[: stop + 1]
                if probable is not None:
                    logs[i] += probable[row].tolist()[: len(tokens[i]) - len(logs[i])]
                if stop is not None or len(tokens[i]) >= requests[i].max_tokens:
                    ended(i, tokens[i], logs[i] if logprobs else None)
                else:
                    kept.append(row)
            memory = _memory(out, kept, len(live))
            live = [live[row] for row in kept]
            ids, mask = out.sequences[kept], torch.cat([mask, torch.ones_like(new)], 1)[kept]


def ends(network: Any) -> set[int]:
    """Returns the tokens that end an answer."""
    found = network.generation_config.eos_token_id
    return set(found) if isinstance(found, list) else set() if found is None else {found}


def _rng(request: Request) -> random.Random:
    # Not the seed alone: all prompts would then share their luck, and probes must vary independently.
    return random.Random(f"{request.seed or 0}\0{request.system}\0{request.prompt}")  # noqa: S311


def _logs(logits: Any, new: Any) -> Any:
    import torch

    return torch.stack(logits, 1).float().log_softmax(-1).gather(2, new[:, :, None])[:, :, 0]


def _memory(out: Any, kept: list[int], n: int) -> dict[str, Any]:
    """Returns the network's cache of the rows that go on; nothing, and so computed again, where it cannot be cut."""
    import torch

    if not kept:
        return {}
    # Its name changed within transformers 5.
    for name in ("cache", "past_key_values"):
        cache = getattr(out, name, None)
        if cache is None:
            continue
        if len(kept) < n:
            if not hasattr(cache, "batch_select_indices"):
                return {}
            cache.batch_select_indices(torch.tensor(kept))
        return {name: cache}
    return {}


class _Draw:
    """Draws each row's next token by that row's own random numbers, so that it does not depend on its neighbours.

    Leaves the drawn token alone with a finite score: the greedy choice that follows takes it. Greedy rows stay as they
    are. One uniform number a token, turned into a token by the inverse of the cumulative distribution.
    """

    def __init__(self, requests: Sequence[Request], draws: Sequence[random.Random]) -> None:
        self._sampled = [(i, r, d) for i, (r, d) in enumerate(zip(requests, draws, strict=True)) if r.temperature > 0]

    def __call__(self, _: Any, scores_BV: Any) -> Any:
        import torch

        if not self._sampled:
            return scores_BV
        rows = [i for i, _, _ in self._sampled]
        heat_S1 = torch.tensor([[r.temperature] for _, r, _ in self._sampled])
        mass_S1 = torch.tensor([[1.0 if r.top_p is None else r.top_p] for _, r, _ in self._sampled]).double()
        luck_S1 = torch.tensor([[d.random()] for _, _, d in self._sampled]).double()
        p_SV = (scores_BV[rows].float() / heat_S1).softmax(-1)
        p_SK, token_SK = p_SV.topk(min(_NUCLEUS, p_SV.shape[1]))
        drawn_S = _inverse(p_SK, token_SK, mass_S1, luck_S1)
        wide_S = p_SK.double().sum(1) < mass_S1[:, 0]
        if bool(wide_S.any()):
            p_WV, token_WV = p_SV[wide_S].sort(descending=True)
            drawn_S[wide_S] = _inverse(p_WV, token_WV, mass_S1[wide_S], luck_S1[wide_S])
        scores = scores_BV.clone()
        scores[rows] = -torch.inf
        scores[rows, drawn_S] = 0.0
        return scores


def _inverse(p_SK: Any, token_SK: Any, mass_S1: Any, luck_S1: Any) -> Any:
    """Returns the token [S] at which the cumulative distribution of the nucleus passes a uniform number."""
    import torch

    sum_SK = p_SK.double().cumsum(1)
    # The token that crosses the mass still belongs to the nucleus; rounding may leave the whole just below 1.
    last_S1 = (sum_SK < mass_S1).sum(1, keepdim=True).clamp(max=sum_SK.shape[1] - 1)
    place_S1 = (sum_SK <= luck_S1 * sum_SK.gather(1, last_S1)).sum(1, keepdim=True)
    return token_SK.gather(1, torch.minimum(place_S1, last_S1))[:, 0]
