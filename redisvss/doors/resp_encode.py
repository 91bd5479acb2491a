"""Replies into bytes, in RESP2 and RESP3.

It owns how each kind of value is written in either protocol; it must not know where the bytes go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from redisvss.errors import CommandError
from redisvss.reply import Name, Ready, Reply, Set, format_double

INT64: Final = range(-(2**63), 2**63)

_Write = Callable[[bytes], None]
_Encoder = Callable[[Any, int, _Write], None]


def encode(reply: Reply, protocol: int) -> bytes:
    """A reply in the client's protocol, 2 or 3."""
    parts: list[bytes] = []
    _write(reply, protocol, parts.append)
    return b"".join(parts)


def encode_error(text: str) -> bytes:
    return b"-%b\r\n" % _one_line(text)


def _one_line(text: str) -> bytes:
    return text.replace("\r", " ").replace("\n", " ").encode("utf-8", "surrogateescape")


def _write(reply: Any, protocol: int, write: _Write) -> None:
    """By exact type: a page of hits is hundreds of values, and a `match` over classes took three times as long."""
    encoder = _ENCODERS.get(type(reply)) or _inherited(type(reply))
    if encoder is not None:
        encoder(reply, protocol, write)
    elif isinstance(reply, CommandError):
        write(encode_error(str(reply)))
    else:
        raise TypeError(f"not a reply: {type(reply).__name__}")


def _inherited(kind: type) -> _Encoder | None:
    """The encoder of what a type derives from, kept: an expression's strings are bytes of a class of their own."""
    for base in kind.__mro__:
        if base in _ENCODERS:
            _ENCODERS[kind] = _ENCODERS[base]
            return _ENCODERS[kind]
    return None


@lru_cache(maxsize=1024)
def _simple(text: str) -> bytes:
    """A simple string; the same few stand in every reply."""
    return b"+%b\r\n" % _one_line(text)


@lru_cache(maxsize=1024)
def _name(value: Name) -> bytes:
    return b"+%b\r\n" % bytes(value)


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


def _write_integer(value: int, protocol: int, write: _Write) -> None:
    if value in INT64:
        write(b":%d\r\n" % value)
    else:
        write(b"(%d\r\n" % value if protocol == 3 else _bulk(b"%d" % value))


def _write_double(value: float, protocol: int, write: _Write) -> None:
    text = format_double(value)
    write(b",%b\r\n" % text if protocol == 3 else _bulk(text))


def _write_boolean(value: bool, protocol: int, write: _Write) -> None:
    write((b"#t\r\n" if value else b"#f\r\n") if protocol == 3 else b":%d\r\n" % value)


def _write_map(value: dict[Any, Any], protocol: int, write: _Write) -> None:
    write(b"%%%d\r\n" % len(value) if protocol == 3 else b"*%d\r\n" % (2 * len(value)))
    _write_items(chain.from_iterable(value.items()), protocol, write)


def _write_array(value: Sequence[Any], protocol: int, write: _Write) -> None:
    write(b"*%d\r\n" % len(value))
    _write_items(value, protocol, write)


def _write_set(value: Set, protocol: int, write: _Write) -> None:
    write(b"~%d\r\n" % len(value) if protocol == 3 else b"*%d\r\n" % len(value))
    _write_items(value, protocol, write)


def _write_items(items: Iterable[Any], protocol: int, write: _Write) -> None:
    for item in items:
        kind = type(item)
        if kind is bytes:  # most are: no call for them
            write(b"$%d\r\n%b\r\n" % (len(item), item))
        elif kind is Name:
            write(_name(item))
        elif (encoder := _ENCODERS.get(kind)) is not None:
            encoder(item, protocol, write)
        else:
            _write(item, protocol, write)


_ENCODERS: Final[dict[type, _Encoder]] = {
    bytes: lambda value, _, write: write(_bulk(value)),
    Name: lambda value, _, write: write(_name(value)),
    str: lambda value, _, write: write(_simple(value)),
    bool: _write_boolean,
    int: _write_integer,
    float: _write_double,
    type(None): lambda _, protocol, write: write(b"_\r\n" if protocol == 3 else b"$-1\r\n"),
    dict: _write_map,
    Ready: _write_map,
    list: _write_array,
    tuple: _write_array,
    Set: _write_set,
}
