"""`hydrometer lab s1`: a small base, traces chosen in several ways, fine-tuning on them, and budget forcing.

Stages, each kept when it is done, so that the same command goes on where it was stopped: `base/`, `chosen/`, `arms/`
(one model for each choice and seed, with its answers) and `result.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hydrometer.errors import HydrometerError, InputError
from hydrometer.lab.choose import Arm, choose, is_right, is_well_formed
from hydrometer.lab.corpus import order, pack
from hydrometer.lab.files import load_model
from hydrometer.lab.fit import fit, threads
from hydrometer.lab.meter import Ledger, Meter
from hydrometer.lab.network import Losses, Network, Routing, config_of, language_losses
from hydrometer.lab.reasoning import (
    ANSWER,
    RULES,
    THINK,
    TOKEN,
    VOCABULARY,
    Problem,
    Trace,
    make_question,
    make_tokenizer,
    make_traces,
    tokens_of,
)  # fmt: skip
from hydrometer.lab.recipes import Bill, Seed, Training
from hydrometer.lab.s1_answers import answer
from hydrometer.lab.s1_records import S1Recipe, S1Result, Spent
from hydrometer.lab.s1_sum import summed
from hydrometer.lab.train import RESULT, Parent, Result, finish, fit_language, quiet, run_of, weights_sha256
from hydrometer.records.base import Record, Slug
from hydrometer.store.files import write_whole

Update = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much."""
# Any four unequal numbers: no stage may draw what another has drawn.
_BASE_DRAWS, _POOL_DRAWS, _TEST_DRAWS, _CHOICE_DRAWS = 11, 13, 17, 19
# By hand, 2026-11-26: bounds memory.
_AT_ONCE = 512


class Pretrained(Record):
    """The recipe of the base."""

    name: Slug
    seed: Seed
    training: Training
    bill: Bill


class Tuned(Pretrained):
    """The recipe of one tuned model."""

    arm: Arm


def s1(recipe: S1Recipe, out: Path, *, workers: int = 1, progress: Update) -> S1Result:
    """Trains, chooses, tunes and tests; interrupted, the same call goes on.

    Args:
        recipe: what to do.
        out: folder of everything that is made.
        workers: processes, one tuned model each, one thread each.
        progress: called as work goes on.

    Raises:
        InputError: if the folder is another recipe's, or the pool is too small.
        OutputError: if something cannot be written.
    """
    _claim(recipe, out)
    if (out / "result.json").exists():
        return S1Result.model_validate_json((out / "result.json").read_text(encoding="utf-8"))
    questions = questions_of(recipe)
    base = out / "base"
    if not (base / RESULT).exists():
        _pretrain(recipe, base, questions, progress)
    chosen = _choose(recipe, out, questions, progress)
    answers = _arms(recipe, out, workers, progress)
    first = Result.model_validate_json((base / RESULT).read_text(encoding="utf-8"))
    tuned = [
        Result.model_validate_json((out / "arms" / n / RESULT).read_text(encoding="utf-8")) for n in _names(recipe)
    ]
    bill = [
        _spent("pre-training of the base", [first.ledger]),
        Spent.model_validate_json(json.dumps(chosen["spent"])),
        _spent(f"tuning of {len(tuned)} models", [r.ledger for r in tuned]),
        _spent("answering the test", [Ledger.model_validate(a["ledger"]) for a in answers.values()]),
    ]
    found = summed(recipe, questions, answers, parameters=first.parameters, pool=chosen["left"], bill=bill,
                   price=first.ledger.price)  # fmt: skip
    write_whole(out / "result.json", found.model_dump_json(indent=1).encode())
    return found


def _claim(recipe: S1Recipe, out: Path) -> None:
    """Writes the recipe into the folder, or refuses a folder of another."""
    reported = recipe.model_dump_json(indent=1)
    place = out / "recipe.json"
    if place.exists():
        if place.read_text(encoding="utf-8") != reported:
            raise InputError("the folder holds the work of another recipe", cure="name another --out", where=str(out))
        return
    write_whole(place, reported.encode(), make_folder=True)


def questions_of(recipe: S1Recipe) -> list[Problem]:
    """Returns the questions of the test, every rule in turn, none twice as long as there are enough."""
    rng = np.random.default_rng([recipe.seed, _TEST_DRAWS])
    return [
        make_question(rng, digits=recipe.testing.digits, rule=RULES[i % len(RULES)])
        for i in range(recipe.testing.questions)
    ]


