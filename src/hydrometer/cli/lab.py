"""`hydrometer lab`: small models of known lineage."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hydrometer.cli.groups import group

if TYPE_CHECKING:
    from rich.progress import Progress

    from hydrometer.lab.train import Result

app = group("Train small models of known lineage, and try the instruments on them.")
zoo = group("A family tree of small models whose teachers are known.")
app.add_typer(zoo, name="zoo")
_ZOO = Path("panels/zoo")


@app.command("train")
def train(
    recipe: Path = typer.Argument(..., help="What to train, on what, how long: see docs/lab.md.", metavar="RECIPE"),
    out: Path = typer.Option(..., "--out", help="The model's folder.", metavar="DIR"),
    as_json: bool = typer.Option(False, "--json", help="Print the result with its ledger as one line of JSON."),
) -> None:
    """Train a DeepSeek-V3-style or Llama-style model on text. Interrupted, the same command goes on.

    \b
    Example:
      hydrometer lab train recipe.toml --out models/t1
    """
    from hydrometer.lab import need_torch

    need_torch()
    from hydrometer.lab import train as training
    from hydrometer.lab.recipes import TrainRecipe, read_recipe

    asked, _ = read_recipe(recipe, TrainRecipe)
    with _steps() as progress:
        result = training.train(asked, recipe, out, progress=progress)
    _show(result, as_json=as_json)


@app.command("distill")
def distill(
    recipe: Path = typer.Argument(..., help="Student, teachers and their doses: see docs/lab.md.", metavar="RECIPE"),
    out: Path = typer.Option(..., "--out", help="The student's folder.", metavar="DIR"),
    as_json: bool = typer.Option(False, "--json", help="Print the result with its ledger as one line of JSON."),
) -> None:
    """Teach a model by others, at a known dose: by their text, by their logits, or on the student's own text.

    \b
    Example:
      hydrometer lab distill student.toml --out models/s1
    """
    from hydrometer.lab import need_torch

    need_torch()
    from hydrometer.lab import distill as distilling
    from hydrometer.lab.recipes import DistillRecipe, read_recipe

    asked, _ = read_recipe(recipe, DistillRecipe)
    with _steps() as progress:
        result = distilling.distill(asked, recipe, out, progress=progress)
    _show(result, as_json=as_json)


@zoo.command("build")
def build(
    recipe: Path = typer.Argument(..., help="The whole family tree: panels/zoo/recipe.toml is one.", metavar="RECIPE"),
    texts: Path = typer.Option(..., "--texts", help="Folder of the texts that the recipe names.", metavar="DIR"),
    out: Path = typer.Option(..., "--out", help="Where models are kept; what is there is not built again."),
    panel: Path | None = typer.Option(None, "--panel", help="Write the answers there, as a panel.", metavar="DIR"),
    workers: int = typer.Option(1, "--workers", min=1, max=512, help="Processes; one thread and one member each."),
    as_json: bool = typer.Option(False, "--json", help="Print the sum as one line of JSON."),
) -> None:
    """Build the zoo member by member and ask each the same probes. Interrupted, the same command goes on.

    \b
    Example:
      hydrometer lab zoo build panels/zoo/recipe.toml --texts texts --out zoo --panel panels/mine --workers 2
    """
    from hydrometer.lab import need_torch

    need_torch()
    from hydrometer.cli.progress import shown
    from hydrometer.lab import zoo as building
    from hydrometer.lab.recipes import read_recipe
    from hydrometer.lab.zoo_panel import write_panel

    asked, _ = read_recipe(recipe, building.ZooRecipe)
    with _bar() as bar:
        update = shown(bar)
        built, failed = building.build(
            asked, texts=texts, out=out, workers=workers, progress=lambda done, n, _: update("Members", done, n)
        )
    listed = write_panel(building.members(asked), out, panel) if panel is not None else []
    if as_json:
        typer.echo(json.dumps({"built": built, "failed": failed, "listed": len(listed)}))
    else:
        typer.echo(f"{len(built)} members built in {out}" + (f"; written: {panel}" if panel else ""))
    for line in failed:
        typer.echo(f"hydrometer: {line}", err=True)
    if failed:
        raise typer.Exit(2)


@zoo.command("list")
def list_(
    folder: Path = typer.Option(_ZOO, "--zoo", help="The zoo's panel.", metavar="DIR"),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON: a list of models."),
) -> None:
    """List the models of known lineage that ship.

    \b
    Example:
      hydrometer lab zoo list --json | jq '.[] | select(.role == "student") | {name, taught_by, dose}'
    """
    from hydrometer.lab.zoo_panel import read_tree

    tree = read_tree(folder)
    if as_json:
        typer.echo(json.dumps([m.model_dump(mode="json") for m in tree]))
        return
    for m in tree:
        taught = f"taught by {', '.join(m.taught_by)}, dose {m.dose:.0%}, {m.method}" if m.taught_by else ""
        typer.echo(f"{m.name:22} {m.kind:8} {taught:55} {m.note}".rstrip())


@zoo.command("audit")
def audit(
    folder: Path = typer.Option(_ZOO, "--zoo", help="The zoo's panel.", metavar="DIR"),
    model: list[str] = typer.Option([], "--model", help="Judge this model only; repeatable.", metavar="NAME"),
    alpha: float = typer.Option(0.05, "--alpha", min=0.0001, max=0.5, help="Rate of false accusations to accept."),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per model."),
) -> None:
    """Judge models of the zoo as if their teachers were unknown, and print the truth beside the finding.

    \b
    Example:
      hydrometer lab zoo audit --model s-t3-100-1 --model control-b1-0
    """
    from hydrometer.audit.zoo import audit_zoo
    from hydrometer.cli.progress import CACHE, shown

    with _bar() as bar:
        found = audit_zoo(folder, models=model, alpha=alpha, cache=CACHE, progress=shown(bar))
    for case in found:
        if as_json:
            typer.echo(json.dumps(case.model_dump(mode="json")))
            continue
        truth = f"{', '.join(case.taught_by)} at {case.dose:.0%}" if case.taught_by else "nobody"
        named = ", ".join(case.attributed) or "nobody"
        typer.echo(f"{case.subject:22} named: {named:12} truth: {truth:24} {'right' if case.right else 'wrong'}")


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        yield bar


@contextmanager
def _steps() -> Iterator[Callable[[int, int, float], None]]:
    from hydrometer.cli.progress import shown

    with _bar() as bar:
        update = shown(bar)
        yield lambda done, total, loss: update("Steps", done, total)


def _show(result: Result, *, as_json: bool) -> None:
    if as_json:
        typer.echo(result.model_dump_json())
        return
    ledger = result.ledger
    kwh = f"{ledger.kwh:.3g} kWh" if ledger.kwh is not None else "energy not known"
    usd = f"${ledger.usd:.3g}" if ledger.usd is not None else "no price stated"
    typer.echo(
        f"{result.name}: {result.parameters:,} parameters, {result.steps:,} steps, "
        f"loss {result.first_loss:.3f} to {result.last_loss:.3f}\n"
        f"Took {ledger.tokens:,} tokens, {ledger.training_flop + ledger.other_flop:.3g} FLOP, "
        f"{ledger.measured_device_hours:.3g} device-hours ({ledger.predicted_device_hours:.3g} predicted), "
        f"MFU {ledger.mfu:.1%} of {ledger.peak_flop_per_second:.3g} FLOP/s, {kwh}, {usd}"
    )
