"""Numbers as text: what RediSearch reads as a number, and how it prints one."""

from __future__ import annotations

import math
import re

_INTEGER = re.compile(rb"[+-]?\d+\Z")
_FLOAT = re.compile(
    rb"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\Z|[+-]?inf(inity)?\Z|[+-]?0x[0-9a-f.]+(p[+-]?\d+)?\Z", re.IGNORECASE
)
_EXACT_BELOW = 2.0**63  # what fits int64 prints as an integer


def parse_integer(value: bytes) -> int | None:
    return int(value) if _INTEGER.match(value) else None


def parse_float(value: bytes) -> float | None:
    """A double as C's strtod reads a whole argument: decimal, exponent, hex and infinity; no NaN, no spaces."""
    if not _FLOAT.match(value):
        return None
    return float.fromhex(value.decode()) if b"x" in value.lower() else float(value)


def format_number(value: float) -> bytes:
    """A computed number as a field's value: integral ones as integers, others with 12 significant digits."""
    if value == value // 1 and -_EXACT_BELOW <= value < _EXACT_BELOW:
        return b"%d" % value
    if math.isnan(value):
        return b"nan" if math.copysign(1.0, value) > 0 else b"-nan"
    return b"%.12g" % value
