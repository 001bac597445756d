"""`hydrometer lab`: small models of known lineage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hydrometer.cli.groups import group
from hydrometer.cli.lab_s1 import s1
from hydrometer.errors import InputError

if TYPE_CHECKING:
    from hydrometer.known_cases.live import LiveCase
    from hydrometer.known_cases.zoo import KnownCase
    from hydrometer.lab.train import Result

app = group("Train small models of known lineage, and try the instruments on them.")
zoo = group("A family tree of small models whose teachers are known.")
app.add_typer(zoo, name="zoo")
app.command("s1")(s1)
_ZOO = Path("panels/zoo")


@app.command("train")
def train(
    recipe: Path = typer.Argument(..., help="What to train, on what, how long: see docs/lab.md.", metavar="RECIPE"),
    out: Path = typer.Option(..., "--out", help="The model's folder.", metavar="DIR"),
    as_json: bool = typer.Option(False, "--json", help="Print the result with its ledger as one line of JSON."),
) -> None:
    """Train a DeepSeek-V3-style or Llama-style model on text. Interrupted, the same command goes on.

    \b
    Examples:
      hydrometer lab train recipe.toml --out models/t1
      torchrun --no-python --nproc-per-node 8 hydrometer lab train recipe.toml --out models/t1
    """
    from hydrometer.lab import need_torch

    need_torch()
    from hydrometer.lab import ranks
    from hydrometer.lab import train as training
    from hydrometer.lab.recipes import TrainRecipe, read_recipe

    asked, _ = read_recipe(recipe, TrainRecipe)
    with _steps() as progress:
        result = training.train(asked, recipe, out, progress=progress)
    if ranks.is_first():
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
    weights: list[str] = typer.Option(
        [], "--weights", help="Write this member's weights beside the panel, in bf16; repeatable.", metavar="NAME"
    ),
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
    from hydrometer.cli.progress import bar, shown
    from hydrometer.lab import zoo as building
    from hydrometer.lab.recipes import read_recipe
    from hydrometer.lab.zoo_panel import write_panel
    from hydrometer.lab.zoo_weights import ship

    if weights and panel is None:
        raise InputError("weights lie beside a panel", cure="name its folder with --panel", where="--weights")
    asked, _ = read_recipe(recipe, building.ZooRecipe)
    with bar() as progress:
        update = shown(progress)
        built, failed = building.build(
            asked, texts=texts, out=out, workers=workers, progress=lambda done, n, _: update("Members", done, n)
        )
    listed = write_panel(building.members(asked), out, panel) if panel is not None else []
    if panel is not None:
        ship(weights, building.members(asked), out, panel, asked.probing)
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
    from hydrometer.cli.progress import CACHE, bar, shown
    from hydrometer.known_cases.zoo import audit_zoo

    with bar() as progress:
        found = audit_zoo(folder, models=model, alpha=alpha, cache=CACHE, progress=shown(progress))
    for case in found:
        if as_json:
            typer.echo(json.dumps(case.model_dump(mode="json")))
            continue
        truth = f"{', '.join(case.taught_by)} at {case.dose:.0%}" if case.taught_by else "nobody"
        text = f", human text of {case.same_text_as}" if case.same_text_as else ""
        right = "right" if case.right else "wrong"
        typer.echo(f"{case.subject:22} {_named(case):26} truth: {truth + text:32} {right}  {_dose(case)}".rstrip())
    if not as_json and any(map(_dose, found)):
        typer.echo(
            "Dose: 80 % intervals, supposing that the named teacher and not its human text taught the model; from the "
            "students of other teachers of this zoo, and valid for the lab's models only."
        )


@zoo.command("demo")
def demo(
    folder: Path = typer.Option(_ZOO, "--zoo", help="The zoo's panel.", metavar="DIR"),
    probes: int = typer.Option(200, "--probes", min=20, max=5000, help="Probes to ask each model, evenly spread."),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per model."),
) -> None:
    """Audit the models whose weights ship: ask them now, name their teachers, and print the truth beside it.

    Without PyTorch the answers that were recorded when the zoo was built are judged instead.

    \b
    Example:
      hydrometer lab zoo demo
    """
    from hydrometer.cli.progress import CACHE, bar, shown
    from hydrometer.known_cases.live import audit_live

    with bar() as progress:
        found = audit_live(folder, n_probes=probes, cache=CACHE, progress=shown(progress))
    for case in found:
        typer.echo(json.dumps(case.model_dump(mode="json")) if as_json else _demo_lines(case))
    if not as_json and not all(case.live for case in found):
        typer.echo(
            "PyTorch is not installed: recorded answers were judged. To ask the weights: pip install 'hydrometer[lab]'"
        )


def _dose(case: KnownCase) -> str:
    said = {*case.attributed, *case.or_its_text}
    return "; ".join(
        f"dose of {e.teacher} {e.low:.0%} to {e.high:.0%}" for e in case.dose_estimates if e.teacher in said
    )


def _named(case: KnownCase) -> str:
    if case.or_its_text:
        return f"named {' or '.join(case.or_its_text)}, or its text"
    return f"named {' or '.join(case.attributed)}" if case.attributed else "nobody named"


def _demo_lines(case: LiveCase) -> str:
    truth = f"taught by {', '.join(case.taught_by)} at {case.dose:.0%}" if case.taught_by else "taught by nobody"
    if case.same_text_as:
        truth += f", learnt the human text of {case.same_text_as}"
    best, p = min(case.pvalues.items(), key=lambda pair: pair[1])
    reported = f"closest: {best}, p = {p:.3f}"
    if case.or_its_text:
        reported = f"untaught models of {best}'s human text are as near to its students: p = {p:.3f}"
    rate = f"; {case.false_positive_rate:.1%} of untaught models are named" if case.false_positive_rate else ""
    how = f"{case.n_probes} {'answers given now' if case.live else 'recorded answers'}"
    return (
        f"{case.subject} ({case.parameters:,} parameters, {how})\n"
        f"  {_named(case)} ({reported}{rate})\n"
        f"  truth: {truth}: {'right' if case.right else 'wrong'}"
    )


@contextmanager
def _steps() -> Iterator[Callable[[int, int, float], None]]:
    from hydrometer.cli.progress import bar, shown

    with bar() as progress:
        update = shown(progress)
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
