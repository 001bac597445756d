"""The training loop: one for training and for every way of distilling."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hydrometer.errors import InputError
from hydrometer.lab import ranks
from hydrometer.lab.files import gathered, load_checkpoint, put_weights, save_checkpoint, weights_of
from hydrometer.lab.meter import Ledger, Meter
from hydrometer.lab.network import Losses, Network, Routing, update_biases
from hydrometer.lab.recipes import Bill, Training

Progress = Callable[[int, int, float], None]
"""Called with steps done, steps in all and the last loss."""


@dataclass(frozen=True)
class Run:
    """What a run is made of.

    Attributes:
        model: the network, on its device.
        training: how long and how fast.
        bill: for the ledger.
        seed: of everything random.
        fingerprint: hash of recipe and data: a checkpoint of another run is refused.
        folder: of the run's checkpoints.
    """

    model: Network
    training: Training
    bill: Bill
    seed: int
    fingerprint: str
    folder: Path

    @property
    def n_steps(self) -> int:
        """Optimiser steps: tokens over tokens a step, rounded up."""
        return -(-self.training.tokens // (self.training.batch * self.training.sequence_length))


@dataclass(frozen=True)
class Fitted:
    """How a run went.

    Attributes:
        curve: one row a step: step, loss, and where there are any, mtp and the largest expert load over the mean.
        ledger: what it took.
        resumed_from: step of the checkpoint that this process went on from; 0 for none.
        model: the trained network, whole again where it was sharded.
    """

    curve: list[dict[str, float]]
    ledger: Ledger
    resumed_from: int
    model: Network


def rate_at(step: int, n_steps: int, training: Training) -> float:
    """Returns the learning rate of a step: a linear rise, then a cosine down to `final` times the rate."""
    warm = max(1, round(training.warmup * n_steps))
    if step < warm:
        return training.learning_rate * (step + 1) / warm
    done = (step - warm) / max(1, n_steps - warm)
    return training.learning_rate * (training.final + (1 - training.final) * 0.5 * (1 + math.cos(math.pi * done)))


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Lets torch use `n` threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def optimiser_of(model: Network, training: Training) -> Any:
    """Returns fused AdamW; matrices decay, norms and biases do not. Betas 0.9 and 0.95 as DeepSeek-V3's."""
    # Norms and biases do not decay, as in nanoGPT; the router's bias is a buffer and in neither.
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, 0.95), fused=True)


def fit(
    run: Run,
    batch_at: Callable[[int], Any],
    losses: Callable[[Any, Routing], Losses],
    *,
    meter_step: Callable[[Meter], None],
    progress: Progress,
) -> Fitted:
    """Trains to the end, going on from the newest checkpoint if there is one.

    Args:
        run: what to train.
        batch_at: the batch of a step; a function of the step alone, or a resumed run would differ.
        losses: of a batch, inside the network's `routed()`.
        meter_step: counts what one step takes.
        progress: called after every step.

    Raises:
        InputError: if a checkpoint is another run's, or the loss is no number.
        OutputError: if a checkpoint cannot be written.
    """
    training, model = run.training, run.model
    # Tried for zoo builds too: 32 s from nothing for members that train 2 to 17 s; pays from about five minutes on.
    # Also tried, and slower or not shown: fewer sequences a pass, large pages, other allocators' thresholds. See
    # docs/log.md, 2026-11-26.
    if training.compile:
        model.lm.model.compile()
    ranks.shard(model, model.layers())
    optimiser = optimiser_of(model, training)
    state = load_checkpoint(run.folder, model, optimiser)
    if state is not None and state.get("fingerprint") != run.fingerprint:
        raise InputError(
            "checkpoints of another recipe or other data", cure="name another --out, or delete them",
            where=str(run.folder),
        )  # fmt: skip
    first = int(state["step"]) if state else 0
    curve: list[dict[str, float]] = list(state["curve"]) if state else []
    with threads(training.threads):
        meter = Meter(
            run.bill, device=training.device, precision=training.precision, start=state["count"] if state else None
        )
        predicted = _predicted(run, meter_step)
        for step in range(first, run.n_steps):
            row = _step(run, optimiser, batch_at(step), losses, step)
            curve.append(row)
            meter_step(meter)
            progress(step + 1, run.n_steps, row["loss"])
            if (step + 1) % training.checkpoint_every == 0 and step + 1 < run.n_steps:
                kept = {"step": step + 1, "curve": curve, "count": meter.so_far(), "fingerprint": run.fingerprint}
                save_checkpoint(run.folder, model, optimiser, kept)
        return Fitted(curve, meter.ledger(predicted_flop=predicted), first, _unsharded(model))


def _unsharded(model: Network) -> Network:
    """Returns the model itself, or a whole copy of a sharded one."""
    if ranks.count() == 1:
        return model
    copy = Network(model.config)
    put_weights(copy, gathered(weights_of(model)), where="the shards")
    if model.mtp is not None and copy.mtp is not None:
        copy.mtp.load_state_dict(gathered(model.mtp.state_dict()))
    return copy


def _predicted(run: Run, meter_step: Callable[[Meter], None]) -> float:
    """Returns the FLOP of all steps, counted before the first."""
    scratch = Meter(run.bill.model_copy(update={"peak_flop_per_second": 1.0}), device="cpu", precision="fp32")
    meter_step(scratch)
    return run.n_steps * (scratch.count["training_flop"] + scratch.count["other_flop"])


def _step(
    run: Run, optimiser: Any, batch: Any, losses: Callable[[Any, Routing], Losses], step: int
) -> dict[str, float]:
    training, model = run.training, run.model
    rate = rate_at(step, run.n_steps, training)
    for group in optimiser.param_groups:
        group["lr"] = rate
    model.train()
    optimiser.zero_grad(set_to_none=True)
    kind = training.device.partition(":")[0]
    with (
        model.routed() as seen,
        torch.autocast(kind, dtype=torch.bfloat16, enabled=training.precision == "bf16"),
    ):
        loss, main, mtp = model(lambda: losses(batch, seen))
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), training.clip)
    norm = ranks.whole(norm)
    # One look at the norm instead of every loss: an infinite loss makes it infinite too.
    if not bool(torch.isfinite(norm)):
        raise InputError(
            f"the loss is no number at step {step}", cure="lower learning_rate or clip", where=str(run.folder)
        )
    optimiser.step()
    row = {"step": float(step + 1), "loss": _float(main), "rate": rate, "gradient_norm": float(norm)}
    if mtp is not None:
        row["mtp"] = _float(mtp)
    if seen.chosen:
        row["largest_load"] = max(update_biases(model.routers(), seen, step=training.balance_step))
    return row


def _float(value: Tensor) -> float:
    """Returns a mean over this process's rows as the mean over all processes'."""
    return float(ranks.total(float(value.detach()))) / ranks.count()