def _pretrain(recipe: S1Recipe, out: Path, questions: Sequence[Problem], progress: Update) -> None:
    training = recipe.pretraining
    rng = np.random.default_rng([recipe.seed, _BASE_DRAWS])
    stream: list[int] = []
    while len(stream) <= training.tokens:
        for trace in make_traces(500, rng, recipe.pool.mix, without=frozenset(questions)):
            stream += [*tokens_of(trace.question.words), *tokens_of(trace.words), 0]
    blocks = pack(np.array(stream, dtype=np.int64), length=training.sequence_length, where=str(out))
    torch.manual_seed(recipe.seed)
    # Positions for thinking that is made to go on: 4 × the cap, since a forced `wait` starts another pass. By hand.
    longest = max(2 * training.sequence_length, 4 * recipe.testing.most)
    model = Network(config_of(recipe.model, vocab_size=len(VOCABULARY), longest=longest))
    named = Pretrained(name="base", seed=recipe.seed, training=training, bill=recipe.bill)
    run = run_of(model, named, blocks, out)
    fitted = fit_language(run, blocks, progress=lambda done, n, _: progress("Pre-training", done, n))
    finish(run, make_tokenizer(), fitted, recipe=named, kind="trained", parents=(), blocks=blocks)


def _choose(recipe: S1Recipe, out: Path, questions: Sequence[Problem], progress: Update) -> dict[str, Any]:
    """Writes the chosen traces of every arm and seed, one a line, and returns what was left and what it took."""
    place = out / "chosen" / "pool.json"
    if place.exists():
        reported: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return reported
    rng = np.random.default_rng([recipe.seed, _POOL_DRAWS])
    pool: list[Trace] = []
    for trace in make_traces(recipe.pool.traces, rng, recipe.pool.mix, without=frozenset(questions)):
        pool.append(trace)
        if len(pool) % 1000 == 0:
            progress("Pool", len(pool), recipe.pool.traces)
    form_N = np.array([is_well_formed(t) for t in pool])
    good_N = form_N & np.array([is_right(t) for t in pool])
    model, _ = load_model(out / "base")
    with threads(recipe.pretraining.threads):
        meter = Meter(recipe.bill, device="cpu", precision="fp32")
        hard_N = fails_at_once(model, pool, good_N, meter, progress)
        ledger = meter.ledger(predicted_flop=0.0)
    for arm in recipe.arms:
        for seed in recipe.seeds:
            draws = np.random.default_rng([recipe.seed, _CHOICE_DRAWS, seed])
            kept = choose(pool, arm, n=recipe.chosen, good_N=good_N, hard_N=hard_N, rng=draws)
            lines = [" ".join([*pool[i].question.words, *pool[i].words]) for i in kept]
            write_whole(out / "chosen" / f"{arm}-{seed}.txt", ("\n".join(lines) + "\n").encode(), make_folder=True)
    left = {
        "all": len(pool), "well formed": int(form_N.sum()), "and right": int(good_N.sum()),
        "and failed by the base": int(hard_N.sum()),
    }  # fmt: skip
    reported = {"left": left, "spent": _spent("finding what the base fails", [ledger]).model_dump(mode="json")}
    write_whole(place, json.dumps(reported).encode())
    return reported


@torch.no_grad()
def fails_at_once(
    model: Network, pool: Sequence[Trace], asked_N: NDArray[np.bool_], meter: Meter, progress: Update
) -> NDArray[np.bool_]:
    """Returns which of the asked questions a model answers wrong without thinking, shape (N,)."""
    failed_N = np.zeros(len(pool), dtype=np.bool_)
    model.eval()
    asked = np.flatnonzero(asked_N)
    lengths = np.array([len(pool[i].question.digits) for i in asked.tolist()])
    done = 0
    for length in np.unique(lengths):
        group = asked[lengths == length]
        for start in range(0, len(group), _AT_ONCE):
            part = group[start : start + _AT_ONCE]
            tokens = torch.tensor([tokens_of([*pool[i].question.words, ANSWER]) for i in part.tolist()])
            said = model.logits(tokens)[:, -1].argmax(-1).numpy()
            failed_N[part] = said != np.array([TOKEN[str(pool[i].question.truth)] for i in part.tolist()])
            meter.read(model, tokens.numel(), tokens.shape[1], sampled=False)
            done += len(part)
            progress("Difficulty", done, len(asked))
    return failed_N


def _names(recipe: S1Recipe) -> list[str]:
    return [f"{arm}-{seed}" for arm in recipe.arms for seed in recipe.seeds]


def _arms(recipe: S1Recipe, out: Path, workers: int, progress: Update) -> dict[str, dict[str, Any]]:
    """Tunes and tests every model that is not there yet; returns the answers, the base's among them."""
    (out / "arms").mkdir(exist_ok=True)
    work = [(recipe, str(out), "base", 0)]
    work += [(recipe, str(out), arm, seed) for arm in recipe.arms for seed in recipe.seeds]
    if workers == 1:
        for done, item in enumerate(work, 1):
            _arm(item)
            progress("Models", done, len(work))
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for done, problem in enumerate(pool.map(_reported, work), 1):
                if problem:
                    pool.shutdown(cancel_futures=True)
                    raise InputError(problem, cure="correct it and give the command again", where=str(out))
                progress("Models", done, len(work))
    return {
        name: json.loads((out / "arms" / name / "answers.json").read_text(encoding="utf-8"))
        for name in ["base", *_names(recipe)]
    }


