"""`redisvss index create|list|info|drop|rebuild`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from redisvss.cli.console import DEFAULT_URL, AsJson, Url, connect, err, out, plain, print_json, table
from redisvss.schemafile import create_command, load_schema

app = typer.Typer(help="Create, list, describe, drop and rebuild indexes.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The index.")]


@app.command()
def create(
    schema: Annotated[Path, typer.Argument(help="A YAML schema file (RedisVL's format).", exists=True, dir_okay=False)],
    url: Url = DEFAULT_URL,
    replace: Annotated[bool, typer.Option(help="Drop an index of that name first; documents stay.")] = False,
) -> None:
    """Create an index from a schema file and wait until the documents that exist are indexed."""
    client = connect(url)
    command = create_command(load_schema(schema))
    name = command[1]
    if replace and name in names(client):
        client.ft(name).dropindex()
    client.execute_command(*command)
    follow(client, name)
    out.print(f"Index [bold]{name}[/] is ready: {_info(client, name)['num_docs']} documents.")


@app.command("list")
def list_(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the indexes."""
    client = connect(url)
    found = sorted(names(client))
    if as_json:
        print_json(found)
        return
    rows = [(name, _info(client, name)) for name in found]
    table(
        "Indexes", ("name", "documents", "failed"), [(n, i["num_docs"], i["hash_indexing_failures"]) for n, i in rows]
    )


@app.command()
def info(name: Name, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Describe an index: its fields, its size, and every document that could not be indexed."""
    client = connect(url)
    shown = _info(client, name)
    failures = client.execute_command("REDISVSS.FAILURES", name)
    if as_json:
        print_json({**shown, "failing documents": failures[1:]})
        return
    table(f"Index {name}", ("", ""), [(key, shown[key]) for key in _SHOWN if key in shown])
    table("Fields", ("attribute", "type", "options"), [_field(row) for row in shown["attributes"]])
    if failures[0]:
        table(f"Not indexed: {failures[0]} documents", ("key", "field", "reason"), failures[1:])


_SHOWN = ("num_docs", "indexing", "percent_indexed", "hash_indexing_failures", "total_index_memory_sz_mb")


@app.command()
def drop(
    name: Name,
    url: Url = DEFAULT_URL,
    documents: Annotated[bool, typer.Option("--documents", help="Delete the indexed documents too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Drop an index; its documents stay unless --documents."""
    client = connect(url)
    count = _info(client, name)["num_docs"]
    if documents and not yes:
        typer.confirm(f"Delete {count} documents?", abort=True)
    client.ft(name).dropindex(delete_documents=documents)
    out.print(f"Dropped {name}" + (f" and {count} documents." if documents else "; its documents stay."))


@app.command()
def rebuild(name: Name, url: Url = DEFAULT_URL) -> None:
    """Index every document anew, for every process that uses the index."""
    client = connect(url)
    client.execute_command("REDISVSS.REBUILD", name)
    follow(client, name)
    out.print(f"Rebuilt {name}: {_info(client, name)['num_docs']} documents.")


def names(client: Any) -> list[str]:
    return [str(plain(name)) for name in client.execute_command("FT._LIST")]


def follow(client: Any, name: str) -> None:
    """Show the initial scan's progress until it is through."""
    columns = (TextColumn("indexing {task.fields[name]}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("scan", total=100, name=name)
        while int(_info(client, name)["indexing"]):
            progress.update(task, completed=100 * float(_info(client, name)["percent_indexed"]))
            time.sleep(0.1)


def _info(client: Any, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = plain(client.ft(name).info())
    return shown


def _field(row: Any) -> tuple[Any, Any, str]:
    """An `attributes` entry of FT.INFO, flat (RESP2) or a map (RESP3)."""
    items = list(row.items()) if isinstance(row, dict) else list(zip(row[::2], row[1::2], strict=False))
    known = dict(items)
    rest = [f"{key}={value}" for key, value in items if key not in ("identifier", "attribute", "type")]
    return known["attribute"], known["type"], " ".join(rest)
