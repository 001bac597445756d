"""The command line: one file per command group, no logic."""

from __future__ import annotations

import errno
import io
import os
import sys

import typer

from hydrometer.cli import (
    ask,
    attribute,
    audit,
    cost,
    cost_energy,
    cost_estimate,
    cost_ladder,
    cost_plan,
    cost_prices,
    cost_table,
    demand,
    dossier,
    identity,
    lab,
    panel,
    probes,
    serving,
    similarity,
    store,
)
from hydrometer.errors import HydrometerError, printable

app = typer.Typer(
    name="hydrometer",
    help="Measures what went into a language model: who taught it, what it cost to train, what compute it demands - "
    "with an error rate beside every answer.",
    epilog="Start with: hydrometer audit dossiers/deepseek-v3.toml --out audits/deepseek-v3",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("audit")(audit.audit)
app.command("ask")(ask.ask)
app.command("attribute")(attribute.attribute)
app.command("identity")(identity.identity)
app.command("similarity")(similarity.similarity)
app.add_typer(dossier.app, name="dossier")
app.add_typer(cost.app, name="cost")
cost.app.command("estimate")(cost_estimate.estimate)
cost.app.command("ladder")(cost_ladder.ladder)
cost.app.command("plan")(cost_plan.plan)
cost.app.command("invert")(cost_plan.invert)
cost.app.command("energy")(cost_energy.energy)
cost.app.command("prices")(cost_prices.prices)
cost.app.command("audit-table")(cost_table.audit_table)
app.add_typer(serving.app, name="serving")
app.add_typer(demand.app, name="demand")
app.add_typer(lab.app, name="lab")
app.add_typer(panel.app, name="panel")
app.add_typer(probes.app, name="probes")
app.add_typer(store.app, name="store")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and stop.", is_eager=True),
) -> None:
    if version:
        from hydrometer.version import __version__

        typer.echo(f"hydrometer {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; every error is one line on stderr and exit status 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that lacks a character must not end an audit.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = app(arguments, standalone_mode=False)
    except HydrometerError as error:
        _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except typer.TyperException as error:
        # The parser's own errors know the option they are about; only their long form says so.
        message = getattr(error, "format_message", error.__str__)()
        _fail(f"{printable(message, limit=400).rstrip('.')}; see `hydrometer --help`")
    except BrokenPipeError:
        # The reader of our output has left; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # A name that no file can have fails wherever it is first looked at, which is everywhere.
        if error.errno != errno.ENAMETOOLONG:
            raise
        _fail(f"{printable(error.filename)}: no file has so long a name; name another")
    sys.exit(status if isinstance(status, int) else 0)


def _fail(line: str) -> None:
    print(f"hydrometer: {printable(line, limit=1200)}", file=sys.stderr)
    sys.exit(2)
