"""The zoo: a family tree of small models whose teachers are known, built member by member."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from hydrometer.errors import HydrometerError, InputError
from hydrometer.lab.recipes import Bill, DistillRecipe, Method, Rate, Seed, Shape, Share, Training, TrainRecipe
from hydrometer.records.base import Record, Slug
from hydrometer.store.files import write_whole

Role = Literal["teacher", "sibling", "base", "student", "control"]
# At 10 % attribution found 1 of 4 students, none of 8 below (docs/log.md, 2026-11-25): no references.
_UNSCORED_BELOW = 0.3
_SIBLING_WAVE = 2
"""Siblings come after the first students: a zoo stopped early has these."""
LATER = "later fine-tuning"


class Pretrained(Record):
    """A member trained from nothing on human text."""

    name: Slug
    role: Literal["teacher", "sibling", "base"]
    shape: Slug
    text: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    seed: Seed
    sibling_of: Slug | None = None


class Family(Record):
    """Students that differ in teacher, dose and seed only."""

    teachers: Annotated[tuple[Slug, ...], Field(strict=False, min_length=1)]
    doses: Annotated[tuple[Rate, ...], Field(strict=False, min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]
    method: Method = "sequence"
    together: bool = False
    """One student of all these teachers, each with the dose, instead of one student each."""


class Continued(Record):
    """A later fine-tuning of a member on human text."""

    name: Slug
    start: Slug
    text: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    seed: Seed


class Probing(Record):
    """What every member is asked: windows of held-out text, to be continued."""

    text: str
    n: Annotated[int, Field(ge=20, le=5000)]
    prompt_tokens: Annotated[int, Field(ge=2, le=256)]
    answer_tokens: Annotated[int, Field(ge=2, le=1024)]
    # By hand, 2026-11-25; not varied.
    temperature: Annotated[float, Field(gt=0, le=10)] = 0.8


class ZooRecipe(Record):
    """A whole zoo."""

    name: Slug
    tokenizer_text: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    vocab_size: Annotated[int, Field(ge=300, le=100_000)]
    human_text: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """What students learn beside their teachers' text, and what prompts the teachers."""
    shapes: dict[Slug, Shape]
    pretraining: Training
    teaching: Training
    pretrained: Annotated[tuple[Pretrained, ...], Field(strict=False, min_length=2)]
    families: Annotated[tuple[Family, ...], Field(strict=False)]
    controls_per_base: Annotated[int, Field(ge=0, le=1000)]
    # The shipped zoo has 10 and 100 %: bases on human text of which 10 % is the teacher's own lie where students of 10
    # % lie (docs/log.md, 2026-11-26).
    same_text_shares: Annotated[tuple[Rate, ...], Field(strict=False)] = ()
    """Hard controls: of every teacher and base one for each share of the teacher's own human text, the rest being the
    students'. A student at a small dose is to be told from a model that read as little of that text."""
    continued: Annotated[tuple[Continued, ...], Field(strict=False)] = ()
    probing: Probing
    bill: Bill = Bill()


class Member(Record):
    """One model of the zoo, as `zoo list` tells it."""

    name: str
    role: Role
    taught_by: tuple[str, ...]
    dose: Share
    """Share of the fine-tuning tokens that come from each teacher."""
    method: str
    """`text` for human text; else how the teacher taught."""
    base: str | None
    seed: int
    wave: int
    text: tuple[str, ...]
    note: str = ""
    same_text_as: str | None = None
    """The teacher whose own human text a control learnt, as its siblings did: a hard control."""
    text_share: float = 1.0
    """How much of what it learnt is `text`; the rest is what students learn beside their teachers' text."""

    @property
    def in_panel(self) -> bool:
        """Whether it serves as a reference: teachers, controls of dose 0, students by text of a dose of 30 % or more.

        The others are the cases that calibration tries; a reference of weak students would blur every candidate.
        """
        strong = self.method == "sequence" and self.dose >= _UNSCORED_BELOW and len(self.taught_by) == 1
        return self.role in ("teacher", "control", "sibling") or (self.role == "student" and strong and not self.note)


