"""`hydrometer audit`: the main job."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hydrometer.records.audit import Audit


def audit(
    dossier: Path = typer.Argument(..., help="What was published about the model: a TOML file.", metavar="DOSSIER"),
    out: Path = typer.Option(..., "--out", help="Folder for audit.json and report.html; an earlier audit is replaced."),
    responses: Path | None = typer.Option(
        None, "--responses", help="What the model answered, to ask who taught it; needs --panel.", metavar="FILE"
    ),
    panel: Path | None = typer.Option(
        None, "--panel", help="Other models' answers to the same prompts.", metavar="DIR"
    ),
    candidate: list[str] = typer.Option(
        [], "--candidate", help="Ask about this teacher only; repeatable. Without it: about all.", metavar="NAME"
    ),
    alpha: float = typer.Option(0.05, "--alpha", min=0.0001, max=0.5, help="Rate of false accusations to accept."),
    model: str | None = typer.Option(
        None, "--model", help="The model's name in FILE, if it is not the dossier's.", metavar="NAME"
    ),
    identity: Path | None = typer.Option(
        None, "--identity", help="Its answers to identity questions: see docs/identity.md.", metavar="FILE"
    ),
    gain: float | None = typer.Option(
        None, "--gain", help="Gain in efficiency to ask about, instead of the dossier's comparison, as 10."
    ),
    seed: int = typer.Option(0, "--seed", min=0, help="Seed of all random draws."),
    as_json: bool = typer.Option(False, "--json", help="Print a summary as one line of JSON."),
) -> None:
    """Check every published figure of a model; ask its answers who taught it; write a report.

    \b
    Examples:
      hydrometer audit dossiers/deepseek-v3.toml --out audits/deepseek-v3
      hydrometer audit my-model.toml --responses answers.jsonl --panel panels/alpaca-eval --out audits/my-model
      hydrometer audit my-model.toml --out audits/my-model --json | jq .verdicts
    """
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.audit import audit_json, inputs_from_options, run_audit
    from hydrometer.cli.progress import CACHE, shown
    from hydrometer.report.page import render_html
    from hydrometer.report.terminal import print_summary
    from hydrometer.store.audits import RECORD, REPORT, refuse_if_taken, write_audit

    given = inputs_from_options(
        {
            "responses": responses, "panel": panel, "candidate": tuple(candidate), "alpha": alpha, "model": model,
            "identity": identity, "gain": gain,
        }
    )  # fmt: skip
    refuse_if_taken(out)
    command = ["hydrometer", "audit", str(dossier), "--out", str(out), "--seed", str(seed)]
    command += [word for one in given for word in one.words()]
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        result = run_audit(dossier, *given, seed=seed, command=shlex.join(command), cache=CACHE, progress=shown(bar))
    write_audit(out, {RECORD: audit_json(result), REPORT: render_html(result)})
    if as_json:
        typer.echo(json.dumps(_summary(result) | {"audit": str(out / RECORD), "report": str(out / REPORT)}))
        return
    console = Console(file=sys.stdout, highlight=False)
    print_summary(result, console=console)
    console.print(f"\nReport: {out / REPORT}\nRecord: {out / RECORD}", markup=False, soft_wrap=True)


def _summary(result: Audit) -> dict[str, object]:
    verdicts = {e.id: e.verdict.value for e in result.evidence}
    return {
        "subject": result.subject,
        "verdicts": [
            {"id": e.id, "question": e.question, "proposition": e.proposition, "verdict": e.verdict.value}
            for e in result.evidence
        ],
        "not_measured": [q.name for q in result.questions if all(verdicts[e] == "not_measured" for e in q.evidence)],
    }
