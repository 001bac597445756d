"""The zoo's answers as a panel that ships, with the tree, losses and ledger of every member. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import ValidationError

from hydrometer.errors import InputError
from hydrometer.lab.zoo import Member
from hydrometer.panel.folder import LINEAGE, PROBES, RESPONSES
from hydrometer.panel.lineage_table import lineage_csv
from hydrometer.panel.write import parquet_bytes, replace_files
from hydrometer.records.base import Record
from hydrometer.records.lineage import Lineage
from hydrometer.store.files import decode_utf8, read_bytes

TREE, CASES = "members.json", "cases.parquet"
_LARGEST = 64 * 1024**2


class Listed(Record):
    """One model of the zoo, as scripts read it."""

    name: str
    role: Literal["teacher", "student", "control"]
    """Siblings and bases are controls: no model taught them."""
    kind: str
    """`teacher`, `sibling`, `base`, `student` or `control`."""
    taught_by: tuple[str, ...]
    dose: float
    """Share of the fine-tuning tokens that came from each teacher, of the last fine-tuning with a teacher."""
    method: str
    base: str | None
    seed: int
    note: str
    same_text_as: str | None
    """Of a hard control: the teacher whose own human text it learnt."""
    text_share: float = 1.0
    """How much of what a hard control learnt is that text; the rest is the students' human text."""
    answers: Literal["panel", "cases"]
    """`panel`: a reference; `cases`: one to try the instruments on."""
    text: tuple[str, ...]
    parameters: int
    loss: float
    """Of the last ten training steps, nats per token."""
    tokens: int
    flop: float
    device_seconds: float
    device: str
    data_sha256: str
    weights_sha256: str


def write_panel(members: Sequence[Member], built: Path, out: Path) -> list[Listed]:
    """Writes the panel of the members that are complete, and returns them.

    Args:
        members: the recipe's.
        built: the folder that `build` filled.
        out: the panel's folder.

    Raises:
        InputError: if no member is complete.
        OutputError: if the folder cannot be written.
    """
    probes = json.loads((built / "probes.json").read_text(encoding="utf-8"))
    listed: list[Listed] = []
    rows: dict[str, list[dict[str, str]]] = {"panel": [], "cases": []}
    for member in members:
        folder = built / "members" / member.name
        if not ((folder / "answers.json").exists() and (folder / "run.json").exists()):
            continue
        one = _listed(member, json.loads((folder / "run.json").read_text(encoding="utf-8")))
        listed.append(one)
        answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
        rows[one.answers] += [
            {"model": member.name, "probe": probe["probe"], "response": answer}
            for probe, answer in zip(probes, answers, strict=True)
        ]
    if not rows["panel"]:
        raise InputError("no member is complete", cure="run `hydrometer lab zoo build` first", where=str(built))
    prompts = pl.DataFrame([{"probe": p["probe"], "prompt": p["prompt"]} for p in probes])
    here = [m for m in listed if m.answers == "panel"]
    files = {
        PROBES: parquet_bytes(prompts),
        LINEAGE: lineage_csv([_lineage(m) for m in here]).encode(),
        RESPONSES: parquet_bytes(pl.DataFrame(rows["panel"])),
        TREE: json.dumps([m.model_dump(mode="json") for m in listed], indent=0, ensure_ascii=False).encode(),
    }
    if rows["cases"]:
        files[CASES] = parquet_bytes(pl.DataFrame(rows["cases"]))
    replace_files(out, files)
    return listed


def _listed(member: Member, run: dict[str, Any]) -> Listed:
    role: Literal["teacher", "student", "control"] = (
        "teacher" if member.role == "teacher" else "student" if member.role == "student" else "control"
    )
    ledger = run["ledger"]
    return Listed(
        name=member.name, role=role, kind=member.role, taught_by=member.taught_by, dose=member.dose,
        method=member.method, base=member.base, seed=member.seed, note=member.note,
        same_text_as=member.same_text_as, text_share=member.text_share,
        answers="panel" if member.in_panel else "cases", text=member.text, parameters=run["parameters"],
        loss=round(run["last_loss"], 4), tokens=ledger["tokens"], flop=ledger["training_flop"] + ledger["other_flop"],
        device_seconds=round(ledger["device_seconds"], 2), device=ledger["device"], data_sha256=run["data_sha256"],
        weights_sha256=run["weights_sha256"],
    )  # fmt: skip


def _lineage(member: Listed) -> Lineage:
    """Returns a row of the lineage table. Every run is its own developer and its own training set: its own draw."""
    taught = member.role == "student"
    reported = f"made by the lab: {member.method}, dose {member.dose:g}, seed {member.seed}"
    return Lineage(
        model=member.name, developer=f"lab {member.name}", base_family=member.base,
        relation="distilled" if taught else "human", teacher_group=member.taught_by,
        own_group=member.name if member.role == "teacher" else None,
        same_text_as=(member.same_text_as,) if member.same_text_as else (),
        role="positive" if taught else "unscored" if member.role == "teacher" else "control",
        confidence="high", evidence=reported,
    )  # fmt: skip


def read_tree(folder: Path) -> tuple[Listed, ...]:
    """Returns the models of a zoo's panel, in the order of building.

    Raises:
        InputError: if the folder holds no zoo.
    """
    path = folder / TREE
    text = decode_utf8(read_bytes(path, limit=_LARGEST, what="zoo's members.json"), where=str(path))
    try:
        return tuple(Listed.model_validate_json(json.dumps(row)) for row in json.loads(text))
    except (ValueError, ValidationError, TypeError) as error:
        raise InputError(
            f"no list of members ({type(error).__name__})", cure="write it with `hydrometer lab zoo build`",
            where=str(path),
        ) from None  # fmt: skip
