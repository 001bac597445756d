"""The audit of a table of runs in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.run_table import RowFinding, TableAudit

_COLOUR = {"inconsistent": "red", "consistent": "green", "not checkable": "yellow"}


def print_table_audit(audit: TableAudit, *, all_rows: bool, console: Console) -> None:
    """Prints the rows that cannot be true, then the rest on request, then the counts."""
    for row in audit.rows:
        if all_rows or row.verdict == "inconsistent" or row.conflict:
            _print_row(row, all_rows=all_rows, console=console)
    console.print(
        f"{audit.n_rows:,} rows: {audit.n_inconsistent:,} inconsistent, {audit.n_consistent:,} consistent, "
        f"{audit.n_not_checkable:,} not checkable",
        markup=False,
    )


def _print_row(row: RowFinding, *, all_rows: bool, console: Console) -> None:
    verdict = Text(row.verdict, style=_COLOUR[row.verdict])
    console.print(Text.assemble(f"line {row.line}  ", (printable(row.model), "bold"), "  ", verdict))
    for check in row.checks:
        if not all_rows and check.verdict != "inconsistent" and check.name != row.conflict:
            continue
        lines = [f"{check.verdict}: {check.title}"]
        if check.left and check.right:
            ratio = f"  (ratio {check.ratio:.3g})" if check.ratio is not None else ""
            lines.append(f"  {check.left}  against  {check.right}{ratio}")
        lines.append(f"  {check.explanation}")
        if check.source:
            lines.append(f"  source: {check.source}")
        for line in lines:
            console.print(Padding(Text(printable(line.strip(), limit=600)), (0, 0, 0, 4 + 2 * line.startswith(" "))))
    console.print()
