"""Probe sets: those that ship, a user's file, and public ones fetched by name."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from hydrometer.errors import InputError, OutputError, printable
from hydrometer.records.probes import ProbeSet
from hydrometer.store.fetch import fetch
from hydrometer.store.files import sha256, write_whole
from hydrometer.store.probe_files import probes_from, read_probe_file

LICENCE = "CC-BY-4.0"
SOURCE = "written for Hydrometer"
ALL = "all"
"""Name under which every shipped set is asked together."""
PUBLIC = {
    "alpaca-eval": (
        "https://raw.githubusercontent.com/tatsu-lab/alpaca_eval/cd543a149df89434d8a54582c0151c0b945c3d20"
        "/results/text_davinci_003/model_outputs.json"
    ),
    "arena-hard": (
        "https://raw.githubusercontent.com/lmarena/arena-hard-auto/6c82720015d5da7b8795b809b91f63ef74abbf6a"
        "/data/arena-hard-v0.1/question.jsonl"
    ),
}
"""Public sets, each at a fixed commit. Their prompts are not ours to ship."""
# By hand, 2026-11-25.
_LARGEST = 64 * 1024 * 1024


@cache
def shipped_sets() -> tuple[ProbeSet, ...]:
    """Returns every set that ships, in the order of their table."""
    folder = resources.files("hydrometer").joinpath("data", "probes")
    table = tomllib.loads(folder.joinpath("sets.toml").read_text(encoding="utf-8"))
    found = []
    for name, entry in table.items():
        content = folder.joinpath(f"{name}.jsonl").read_bytes()
        found.append(
            ProbeSet(
                name=name,
                version=entry["version"],
                title=entry["title"],
                licence=LICENCE,
                source=SOURCE,
                probes=probes_from(content, path=Path(f"{name}.jsonl")),
                sha256=sha256(content),
            )
        )
    return tuple(found)


def read_probes(name: str) -> ProbeSet:
    """Returns a set that ships (`all`: every one), or the probes of a file.

    Raises:
        InputError: if there is neither, naming the sets that ship.
    """
    sets = {one.name: one for one in shipped_sets()}
    if name in sets:
        return sets[name]
    if name == ALL:
        together = tuple(probe for one in sets.values() for probe in one.probes)
        hashes = sha256("".join(one.sha256 for one in sets.values()).encode())
        versions = "+".join(one.version for one in sets.values())
        return ProbeSet(
            name=ALL, version=versions, title="Every set that ships", licence=LICENCE, source=SOURCE,
            probes=together, sha256=hashes,
        )  # fmt: skip
    path = Path(name)
    if not path.exists():
        public = "; fetch it with `hydrometer probes pull`" if name in PUBLIC else ""
        raise InputError(
            "neither a file nor a probe set that ships",
            cure=f"name a file, or one of {', '.join((*sets, ALL))}{public}",
            where=printable(name, limit=200),
        )
    probes, content = read_probe_file(path)
    return ProbeSet(
        name="file", version="-", title=path.name, licence="unknown", source=str(path), probes=probes,
        sha256=sha256(content),
    )  # fmt: skip


def pull(name: str, out: Path, *, url: str | None = None) -> ProbeSet:
    """Fetches a public set over https and writes it as JSON lines.

    Args:
        name: one of `PUBLIC`.
        out: the file to write; nothing is replaced.
        url: address to fetch from instead.

    Raises:
        InputError: if the name is not known, or what was fetched is no probe file.
        OutputError: if the file exists or cannot be written.
    """
    if name not in PUBLIC:
        raise InputError(
            f"no public set is called '{printable(name, limit=60)}'", cure=f"name one of {', '.join(PUBLIC)}"
        )
    if out.exists():
        raise OutputError(f"{out}: exists already; choose another --out")
    address = url or PUBLIC[name]
    content = fetch(address, limit=_LARGEST)
    probes = probes_from(content, path=Path(f"{name} (fetched)"))
    rows = (json.dumps({"id": p.id, "prompt": p.prompt}, ensure_ascii=False) + "\n" for p in probes)
    text = "".join(rows).encode()
    write_whole(out, text, make_folder=True)
    return ProbeSet(
        name=name, version=address.split("/")[5][:12] if url is None else "-", title=f"{name}, fetched",
        licence="its own: see its repository", source=address, probes=probes, sha256=sha256(text),
    )  # fmt: skip
