"""JSON values as Python ones: which type each is, and when two are equal.

dict, list, str, bool, None, float and int, as orjson reads them. An int beyond 64 bits is kept so that its digits
survive, but counts as a double, which is what RedisJSON makes of it. Knows nothing of text, of paths or of commands.
"""

from __future__ import annotations

from typing import Any

INT_MIN, INT_MAX = -(2**63), 2**64 - 1  # what RedisJSON keeps as an integer: i64 and u64


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    """Whether RedisJSON would hold this number as an integer."""
    return isinstance(value, int) and not isinstance(value, bool) and INT_MIN <= value <= INT_MAX


def type_name(value: Any) -> str:
    """The word JSON.TYPE answers with."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "integer" if is_integer(value) else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def equal(left: Any, right: Any, *, exact: bool) -> bool:
    """Deep equality in which a boolean is no number; with `exact`, 1 and 1.0 differ too (JSON.ARRINDEX)."""
    if is_number(left):
        return is_number(right) and left == right and not (exact and is_integer(left) != is_integer(right))
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(equal(a, b, exact=exact) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(value, right[key], exact=exact) for key, value in left.items())
    return bool(left == right)
