"""Functions on strings, byte by byte: RediSearch knows no encoding here, and case is ASCII."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from redisvss.expression.frame import Frame, Operand, map_rows
from redisvss.expression.functions.registry import function, require_string, wrong_type
from redisvss.expression.values import EvaluationError, Text, Value, string_of, to_text

MAX_PARTS = 1024  # of split()
_COMMA, _BLANK = Text(b","), Text(b" ")
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1


@function("lower", 1, 1)
def lower(frame: Frame, value: Operand) -> Operand:
    return map_rows(frame, _lower, value)


@function("upper", 1, 1)
def upper(frame: Frame, value: Operand) -> Operand:
    return map_rows(frame, _upper, value)


def _lower(value: Value) -> Value:
    text = value if isinstance(value, bytes) else string_of(value)
    return None if text is None else Text(text.lower())


def _upper(value: Value) -> Value:
    text = value if isinstance(value, bytes) else string_of(value)
    return None if text is None else Text(text.upper())


@function("substr", 3, 3)
def substr(frame: Frame, text: Operand, offset: Operand, length: Operand) -> Operand:
    return map_rows(frame, _substr, text, offset, length)


def _substr(value: Value, offset: Value, length: Value) -> Value:
    start, count = _c_int(offset, 1), _c_int(length, 2)
    text = string_of(value)
    if text is None:
        raise EvaluationError("Invalid type for substr. Expected string")
    if start < 0:
        start += len(text)
    if not 0 <= start <= len(text):  # too far left counts as too far right: the comparison is unsigned
        start = len(text)
    if count < 0:
        count = max(0, len(text) - start + count)
    return Text(text[start : start + count])


def _c_int(value: Value, position: int) -> int:
    """A number as C casts it to int on x86: what does not fit becomes the least int."""
    if not isinstance(value, float):
        raise wrong_type("substr", position, value, "VALIDATE_ARG__TYPE(v, RSValue_Number)")
    return int(value) if _INT_MIN <= value <= _INT_MAX else _INT_MIN


@function("strlen", 1, 1)
def strlen(frame: Frame, text: Operand) -> Operand:
    return map_rows(frame, _strlen, text)


def _strlen(value: Value) -> Value:
    require_string("strlen", 0, value)
    return float(len(string_of(value) or b""))


@function("startswith", 2, 2)
def startswith(frame: Frame, text: Operand, prefix: Operand) -> Operand:
    return map_rows(frame, _startswith, text, prefix)


def _startswith(value: Value, prefix: Value) -> Value:
    text, start = _two_strings("startswith", value, prefix)
    return float(text.startswith(start))


@function("contains", 2, 2)
def contains(frame: Frame, text: Operand, part: Operand) -> Operand:
    return map_rows(frame, _contains, text, part)


def _contains(value: Value, part: Value) -> Value:
    """How often `part` occurs, overlaps counted; an empty part occurs at every position."""
    text, wanted = _two_strings("contains", value, part)
    if not wanted:
        return float(len(text) + 1)
    count, at = 0, text.find(wanted)
    while at >= 0:
        count, at = count + 1, text.find(wanted, at + 1)
    return float(count)


def _two_strings(name: str, first: Value, second: Value) -> tuple[bytes, bytes]:
    require_string(name, 0, first)
    require_string(name, 1, second)
    return string_of(first) or b"", string_of(second) or b""


@function("format", 1, None, "Need at least one argument for format")
def format_text(frame: Frame, pattern: Operand, *args: Operand) -> Operand:
    return map_rows(frame, _format, pattern, *args)


def _format(pattern: Value, *args: Value) -> Value:
    require_string("format", 0, pattern)
    text = string_of(pattern) or b""
    remaining = iter(args)
    out, at = bytearray(), 0
    while (percent := text.find(b"%", at)) >= 0:
        out += text[at:percent]
        out += _directive(text[percent + 1 : percent + 2], remaining)
        at = percent + 2
    return Text(bytes(out) + text[at:])


def _directive(kind: bytes, args: Iterator[Value]) -> bytes:
    """What stands for one `%x`; args: the iterator of what is left to print."""
    if not kind:
        raise EvaluationError("Bad format string!")
    if kind == b"%":
        return kind
    value = next(args, _MISSING)
    if value is _MISSING:
        raise EvaluationError("Not enough arguments for format")
    if kind != b"s":
        raise EvaluationError("Unknown format specifier passed")
    return b"(null)" if value is None else to_text(value)


_MISSING: Any = object()


@function("split", 1, 3, "Invalid number of arguments for split")
def split(frame: Frame, text: Operand, separators: Operand = _COMMA, strip: Operand = _BLANK) -> Operand:
    return map_rows(frame, _split, text, separators, strip)


def _split(value: Value, separators: Value, strip: Value) -> Value:
    """The parts between any of the separators, stripped, without the empty ones."""
    for position, argument in enumerate((value, separators, strip)):
        require_string("split", position, argument)
    text, marks, blanks = (string_of(argument) or b"" for argument in (value, separators, strip))
    if len(marks) > 1:
        text = text.translate(bytes.maketrans(marks, marks[:1] * len(marks)))
    pieces = text.split(marks[:1]) if marks else [text]
    parts = [part for part in (piece.strip(blanks) if blanks else piece for piece in pieces) if part]
    return [Text(part) for part in parts[:MAX_PARTS]]
