"""`hydrometer audit`: the main job."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import typer


def audit(
    dossier: Path = typer.Argument(..., help="What was published about the model: a TOML file.", metavar="DOSSIER"),
    out: Path = typer.Option(..., "--out", help="Folder for audit.json and report.html; an earlier audit is replaced."),
    seed: int = typer.Option(0, "--seed", min=0, help="Seed of all random draws."),
    as_json: bool = typer.Option(False, "--json", help="Print a summary as one line of JSON."),
) -> None:
    """Check every published figure of a model; write a report.

    \b
    Examples:
      hydrometer audit dossiers/deepseek-v3.toml --out audits/deepseek-v3
      hydrometer audit my-model.toml --out audits/my-model --json | jq .verdicts
    """
    from hydrometer.audit import run_audit
    from hydrometer.report import print_summary, render_html
    from hydrometer.store.audits import RECORD, REPORT, audit_json, refuse_if_taken, write_audit

    refuse_if_taken(out)
    command = shlex.join(["hydrometer", "audit", str(dossier), "--out", str(out), "--seed", str(seed)])
    result = run_audit(dossier, seed=seed, command=command)
    write_audit(out, {RECORD: audit_json(result), REPORT: render_html(result)})
    if as_json:
        summary = {
            "subject": result.subject,
            "verdicts": [
                {"id": e.id, "question": e.question, "proposition": e.proposition, "verdict": e.verdict.value}
                for e in result.evidence
            ],
            "not_measured": [q.name for q in result.questions if not q.evidence],
            "audit": str(out / RECORD),
            "report": str(out / REPORT),
        }
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False)
    print_summary(result, console=console)
    console.print(f"\nReport: {out / REPORT}\nRecord: {out / RECORD}", markup=False, soft_wrap=True)
