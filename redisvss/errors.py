"""Every error text a command may answer with, and the one exception that carries it to the client.

A handler raises `CommandError(text)`; the door writes it as a RESP error and the connection lives on. Texts are
RediSearch 2.10's own, seen on 2.10.5 and 2.10.33 unless a line says otherwise; `%s`-style places are Python
format fields. FT.* errors carry no `ERR ` prefix on the wire.
"""

from __future__ import annotations

# The reasons of `Bad arguments for NAME: …`
MISSING = "Expected an argument, but none provided"
NOT_CONVERTIBLE = "Could not convert argument to expected type"
OUT_OF_BOUNDS = "Value is outside acceptable bounds"
UNKNOWN = "Unknown argument"

EMPTY_NOT_INDEXED = "Use `INDEXEMPTY` in field creation in order to index and query for empty strings"


class CommandError(Exception):
    """A command was refused; `str(error)` is the text on the RESP error line."""


def wrong_arity(command: str) -> CommandError:
    """`command` as the client typed it."""
    return CommandError(f"ERR wrong number of arguments for '{command}' command")


def no_such_index(name: str) -> str:
    """As 2.10.33 words it for whatever runs a query; 2.10.5 says `name: no such index`."""
    return f"No such index {name}"


class QuerySyntaxError(CommandError):
    """The query string breaks the grammar of its dialect; the text names the byte offset where it does."""
