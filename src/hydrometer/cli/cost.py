"""`hydrometer cost`: what a training cost, and whether the published figures can be true."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from hydrometer.cli.groups import group

app = group("Training cost: can the published figures be true?")


@app.command("check")
def check(
    dossier: Path = typer.Argument(..., help="What was published about the model: a TOML file.", metavar="DOSSIER"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Check every equation that published figures must satisfy.

    Exit status 0 whatever the verdict: a false claim is a finding, not a failure.

    \b
    Examples:
      hydrometer cost check dossiers/deepseek-v3.toml
      hydrometer cost check dossiers/s1-32b.toml --json | jq '.checks[] | select(.verdict == "opposes")'
    """
    from hydrometer.instruments.training_cost.evidence import check_cost
    from hydrometer.store.dossiers import read_dossier, read_siblings

    file = read_dossier(dossier)
    result = check_cost(file.dossier, [s.dossier for s in read_siblings(file)])
    if as_json:
        typer.echo(json.dumps(result.model_dump(mode="json"), ensure_ascii=False))
        return
    from rich.console import Console

    from hydrometer.report.terminal import print_checks

    console = Console(file=sys.stdout, highlight=False)
    print_checks(result.subject, result.checks, console=console)
    console.print(f"Taken together: {result.verdict.value.replace('_', ' ')}", markup=False)
