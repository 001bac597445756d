"""`hydrometer attribute`: who taught it?"""

from __future__ import annotations

import json
import sys
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
    model: str | None = typer.Option(None, "--model", help="For files that do not name the model.", metavar="NAME"),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per subject."),
) -> None:
    """Say which of a panel's models, or none, taught a model; with a p-value over untaught models.

    The panel needs an index: `hydrometer panel index DIR`. A candidate is a group of snapshots (column own_group of
    lineage.csv). Name candidates before looking at a result: fewer questions need less evidence each.

    \b
    Examples:
      hydrometer attribute answers.jsonl --panel panels/alpaca-eval
      hydrometer attribute answers.jsonl --panel panels/alpaca-eval --candidate gpt-4 --candidate claude-2
      hydrometer attribute answers.parquet --panel panels/alpaca-eval --json | jq '{subject, attributed}'
    """
    from hydrometer.errors import printable
    from hydrometer.instruments.attribution import Attributor, load_operating_point
    from hydrometer.panel import open_panel
    from hydrometer.panel.index import open_index
    from hydrometer.store.responses import read_responses

    opened = open_panel(panel)
    index = open_index(opened)
    point = load_operating_point(opened, alpha=alpha)
    attributor = Attributor(opened, index, tuple(candidate) or None, alpha, point)
    attributor.check()
    found = read_responses(responses, probes=opened.probes, model=model)
    for note in (*opened.warnings, *found.warnings):
        typer.echo(f"Note: {printable(note, limit=300)}", err=True)
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.report.attribution import print_attribution

    console = Console(file=sys.stdout, highlight=False)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Comparing", total=None)
        results = attributor.run(
            found, developer=developer, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
        for result in results:
            if as_json:
                # ASCII only: passages are a model's text, which must not reach a terminal raw.
                typer.echo(json.dumps(result.model_dump(mode="json")))
            else:
                print_attribution(result, console=console)
