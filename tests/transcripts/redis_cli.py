"""Replies as redis-cli prints them on a terminal (cliFormatReplyTTY of Redis 7)."""

from __future__ import annotations

from typing import Any

from redisvss.errors import CommandError
from redisvss.reply import Set, format_double

_ESCAPES = {0x5C: "\\\\", 0x22: '\\"', 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}
_EMPTY = {list: "(empty array)", dict: "(empty hash)", Set: "(empty set)"}


def printed(reply: Any) -> tuple[str, ...]:
    """The lines of a reply; str is a simple string, bytes a bulk string, an exception an error."""
    return tuple(_lines(reply, ""))


def _lines(reply: Any, indent: str) -> list[str]:
    match reply:
        case list() | dict() if reply:
            return _many(reply, indent)
        case list() | dict():
            return [_EMPTY[type(reply)]]
        case _:
            return [_leaf(reply)]


def _leaf(reply: Any) -> str:
    match reply:
        case None:
            return "(nil)"
        case bool():
            return "(true)" if reply else "(false)"
        case int():
            return f"(integer) {reply}"
        case float():
            return f"(double) {format_double(reply).decode()}"
        case bytes():
            return quoted(reply)
        case CommandError() | Exception():
            return f"(error) {reply}"
        case _:
            return str(reply)


def quoted(value: bytes) -> str:
    return '"' + "".join(_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in value) + '"'


def _many(reply: Any, indent: str) -> list[str]:
    """Items numbered; an item's first line stands behind its number, the others are indented as deep."""
    width = len(str(len(reply)))
    inner = indent + " " * (width + 2)
    sign = "#" if isinstance(reply, dict) else "~" if isinstance(reply, Set) else ")"
    lines: list[str] = []
    for number, item in enumerate(reply, 1):
        lead = f"{indent if number > 1 else ''}{number:{width}d}{sign} "
        if isinstance(reply, dict):
            lead += f"{_leaf(item)} => "
            item = reply[item]
        first, *rest = _lines(item, inner)
        if isinstance(reply, dict) and rest:  # a map's value of several lines starts on its own
            lines += [lead, inner + first, *rest]
        else:
            lines += [lead + first, *rest]
    return lines
