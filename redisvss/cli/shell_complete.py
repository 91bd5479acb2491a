"""What may come next on a half-typed line: commands, indexes, fields after `@`, option keywords.

It must not know a terminal: `Catalogue` asks a client, `complete` is pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from redis.exceptions import RedisError

from redisvss.cli.console import plain
from redisvss.cli.shell_words import KEYWORDS, SUBCOMMANDS, Typed, index_position, typed
from redisvss.cli.vectors import mapping

T = TypeVar("T")
_FIELD = re.compile(r"@(\w*)$")
_TAKES_FIELD = ("SORTBY", "INFIELDS", "FIELDS")  # a bare name, or one behind a count, follows


class Candidate(NamedTuple):
    """`text` in place of the last `replaces` characters; `about` is shown beside it."""

    text: str
    replaces: int
    about: str = ""


class Known(Protocol):
    """What there is to name."""

    def commands(self) -> Mapping[str, str]:
        """Upper-case name → summary; a subcommand's name has a space."""

    def indexes(self) -> Sequence[str]: ...

    def fields(self, index: str) -> Mapping[str, str]:
        """Attribute → type."""


def complete(line: str, known: Known) -> Iterator[Candidate]:
    """line: up to the cursor."""
    here = typed(line)
    start = line.lstrip()
    if not here.words or _subcommand(start, known):
        yield from _matching(known.commands().items(), start)
        return
    command = here.words[0].upper()
    position = index_position(command)
    if len(here.words) == 1 and command in SUBCOMMANDS:
        yield from _matching(((name, "") for name in SUBCOMMANDS[command]), here.current)
    elif command == "HELP":
        yield from _matching(known.commands().items(), here.current)
    elif position and len(here.words) == position:
        yield from _matching(((name, "index") for name in known.indexes()), here.current)
    elif len(here.words) > position:
        yield from _inside(command, here, known.fields(here.words[position]) if position else {})


def _inside(command: str, here: Typed, fields: Mapping[str, str]) -> Iterator[Candidate]:
    if match := _FIELD.search(here.current):
        yield from _matching(fields.items(), match[1])
    elif not here.quoted:
        if here.words[-1].upper() in _TAKES_FIELD:
            yield from _matching(fields.items(), here.current)
        # Everything at once would only be in the way: keywords come with their first letter.
        elif here.current and len(here.words) > 1:
            yield from _matching(((word, "") for word in KEYWORDS.get(command, ())), here.current)


def _subcommand(start: str, known: Known) -> bool:
    """Whether the line is the beginning of a two-word command (`config g`)."""
    return start.count(" ") == 1 and any(name.startswith(start.upper()) for name in known.commands())


def _matching(named: Iterable[tuple[str, str]], prefix: str) -> Iterator[Candidate]:
    """Names that start with what was typed, in its case if they are upper-case words."""
    wanted = prefix.upper()
    lower = prefix.islower()
    for name, about in named:
        if name.upper().startswith(wanted) and name.count(" ") <= prefix.count(" "):
            yield Candidate(name.lower() if lower and name.isupper() else name, len(prefix), about)


class Catalogue:
    """The names a server knows, asked for when first needed; one that refuses to tell has none.

    client: without response callbacks, whose reading of COMMAND DOCS fails (redis-py 8.1).

    Not the prompt's own connection: an answer within MULTI would be QUEUED. `forget` after a command may have changed
    the indexes.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._commands: dict[str, str] | None = None
        self._indexes: list[str] | None = None
        self._fields: dict[str, dict[str, str]] = {}

    def forget(self) -> None:
        self._indexes = None
        self._fields.clear()

    def commands(self) -> Mapping[str, str]:
        if self._commands is None:
            self._commands = dict(sorted({**_names(self._client), **_documented(self._client)}.items()))
        return self._commands

    def indexes(self) -> Sequence[str]:
        if self._indexes is None:
            found: list[Any] = _asked(lambda: self._client.execute_command("FT._LIST"), [])
            self._indexes = sorted(str(plain(name)) for name in found)
        return self._indexes

    def fields(self, index: str) -> Mapping[str, str]:
        if index not in self._fields:
            info = mapping(_asked(lambda: self._client.execute_command("FT.INFO", index), {}))
            rows = map(mapping, info.get("attributes", ()))
            self._fields[index] = {str(plain(row["attribute"])): str(plain(row["type"])) for row in rows}
        return self._fields[index]


def _asked(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except RedisError:  # nothing to offer then; the command itself will tell what is wrong
        return otherwise


def _documented(client: Any) -> dict[str, str]:
    """COMMAND DOCS (since Redis 7), subcommands included."""
    found: dict[str, str] = {}
    for name, docs in mapping(_asked(lambda: client.execute_command("COMMAND", "DOCS"), {})).items():
        told = mapping(docs)
        if "summary" in told:
            found[name.upper()] = str(plain(told["summary"]))
        for sub, sub_docs in mapping(told.get("subcommands", {})).items():
            found[sub.upper().replace("|", " ")] = str(plain(mapping(sub_docs).get("summary", b"")))
    return found


def _names(client: Any) -> dict[str, str]:
    """Every command of COMMAND, with our own summaries for FT.* and JSON.*, which COMMAND DOCS says little of."""
    from redisvss.commands import COMMANDS

    rows: list[Any] = _asked(lambda: client.execute_command("COMMAND"), [])
    ours = {info.name.upper(): info.summary for info in COMMANDS.values()}
    names = {str(plain(row[0])).upper().replace("|", " ") for row in rows}
    return {name: ours.get(name, "") for name in names}
