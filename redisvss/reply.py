"""Reply values that know no protocol, and their lowering to what RESP2 can say.

A handler answers with plain Python: `str` is a simple string, `bytes` a bulk string, `int`, `float` (double),
`bool`, None, `list` (array), `dict` (map), `Set`, and a `CommandError` where an array holds an error. The server's
codec writes them in RESP2 or RESP3; the in-process client hands them over as redis-py's parser would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Union

from redisvss.errors import CommandError

Reply = Union[None, int, float, bool, str, bytes, "list[Any]", "dict[Any, Any]", "Set", CommandError]

OK = "OK"


class Set(list[Any]):
    """A RESP3 set, an array in RESP2; the order given is kept."""


@dataclass
class Session:
    """What the engine needs to know of the connection a command came through."""

    protocol: int = 2
    db: int = 0
    user: str = "default"
    attributes: dict[str, Any] = field(default_factory=dict)


def format_double(value: float) -> bytes:
    """A double as Redis prints it in RESP2: 17 significant digits, integral values without a point."""
    if math.isnan(value):
        return b"nan" if math.copysign(1.0, value) > 0 else b"-nan"
    return b"%.17g" % value


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
