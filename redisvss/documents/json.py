"""JSON documents: text ↔ value, and what a path finds in one, as FT.* and JSON.* need it.

Numbers survive: integers keep every digit, doubles their point and their shortest digits; members keep their order.
orjson does the work. Measured against RedisJSON 2.8.3, orjson 3.13 reads an integer beyond 64 bits as a double and
`-0` as an integer, and writes 1e22 as `1e+22`: texts that hold such a thing take the slow way round. Knows nothing of
Redis or of commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from redisvss.documents.jsonerrors import MAX_DEPTH, explain
from redisvss.documents.jsonpath import CompiledPath
from redisvss.documents.jsonpath_parser import compile_path
from redisvss.errors import CommandError

__all__ = ["CompiledPath", "Style", "compile_path", "parse", "parse_input", "serialize", "to_text", "values_at"]

NOT_UTF8 = "Couldn't parse as UTF-8 string"
TOO_DEEP = "ERR recursion limit exceeded: the document would nest too deeply"

_DIGITS_ALIKE = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
_LONG_NUMBER = b"0" * 19  # 19 digits may exceed 64 bits
_BEFORE_A_NUMBER = b"-[,: \t\r\n"
_NEGATIVE_ZERO = re.compile(rb"-0(?![0-9.eE])")  # in a string it only costs time


def parse(text: bytes) -> Any:
    """A stored document. Raises CommandError saying where it is malformed."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise CommandError(_fault(text)) from None
    return _parse_exactly(text) if _needs_care(text) else value


def parse_input(text: bytes) -> Any:
    """A value a client sent: as `parse`, and not nested deeper than RedisJSON takes."""
    value = parse(text)
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _nests_deeper(value, MAX_DEPTH):
        raise CommandError(explain(text))
    return value


def _fault(text: bytes) -> str:
    try:
        text.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    return explain(text)


def _needs_care(text: bytes) -> bool:
    """Whether orjson may have changed a number. Takes half the time orjson takes for the text."""
    return _holds_long_integer(text) or (b"-0" in text and _NEGATIVE_ZERO.search(text) is not None)


def _holds_long_integer(text: bytes) -> bool:
    """Digits behind a point do not count: of an embedding's 1,536 doubles some always have 19, and they are exact."""
    digits = text.translate(_DIGITS_ALIKE)
    start = digits.find(_LONG_NUMBER)
    while start >= 0:
        end = start + len(_LONG_NUMBER)
        while digits.startswith(b"0", end):
            end += 1
        if text[start - 1 : start] in _BEFORE_A_NUMBER and text[end : end + 1] not in (b".", b"e", b"E"):
            return True
        start = digits.find(_LONG_NUMBER, end)
    return False


def _parse_exactly(text: bytes) -> Any:
    return json.loads(text, parse_int=_exact_integer)


def _exact_integer(digits: str) -> int | float:
    return -0.0 if digits == "-0" else int(digits)


def _nests_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _children(node: Any) -> Any:
    match node:
        case dict():
            return node.values()
        case list():
            return node
        case _:
            return ()


@dataclass(frozen=True)
class Style:
    """What JSON.GET puts in front of a level's elements, at the end of a line, and behind a colon."""

    indent: bytes = b""
    newline: bytes = b""
    space: bytes = b""


COMPACT = Style()


def serialize(value: Any, style: Style = COMPACT) -> bytes:
    """Compact JSON unless a style says otherwise; raises CommandError for a value that nests too deeply."""
    if style == COMPACT:
        try:
            text = orjson.dumps(value)
        except orjson.JSONEncodeError as error:
            if "Recursion" in str(error):  # more than 254 levels
                raise CommandError(TOO_DEEP) from None
        else:
            if b"e+" not in text:
                return text
    return b"".join(_pieces(value, style, 1))


def _pieces(value: Any, style: Style, level: int) -> Iterator[bytes]:
    match value:
        case dict() if value:
            yield from _members(value, style, level)
        case list() if value:
            yield from _elements(value, style, level)
        case float():
            yield orjson.dumps(value).replace(b"e+", b"e")
        case int() if not isinstance(value, bool):
            yield b"%d" % value
        case _:
            yield orjson.dumps(value)


def _members(value: dict[str, Any], style: Style, level: int) -> Iterator[bytes]:
    before, colon = style.newline + style.indent * level, b":" + style.space
    opening = b"{"
    for key, member in value.items():
        yield opening + before + orjson.dumps(key) + colon
        yield from _pieces(member, style, level + 1)
        opening = b","
    yield style.newline + style.indent * (level - 1) + b"}"


def _elements(value: list[Any], style: Style, level: int) -> Iterator[bytes]:
    before = style.newline + style.indent * level
    opening = b"["
    for element in value:
        yield opening + before
        yield from _pieces(element, style, level + 1)
        opening = b","
    yield style.newline + style.indent * (level - 1) + b"]"


def values_at(document: Any, path: CompiledPath) -> list[Any]:
    """Every value the path selects, in document order; [] for none. JSON's null is None."""
    return path.values(document)


def to_text(value: Any) -> bytes | None:
    """A value as RETURN shows it in dialects 1 and 2: strings bare, numbers `%.12g`, booleans 1 or 0, None for null."""
    match value:
        case None:
            return None
        case str():
            return value.encode()
        case bool():
            return b"1" if value else b"0"
        case int() | float():
            return b"%.12g" % value
        case _:
            return serialize(value)
