"""Reply values that know no protocol, and their lowering to what RESP2 can say.

A handler answers with plain Python: `str` is a simple string, `bytes` a bulk string, `int`, `float` (double),
`bool`, None, `list` (array), `dict` (map), `Set`, and a `CommandError` where an array holds an error. The server's
codec writes them in RESP2 or RESP3; the in-process client hands them over as redis-py's parser would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Union

from redisvss.errors import CommandError

Reply = Union[None, int, float, bool, str, bytes, "list[Any]", "dict[Any, Any]", "Set", CommandError]

OK = "OK"
_LARGEST_PLAIN = 2.0**62  # Redis prints doubles it can tell to be integers as such


class Set(list[Any]):
    """A RESP3 set, an array in RESP2; the order given is kept."""


class Name(bytes):
    """A simple string that is bytes already, as the in-process client hands it over."""


class Ready(dict[Any, Any]):
    """A map of nothing but names, bytes, numbers, nulls and lists and maps of those.

    The in-process client need not look through it for what it has to convert: a page of hits is hundreds of values.
    """


@dataclass
class Session:
    """What the engine needs to know of the connection a command came through."""

    protocol: int = 2
    db: int = 0
    user: str = "default"
    attributes: dict[str, Any] = field(default_factory=dict)


def format_double(value: float) -> bytes:
    """A double as Redis 7.2 and later print it: the fewest digits that give it back, integers below 2**62 in full."""
    if math.isnan(value):
        return b"nan"
    if abs(value) <= _LARGEST_PLAIN and value == int(value):
        return b"%d" % int(value)
    if math.isinf(value):
        return b"inf" if value > 0 else b"-inf"
    return _shortest(value).encode()


def _shortest(value: float) -> str:
    """The layout of Redis's fpconv_dtoa, which turns to exponents at other magnitudes than Python."""
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    scale = len(text) + exponent - 1
    minus = "-" * sign
    if exponent >= 0 and scale < len(text) + 7:
        return minus + text + "0" * exponent
    if exponent < 0 and (exponent > -7 or abs(scale) < 4):
        point = len(text) + exponent
        return f"{minus}{text[:point]}.{text[point:]}" if point > 0 else f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{'-' if scale < 0 else '+'}{abs(scale)}"


def lower(reply: Any) -> Any:
    """A reply as RESP2 can say it: maps flat, sets as arrays, doubles as bulk strings, booleans as integers."""
    match reply:
        case bool():
            return int(reply)
        case float():
            return format_double(reply)
        case dict():
            return [lower(part) for item in reply.items() for part in item]
        case list():  # a Set too
            return [lower(item) for item in reply]
        case _:
            return reply
