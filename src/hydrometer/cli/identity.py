"""`hydrometer identity`: who does it say it is?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hydrometer.instruments.identity.run import Judge


def identity(
    responses: Path = typer.Argument(..., help="Answers to identity questions: see docs/identity.md.", metavar="FILE"),
    rows: Path | None = typer.Option(
        None, "--rows", help="Write the file again with the judge's labels: .parquet, .jsonl or .csv.", metavar="FILE"
    ),
    judge: str = typer.Option("rules", "--judge", help="`rules`, or `published`: the labels in the file."),
    maker: list[str] = typer.Option(
        [], "--maker", help="Who truly made a model, if its name does not say; repeatable.", metavar="MODEL=VENDOR"
    ),
    vendors: Path | None = typer.Option(
        None, "--vendors", help="More makers and names (TOML), beside those that are known.", metavar="FILE"
    ),
    model: str | None = typer.Option(None, "--model", help="For files that do not name the model.", metavar="NAME"),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per model."),
) -> None:
    """Count how often a model says that it is somebody else's, and whose; with intervals over templates.

    Loose: in conflict with who made it. Strict: by its words it is OpenAI's or Anthropic's. Hard: strict though the
    prompt names neither. An answer that the judge does not understand is unjudged, never clean.

    \b
    Examples:
      hydrometer identity answers.parquet
      hydrometer identity answers.jsonl --model my-model --maker my-model=DeepSeek --rows judged.jsonl
      hydrometer identity answers.parquet --json | jq '{model, strict: .strict.rate, vendors}'
    """
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.cli.progress import shown
    from hydrometer.instruments.identity.names import Names
    from hydrometer.instruments.identity.run import find_makers, judge_rows, summarise
    from hydrometer.report.identity import print_identities
    from hydrometer.store.identity_rows import read_identity_rows, write_rows
    from hydrometer.store.vendors import places, read_vendors

    found = read_identity_rows(responses, model=model)
    names = Names(read_vendors(vendors), places())
    models = found.frame["model"].unique(maintain_order=True).to_list()
    makers = find_makers(models, _pairs(maker), names=names)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        progress = shown(bar)
        judged = judge_rows(
            found, names=names, makers=makers, judge=_judge(judge), progress=lambda n, of: progress("Judging", n, of)
        )
    results = summarise(judged)
    if rows is not None:
        write_rows(rows, found, judged.columns())
    if as_json:
        for result in results:
            typer.echo(json.dumps(result.model_dump(mode="json")))
        return
    print_identities(results, console=Console(file=sys.stdout, highlight=False))


def _pairs(given: list[str]) -> dict[str, str]:
    from hydrometer.errors import InputError

    pairs = {}
    for text in given:
        name, sign, vendor = text.rpartition("=")
        if not (sign and name.strip() and vendor.strip()):
            raise InputError(f"'{text}' is no pair", cure="write MODEL=VENDOR", where="--maker")
        pairs[name.strip()] = vendor.strip()
    return pairs


def _judge(name: str) -> Judge:
    from hydrometer.errors import InputError

    if name not in {"rules", "published"}:
        raise InputError(f"unknown judge '{name}'", cure="use rules or published", where="--judge")
    return "published" if name == "published" else "rules"
