"""`hydrometer store`: evidence stores."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from hydrometer.cli.groups import group

app = group("Evidence stores: every question, attempt and answer in one file.")


@app.command("check")
def check(
    store: Path = typer.Argument(..., help="An evidence store.", metavar="FILE.db"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Check every page, key and answer of a store, and say what it holds. Exit status 1 if it is damaged.

    \b
    Example:
      hydrometer store check answers.db
    """
    from hydrometer.errors import printable
    from hydrometer.store.evidence.check import check_store

    report = check_store(store)
    if as_json:
        line = {
            "store": str(store),
            "whole": not report.findings,
            "findings": list(report.findings),
            "targets": [
                {"model": model, "requests": requests, "tokens_at_most": tokens, "usd": nano / 10**9}
                for model, requests, tokens, nano in report.targets
            ],
            "questions": report.statuses,
            "attempts": report.attempts,
            "working_processes": report.workers,
        }
        typer.echo(json.dumps(line))
    else:
        for model, requests, tokens, nano in report.targets:
            typer.echo(
                f"{printable(model, limit=80)}: {requests:,} requests, at most {tokens:,} tokens, ${nano / 10**9:,.4f}"
            )
        typer.echo("questions: " + (", ".join(f"{n:,} {state}" for state, n in report.statuses.items()) or "none"))
        typer.echo("attempts: " + (", ".join(f"{n:,} {outcome}" for outcome, n in report.attempts.items()) or "none"))
        for finding in report.findings:
            typer.echo(f"damaged: {printable(finding, limit=200)}")
        typer.echo(f"{store}: {'damaged' if report.findings else 'whole'}")
    if report.findings:
        raise typer.Exit(1)


@app.command("export")
def export(
    store: Path = typer.Argument(..., help="An evidence store.", metavar="FILE.db"),
    out: Path = typer.Option(..., "--out", help="A .parquet, .jsonl or .eval file; an earlier one is replaced."),
    model: str | None = typer.Option(None, "--model", help="Answers of this subject only.", metavar="NAME"),
    all_samples: bool = typer.Option(False, "--all-samples", help="Every sample of a probe, not only its first."),
    as_json: bool = typer.Option(False, "--json", help="Print what was written as one line of JSON."),
) -> None:
    """Write answers as a response file, for `hydrometer attribute`, `audit` and others, or as a log for Inspect.

    \b
    Examples:
      hydrometer store export answers.db --out answers.parquet
      hydrometer store export answers.db --model gpt-4o-mini --out answers.eval
    """
    from hydrometer.errors import printable
    from hydrometer.store.evidence.export import export_answers

    done = export_answers(store, out, model=model, all_samples=all_samples)
    for note in done.notes:
        typer.echo(f"Note: {printable(note, limit=300)}", err=True)
    if as_json:
        typer.echo(json.dumps({"written": str(out), "rows": done.rows, "notes": list(done.notes)}))
    else:
        typer.echo(f"Written: {out}, {done.rows:,} rows")


@app.command("import")
def import_(
    files: list[Path] = typer.Argument(..., help="Response files, or other evidence stores.", metavar="FILE..."),
    store: Path = typer.Option(..., "--store", help="Where to; made if new.", metavar="FILE.db"),
    probes: str | None = typer.Option(None, "--probes", help="For files that give only ids.", metavar="FILE"),
    model: str | None = typer.Option(None, "--model", help="For files that do not name the model.", metavar="NAME"),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per file."),
) -> None:
    """Bring in answers that exist already: Inspect logs, lm-eval samples, OpenAI batches, AlpacaEval, other stores.

    \b
    Examples:
      hydrometer store import log.eval samples.jsonl --store answers.db
      hydrometer store import second-machine.db --store answers.db
    """
    from hydrometer.errors import printable
    from hydrometer.store.evidence.load import import_responses, merge_stores
    from hydrometer.store.evidence.schema import is_sqlite
    from hydrometer.store.probe_sets import read_probes

    known = {probe.id: probe.prompt for probe in read_probes(probes).probes} if probes is not None else None
    for file in files:
        if is_sqlite(file):
            done = merge_stores(store, file)
        else:
            done = import_responses(store, file, probes=known, model=model)
        for note in done.notes:
            typer.echo(f"Note: {printable(note, limit=300)}", err=True)
        if as_json:
            line = {"file": str(file), "models": list(done.models), "answers": done.answers, "known": done.known}
            typer.echo(json.dumps(line | {"notes": list(done.notes)}))
        else:
            typer.echo(f"{file}: {done.answers:,} answers of {len(done.models):,} models, {done.known:,} known already")


@app.command("compact")
def compact(
    store: Path = typer.Argument(..., help="An evidence store.", metavar="FILE.db"),
    as_json: bool = typer.Option(False, "--json", help="Print the sizes as one line of JSON."),
) -> None:
    """Rewrite a store without gaps. Nothing in it is lost.

    \b
    Example:
      hydrometer store compact answers.db
    """
    from hydrometer.store.evidence.check import compact_store

    before, after = compact_store(store)
    if as_json:
        typer.echo(json.dumps({"store": str(store), "bytes_before": before, "bytes_after": after}))
    else:
        typer.echo(f"{store}: {before:,} bytes before, {after:,} after")
