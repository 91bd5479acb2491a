"""Which reducers exist, and how they read the arguments of their REDUCE."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redisvss.aggregate.reducers.base import Reducer
from redisvss.errors import MISSING, NOT_CONVERTIBLE, OUT_OF_BOUNDS, CommandError
from redisvss.expression.values import name_of
from redisvss.numbers import parse_float, parse_integer

MAX_UNSIGNED = 2**32 - 1


class Arguments:
    """name: the reducer as the command spells it; require(property) raises unless the rows have it."""

    def __init__(self, name: str, args: Sequence[bytes], require: Callable[[str], None]) -> None:
        self.name = name
        self._args = args
        self._at = 0
        self._require = require

    def __len__(self) -> int:
        return len(self._args) - self._at

    def property(self) -> str:
        """The next argument, a property the rows have; its `@` may be missing."""
        if not len(self):
            raise CommandError(f"Missing arguments for {self.name}")
        name = name_of(self._next().removeprefix(b"@"))
        self._require(name)
        return name

    def accept(self, keyword: bytes) -> bool:
        if not len(self) or self._args[self._at].upper() != keyword:
            return False
        self._at += 1
        return True

    def number(self, shown: str) -> float:
        number = parse_float(self._need(shown))
        if number is None:
            raise _bad(shown, NOT_CONVERTIBLE)
        return number

    def unsigned(self, shown: str) -> int:
        number = parse_integer(self._need(shown))
        if number is None:
            raise _bad(shown, NOT_CONVERTIBLE)
        if not 0 <= number <= MAX_UNSIGNED:
            raise _bad(shown, OUT_OF_BOUNDS)
        return number

    def finish(self) -> None:
        """Raises if anything is left."""
        if len(self):
            word = name_of(self._args[self._at])
            raise CommandError(f"Unknown argument `{word}` at position {self._at} for {self.name}")

    def _need(self, shown: str) -> bytes:
        if not len(self):
            raise _bad(shown, MISSING)
        return self._next()

    def _next(self) -> bytes:
        self._at += 1
        return self._args[self._at - 1]


def _bad(shown: str, reason: str) -> CommandError:
    return CommandError(f"Bad arguments for {shown}: {reason}")


Factory = Callable[[Arguments], Reducer]
REDUCERS: dict[str, Factory] = {}


def reducer(name: str) -> Callable[[Factory], Factory]:
    """Register a function from a REDUCE's arguments to its reducer; raises CommandError for bad ones."""

    def register(factory: Factory) -> Factory:
        REDUCERS[name] = factory
        return factory

    return register
