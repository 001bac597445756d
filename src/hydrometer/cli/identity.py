"""`hydrometer identity`: who does it say it is?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hydrometer.cli.asker import Purse
    from hydrometer.instruments.identity.names import Names
    from hydrometer.store.identity_rows import IdentityRows


def identity(
    responses: Path | None = typer.Argument(
        None, help="Answers to identity questions: see docs/identity.md.", metavar="FILE"
    ),
    target: str | None = typer.Option(
        None, "--target", help="Ask this model the common panel instead of reading a file.", metavar="URL_OR_NAME"
    ),
    store: Path | None = typer.Option(
        None, "--store", help="Where everything that is asked is kept; made if new.", metavar="FILE.db"
    ),
    language: list[str] = typer.Option(
        ["en", "zh"], "--language", help="Languages of the panel's questions: en, zh, es, fr, de, ja; repeatable."
    ),
    plain_only: bool = typer.Option(False, "--plain-only", help="Ask without jailbreaks only."),
    search: int = typer.Option(
        0, "--search", min=0, max=1000, help="Search for so many templates instead.", metavar="N"
    ),
    helper: str | None = typer.Option(
        None, "--helper", help="The model that rewrites templates for --search.", metavar="URL_OR_NAME"
    ),
    helper_model: str | None = typer.Option(None, "--helper-model", help="Its name.", metavar="NAME"),
    judge: str = typer.Option(
        "rules", "--judge", help="`rules`; `published`, the labels in the file; or a language model.", metavar="JUDGE"
    ),
    judge_model: str | None = typer.Option(None, "--judge-model", help="Its name.", metavar="NAME"),
    rows: Path | None = typer.Option(
        None, "--rows", help="Write the file again with the judge's labels: .parquet, .jsonl or .csv.", metavar="FILE"
    ),
    maker: list[str] = typer.Option(
        [], "--maker", help="Who truly made a model, if its name does not say; repeatable.", metavar="MODEL=VENDOR"
    ),
    vendors: Path | None = typer.Option(
        None, "--vendors", help="More makers and names (TOML), beside those that are known.", metavar="FILE"
    ),
    model: str | None = typer.Option(None, "--model", help="The model to ask, or the file's, if it has no name."),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=1024, help="Most requests under way at once."),
    max_requests: int | None = typer.Option(None, "--max-requests", min=0, help="Most requests to each model asked."),
    max_usd: float | None = typer.Option(None, "--max-usd", min=0, help="Most US dollars for each; needs both prices."),
    usd_in: float | None = typer.Option(None, "--usd-per-million-in", min=0, help="Price of a million prompt tokens."),
    usd_out: float | None = typer.Option(
        None, "--usd-per-million-out", min=0, help="Price of a million answer tokens."
    ),
    key_env: str | None = typer.Option(None, "--key-env", help="Environment variable with the key.", metavar="NAME"),
    seed: int = typer.Option(0, "--seed", min=0, help="Seed of the search."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before paid requests."),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per model."),
) -> None:
    """Count how often a model says that it is somebody else's, and whose; with intervals over templates.

    Loose: in conflict with who made it. Strict: by its words it is OpenAI's or Anthropic's. Hard: strict though the
    prompt names neither. An answer that the judge does not understand is unjudged, never clean.

    \b
    Examples:
      hydrometer identity answers.parquet
      hydrometer identity answers.jsonl --model my-model --maker my-model=DeepSeek --rows judged.jsonl
      hydrometer identity --target http://localhost:8000/v1 --model my-model --store identity.db
      hydrometer identity answers.parquet --json | jq '{model, strict: .strict.rate, vendors}'
    """
    from hydrometer.cli.asker import Purse
    from hydrometer.errors import InputError
    from hydrometer.instruments.identity.names import Names
    from hydrometer.store.identity_rows import read_identity_rows
    from hydrometer.store.vendors import places, read_vendors

    if (responses is None) == (target is None):
        raise InputError("one of FILE and --target is needed", cure="give a file of answers, or a model to ask")
    names = Names(read_vendors(vendors), places())
    purse = Purse(store=store, concurrency=concurrency, max_requests=max_requests, max_usd=max_usd, usd_in=usd_in,
                  usd_out=usd_out, key_env=key_env, yes=yes)  # fmt: skip
    stopped = None
    if responses is not None:
        found = read_identity_rows(responses, model=model)
    else:
        assert target is not None
        found, stopped = _ask(
            target, model, purse, names, _pairs(maker), languages=language, jailbreaks=not plain_only, rounds=search,
            helper=(helper, helper_model), seed=seed,
        )  # fmt: skip
    notes = _notes(stopped, search)
    _judge_and_print(
        found, names, _pairs(maker), purse, judge=(judge, judge_model), rows=rows, as_json=as_json, notes=notes
    )


def _notes(stopped: str | None, search: int) -> tuple[str, ...]:
    found = []
    if search:
        found.append("templates were searched for until they worked: these rates compare with nobody else's")
    if stopped is not None:
        found.append(f"not everything was asked ({stopped}): run the same command again to go on")
    return tuple(found)


def _ask(
    target: str, model: str | None, purse: Purse, names: Names, makers: dict[str, str], *, languages: list[str],
    jailbreaks: bool, rounds: int, helper: tuple[str | None, str | None], seed: int,
) -> tuple[IdentityRows, str | None]:  # fmt: skip
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.cli.progress import shown
    from hydrometer.errors import InputError
    from hydrometer.instruments.identity import live
    from hydrometer.instruments.identity.run import find_makers
    from hydrometer.store.vendors import identity_panel
    from hydrometer.targets.open import open_target

    subject = purse.asker(target, model=model, option="--target")
    name = open_target(target, model=model).model
    assert purse.store is not None
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        if rounds:
            if helper[0] is None:
                raise InputError("nobody rewrites templates", cure="give --helper URL_OR_NAME", where="--search")
            progress = shown(bar)
            means = live.Means(
                answers=subject.answers, helper=purse.asker(helper[0], model=helper[1], option="--helper"), names=names,
                maker=find_makers([name], makers, names=names)[name], why_stopped=lambda: subject.stopped,
            )  # fmt: skip
            found = live.search(
                identity_panel(), means, rounds=rounds, languages=languages, seed=seed,
                progress=lambda n, of: progress("Searching", n, of),
            )  # fmt: skip
            asked, stopped = list(found.asked), found.stopped
        else:
            bar.add_task("Asking", total=None)
            prompts = live.panel_prompts(identity_panel(), languages, jailbreaks=jailbreaks)
            asked = live.ask_prompts(prompts, answers=subject.answers)
            stopped = subject.stopped
    return live.as_rows(asked, model=name, store=purse.store), stopped


def _judge_and_print(
    found: IdentityRows, names: Names, makers: dict[str, str], purse: Purse, *, judge: tuple[str, str | None],
    rows: Path | None, as_json: bool, notes: tuple[str, ...],
) -> None:  # fmt: skip
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.cli.progress import shown
    from hydrometer.instruments.identity.run import find_makers, judge_rows, judge_rows_with, summarise
    from hydrometer.report.identity import print_identities
    from hydrometer.store.identity_rows import write_rows

    known = find_makers(found.frame["model"].unique(maintain_order=True).to_list(), makers, names=names)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        progress = shown(bar)

        def report(done: int, total: int) -> None:
            progress("Judging", done, total)

        if judge[0] in {"rules", "published"}:
            kind = "published" if judge[0] == "published" else "rules"
            judged = judge_rows(found, names=names, makers=known, judge=kind, progress=report)  # type: ignore[arg-type]
        else:
            ask = purse.asker(judge[0], model=judge[1], option="--judge")
            judged = judge_rows_with(
                found, names=names, makers=known, ask=ask, judge=judge[1] or judge[0], progress=report
            )
    results = [r.model_copy(update={"warnings": (*notes, *r.warnings)}) for r in summarise(judged)]
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
