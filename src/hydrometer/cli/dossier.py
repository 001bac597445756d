"""`hydrometer dossier`: write and check dossiers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from hydrometer.cli.groups import group

app = group("Dossiers: what was published, with its sources.")


@app.command("new")
def new(
    path: Path = typer.Argument(..., help="The file to write.", metavar="FILE.toml"),
    as_json: bool = typer.Option(False, "--json", help="Print the path as JSON."),
) -> None:
    """Write a commented template to fill in.

    \b
    Example:
      hydrometer dossier new my-model.toml
    """
    from hydrometer.store.dossiers import write_template

    write_template(path)
    typer.echo(
        json.dumps({"written": str(path)})
        if as_json
        else f"Written: {path}. Fill it in, then: hydrometer dossier check {path}"
    )


@app.command("check")
def check(
    paths: list[Path] = typer.Argument(..., help="Dossiers to check.", metavar="FILE..."),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per dossier."),
) -> None:
    """Check that dossiers can be read: keys, units, bounds, sources, accelerators, siblings.

    \b
    Examples:
      hydrometer dossier check dossiers/deepseek-v3.toml
      hydrometer dossier check dossiers/*.toml --json
    """
    from hydrometer.errors import InputError
    from hydrometer.store.dossiers import read_dossier, read_siblings

    bad = 0
    for path in paths:
        try:
            file = read_dossier(path)
            read_siblings(file)
        except InputError as error:
            bad += 1
            print(f"hydrometer: {error}", file=sys.stderr)
            if as_json:
                typer.echo(json.dumps({"path": str(path), "valid": False, "error": str(error)}, ensure_ascii=False))
            continue
        d = file.dossier
        counts = {"claims": len(d.claims), "sources": len(d.sources), "phases": len(d.phases)}
        if as_json:
            line = {"path": str(path), "valid": True, "model": d.model.name, **counts, "sha256": file.sha256}
            typer.echo(json.dumps(line, ensure_ascii=False))
        else:
            typer.echo(f"{path}: valid. {d.model.name}: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    if bad:
        raise typer.Exit(2)
