"""Why a text is no JSON, in the words and with the positions of RedisJSON (its parser is serde_json).

Only run on a text that orjson has already refused, so it may be slow; what it accepts all the same is the caller's
business. A position is a line and a column in bytes; at a character that was looked at it is one past it.
"""

from __future__ import annotations

import math
import re

MAX_DEPTH = 127  # serde_json's recursion limit of 128 refuses the 128th array or object inside another

_LITERALS = {b"t": b"true", b"f": b"false", b"n": b"null"}
_PLAIN = re.compile(rb"[^\"\\\x00-\x1f]*")
_DIGITS = re.compile(rb"[0-9]*")
_BLANKS = re.compile(rb"[ \t\r\n]*")
_EOF_VALUE = "EOF while parsing a value"
_EOF_STRING = "EOF while parsing a string"
_EOF = {b"[": "EOF while parsing a list", b"{": "EOF while parsing an object"}
_SEPARATOR = {b"[": "expected `,` or `]`", b"{": "expected `,` or `}`"}


class _Fault(Exception):
    """Parsing stopped: what was wrong, and how many bytes had been consumed."""

    def __init__(self, reason: str, consumed: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.consumed = consumed


def explain(text: bytes) -> str:
    """The error of a malformed document; `text` is valid UTF-8."""
    scanner = _Scanner(text)
    try:
        scanner.value()
        scanner.blanks()
        if scanner.at < len(text):
            raise scanner.peeked("trailing characters")
    except _Fault as fault:
        return _placed(fault.reason, text, fault.consumed)
    return _placed("invalid JSON", text, scanner.at)


def _placed(reason: str, text: bytes, consumed: int) -> str:
    before = text[:consumed]
    line_start = before.rfind(b"\n") + 1
    return f"{reason} at line {before.count(10) + 1} column {consumed - line_start}"


class _Scanner:
    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def here(self) -> bytes:
        return self.text[self.at : self.at + 1]

    def blanks(self) -> bytes:
        """Skip white space; the character behind it, b"" at the end."""
        self.at = _BLANKS.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches the empty string too
        return self.here()

    def peeked(self, reason: str) -> _Fault:
        return _Fault(reason, min(self.at + 1, len(self.text)))

    def value(self) -> None:
        first = self.blanks()
        if not first:
            raise self.peeked(_EOF_VALUE)
        if first in _LITERALS:
            self.literal(_LITERALS[first])
        elif first == b'"':
            self.string()
        elif first in b"-0123456789":
            self.number()
        elif first in b"[{":
            self.container(first)
        else:
            raise self.peeked("expected value")

    def literal(self, word: bytes) -> None:
        for expected in word:
            if self.at >= len(self.text):
                raise _Fault(_EOF_VALUE, self.at)
            self.at += 1
            if self.text[self.at - 1] != expected:
                raise _Fault("expected ident", self.at)

    def container(self, bracket: bytes) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.peeked("recursion limit exceeded")
        closing = b"]" if bracket == b"[" else b"}"
        self.at += 1
        following = self.blanks()
        while following != closing:
            if not following:
                raise self.peeked(_EOF[bracket])
            self.element(bracket)
            following = self.next_element(bracket, closing)
        self.at += 1
        self.depth -= 1

    def element(self, bracket: bytes) -> None:
        if bracket == b"{":
            if self.here() != b'"':
                raise self.peeked("key must be a string")
            self.string()
            colon = self.blanks()
            if colon != b":":
                raise self.peeked("expected `:`" if colon else _EOF[bracket])
            self.at += 1
        self.value()

    def next_element(self, bracket: bytes, closing: bytes) -> bytes:
        """The first character of the element behind a comma, or the closing bracket."""
        following = self.blanks()
        if following == closing or not following:
            return following
        if following != b",":
            raise self.peeked(_SEPARATOR[bracket])
        self.at += 1
        following = self.blanks()
        if following == closing:
            raise self.peeked("trailing comma")
        if not following:
            raise self.peeked(_EOF_VALUE)
        return following

    def number(self) -> None:
        begin = self.at
        if self.here() == b"-":
            self.at += 1
            if not self.here().isdigit():
                raise self.consumed("invalid number")
        if self.here() == b"0":
            self.at += 1
            if self.here().isdigit():
                raise self.peeked("invalid number")
        else:
            self.digits()
        self.fraction()
        self.exponent()
        if math.isinf(float(self.text[begin : self.at])):
            raise _Fault("number out of range", self.at)

    def fraction(self) -> None:
        if self.here() == b".":
            self.at += 1
            if not self.digits():
                raise self.peeked("invalid number" if self.here() else _EOF_VALUE)

    def exponent(self) -> None:
        if self.here() and self.here() in b"eE":
            self.at += 1
            if self.here() and self.here() in b"+-":
                self.at += 1
            if not self.digits():
                raise self.consumed("invalid number")

    def digits(self) -> int:
        begin = self.at
        self.at = _DIGITS.match(self.text, begin).end()  # type: ignore[union-attr]  # matches the empty string too
        return self.at - begin

    def consumed(self, reason: str) -> _Fault:
        """The fault of the next character, which the parser takes before it complains."""
        return _Fault(reason, self.at + 1) if self.here() else _Fault(_EOF_VALUE, self.at)

    def string(self) -> None:
        self.at += 1
        while True:
            self.at = _PLAIN.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches the empty string too
            following = self.here()
            self.at += 1
            if not following:
                raise _Fault(_EOF_STRING, self.at - 1)
            if following == b'"':
                return
            if following != b"\\":
                raise _Fault("control character (\\u0000-\\u001F) found while parsing a string", self.at)
            self.escape()

    def escape(self) -> None:
        kind = self.here()
        self.at += 1
        if not kind:
            raise _Fault(_EOF_STRING, self.at - 1)
        if kind == b"u":
            self.unicode_escape()
        elif kind not in b'"\\/bfnrt':
            raise _Fault("invalid escape", self.at)

    def unicode_escape(self) -> None:
        """`\\uXXXX`, its `\\u` consumed, and the second half a leading surrogate needs."""
        unit = self.hex_digits()
        if 0xDC00 <= unit <= 0xDFFF:
            raise _Fault("lone leading surrogate in hex escape", self.at)
        if not 0xD800 <= unit <= 0xDBFF:
            return
        for expected in (b"\\", b"u"):
            following = self.here()
            self.at += 1
            if not following:
                raise _Fault(_EOF_STRING, self.at - 1)
            if following != expected:
                raise _Fault("unexpected end of hex escape", self.at)
        if not 0xDC00 <= self.hex_digits() <= 0xDFFF:
            raise _Fault("lone leading surrogate in hex escape", self.at)

    def hex_digits(self) -> int:
        digits = self.text[self.at : self.at + 4]
        if len(digits) < 4:
            raise _Fault(_EOF_STRING, len(self.text))
        for digit in digits:
            self.at += 1
            if digit not in b"0123456789abcdefABCDEF":
                raise _Fault("invalid escape", self.at)
        return int(digits, 16)
