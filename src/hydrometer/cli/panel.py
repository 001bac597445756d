"""`hydrometer panel`: make, extend and check reference populations."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path

import typer

from hydrometer.cli.groups import group

app = group("Panels: other models' answers to the same prompts, with their documented lineage.")


class Source(StrEnum):
    """Where a panel can be pulled from."""

    ALPACA_EVAL = "alpaca-eval"


class RoleName(StrEnum):
    """What a model of known lineage is good for."""

    POSITIVE = "positive"
    CONTROL = "control"
    MIXED = "mixed"
    UNSCORED = "unscored"


@app.command("check")
def check(
    folder: Path = typer.Argument(..., help="responses.parquet, probes.parquet, lineage.csv.", metavar="DIR"),
    everything: bool = typer.Option(False, "--all", help="Print every finding, not the first of each kind."),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Check what a panel holds, and what in it can mislead.

    Exit status 0 whatever is found: broken answers are findings, an unreadable file is an error.

    \b
    Examples:
      hydrometer panel check panels/alpaca-eval
      hydrometer panel check panels/alpaca-eval --json | jq '.findings[] | select(.level == "exclude")'
    """
    from hydrometer.panel import open_panel
    from hydrometer.panel.check import check_panel

    result = check_panel(open_panel(folder))
    if as_json:
        typer.echo(json.dumps(result.model_dump(mode="json"), ensure_ascii=False))
        return
    from rich.console import Console

    from hydrometer.report.panel import print_panel_check

    print_panel_check(result, console=Console(file=sys.stdout, highlight=False), everything=everything)


@app.command("index")
def index(
    folder: Path = typer.Argument(..., help="responses.parquet, probes.parquet, lineage.csv.", metavar="DIR"),
    alpha: float = typer.Option(0.05, "--alpha", min=0.0001, max=0.5, help="Level of the stored operating point."),
    seed: int = typer.Option(0, "--seed", min=0, help="Seed of the bootstrap over data sources."),
    as_json: bool = typer.Option(False, "--json", help="Print the operating point as one line of JSON."),
) -> None:
    """Compute once what the panel's models share, so that judging a new subject costs seconds.

    Then every model of known lineage is judged as if its lineage were unknown, all its kin left out; how often that is
    right is stored with the index (the operating point) and printed beside every later answer.

    \b
    Examples:
      hydrometer panel index panels/alpaca-eval
      hydrometer panel index panels/alpaca-eval --json | jq '.power.middle, .false_accusation.middle'
    """
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.cli.progress import CACHE, shown
    from hydrometer.instruments.attribution.calibration import load_operating_point
    from hydrometer.instruments.attribution.open import make_index
    from hydrometer.panel import open_panel
    from hydrometer.report.attribution import print_operating_point

    opened = open_panel(folder)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        made = make_index(opened, alpha=alpha, seed=seed, cache=CACHE, progress=shown(bar))
    point = load_operating_point(made, alpha=alpha)
    if as_json:
        typer.echo("null" if point is None else point.model_dump_json())
        return
    print_operating_point(made, point, console=Console(file=sys.stdout, highlight=False))