def members(recipe: ZooRecipe) -> tuple[Member, ...]:
    """Returns every member, in the order of building: wave 0 needs nobody, wave 1 wave 0, and so on.

    Raises:
        InputError: if a name is unknown or there twice.
    """
    found = [
        Member(
            name=p.name, role=p.role, taught_by=(), dose=0.0, method="text", base=None, seed=p.seed,
            wave=_SIBLING_WAVE if p.role == "sibling" else 0, text=p.text,
            note=f"sibling of {p.sibling_of}" if p.sibling_of else "", same_text_as=p.sibling_of,
        )
        for p in recipe.pretrained
    ]  # fmt: skip
    bases = [p.name for p in recipe.pretrained if p.role == "base"]
    if not bases:
        raise InputError("a zoo without a base", cure="add [[pretrained]] with role = 'base'")
    for i, base in enumerate(bases):
        found += [
            Member(
                name=f"control-{base}-{k}", role="control", taught_by=(), dose=0.0, method="text", base=base,
                seed=1000 * (i + 1) + k, wave=1, text=recipe.human_text,
            )
            for k in range(recipe.controls_per_base)
        ]  # fmt: skip
    found += list(_students(recipe, bases))
    found += list(_same_text(recipe, bases))
    for c in recipe.continued:
        parent = next((m for m in found if m.name == c.start), None)
        if parent is None:
            raise InputError(f"no member '{c.start}' to go on from", cure="name a base or a student", where=c.name)
        found.append(
            Member(
                name=c.name, role="student" if parent.taught_by else "control", taught_by=parent.taught_by,
                dose=parent.dose, method=parent.method, base=c.start, seed=c.seed, wave=parent.wave + 1, text=c.text,
                note=LATER,
            )
        )  # fmt: skip
    names = [m.name for m in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InputError(f"two members named '{twice[0]}'", cure="give them other names or seeds")
    return tuple(_alternating(found))


def _same_text(recipe: ZooRecipe, bases: Sequence[str]) -> Iterator[Member]:
    # Seeds of other members lie below with up to four bases, so that no two draw alike.
    seed = 5000
    for teacher in (p for p in recipe.pretrained if p.role == "teacher"):
        for share in recipe.same_text_shares:
            for base in bases:
                seed += 1
                yield Member(
                    name=f"same-text-{teacher.name}-{_percent(share)}-{base}", role="control", taught_by=(), dose=0.0,
                    method="text", base=base, seed=seed, wave=1, text=teacher.text,
                    note=f"{share:.0%} human text of {teacher.name}",
                    same_text_as=teacher.name, text_share=share,
                )  # fmt: skip


def _percent(share: float) -> str:
    return f"{round(100 * share):03d}"


def _alternating(found: Sequence[Member]) -> Iterator[Member]:
    """Yields wave after wave, students and controls in turn, strong doses first: a zoo stopped early is still a zoo."""
    for wave in sorted({m.wave for m in found}):
        students = sorted((m for m in found if m.wave == wave and m.role == "student"), key=lambda m: -m.dose)
        others = [m for m in found if m.wave == wave and m.role != "student"]
        for pair in zip_longest(students, others):
            yield from (m for m in pair if m is not None)


def _students(recipe: ZooRecipe, bases: Sequence[str]) -> Iterator[Member]:
    n = 0
    waves = {p.name: _SIBLING_WAVE if p.role == "sibling" else 0 for p in recipe.pretrained}
    students: set[str] = set()
    for family in recipe.families:
        groups = [family.teachers] if family.together else [(t,) for t in family.teachers]
        for group in groups:
            for dose in family.doses:
                for seed in family.seeds:
                    short = {"sequence": "s", "forward_kl": "k", "reverse_kl": "r", "on_policy": "p"}[family.method]
                    name = f"{short}-{'-'.join(group)}-{_percent(dose)}-{seed}"
                    unknown = [t for t in group if t not in waves]
                    if unknown:
                        raise InputError(f"no member '{unknown[0]}' to teach", cure=f"known: {', '.join(waves)}")
                    wave = max(waves[t] for t in group) + 1
                    waves[name] = wave
                    second = any(t in students for t in group)
                    students.add(name)
                    yield Member(
                        name=name, role="student", taught_by=tuple(group), dose=dose, method=family.method,
                        base=bases[n % len(bases)], seed=seed, wave=wave, text=recipe.human_text,
                        note="second hand" if second else "",
                    )  # fmt: skip
                    n += 1


def recipe_of(member: Member, zoo: ZooRecipe, texts: Path) -> TrainRecipe | DistillRecipe:
    """Returns the recipe of one member; models are named relative to the folder of members."""
    files = [str((texts / name).resolve()) for name in member.text]
    if member.text_share < 1:
        files = [f"../{_mixed_name(member)}"]
    if member.base is None:
        shape = next(p.shape for p in zoo.pretrained if p.name == member.name)
        if shape not in zoo.shapes:
            raise InputError(f"no shape '{shape}'", cure=f"known: {', '.join(zoo.shapes)}", where=member.name)
        return TrainRecipe(
            name=member.name, seed=member.seed, text=tuple(files), tokenizer="../tokenizer.json",
            model=zoo.shapes[shape], training=zoo.pretraining, bill=zoo.bill,
        )  # fmt: skip
    if member.role == "control" or member.note == LATER:
        return TrainRecipe(
            name=member.name, seed=member.seed, text=tuple(files), init=member.base, training=zoo.teaching,
            bill=zoo.bill,
        )  # fmt: skip
    return DistillRecipe.model_validate(
        {
            "name": member.name, "seed": member.seed, "student": member.base, "method": member.method,
            "teachers": [{"model": t, "share": member.dose} for t in member.taught_by], "text": files,
            "prompt_tokens": zoo.probing.prompt_tokens, "temperature": zoo.probing.temperature,
            "training": zoo.teaching.model_dump(), "bill": zoo.bill.model_dump(),
        }
    )  # fmt: skip


def build(
    zoo: ZooRecipe, *, texts: Path, out: Path, workers: int, progress: Callable[[int, int, str], None]
) -> tuple[list[str], list[str]]:
    """Builds every member that is not there yet, and asks it the probes.

    Interrupted, the same call goes on: finished members are kept, the one at work resumes from its checkpoint.

    Args:
        zoo: the recipe.
        texts: folder of the texts that the recipe names.
        out: the zoo's folder.
        workers: processes, one member each, one thread each.
        progress: called with members done, members in all and the last name.

    Returns:
        Members built, and one line for each that failed.

    Raises:
        InputError: if recipe or texts cannot be used.
    """
    every = members(zoo)
    place = out / "members"
    place.mkdir(parents=True, exist_ok=True)
    _tokenizer(zoo, texts, out)
    _probes(zoo, texts, out)
    done, failed = 0, []
    built: list[str] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for wave in sorted({m.wave for m in every}):
            now = [m for m in every if m.wave == wave]
            for name, problem in pool.map(_one, [(m, zoo, str(texts), str(out)) for m in now]):
                done += 1
                if problem:
                    failed.append(f"{name}: {problem}")
                else:
                    built.append(name)
                progress(done, len(every), name)
    return built, failed


def _one(work: tuple[Member, ZooRecipe, str, str]) -> tuple[str, str]:
    """Builds one member; an error is told, not raised, so that the others go on."""
    member, zoo, texts, out = work
    from hydrometer.lab.distill import distill
    from hydrometer.lab.train import RESULT, train

    place = Path(out) / "members"
    folder = place / member.name
    try:
        if not (folder / RESULT).exists():
            if member.text_share < 1:
                _mixed(member, zoo, Path(texts), Path(out))
            recipe = recipe_of(member, zoo, Path(texts))
            anchor = place / "recipe.toml"
            if isinstance(recipe, TrainRecipe):
                train(recipe, anchor, folder)
            else:
                distill(recipe, anchor, folder)
        if not (folder / "answers.json").exists():
            _answer(zoo, folder, Path(out))
    except HydrometerError as error:
        return member.name, str(error)
    return member.name, ""


def _tokenizer(zoo: ZooRecipe, texts: Path, out: Path) -> None:
    from hydrometer.lab.corpus import read_text, train_tokenizer

    if not (out / "tokenizer.json").exists():
        corpora = [read_text(texts / name) for name in zoo.tokenizer_text]
        tokenizer = train_tokenizer(corpora, vocab_size=zoo.vocab_size)
        write_whole(out / "tokenizer.json", tokenizer.to_str().encode())


def _mixed_name(member: Member) -> str:
    return f"mixed/{member.same_text_as}-{_percent(member.text_share)}.txt"


def _mixed(member: Member, zoo: ZooRecipe, texts: Path, out: Path) -> None:
    """Writes students' human text with a share, by characters, of a teacher's own."""
    from hydrometer.lab.corpus import read_text

    place = out / _mixed_name(member)
    if place.exists():
        return
    human, own = ("\f".join(read_text(texts / name) for name in names) for names in (zoo.human_text, member.text))
    n = min(len(human), len(own))
    # By characters, which is what text is cut by; tokens of both texts are about as long.
    of_own = round(member.text_share * n)
    place.parent.mkdir(exist_ok=True)
    write_whole(place, f"{human[: n - of_own]}\f{own[:of_own]}".encode())


def _probes(zoo: ZooRecipe, texts: Path, out: Path) -> None:
    """Writes the probes: windows of a text that no member learns from, evenly spread."""
    from hydrometer.lab.corpus import pack, read_text, read_tokenizer, token_stream

    if (out / "probes.json").exists():
        return
    tokenizer = read_tokenizer(out / "tokenizer.json")
    where = texts / zoo.probing.text
    stream = token_stream(tokenizer, [read_text(where)])
    windows = pack(stream, length=zoo.probing.prompt_tokens, where=str(where))[:, :-1]
    if len(windows) < zoo.probing.n:
        raise InputError(f"only {len(windows)} probes in this text", cure="give more text", where=str(where))
    chosen = [windows[i * len(windows) // zoo.probing.n].tolist() for i in range(zoo.probing.n)]
    rows = [{"probe": f"p{i:04d}", "tokens": t, "prompt": tokenizer.decode(t)} for i, t in enumerate(chosen)]
    write_whole(out / "probes.json", json.dumps(rows, ensure_ascii=False).encode())


def _answer(zoo: ZooRecipe, folder: Path, out: Path) -> None:
    import torch

    from hydrometer.lab.files import load_model
    from hydrometer.lab.fit import threads
    from hydrometer.lab.sample import sample_many

    rows: list[dict[str, Any]] = json.loads((out / "probes.json").read_text(encoding="utf-8"))
    model, tokenizer = load_model(folder)
    prompts = torch.tensor([row["tokens"] for row in rows])
    probing = zoo.probing
    # A seed of its own: with one seed for all, models draw alike and resemble each other more than their words do.
    # Tried: one seed for all answers; 0 of 24 hard controls were accused where 1 is, 6 of 8 students named where 0 are.
    # See docs/log.md, 2026-11-25.
    seed = int.from_bytes(sha256(folder.name.encode()).digest()[:4]) >> 1
    with threads(1):
        tokens = sample_many(
            model, prompts, n_new=probing.answer_tokens, temperature=probing.temperature, seed=seed
        )  # fmt: skip
    answers = [tokenizer.decode(t) for t in tokens[:, probing.prompt_tokens :].tolist()]
    write_whole(folder / "answers.json", json.dumps(answers, ensure_ascii=False).encode())
