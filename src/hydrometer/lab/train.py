"""`hydrometer lab train`: a recipe in, a model's folder out."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from hydrometer.errors import InputError
from hydrometer.lab import ranks
from hydrometer.lab.corpus import Blocks, order, pack, read_text, read_tokenizer, token_stream, train_tokenizer
from hydrometer.lab.files import load_model, save_model, whole_folder
from hydrometer.lab.fit import Fitted, Progress, Run, fit
from hydrometer.lab.meter import Ledger, Meter
from hydrometer.lab.network import Network, config_of, language_losses
from hydrometer.lab.recipes import Training, TrainRecipe, beside
from hydrometer.records.base import Record

RESULT = "run.json"
_CHECKPOINTS = "checkpoints"


class Parent(Record):
    """A model that another was made from."""

    name: str
    relation: str
    """`start` (its weights), or the method by which it taught."""
    dose: float
    """Share of the training blocks that came from it; 0 for a start."""
    sha256: str
    """Of its weights."""


class Result(Record):
    """What a run made, kept beside the model."""

    name: str
    kind: str
    parameters: int
    first_loss: float
    last_loss: float
    """Mean of the last ten steps, nats per token."""
    largest_load: float | None
    """Largest expert load over the mean, mean of the last ten steps."""
    steps: int
    seed: int
    parents: tuple[Parent, ...]
    data_sha256: str
    weights_sha256: str
    ledger: Ledger
    recipe: str


def quiet(done: int, total: int, loss: float) -> None:
    """Shows nothing."""


def weights_sha256(folder: Path) -> str:
    """Returns the hash of a model's weights."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def train(recipe: TrainRecipe, path: Path, out: Path, *, progress: Progress = quiet) -> Result:
    """Trains a model on human text and writes its folder: weights, configuration, tokenizer, `run.json`, `curve.json`.

    Interrupted, the same call goes on from the last checkpoint, to the same losses.

    Args:
        recipe: what to train.
        path: the recipe's file; names in it are relative to it.
        out: the model's folder.
        progress: called after every step.

    Raises:
        InputError: if the recipe, a text or a checkpoint cannot be used.
        OutputError: if the folder cannot be written.
    """
    if (out / RESULT).exists():
        raise InputError("there is a trained model already", cure="name another --out", where=str(out))
    device = ranks.device_of(recipe.training.device)
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"device": device})})
    with ranks.together(device):
        return _train(recipe, path, out, progress)


def _train(recipe: TrainRecipe, path: Path, out: Path, progress: Progress) -> Result:
    texts = [read_text(beside(path, name)) for name in recipe.text]
    torch.manual_seed(recipe.seed)
    parents: tuple[Parent, ...] = ()
    if recipe.init is not None:
        start = beside(path, recipe.init)
        model, tokenizer = load_model(start)
        parents = (Parent(name=start.name, relation="start", dose=0.0, sha256=weights_sha256(start)),)
    else:
        assert recipe.model is not None
        tokenizer = (
            read_tokenizer(beside(path, recipe.tokenizer))
            if recipe.tokenizer
            else train_tokenizer(texts, vocab_size=recipe.vocab_size)
        )
        length = recipe.training.sequence_length
        config = config_of(recipe.model, vocab_size=tokenizer.get_vocab_size(), longest=2 * length)
        model = Network(config)
    blocks = pack(
        token_stream(tokenizer, texts), length=recipe.training.sequence_length, where=str(beside(path, recipe.text[0]))
    )
    run = run_of(model, recipe, blocks, out)
    fitted = fit_language(run, blocks, progress=progress)
    return finish(run, tokenizer, fitted, recipe=recipe, kind="trained", parents=parents, blocks=blocks)


def run_of(model: Network, recipe: Any, blocks: Blocks, out: Path) -> Run:
    """Returns the run of a recipe on these blocks, with its fingerprint."""
    # How often to checkpoint changes no loss, and where the device stands is no part of what is learnt.
    reported = recipe.model_dump(mode="json", exclude={"training": {"checkpoint_every", "device"}, "bill": True})
    digest = hashlib.sha256(json.dumps(reported, sort_keys=True).encode() + blocks.tobytes()).hexdigest()
    return Run(
        model.to(recipe.training.device), recipe.training, recipe.bill, recipe.seed, digest, out / _CHECKPOINTS
    )  # fmt: skip


def fit_language(run: Run, blocks: Blocks, *, progress: Progress) -> Fitted:
    """Trains a network on blocks, each pass in another order."""
    training = run.training
    rows = order(len(blocks), n_wanted=run.n_steps * training.batch, seed=run.seed)

    def batch_at(step: int) -> torch.Tensor:
        chosen = blocks[rows[step * training.batch : (step + 1) * training.batch]]
        return ranks.part_of(torch.from_numpy(chosen), where=str(run.folder)).to(training.device)

    return fit(
        run,
        batch_at,
        lambda batch, seen: language_losses(run.model, batch, seen, training),
        meter_step=lambda meter: learn_step(meter, run.model, training),
        progress=progress,
    )


def learn_step(meter: Meter, model: Network, training: Training) -> None:
    """Counts one step of learning."""
    meter.learnt(model, training.batch * training.sequence_length, training.sequence_length)


def finish(
    run: Run, tokenizer: Any, fitted: Fitted, *, recipe: Any, kind: str, parents: Sequence[Parent], blocks: Blocks
) -> Result:
    """Writes the model's folder whole, drops the checkpoints and returns what is reported of it."""
    out = run.folder.parent
    if not ranks.is_first():
        ranks.wait()
        return Result.model_validate_json((out / RESULT).read_text(encoding="utf-8"))
    # Ten steps by hand, 2026-11-25: the loss of one batch is noisy.
    last = fitted.curve[-10:]
    loads = [row["largest_load"] for row in last if "largest_load" in row]
    with whole_folder(out / "model") as fresh:
        save_model(fresh, fitted.model, tokenizer)
        digest = weights_sha256(fresh)
        result = Result(
            name=recipe.name, kind=kind, parameters=sum(p.numel() for p in fitted.model.parameters()),
            first_loss=fitted.curve[0]["loss"], last_loss=sum(r["loss"] for r in last) / len(last),
            largest_load=sum(loads) / len(loads) if loads else None, steps=run.n_steps, seed=recipe.seed,
            parents=tuple(parents), data_sha256=hashlib.sha256(blocks.tobytes()).hexdigest(), weights_sha256=digest,
            ledger=fitted.ledger, recipe=recipe.model_dump_json(),
        )  # fmt: skip
        (fresh / "curve.json").write_text(json.dumps(fitted.curve), encoding="utf-8")
        (fresh / RESULT).write_text(result.model_dump_json(indent=1), encoding="utf-8")
    # The result comes last: where it stands, the model is whole.
    for file in sorted((out / "model").iterdir(), key=lambda f: f.name == RESULT):
        file.replace(out / file.name)
    (out / "model").rmdir()
    shutil.rmtree(run.folder, ignore_errors=True)
    ranks.wait()
    return result
