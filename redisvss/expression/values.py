"""What a property may hold, and how RediSearch converts, compares and tests such values.

Knows nothing of rows, columns or expressions. `None` is RediSearch's null; a property that has no value in a row at all
is not a value and never gets here. Semantics were read off 2.10.33 and checked against 2.10.5.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Union

from redisvss.numbers import format_number


class Text(bytes):
    """A computed string, a literal, a JSON string or a sorting vector's string; plain `bytes` is a hash field's value.

    RediSearch keeps them apart (types 3 and 7), and `timefmt` takes its format from the former only.
    """

    __slots__ = ()


@dataclass(frozen=True)
class Multi:
    """What a JSON path matched, from dialect 3 on: compared by its first value, shown as JSON text."""

    first: Value
    text: bytes
    expanded: Any = None  # the values for FORMAT EXPAND


Value = Union[float, bytes, None, "list[Any]", Multi]

NOT_NUMERIC = "Could not convert value to a number"
NEGATIVE_NAN = math.copysign(math.nan, -1.0)  # what x86 yields for an invalid operation; prints as `-nan`
POSITIVE_NAN = math.copysign(math.nan, 1.0)

_TYPE_NUMBERS: dict[type, int] = {float: 1, Text: 3, type(None): 4, bytes: 7, list: 6, Multi: 9}
# What C's strtod reads: blanks in front but not behind, hexadecimal, infinity, nan; the empty string counts as 0.
_NUMBER = re.compile(
    rb"[ \t-\r]*([+-]?)(?:((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|(0x(?:[\da-f]+\.?[\da-f]*|\.[\da-f]+)(?:p[+-]?\d+)?)"
    rb"|(inf(?:inity)?)|(nan(?:\(\w*\))?))\Z",
    re.IGNORECASE,
)


class EvaluationError(Exception):
    """Evaluating stops at this row; the text is RediSearch's."""


def type_number(value: Value) -> int:
    """The number RediSearch's error texts print for the value's type."""
    return _TYPE_NUMBERS[type(value)]


def is_string(value: Value) -> bool:
    return isinstance(value, bytes)


def string_of(value: Value) -> bytes | None:
    """The bytes of a string, or of a multi-value whose first value is one; None for anything else."""
    if isinstance(value, bytes):
        return value
    return string_of(value.first) if isinstance(value, Multi) else None


def to_number(value: Value) -> float | None:
    """The value as a double; None where it is none: null, an array, a string that is no number or overflows."""
    match value:
        case float():
            return value
        case bytes():
            return _parse(value)
        case Multi():
            return to_number(value.first)
        case _:
            return None


def _parse(text: bytes) -> float | None:
    if text.isdigit() and len(text) < 300:  # short enough not to overflow
        return float(text)
    text = text.partition(b"\0")[0]
    if not text:
        return 0.0
    match = _NUMBER.match(text)
    if match is None:
        return None
    sign, decimal, hexadecimal, infinite, _ = match.groups()
    magnitude: float | None = math.inf if infinite else POSITIVE_NAN
    if decimal is not None or hexadecimal is not None:
        magnitude = _in_range(decimal or hexadecimal, hexadecimal is not None)
    return None if magnitude is None else math.copysign(magnitude, -1.0 if sign == b"-" else 1.0)


def _in_range(digits: bytes, hexadecimal: bool) -> float | None:
    """None where strtod reports ERANGE: overflow, or underflow to zero."""
    try:
        number = float.fromhex(digits.decode()) if hexadecimal else float(digits)
    except OverflowError:
        return None
    mantissa = re.split(rb"p", digits[2:].lower())[0] if hexadecimal else re.split(rb"e", digits.lower())[0]
    if math.isinf(number) or (number == 0.0 and mantissa.strip(b"0.")):
        return None
    return number


def to_text(value: Value) -> bytes:
    """`to_str` and `%s`: numbers as replies print them; null and arrays are empty."""
    match value:
        case bytes():
            return value
        case float():
            return Text(format_number(value))
        case Multi():
            return to_text(value.first)
        case _:
            return Text()


def truth(value: Value) -> bool:
    """Whether a condition holds: a number other than 0 (NaN holds), a string or array that is not empty."""
    return False if isinstance(value, Multi) else bool(value)


def equal(left: Value, right: Value) -> bool:
    """`==`: a number against a string converts the string; what does not convert is not equal."""
    if type(left) is type(right) or (is_string(left) and is_string(right)):
        return _order_same(left, right) == 0
    if left is None or right is None:
        return False
    if isinstance(left, float) or isinstance(right, float):
        a, b = to_number(left), to_number(right)
        return a is not None and b is not None and _order_numbers(a, b) == 0
    return _comparison_text(left) == _comparison_text(right)


def order(left: Value, right: Value) -> int:
    """-1, 0 or 1: null is least; a string against a number must convert, else EvaluationError."""
    if type(left) is type(right) or (is_string(left) and is_string(right)):
        return _order_same(left, right)
    if left is None or right is None:
        return -1 if left is None else 1
    if isinstance(left, float) or isinstance(right, float):
        return _order_numbers(_must_convert(left), _must_convert(right))
    return _sign(_comparison_text(left), _comparison_text(right))


def lenient_order(left: Value, right: Value) -> int:
    """`order` where no error may be reported (FIRST_VALUE … BY): what does not convert compares as text."""
    try:
        return order(left, right)
    except EvaluationError:
        return _sign(_comparison_text(left), _comparison_text(right))


def _must_convert(value: Value) -> float:
    number = to_number(value)
    if number is None:
        text = string_of(value)
        shown = "(null)" if text is None else c_string(text)
        raise EvaluationError(f"Error converting string '{shown}' to number")
    return number


def _order_same(left: Any, right: Any) -> int:
    match left:
        case float():
            return _order_numbers(left, right)
        case bytes():
            return _sign(left, right)
        case list():  # only the first entries count
            return order(left[0], right[0]) if left and right else len(left) - len(right)
        case Multi():
            return order(left.first, right.first)
        case _:
            return 0


def _order_numbers(left: float, right: float) -> int:
    """NaN is equal to everything: neither greater nor less."""
    return (left > right) - (left < right)


def _sign(left: bytes, right: bytes) -> int:
    return (left > right) - (left < right)


def _comparison_text(value: Value) -> bytes:
    match value:
        case bytes():
            return value
        case float():
            return b"%f" % value
        case _:
            return b""


def c_string(text: bytes) -> str:
    """Text as an error message prints it: up to the first NUL."""
    return text.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def name_of(raw: bytes) -> str:
    """A property's name as the rest of the package spells names."""
    return raw.decode("utf-8", "surrogateescape")
