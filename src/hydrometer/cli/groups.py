"""Groups of commands."""

from __future__ import annotations

import typer


def group(text: str) -> typer.Typer:
    """Returns a group that prints its help, and succeeds, where no command is given.

    Args:
        text: what the group is for.
    """
    app = typer.Typer(help=text)

    @app.callback(invoke_without_command=True)
    def _help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app
