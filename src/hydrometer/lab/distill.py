"""`hydrometer lab distill`: a base model, its teachers, and the dose of each.

| method | what the student learns from a teacher's share of its blocks |
|---|---|
| sequence | text that the teacher wrote, by the likelihood of each token (Kim and Rush, arXiv:1606.07947) |
| forward_kl | human text, by KL(teacher, student) at each token (Hinton et al., arXiv:1503.02531) |
| reverse_kl | human text, by KL(student, teacher) at each token (Gu et al., MiniLLM, arXiv:2306.08543) |
| on_policy | text that the student wrote itself, by KL(student, teacher) (Agarwal et al., GKD, arXiv:2306.13649) |

The rest of the blocks is human text. Dose is the share of blocks, so of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from hydrometer.errors import InputError
from hydrometer.lab import ranks
from hydrometer.lab.corpus import Blocks, order, pack, read_text, token_stream
from hydrometer.lab.files import load_model
from hydrometer.lab.fit import Fitted, Progress, Run, fit, threads
from hydrometer.lab.meter import Meter
from hydrometer.lab.network import Losses, Network, Routing, balance_loss, language_losses
from hydrometer.lab.recipes import DistillRecipe, beside
from hydrometer.lab.sample import sample_many
from hydrometer.lab.train import Parent, Result, finish, learn_step, quiet, run_of, weights_sha256

# Any prime far above the seeds in use; by hand, 2026-11-25.
_TEACHER_SEED = 7919
"""Parts the draws of one teacher from those of the next."""


@dataclass(frozen=True)
class Lesson:
    """A student's blocks and who each is from.

    Attributes:
        blocks_NT: tokens, T + 1 a block.
        teacher_N: which teacher a block belongs to; -1 for human text.
    """

    blocks_NT: Blocks
    teacher_N: np.ndarray[Any, np.dtype[np.int64]]


def distill(recipe: DistillRecipe, path: Path, out: Path, *, progress: Progress = quiet) -> Result:
    """Trains a student and writes its folder, as `train` does.

    Args:
        recipe: student, teachers, doses.
        path: the recipe's file; names in it are relative to it.
        out: the student's folder.
        progress: called after every step.

    Raises:
        InputError: if a file cannot be used, or teacher and student have different tokenizers.
        OutputError: if the folder cannot be written.
    """
    if (out / "run.json").exists():
        raise InputError("there is a trained model already", cure="name another --out", where=str(out))
    if ranks.count() > 1:
        raise InputError("students are taught in one process", cure="start the command without torchrun")
    torch.manual_seed(recipe.seed)
    base = beside(path, recipe.student)
    student, tokenizer = load_model(base)
    teachers = [_teacher(beside(path, t.model), tokenizer) for t in recipe.teachers]
    texts = [read_text(beside(path, name)) for name in recipe.text]
    prompts = [read_text(beside(path, name)) for name in recipe.prompts] or texts
    with threads(recipe.training.threads):
        meter, lesson = _lesson(recipe, teachers, tokenizer, texts, prompts, where=str(path))
    run = run_of(student, recipe, lesson.blocks_NT, out)
    fitted = _fit(run, recipe, teachers, lesson, progress)
    if meter:
        fitted = _with_sampling(fitted, meter)
    parents = [Parent(name=base.name, relation="start", dose=0.0, sha256=weights_sha256(base))]
    for teacher in recipe.teachers:
        place = beside(path, teacher.model)
        parents.append(
            Parent(name=place.name, relation=recipe.method, dose=teacher.share, sha256=weights_sha256(place))
        )
    return finish(run, tokenizer, fitted, recipe=recipe, kind="distilled", parents=parents, blocks=lesson.blocks_NT)


def _teacher(folder: Path, tokenizer: Any) -> Network:
    model, other = load_model(folder)
    if other.to_str() != tokenizer.to_str():
        raise InputError(
            "teacher and student have different tokenizers", cure="give both recipes one tokenizer", where=str(folder)
        )
    model.eval()
    return model


def _lesson(
    recipe: DistillRecipe, teachers: Sequence[Network], tokenizer: Any, texts: Sequence[str], prompts: Sequence[str],
    *, where: str,
) -> tuple[dict[str, float], Lesson]:  # fmt: skip
    """Returns what sampling took, and the blocks: each teacher's share first drawn, then human text for the rest."""
    training = recipe.training
    length = training.sequence_length
    n_blocks = -(-training.tokens // length)
    human = pack(token_stream(tokenizer, texts), length=length, where=where)
    asked = pack(token_stream(tokenizer, prompts), length=length, where=where)
    rows = order(len(human), n_wanted=n_blocks, seed=recipe.seed)
    blocks, owner = human[rows], np.full(n_blocks, -1, dtype=np.int64)
    # Teachers write before they are moved to the device of the training.
    meter = Meter(recipe.bill, device="cpu", precision="fp32") if recipe.method == "sequence" else None
    start = 0
    for i, (teacher, model) in enumerate(zip(recipe.teachers, teachers, strict=True)):
        n = round(teacher.share * n_blocks)
        owner[start : start + n] = i
        if meter is not None and n:
            # Not the windows that the student reads as human text: another draw.
            chosen = asked[order(len(asked), n_wanted=n, seed=recipe.seed + _TEACHER_SEED * (i + 1))]
            first = torch.from_numpy(chosen[:, : recipe.prompt_tokens])
            written = sample_many(
                model, first, n_new=length + 1 - recipe.prompt_tokens, temperature=recipe.temperature,
                seed=recipe.seed + _TEACHER_SEED * (i + 1),
            )  # fmt: skip
            blocks[start : start + n] = written.numpy()
            meter.read(model, n * (length + 1 - recipe.prompt_tokens), length, sampled=True)
        start += n
    return (meter.so_far() if meter else {}), Lesson(blocks, owner)


def _with_sampling(fitted: Fitted, count: dict[str, float]) -> Fitted:
    """Adds what the teachers' writing took to the ledger."""
    ledger = fitted.ledger
    seconds = ledger.device_seconds + count["device_seconds"]
    grown = seconds / ledger.device_seconds
    flop = ledger.training_flop + ledger.other_flop + count["other_flop"]
    new = ledger.model_copy(
        update={
            "sampled_tokens": int(count["sampled_tokens"]),
            "other_flop": ledger.other_flop + count["other_flop"],
            "device_seconds": seconds,
            "wall_seconds": ledger.wall_seconds + count["wall_seconds"],
            "mfu": flop / (seconds * ledger.peak_flop_per_second),
            "kwh": None if ledger.kwh is None else ledger.kwh * grown,
            "usd": None if ledger.usd is None else ledger.usd * grown,
            "measured_device_hours": seconds / 3600.0,
        }
    )
    return Fitted(fitted.curve, new, fitted.resumed_from, fitted.model)


def _fit(run: Run, recipe: DistillRecipe, teachers: Sequence[Network], lesson: Lesson, progress: Progress) -> Fitted:
    training, device = run.training, recipe.training.device
    rows = order(len(lesson.blocks_NT), n_wanted=run.n_steps * training.batch, seed=run.seed + 1)
    teachers = [model.to(device) for model in teachers]

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        chosen = rows[step * training.batch : (step + 1) * training.batch]
        tokens = torch.from_numpy(lesson.blocks_NT[chosen]).to(device)
        owner = torch.from_numpy(lesson.teacher_N[chosen]).to(device)
        if recipe.method == "on_policy" and bool((owner >= 0).any()):
            tokens = _own_words(run.model, tokens, owner, recipe, seed=run.seed + step)
        return tokens, owner

    def losses(batch: tuple[Tensor, Tensor], seen: Routing) -> Losses:
        tokens, owner = batch
        if recipe.method == "sequence":
            return language_losses(run.model, tokens, seen, training)
        return _matched(run.model, teachers, tokens, owner, seen, recipe)

    def count(meter: Meter) -> None:
        learn_step(meter, run.model, training)
        if recipe.method == "sequence":
            return
        for teacher, model in zip(recipe.teachers, teachers, strict=True):
            n = round(teacher.share * training.batch * training.sequence_length)
            meter.read(model, n, training.sequence_length, sampled=False)
            if recipe.method == "on_policy":
                meter.read(run.model, n, training.sequence_length, sampled=True)

    return fit(run, batch_at, losses, meter_step=count, progress=progress)


def _own_words(model: Network, tokens: Tensor, owner: Tensor, recipe: DistillRecipe, *, seed: int) -> Tensor:
    """Lets the student continue the prompts of the teachers' blocks itself."""
    mine = owner >= 0
    written = sample_many(
        model, tokens[mine, : recipe.prompt_tokens], n_new=tokens.shape[1] - recipe.prompt_tokens,
        temperature=recipe.temperature, seed=seed,
    )  # fmt: skip
    tokens = tokens.clone()
    tokens[mine] = written
    return tokens


def _matched(
    model: Network, teachers: Sequence[Network], tokens: Tensor, owner: Tensor, seen: Routing, recipe: DistillRecipe
) -> Losses:
    """Returns likelihood on human blocks and KL on the teachers', each weighted by its share of the batch."""
    read, targets = tokens[:, :-1], tokens[:, 1:]
    logits = model.logits(read)
    human = owner < 0
    total = logits.new_zeros(())
    if bool(human.any()):
        total = total + cross_entropy(logits[human].flatten(0, 1), targets[human].flatten()) * human.float().mean()
    for i, teacher in enumerate(teachers):
        mine = owner == i
        if bool(mine.any()):
            with torch.no_grad():
                wanted = teacher.logits(read[mine])
            divergence = divergence_of(wanted, logits[mine], method=recipe.method, temperature=recipe.temperature)
            total = total + divergence * mine.float().mean()
    for router_logits, chosen in zip(seen.logits, seen.chosen, strict=True):
        total = total + recipe.training.balance_alpha * balance_loss(router_logits, chosen, n_sequences=len(tokens))
    return Losses(total, total, None)


def divergence_of(teacher_NTV: Tensor, student_NTV: Tensor, *, method: str, temperature: float) -> Tensor:
    """Returns the mean KL per token in nats, times temperature squared (Hinton et al., arXiv:1503.02531, section 2).

    Args:
        teacher_NTV: logits.
        student_NTV: logits.
        method: `forward_kl` for KL(teacher, student); else KL(student, teacher).
        temperature: of both.
    """
    theirs = torch.log_softmax(teacher_NTV / temperature, dim=-1)
    mine = torch.log_softmax(student_NTV / temperature, dim=-1)
    first, second = (theirs, mine) if method == "forward_kl" else (mine, theirs)
    return (first.exp() * (first - second)).sum(-1).mean() * temperature**2
