"""`hydrometer attribute`: who taught it?"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

import typer


def attribute(
    responses: Path = typer.Argument(..., help="What the models answered: see docs/panel.md.", metavar="RESPONSES"),
    panel: Path = typer.Option(..., "--panel", help="Other models' answers to the same prompts.", metavar="DIR"),
    candidate: list[str] = typer.Option(
        [], "--candidate", help="Ask about this teacher only; repeatable. Without it: about all.", metavar="NAME"
    ),
    alpha: float = typer.Option(0.05, "--alpha", min=0.0001, max=0.5, help="Rate of false accusations to accept."),
    developer: str | None = typer.Option(
        None, "--developer", help="Who makes the subject, if lineage.csv does not say.", metavar="NAME"
    ),
    released: datetime | None = typer.Option(
        None, "--released", formats=["%Y-%m-%d"], help="When the subject came out: who came later did not teach it."
    ),
    model: str | None = typer.Option(None, "--model", help="For files that do not name the model.", metavar="NAME"),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per subject."),
) -> None:
    """Say which of a panel's models, or none, taught a model; with a p-value over untaught models.

    A candidate is a group of snapshots (column own_group of lineage.csv); name candidates before looking at a result. A
    panel without an index is indexed first, once, which takes minutes.

    \b
    Examples:
      hydrometer attribute answers.jsonl --panel panels/alpaca-eval
      hydrometer attribute answers.jsonl --panel panels/alpaca-eval --candidate gpt-4 --candidate claude-2
      hydrometer attribute answers.parquet --panel panels/alpaca-eval --json | jq '{subject, attributed}'
    """
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.cli.progress import CACHE, shown
    from hydrometer.errors import printable
    from hydrometer.instruments.attribution.open import open_attributor
    from hydrometer.report.attribution import print_attribution
    from hydrometer.store.responses import read_responses

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        progress = shown(bar)
        attributor = open_attributor(panel, candidates=candidate, alpha=alpha, cache=CACHE, progress=progress)
        found = read_responses(responses, probes=attributor.panel.probes, model=model)
        notes = [f"in the panel: {note}" for note in attributor.panel.warnings]
        for note in (*notes, *(f"in the file of answers: {note}" for note in found.warnings)):
            typer.echo(f"Note: {printable(note, limit=300)}", err=True)
        console = Console(file=sys.stdout, highlight=False)
        results = attributor.run(
            found,
            developer=developer,
            released=released.date() if released is not None else None,
            progress=partial(progress, "Comparing"),
        )
        for result in results:
            if as_json:
                # ASCII only: passages are a model's text, which must not reach a terminal raw.
                typer.echo(json.dumps(result.model_dump(mode="json")))
            else:
                print_attribution(result, console=console)
