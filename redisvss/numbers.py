"""Numbers as text: what RediSearch reads as a number, and how it prints one."""

from __future__ import annotations

import math
import re

_INTEGER = re.compile(rb"[+-]?\d+\Z")
_FLOAT = re.compile(
    rb"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\Z|[+-]?inf(inity)?\Z|[+-]?0x[0-9a-f.]+(p[+-]?\d+)?\Z", re.IGNORECASE
)
_PLAIN = re.compile(rb"-?\d{1,300}(\.\d{1,17})?").fullmatch  # cannot be out of a double's range
_NONZERO = re.compile(rb"^[+-]?(0x)?[0.]*[1-9a-df]", re.IGNORECASE)  # a digit of the number, not of its exponent
_INT64 = range(-(2**63), 2**63)
_MOST_DIGITS = 400  # leading zeros included; Python refuses to read more than 4,300
_EXACT_BELOW = 2.0**63  # what fits int64 prints as an integer


def parse_integer(value: bytes) -> int | None:
    """Decimal digits with a sign, as much as 64 bits hold."""
    if len(value) > _MOST_DIGITS or not _INTEGER.match(value):
        return None
    number = int(value)
    return number if number in _INT64 else None


def parse_float(value: bytes) -> float | None:
    """A double as Redis reads a whole argument: decimal, exponent, hex and infinity; no NaN, no spaces.

    None, too, for what no double comes near: 1e999, and 1e-999, which would be 0.
    """
    if _PLAIN(value):  # what documents hold: half the time of the whole way
        return float(value)
    if not _FLOAT.match(value):
        return None
    try:
        number = float.fromhex(value.decode()) if b"x" in value.lower() else float(value)
    except (ValueError, OverflowError):  # `0x.` and `0x1p9999`
        return None
    if (math.isinf(number) and b"i" not in value.lower()) or (number == 0 and _NONZERO.search(value)):
        return None
    return number


def plain_number(value: float) -> int | float:
    """A computed number where the reply keeps numbers (FORMAT EXPAND): integral ones as integers."""
    return int(value) if -_EXACT_BELOW <= value < _EXACT_BELOW and value.is_integer() else value


def format_number(value: float) -> bytes:
    """A computed number as a field's value: integral ones as integers, others with 12 significant digits."""
    if value == value // 1 and -_EXACT_BELOW <= value < _EXACT_BELOW:
        return b"%d" % value
    if math.isnan(value):
        return b"nan" if math.copysign(1.0, value) > 0 else b"-nan"
    return b"%.12g" % value
