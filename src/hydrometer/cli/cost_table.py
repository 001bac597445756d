"""`hydrometer cost audit-table`: what cannot be true in a table of training runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer


def audit_table(
    table: Path = typer.Argument(..., help="A CSV of training runs, one a row.", metavar="FILE.csv"),
    all_rows: bool = typer.Option(False, "--all", help="Print every row, not only those that cannot be true."),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """List what cannot be true in a table of training runs, row by row with the equation.

    Columns are found by name: model, accelerator, accelerator_hours, tokens, active_params, n_accelerators,
    reported_cost_usd, ... or an Epoch-like table's own. Exit status 0 whatever is found.

    \b
    Examples:
      hydrometer cost audit-table training_runs.csv
      hydrometer cost audit-table "All ML Systems.csv" --json | jq '.rows[] | select(.verdict == "inconsistent")'
    """
    from hydrometer.instruments.training_cost.checking import table_audit

    found = table_audit.audit_table(table)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    from rich.console import Console

    from hydrometer.report.run_table import print_table_audit

    print_table_audit(found, all_rows=all_rows, console=Console(file=sys.stdout, highlight=False))
