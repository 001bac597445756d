"""`hydrometer similarity`: how alike do two models answer?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hydrometer.cli.asker import Purse
    from hydrometer.collect.asking import Asker
    from hydrometer.instruments.similarity.run import Voice
    from hydrometer.panel import Panel


def similarity(
    subject_file: Path = typer.Argument(..., help="What the subject answered.", metavar="SUBJECT"),
    reference_file: Path = typer.Argument(
        ...,
        help="What the reference answered: a file, or with --panel the name of one of its models.",
        metavar="REFERENCE",
    ),
    panel: Path | None = typer.Option(
        None,
        "--panel",
        help="Other models' answers to the same prompts: how alike are models that nobody taught?",
        metavar="DIR",
    ),
    again: Path | None = typer.Option(
        None, "--again", help="A second sample of the reference's answers: how alike is it to itself?", metavar="FILE"
    ),
    subject: str | None = typer.Option(None, "--subject", help="The model in SUBJECT, if several.", metavar="NAME"),
    reference: str | None = typer.Option(
        None, "--reference", help="The model in REFERENCE, if several.", metavar="NAME"
    ),
    judge: list[str] = typer.Option(
        [], "--judge", help="Have language models rate instead; repeatable, best two families.", metavar="URL_OR_NAME"
    ),
    judge_model: list[str] = typer.Option([], "--judge-model", help="Their names, in the same order.", metavar="NAME"),
    most_null: int = typer.Option(19, "--most-null", min=0, help="Untaught models that judges rate too."),
    store: Path | None = typer.Option(None, "--store", help="Where ratings are kept; made if new.", metavar="FILE.db"),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=1024, help="Most requests under way at once."),
    max_requests: int | None = typer.Option(None, "--max-requests", min=0, help="Most requests to each judge."),
    max_usd: float | None = typer.Option(None, "--max-usd", min=0, help="Most US dollars for each; needs both prices."),
    usd_in: float | None = typer.Option(None, "--usd-per-million-in", min=0, help="Price of a million prompt tokens."),
    usd_out: float | None = typer.Option(
        None, "--usd-per-million-out", min=0, help="Price of a million answer tokens."
    ),
    key_env: str | None = typer.Option(None, "--key-env", help="Environment variable with the key.", metavar="NAME"),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before paid requests."),
    alpha: float = typer.Option(0.05, "--alpha", min=0.0001, max=0.5, help="Rate of false positives to accept."),
    most_probes: int = typer.Option(200, "--most-probes", min=5, help="Compare so many prompts if --panel is given."),
    seed: int = typer.Option(0, "--seed", min=0, help="Seed of the choice of prompts."),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON."),
) -> None:
    """Measure how alike two models word, lay out and fill their answers; beside models that nobody taught.

    A similarity means nothing alone. With a panel its p-value says how often a model that the reference did not teach
    is as similar, after taking out what all models share.

    \b
    Examples:
      hydrometer similarity mine.jsonl gpt-4o.jsonl
      hydrometer similarity mine.jsonl gpt-4o-2024-05-13 --panel panels/alpaca-eval
      hydrometer similarity all.parquet all.parquet --subject a --reference b --json | jq '.aspects[] | {aspect, pvalue}'
    """  # noqa: E501
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.cli.asker import Purse
    from hydrometer.cli.progress import shown
    from hydrometer.instruments.similarity.model_judge import compare_answers_with_judges
    from hydrometer.instruments.similarity.run import SimilarityOptions, compare_answers, voice
    from hydrometer.panel import open_panel
    from hydrometer.report.similarity import print_similarity
    from hydrometer.store.responses import read_responses

    opened = open_panel(panel) if panel is not None else None
    probes = opened.probes if opened is not None else None
    found = read_responses(subject_file, probes=probes)
    hashes = {"subject": found.sha256}
    mine = voice(found, subject, option="--subject")
    theirs = _reference(reference_file, reference, opened, hashes)
    twice = None
    if again is not None:
        second = read_responses(again, probes=probes)
        hashes["again"] = second.sha256
        names = second.frame["model"].unique().to_list()
        twice = voice(second, theirs.name if theirs.name in names else None, option="--reference")
    if opened is not None:
        hashes |= dict(opened.sha256)
    options = SimilarityOptions(alpha=alpha, most_probes=most_probes, most_null=most_null, seed=seed)
    purse = Purse(store=store, concurrency=concurrency, max_requests=max_requests, max_usd=max_usd, usd_in=usd_in,
                  usd_out=usd_out, key_env=key_env, yes=yes)  # fmt: skip
    judges = _judges(judge, judge_model, purse)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        progress = shown(bar)
        if judges:
            result = compare_answers_with_judges(
                mine, theirs, judges=judges, again=twice, panel=opened, options=options,
                progress=lambda n, of: progress("Rating pairs of models", n, of),
            )  # fmt: skip
        else:
            result = compare_answers(
                mine, theirs, again=twice, panel=opened, options=options,
                progress=lambda n, of: progress("Comparing", n, of),
            )  # fmt: skip
    result = result.model_copy(update={"sha256": hashes})
    if as_json:
        typer.echo(json.dumps(result.model_dump(mode="json")))
    else:
        print_similarity(result, console=Console(file=sys.stdout, highlight=False))


def _judges(addresses: list[str], names: list[str], purse: Purse) -> dict[str, Asker]:
    from hydrometer.errors import InputError

    if names and len(names) != len(addresses):
        raise InputError(
            f"{len(names)} names for {len(addresses)} judges", cure="give one --judge-model for every --judge",
            where="--judge-model",
        )  # fmt: skip
    judges = {}
    for number, address in enumerate(addresses):
        name = names[number] if names else None
        judges[name or address] = purse.asker(address, model=name, option="--judge")
    return judges


def _reference(path: Path, name: str | None, panel: Panel | None, hashes: dict[str, str]) -> Voice:
    from dataclasses import replace

    from hydrometer.instruments.similarity.run import voice
    from hydrometer.store.responses import read_responses

    if panel is not None and not path.exists() and str(path) in panel.models:
        return voice(replace(panel.responses(), path=path), str(path), option="REFERENCE")
    found = read_responses(path, probes=panel.probes if panel is not None else None)
    hashes["reference"] = found.sha256
    return voice(found, name, option="--reference")
