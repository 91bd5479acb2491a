"""A cursor over a command's arguments, with RediSearch's texts for what is missing or malformed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redisvss.errors import MISSING, NOT_CONVERTIBLE, OUT_OF_BOUNDS, CommandError
from redisvss.numbers import parse_float, parse_integer


class BadArgument(CommandError):
    """`reason` is one of the texts above; `Bad arguments for NAME: reason` is what the client sees."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Bad arguments for {name}: {reason}")
        self.reason = reason


def as_text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


class Args:
    """The arguments after the command's name; `position` counts those consumed."""

    __slots__ = ("items", "name", "position")

    def __init__(self, items: Sequence[bytes], name: str = "") -> None:
        self.items = items
        self.name = name
        self.position = 0

    def __len__(self) -> int:
        return len(self.items) - self.position

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.items[self.position :])

    def peek(self) -> bytes | None:
        return self.items[self.position] if self.position < len(self.items) else None

    def keyword(self) -> bytes:
        """The next argument upper-cased, without consuming it; b"" at the end."""
        return self.items[self.position].upper() if self.position < len(self.items) else b""

    def accept(self, keyword: bytes) -> bool:
        """Consume the next argument if it is `keyword` (upper-case), in any case."""
        if self.keyword() != keyword:
            return False
        self.position += 1
        return True

    def next(self) -> bytes:
        """The next argument; IndexError at the end (callers check with `len` or use `need`)."""
        value = self.items[self.position]
        self.position += 1
        return value

    def need(self, name: str) -> bytes:
        if not len(self):
            raise BadArgument(name, MISSING)
        return self.next()

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> int:
        value = parse_integer(self.need(name))
        if value is None:
            raise BadArgument(name, NOT_CONVERTIBLE)
        if (low is not None and value < low) or (high is not None and value > high):
            raise BadArgument(name, OUT_OF_BOUNDS)
        return value

    def number(self, name: str, low: float | None = None) -> float:
        value = parse_float(self.need(name))
        if value is None:
            raise BadArgument(name, NOT_CONVERTIBLE)
        if low is not None and value < low:
            raise BadArgument(name, OUT_OF_BOUNDS)
        return value

    def counted(self, name: str) -> Args:
        """`n arg…`: the n arguments as a cursor of their own."""
        count = self.integer(name, low=0)
        return self.take(count, name)

    def take(self, count: int, name: str) -> Args:
        if count > len(self):
            raise BadArgument(name, MISSING)
        part = Args(self.items[self.position : self.position + count], name)
        self.position += count
        return part

    def rest(self) -> list[bytes]:
        part = list(self.items[self.position :])
        self.position = len(self.items)
        return part
