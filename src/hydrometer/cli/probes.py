"""`hydrometer probes`: what models are asked."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from hydrometer.cli.groups import group

app = group("Probe sets: what models are asked.")


@app.command("list")
def list_sets(as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON.")) -> None:
    """List the probe sets that ship.

    \b
    Example:
      hydrometer probes list
    """
    from hydrometer.store.probe_check import summary
    from hydrometer.store.probe_sets import PUBLIC, shipped_sets

    sets = shipped_sets()
    if as_json:
        rows = [
            one.model_dump(mode="json", exclude={"probes"}) | {"n": len(one.probes)} | summary(one.probes)
            for one in sets
        ]
        typer.echo(json.dumps({"shipped": rows, "public": PUBLIC}, ensure_ascii=False))
        return
    for one in sets:
        languages = ", ".join(f"{n} {code}" for code, n in summary(one.probes)["languages"].items())
        typer.echo(f"{one.name} {one.version}: {len(one.probes)} probes ({languages}). {one.title}. {one.licence}.")
    typer.echo(f"Public sets, fetched on request: {', '.join(PUBLIC)} (hydrometer probes pull NAME --out FILE).")


@app.command("show")
def show(
    probes: str = typer.Argument(..., help="A set that ships, or a file.", metavar="SET_OR_FILE"),
    language: str | None = typer.Option(None, "--language", help="Only this language, as zh.", metavar="CODE"),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per probe."),
) -> None:
    """Show the probes of a set.

    \b
    Examples:
      hydrometer probes show identity --language zh
      hydrometer probes show general --json > my-probes.jsonl
    """
    from hydrometer.errors import InputError, printable
    from hydrometer.store.probe_sets import read_probes

    found = read_probes(probes).probes
    languages = sorted({probe.language for probe in found})
    if language not in {None, *languages}:
        raise InputError("no probe in this language", cure=f"there are {', '.join(languages)}", where="--language")
    for probe in found:
        if language not in {None, probe.language}:
            continue
        if as_json:
            typer.echo(json.dumps(probe.model_dump(mode="json", exclude_none=True)))
        else:
            typer.echo(f"{probe.id}  {printable(probe.prompt, limit=400)}")


@app.command("check")
def check(
    probes: str = typer.Argument(..., help="A set that ships, or a file.", metavar="SET_OR_FILE"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Check a set for doubled prompts, wrong languages, odd characters and missing answers. Exit status 1 on findings.

    \b
    Example:
      hydrometer probes check my-probes.jsonl
    """
    from hydrometer.errors import printable
    from hydrometer.store.probe_check import check_probes, summary
    from hydrometer.store.probe_sets import read_probes

    found = read_probes(probes)
    findings = check_probes(found.probes)
    if as_json:
        line = {"n": len(found.probes), "sha256": found.sha256, "findings": findings} | summary(found.probes)
        typer.echo(json.dumps(line))
    else:
        for finding in findings:
            typer.echo(printable(finding, limit=300))
        typer.echo(f"{len(found.probes):,} probes, {len(findings):,} findings; SHA-256 {found.sha256}")
    if findings:
        raise typer.Exit(1)


@app.command("pull")
def pull(
    name: str = typer.Argument(..., help="alpaca-eval or arena-hard.", metavar="NAME"),
    out: Path = typer.Option(..., "--out", help="The file to write.", metavar="FILE.jsonl"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Fetch a public set at a fixed commit of its repository.

    \b
    Example:
      hydrometer probes pull arena-hard --out arena-hard.jsonl
    """
    from hydrometer.store import probe_sets

    found = probe_sets.pull(name, out)
    line = {"written": str(out), "n": len(found.probes), "source": found.source, "sha256": found.sha256}
    typer.echo(json.dumps(line) if as_json else f"{out}: {len(found.probes):,} probes from {found.source}")
