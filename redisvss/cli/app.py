"""The command line's frame: which commands there are, and how an error is shown."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from redis.exceptions import RedisError

from redisvss import __version__
from redisvss.cli import demo, index, load, query, serve, shell, tour
from redisvss.cli.console import fail

app = typer.Typer(
    help="RediSearch's vector and hybrid search on any Redis, with no module to install.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("tour")(tour.tour)
app.command("demo")(demo.demo)
app.command("query")(query.query)
app.command("cli")(shell.cli)
app.command("load")(load.load)
app.command("serve")(serve.serve)
app.add_typer(index.app, name="index")


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run it; what went wrong is one line on stderr and exit code 1."""
    try:
        app()
    except (RedisError, OSError, ValueError) as error:
        fail(error)
        sys.exit(1)