@app.command("add")
def add(
    responses: Path = typer.Argument(..., help="What the models answered: see docs/panel.md.", metavar="RESPONSES"),
    panel: Path = typer.Option(..., "--panel", help="The panel folder to extend.", metavar="DIR"),
    lineage: Path | None = typer.Option(None, "--lineage", help="What is documented: a CSV file.", metavar="FILE"),
    developer: str | None = typer.Option(None, "--developer", help="Who made the models.", metavar="NAME"),
    base_family: str | None = typer.Option(None, "--base-family", help="As Llama-3.", metavar="NAME"),
    role: RoleName = typer.Option(RoleName.UNSCORED, "--role", help="What its lineage is good for."),
    teacher: list[str] = typer.Option([], "--teacher", help="Documented teacher; repeatable.", metavar="GROUP"),
    model: str | None = typer.Option(None, "--model", help="For files that do not name it.", metavar="NAME"),
    as_json: bool = typer.Option(False, "--json", help="Print what was added as one line of JSON."),
) -> None:
    """Add the models of a response file to a panel. Prompts are joined by their text.

    \b
    Examples:
      hydrometer panel add answers.jsonl --panel panels/mine --developer Acme --base-family Llama-3 --role control
      hydrometer panel add logs/run.eval --panel panels/mine --lineage lineage-of-new-models.csv
    """
    from dataclasses import asdict

    from hydrometer.errors import InputError
    from hydrometer.panel import open_panel
    from hydrometer.panel.lineage_table import lineage_for, read_lineage
    from hydrometer.panel.write import add_models
    from hydrometer.store.responses import read_responses
    from hydrometer.store.responses.common import count, first_names

    described = developer or base_family or teacher or role is not RoleName.UNSCORED
    if lineage is not None and described:
        raise InputError("lineage is given twice", cure="use --lineage, or --developer and its companions")
    opened = open_panel(panel)
    found = read_responses(responses, probes=opened.probes, model=model)
    names = found.frame["model"].unique().sort().to_list()
    if lineage is not None:
        rows = read_lineage(lineage)
    elif described:
        rows = lineage_for(names, developer=developer, base_family=base_family, role=role.value, teachers=teacher)
    else:
        rows = ()
    added = add_models(opened, found, rows)
    if as_json:
        typer.echo(json.dumps({**asdict(added), "warnings": found.warnings}, ensure_ascii=False))
        return
    _say(f"Added to {panel}: {first_names(added.models)}, with {count(added.n_responses, 'answer')}")
    if added.n_prompts_left_out:
        _say(f"Left out: {count(added.n_prompts_left_out, 'prompt')} not in the panel")
    if added.index_is_stale:
        _say("The index of this panel is now out of date: make it again")
    for note in (*added.notes, *found.warnings):
        _say(f"Note: {note}")


@app.command("pull")
def pull(
    source: Source = typer.Argument(..., help="Where from.", metavar="alpaca-eval"),
    out: Path = typer.Option(..., "--out", help="The panel folder to make.", metavar="DIR"),
    copy: Path | None = typer.Option(
        None, "--from", help="A local copy of the repository, instead of the network.", metavar="DIR"
    ),
    lineage: Path | None = typer.Option(None, "--lineage", help="What is documented: a CSV file.", metavar="FILE"),
    as_json: bool = typer.Option(False, "--json", help="Print what was made as one line of JSON."),
) -> None:
    """Make a panel from a public collection of answers: AlpacaEval, 228 models, 805 prompts.

    About 330 MB are fetched over https. What was fetched stays in DIR/downloads, so that a broken run goes on.

    \b
    Examples:
      hydrometer panel pull alpaca-eval --out panels/alpaca-eval
      hydrometer panel pull alpaca-eval --out panels/alpaca-eval --from ~/alpaca_eval --lineage lineage.csv
    """
    from dataclasses import asdict

    from hydrometer.panel import pull as source_of_panels
    from hydrometer.panel.lineage_table import read_lineage

    source_of_panels.refuse_existing_panel(out)
    rows = read_lineage(lineage) if lineage is not None else ()
    fetched = 0
    if copy is not None:
        outputs = source_of_panels.local_outputs(copy)
    else:
        outputs, fetched = _fetch(out / source_of_panels.DOWNLOADS)
    made = source_of_panels.build_panel(outputs, out, lineage=rows, n_fetched=fetched)
    if as_json:
        typer.echo(json.dumps({"source": source.value, "panel": str(out), **asdict(made)}, ensure_ascii=False))
        return
    _say(f"Written: {out}: {made.n_models:,} models, {made.n_probes:,} prompts, {made.n_responses:,} answers")
    if made.undocumented:
        _say(
            f"Lineage is empty for {len(made.undocumented):,} models (role 'unscored'): fill in lineage.csv, "
            "or no teacher can be named"
        )
    if made.notes:
        _say(f"{len(made.notes):,} notes on the files: see them with `hydrometer panel check {out}`")


def _fetch(folder: Path) -> tuple[dict[str, Path], int]:
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.panel.pull import fetch_outputs

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("AlpacaEval", total=None)
        return fetch_outputs(folder, progress=lambda _, done, total: bar.update(task, completed=done, total=total))


def _say(line: str) -> None:
    from hydrometer.errors import printable

    typer.echo(printable(line, limit=1000))