def _reported(work: tuple[S1Recipe, str, str, int]) -> str:
    """Does one piece of work in a process of its own; an error is reported, not raised, for it would lose its class."""
    try:
        _arm(work)
    except HydrometerError as error:
        return str(error)
    return ""


def _arm(work: tuple[S1Recipe, str, str, int]) -> None:
    recipe, place, arm, seed = work
    out = Path(place)
    folder = out / "arms" / ("base" if arm == "base" else f"{arm}-{seed}")
    if arm != "base" and not (folder / RESULT).exists():
        tune(recipe, out / "base", out / "chosen" / f"{arm}-{seed}.txt", folder, arm=arm, seed=seed)
    if not (folder / "answers.json").exists():
        model, _ = load_model(out / "base" if arm == "base" else folder)
        with threads(recipe.pretraining.threads):
            reported = answer(model, questions_of(recipe), recipe)
        write_whole(folder / "answers.json", json.dumps(reported).encode(), make_folder=True)


def tune(recipe: S1Recipe, base: Path, chosen: Path, out: Path, *, arm: Any, seed: int) -> Result:
    """Fine-tunes the base on chosen traces, the loss on what follows `think` only."""
    rows = [[*tokens_of(line.split(" ")), 0] for line in chosen.read_text(encoding="utf-8").splitlines()]
    tokens_NT = np.zeros((len(rows), max(len(r) for r in rows)), dtype=np.int64)
    for i, row in enumerate(rows):
        tokens_NT[i, : len(row)] = row
    asked, length = recipe.tuning, tokens_NT.shape[1] - 1
    steps = -(-asked.epochs * len(rows) // asked.batch)
    training = recipe.pretraining.model_copy(
        update={
            "tokens": steps * asked.batch * length, "batch": asked.batch, "sequence_length": length,
            "learning_rate": asked.learning_rate, "warmup": asked.warmup, "final": 0.0,
            "weight_decay": asked.weight_decay,
        }
    )  # fmt: skip
    torch.manual_seed(seed)
    model, tokenizer = load_model(base)
    named = Tuned(name=f"{arm}-{seed}", seed=seed, arm=arm, training=training, bill=recipe.bill)
    run = run_of(model, named, tokens_NT, out)
    turns = order(len(rows), n_wanted=run.n_steps * asked.batch, seed=seed)

    def batch_at(step: int) -> torch.Tensor:
        batch = tokens_NT[turns[step * asked.batch : (step + 1) * asked.batch]]
        used = int((batch != 0).sum(1).max()) + 1  # END is token 0 and so is what follows it
        return torch.from_numpy(batch[:, :used]).to(training.device)

    def losses(batch: torch.Tensor, seen: Routing) -> Losses:
        return language_losses(model, batch, seen, training, learnt_BT=after_think(batch))

    # FLOP are counted of the rows' mean length, not of their padding.
    mean = round(sum(len(r) for r in rows) / len(rows))
    fitted = fit(run, batch_at, losses, meter_step=lambda m: m.learnt(model, mean * asked.batch, mean), progress=quiet)
    parents = (Parent(name=base.name, relation="start", dose=0.0, sha256=weights_sha256(base)),)
    return finish(run, tokenizer, fitted, recipe=named, kind="tuned", parents=parents, blocks=tokens_NT)


def after_think(tokens_BT: torch.Tensor) -> torch.Tensor:
    """Returns which tokens from the second on are reasoning or answer, the end included, shape (B, T - 1)."""
    read = tokens_BT[:, :-1]
    return ((read == TOKEN[THINK]).cumsum(1) > 0) & ((read == 0).cumsum(1) == 0)


def _spent(stage: str, ledgers: Sequence[Ledger]) -> Spent:
    def total(values: Sequence[float | None]) -> float | None:
        return None if any(v is None for v in values) else sum(v for v in values if v is not None)

    learnt = sum(x.tokens for x in ledgers)
    return Spent(
        stage=stage, tokens_learnt=learnt, tokens_read=sum(x.sampled_tokens for x in ledgers),
        flop=sum(x.training_flop + x.other_flop for x in ledgers),
        device_seconds=sum(x.device_seconds for x in ledgers), kwh=total([x.kwh for x in ledgers]),
        usd=total([x.usd for x in ledgers]),
    )  # fmt: skip
