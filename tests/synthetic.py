"""A small world of models of known lineage, for tests: teachers with habits, students that copy them, strangers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

HEADER = "model,developer,base_family,relation,teacher_group,own_group,data_source,role,parent,confidence,evidence"
N_PROBES = 60
N_CONTROLS = 22
_TOPIC_WORDS = 12


class World:
    """Makes answers: topic words that everybody uses, and phrases by which a model can be told.

    Args:
        seed: the same seed makes the same answers.
    """

    def __init__(self, seed: int = 0, n_probes: int = N_PROBES) -> None:
        self.rng = np.random.default_rng(seed)
        self.n_probes = n_probes
        self.topics = [[f"topic{p}x{k}" for k in range(_TOPIC_WORDS)] for p in range(n_probes)]
        self.prompts = [f"Tell me about matter number {p}, please." for p in range(n_probes)]
        self.common = [f"word{k}" for k in range(80)]

    def habits(self, name: str) -> list[str]:
        """Returns the phrases by which a model can be told."""
        return [f"{name} habit {k} of speech" for k in range(8)]

    def answers(self, name: str, *, teacher: str | None = None, share: float = 0.5) -> list[str]:
        """Returns a model's answers; a student uses its teacher's phrases, and its particular words, half the time."""
        own = self.habits(name)
        texts = []
        for p in range(self.n_probes):
            source = teacher if teacher is not None and self.rng.random() < share else name
            phrases = self.habits(source) if source != name else own
            body = [*self.rng.choice(self.common, 25), *self.rng.choice(self.topics[p], 8)]
            body += [f"{source}says{p}", f"{source}also{p}"]
            self.rng.shuffle(body)
            opening, closing = self.rng.choice(phrases, 2)
            texts.append(f"{opening}. {' '.join(body)}.\n- {closing}.")
        return texts


def make_world(
    folder: Path, *, n_controls: int = N_CONTROLS, seed: int = 0, n_probes: int = N_PROBES
) -> dict[str, list[str]]:
    """Writes a panel folder and returns the answers of models that are not in it.

    The panel: three teachers of two snapshots each (`sun` and `moon` by one developer, `star` by another), students of
    `sun` and `star` from two data sources each, and controls. Outside: `pupil-of-sun`, `pupil-of-moon`, `stranger`.
    """
    world = World(seed, n_probes)
    answers: dict[str, list[str]] = {}
    rows = [HEADER]
    for teacher, maker in (("sun", "Sky"), ("moon", "Sky"), ("star", "Cosmos")):
        for version in (1, 2):
            answers[f"{teacher}-{version}"] = world.answers(teacher)
            rows.append(f"{teacher}-{version},{maker},{maker},proprietary-unknown,,{teacher},,unscored,,high,test")
    for teacher in ("sun", "star"):
        for source in ("a", "b"):
            for k in (1, 2):
                name = f"{teacher}-{source}-student{k}"
                answers[name] = world.answers(name, teacher=teacher)
                rows.append(
                    f"{name},maker of {name},base{k},distilled,{teacher},,{teacher}-{source},positive,,high,test"
                )
    for k in range(n_controls):
        name = f"control{k:02d}"
        answers[name] = world.answers(name)
        rows.append(f"{name},control lab {k},base{k % 3},human,,,,control,,high,test")
    folder.mkdir(parents=True, exist_ok=True)
    table = [(m, p, text) for m, texts in answers.items() for p, text in enumerate(texts)]
    schema = {"model": pl.String, "probe": pl.UInt16, "response": pl.String}
    pl.DataFrame(table, schema=schema, orient="row").write_parquet(folder / "responses.parquet")
    probes = pl.DataFrame({"probe": range(n_probes), "prompt": world.prompts}).with_columns(
        pl.col("probe").cast(pl.UInt16)
    )
    probes.write_parquet(folder / "probes.parquet")
    (folder / "lineage.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return {
        "pupil-of-sun": world.answers("pupil-of-sun", teacher="sun"),
        "pupil-of-moon": world.answers("pupil-of-moon", teacher="moon"),
        "stranger": world.answers("stranger"),
    }


def write_answers(path: Path, answers: dict[str, list[str]], *, prompts: list[str] | None = None) -> Path:
    """Writes a response file."""
    asked = prompts or [f"Tell me about matter number {p}, please." for p in range(max(map(len, answers.values())))]
    rows = [(m, asked[p], text) for m, texts in answers.items() for p, text in enumerate(texts)]
    pl.DataFrame(rows, schema=["model", "prompt", "response"], orient="row").write_ndjson(path)
    return path
