"""`redisvss query`: one redis-cli style command, with vectors given by name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from redisvss.cli.console import DEFAULT_URL, AsJson, Url, connect, out, plain, print_json
from redisvss.cli.vectors import parameters, split

_EXAMPLE = """
Examples:

  redisvss query "FT.SEARCH products '@gender:{Women} @price:[0 50]' LIMIT 0 5"

  redisvss query "FT.SEARCH products '*=>[KNN 5 @embedding \\$v AS d]' SORTBY d" '$v=product:7:embedding'

A vector is @file.npy, [0.1, 0.2, …], like:key (that document's vector) or key:field of a stored document.
"""


def query(
    command: Annotated[str, typer.Argument(help="The command as redis-cli would take it, in one string.")],
    vectors: Annotated[list[str] | None, typer.Argument(help="'$name=VECTOR' for each parameter of the query.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Run one command and print its reply."""
    client = connect(url)
    words = split(command)
    if not words:
        raise ValueError('The command is empty. Try: redisvss query "FT._LIST"')
    reply = client.execute_command(*parameters(client, words, vectors or []))
    if as_json:
        print_json(reply)
    else:
        out.print(render(reply), highlight=False, markup=False)


query.__doc__ = f"{query.__doc__}\n{_EXAMPLE}"


def render(reply: Any, indent: str = "") -> str:
    """A reply as redis-cli prints it: numbered elements, quoted strings."""
    match plain(reply):
        case None:
            return "(nil)"
        case int(number) if not isinstance(reply, bool):
            return f"(integer) {number}"
        case float(number):
            return f"(double) {number:g}"
        case str(text):
            return f'"{text}"'
        case list() | dict() if not reply:  # a pattern `{}` would be any map
            return "(empty array)"
        case list(items):
            inner = indent + " " * (len(str(len(items))) + 2)
            return _numbered([render(item, inner) for item in items], indent)
        case dict(items):
            inner = indent + " " * (len(str(len(items))) + 2)
            pairs = [f"{name}: {render(item, inner + ' ' * (len(name) + 2))}" for name, item in items.items()]
            return _numbered(pairs, indent)
        case other:
            return str(other)


def _numbered(parts: list[str], indent: str) -> str:
    width = len(str(len(parts)))
    lines = [f"{number:>{width}}) {part}" for number, part in enumerate(parts, 1)]
    return ("\n" + indent).join(lines)
