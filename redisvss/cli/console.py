"""What the commands share: the client they talk through, and how they print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from redis.exceptions import ConnectionError as RedisConnectionError
from rich.console import Console
from rich.table import Table

out = Console()
err = Console(stderr=True)

DEFAULT_URL = "redis://localhost:6379"

Url = Annotated[
    str,
    typer.Option(envvar="REDISVSS_URL", help="The Redis that holds the documents: redis://, rediss:// or unix://."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def connect(url: str) -> Any:
    """A redisvss client; imported here so that `--help` does not wait for the engine."""
    from redisvss import Redis

    return Redis.from_url(url)


def fail(error: Exception) -> None:
    err.print(f"[bold red]error:[/] {_escaped(str(error))}")
    if isinstance(error, RedisConnectionError):
        err.print(
            "Is Redis running there? Say where with --url or REDISVSS_URL, or try `redisvss tour`, which needs none."
        )


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def print_json(value: Any) -> None:
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def plain(value: Any) -> Any:
    """A reply as JSON can say it; bytes that are no text are shown by their length."""
    match value:
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return f"<{len(value)} bytes>"
        case dict():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case float() if value != value:
            return None
        case _:
            return value


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*(_escaped(str(plain(cell))) for cell in row))
    out.print(shown)
