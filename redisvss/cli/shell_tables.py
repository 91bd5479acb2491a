"""How the prompt shows a reply: hits as a table, everything else as redis-cli prints it.

What comes from a document never reaches the terminal as control characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redisvss.cli.console import out, plain, table
from redisvss.cli.query import render
from redisvss.cli.vectors import mapping

_HITS = ("FT.SEARCH", "FT.HYBRID")
_ROWS = ("FT.AGGREGATE", "FT.CURSOR")  # their total is an estimate
_STATUS = ("OK", "PONG", "QUEUED")
_WIDEST = 200  # characters of a value in a table


@dataclass(frozen=True)
class Hits:
    """A page as it is shown. total: None where it is an estimate; cursor: 0 when there is no next page."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int | None
    warnings: Sequence[str] = ()
    index: str = ""
    cursor: int = 0


def show(words: Sequence[bytes], reply: Any, seconds: float) -> None:
    """words: the command that was answered."""
    reply = tidy(reply)
    found = hits(words, reply)
    if found is None:
        out.print(rendered(reply), highlight=False, markup=False, soft_wrap=True)
        return
    if found.rows and found.columns:
        table("", found.columns, found.rows)
    out.print(summary(found, seconds), highlight=False, markup=False, style="dim", soft_wrap=True)
    for warning in found.warnings:
        out.print(f"warning: {warning}", highlight=False, markup=False, style="yellow", soft_wrap=True)


def summary(found: Hits, seconds: float) -> str:
    rows = len(found.rows)
    count = f"{rows} row{'' if rows == 1 else 's'}" if found.total is None else f"{rows} of {found.total} hits"
    more = f"; the next: FT.CURSOR READ {found.index} {found.cursor}" if found.cursor else ""
    return f"{count}, {seconds * 1000:.1f} ms{more}"


def rendered(reply: Any) -> str:
    """As redis-cli prints it; a status and a text of several lines (INFO, FT.EXPLAIN) without quotes."""
    text = plain(reply)
    bare = isinstance(text, str) and (text in _STATUS or "\n" in text)
    return visible(text if bare else render(reply))


def hits(words: Sequence[bytes], reply: Any) -> Hits | None:
    """The page of hits of a RESP3 reply to the command `words`; None for any other reply."""
    name = words[0].decode("utf-8", "replace").upper()
    cursor = 0
    if name in _ROWS and isinstance(reply, list) and len(reply) == 2:
        reply, cursor = reply
    if name not in (*_HITS, *_ROWS) or not isinstance(reply, dict):
        return None
    page = mapping(reply)
    if not isinstance(page.get("results"), list):
        return None
    rows = [_row(mapping(hit)) for hit in page["results"]]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    warnings = page.get("warning", page.get("warnings", []))
    return Hits(
        [visible(column) for column in columns],
        [[cell(row.get(column)) for column in columns] for row in rows],
        None if name in _ROWS else page.get("total_results"),
        [visible(str(plain(warning))) for warning in warnings],
        str(plain(words[2 if name == "FT.CURSOR" else 1])),
        cursor,
    )


def _row(hit: Mapping[str, Any]) -> dict[str, Any]:
    """Column → value; FT.HYBRID's hits are their fields, those of the others name theirs apart."""
    if "extra_attributes" not in hit and "values" not in hit:
        first = {name[2:]: hit[name] for name in ("__key", "__score") if name in hit}
        return {**first, **{name: value for name, value in hit.items() if name[2:] not in first}}
    told = {"key": hit.get("id"), "score": hit.get("score"), "sortkey": hit.get("sortkey")}
    fields = mapping(hit.get("extra_attributes", {}))
    return {**{name: value for name, value in told.items() if value is not None}, **fields}


def cell(value: Any) -> str:
    """A value in a table: a vector by its length, a long text by its beginning."""
    if isinstance(value, bytes) and not _readable(value):
        return f"<{len(value)} bytes>"
    value = plain(value)
    text = "" if value is None else visible(str(value))
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


def _readable(value: bytes) -> bool:
    try:
        return all(letter.isprintable() or letter in "\n\r\t" for letter in value.decode())
    except UnicodeDecodeError:
        return False


def visible(text: str) -> str:
    """Control characters, which could move the cursor or worse, as escapes."""
    text = text.replace("\r\n", "\n")
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def tidy(reply: Any) -> Any:
    """redis-py's values as render and JSON know them: sets are lists, an error within EXEC its text."""
    match reply:
        case Exception():
            return f"(error) {reply}"
        case set() | frozenset() | list() | tuple():
            return [tidy(item) for item in reply]
        case dict():
            return {name: tidy(value) for name, value in reply.items()}
        case _:
            return reply
