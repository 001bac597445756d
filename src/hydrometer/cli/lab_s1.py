"""`hydrometer lab s1`: choosing reasoning traces, tuning on them, budget forcing, with its bill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hydrometer.lab.s1_records import S1Result


def s1(
    recipe: Path | None = typer.Argument(None, help="What differs from the shipped recipe: see docs/lab.md."),
    out: Path = typer.Option(..., "--out", help="Folder of models, chosen traces and results.", metavar="DIR"),
    workers: int = typer.Option(1, "--workers", min=1, max=512, help="Processes; one thread and one model each."),
    picture: Path | None = typer.Option(None, "--picture", help="Draw accuracy against thinking there (.svg)."),
    as_json: bool = typer.Option(False, "--json", help="Print the result as one line of JSON."),
) -> None:
    """Choose 1,000 of 50,000 reasoning traces in five ways, tune a small model on each choice, and budget its thinking.

    Interrupted, the same command goes on.

    \b
    Examples:
      hydrometer lab s1 --out s1 --workers 2 --picture s1.svg
      hydrometer lab s1 mine.toml --out s1 --json | jq '.differences[] | {first, second, estimate, low, high}'
    """
    from hydrometer.lab import need_torch

    need_torch()
    from hydrometer.cli.progress import bar, shown
    from hydrometer.lab.recipes import read_recipe
    from hydrometer.lab.s1 import s1 as run
    from hydrometer.lab.s1_records import S1Recipe

    asked = S1Recipe() if recipe is None else read_recipe(recipe, S1Recipe)[0]
    with bar() as progress:
        found = run(asked, out, workers=workers, progress=shown(progress))
    if picture is not None:
        from hydrometer.plots.files import write_svg
        from hydrometer.plots.thinking import thinking_figures

        write_svg(picture, thinking_figures(found))
    if as_json:
        typer.echo(found.model_dump_json())
        return
    _tell(found)


def _tell(found: S1Result) -> None:
    left = ", ".join(f"{n:,} {what}" for what, n in found.pool.items())
    typer.echo(f"Pool: {left}. Model: {found.parameters:,} parameters. {found.questions} questions.")
    typer.echo("\nAccuracy with the thinking that the model chooses itself, 95 % interval over questions")
    for arm in found.arms:
        seeds = ", ".join(f"{x:.1%}" for x in arm.by_seed)
        typer.echo(
            f"  {arm.arm:11} {arm.accuracy:6.1%} ({arm.low:.1%} to {arm.high:.1%})  {arm.thinking_tokens:5.1f} tokens  "
            f"{arm.how}; seeds: {seeds}"
        )
    for arm in found.arms:
        if arm.arm == "s1":
            typer.echo("\nThe s1 choice under budgets")
            for p in arm.points:
                what = f"{p.waits} waits" if p.waits else "cut" if p.limit < found.most else "own end"
                typer.echo(
                    f"  {what:8} at most {p.limit:4}: {p.thinking_tokens:6.1f} tokens, {p.accuracy:6.1%} "
                    f"({p.low:.1%} to {p.high:.1%})"
                )
    typer.echo("\nDifferences on the same questions, 95 %, the wider of over questions and over seeds")
    for d in found.differences:
        typer.echo(f"  {d.first} minus {d.second}: {d.estimate:+.1%} ({d.low:+.1%} to {d.high:+.1%})")
    typer.echo("\nBill")
    for row in found.bill:
        usd = f"${row.usd:.3g}" if row.usd is not None else "no price stated"
        typer.echo(
            f"  {row.stage}: {row.tokens_learnt:,} tokens learnt, {row.tokens_read:,} written, {row.flop:.3g} FLOP, "
            f"{row.device_seconds:,.0f} device-seconds, {usd}"
        )
