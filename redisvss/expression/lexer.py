"""Expression text → tokens, by RediSearch's rules, including what it skips in silence.

A number takes the `-` in front of it (so `1 -1` is two numbers); punctuation that starts no token is passed over; the
first byte that can start nothing at all (non-ASCII outside strings and names) ends the text. Error messages quote the
last token that had text of its own, hence `near`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from redisvss.expression.values import Text, Value

# More operands than this would outlast any query timeout; RediSearch has no limit of its own.
MAX_TOKENS = 50_000

_PUNCTUATION = rb"!-/:-@\[-`{-~"
_SPACE = rb" \t-\r"
_TOKEN = re.compile(
    rb"(?P<number>-?\d+(?:\.\d+)?(?:[eE]-?\d+)?)"
    rb"|(?P<property>@(?:\\[" + _PUNCTUATION + _SPACE + rb"]|_|[^\x00-\x20!-/:-@\[-`{-\x7f])+)"
    rb"|(?P<infinity>['+\-]inf)"
    rb"|(?P<symbol>[A-Za-z][A-Za-z0-9_]*)"
    rb"|(?P<operator>==|!=|<=|>=|&&|\|\||[-+/*%^(),!<>])"
    rb"|(?P<skipped>[" + _PUNCTUATION + _SPACE + rb"\x00-\x1f\x7f])"
)
_ESCAPED = re.compile(rb"\\(?=[" + _PUNCTUATION + _SPACE + rb"])")
_ESCAPABLE = frozenset(rb"!\"#$%&'()*+,-./:;<=>?@[\]^_`{|}~" + b" \t\n\v\f\r")
_QUOTES = frozenset(b"\"'")


@dataclass(frozen=True, slots=True)
class Token:
    """kind: number, string, property, symbol, end, or the operator itself; near: what an error here quotes."""

    kind: str
    position: int
    near: bytes
    value: Value = None


def tokens(text: bytes) -> list[Token]:
    """The tokens, an `end` token last. The text ends at its first NUL."""
    text = text.partition(b"\0")[0]
    found: list[Token] = []
    near, position = b"", 0
    for token in _scan(text):
        near, position = token.near or near, token.position
        found.append(Token(token.kind, position, near, token.value))
        if len(found) > MAX_TOKENS:
            break
    found.append(Token("end", position, near))
    return found


def _scan(text: bytes) -> Iterator[Token]:
    at = 0
    while at < len(text):
        end = _string_end(text, at) if text[at] in _QUOTES else None
        if end is not None:
            raw = text[at:end]
            yield Token("string", at, raw, Text(unescape(raw[1:-1])))
            at = end
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            return
        at = match.end()
        yield from _token(match)


def _token(match: re.Match[bytes]) -> Iterator[Token]:
    raw, at = match.group(), match.start()
    match match.lastgroup:
        case "number":
            yield Token("number", at, raw, float(raw))
        case "infinity":
            yield Token("number", at, raw, -math.inf if raw.startswith(b"-") else math.inf)
        case "property":
            yield Token("property", at, raw[1:])
        case "symbol":
            yield Token("symbol", at, raw)
        case "operator":
            yield Token(raw.decode(), at, b"")


def _string_end(text: bytes, start: int) -> int | None:
    """Where the string literal that opens at `start` ends: the longest reading wins, as in a generated scanner.

    A quote behind a backslash may close the string or be part of it; it closes it only where no later quote does.
    """
    quote, best, at = text[start], None, start + 1
    while at < len(text):
        byte = text[at]
        escaped = text[at - 1] == 0x5C and at - 1 > start
        if byte == quote:
            best = at + 1
            if not escaped:
                break
        elif byte == 0x0A and not escaped:
            break
        at += 1
    return best


def unescape(raw: bytes) -> bytes:
    r"""Drop the backslash in front of punctuation and blanks; `\\` gives one backslash, `\n` stays as it is."""
    if b"\\" not in raw:
        return raw
    out, at = bytearray(), 0
    while at < len(raw):
        if raw[at] == 0x5C and at + 1 < len(raw) and raw[at + 1] in _ESCAPABLE:
            at += 1
            continue
        out.append(raw[at])
        at += 1
    return bytes(out)


def plain_name(name: bytes) -> bytes:
    """A property's name without its escapes."""
    return _ESCAPED.sub(b"", name)
