"""Filters of a JSONPath, `[?(@.price > 5 && @.tag =~ "^a")]`: conditions on one candidate value.

A path inside a filter may select several values: a comparison holds when it does for any of them, as RFC 9535 and the
last RedisJSON 2.8 have it (2.8.3 took several matches for none). Incomparable types are unequal and unordered.
Knows nothing of how a path is written or of how it selects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from redisvss.documents.jsonvalue import equal, is_number
from redisvss.errors import CommandError

REGEX_UNAVAILABLE = "ERR the =~ operator needs the google-re2 package"


class Operand(Protocol):
    @property
    def simple(self) -> bool:
        """Whether it stands for one value at most, found without a search."""

    def values(self, current: Any, root: Any, budget: Any) -> Sequence[Any]:
        """What stands on one side of an operator, for the candidate `current` of the document `root`."""


class Condition(Protocol):
    @property
    def simple(self) -> bool:
        """Whether all its operands are."""

    def holds(self, current: Any, root: Any, budget: Any) -> bool: ...


@dataclass(frozen=True)
class Literal:
    value: Any
    simple = True

    def values(self, current: Any, root: Any, budget: Any) -> Sequence[Any]:
        return (self.value,)


@dataclass(frozen=True)
class Exists:
    operand: Operand

    @property
    def simple(self) -> bool:
        return self.operand.simple

    def holds(self, current: Any, root: Any, budget: Any) -> bool:
        return bool(self.operand.values(current, root, budget))


@dataclass(frozen=True)
class Comparison:
    left: Operand
    operator: str
    right: Operand

    @property
    def simple(self) -> bool:
        return self.left.simple and self.right.simple

    def holds(self, current: Any, root: Any, budget: Any) -> bool:
        lefts = self.left.values(current, root, budget)
        rights = self.right.values(current, root, budget)
        budget.spend(len(lefts) * len(rights))
        if self.operator == "!=":
            return not _any(_equals, lefts, rights)
        if self.operator == "=~":
            return not isinstance(self.left, Literal) and _any(_matches, lefts, rights)
        return _any(_OPERATORS[self.operator], lefts, rights)


@dataclass(frozen=True)
class Every:
    conditions: tuple[Condition, ...]

    @property
    def simple(self) -> bool:
        return all(condition.simple for condition in self.conditions)

    def holds(self, current: Any, root: Any, budget: Any) -> bool:
        return all(condition.holds(current, root, budget) for condition in self.conditions)


@dataclass(frozen=True)
class Either:
    conditions: tuple[Condition, ...]

    @property
    def simple(self) -> bool:
        return all(condition.simple for condition in self.conditions)

    def holds(self, current: Any, root: Any, budget: Any) -> bool:
        return any(condition.holds(current, root, budget) for condition in self.conditions)


def _any(test: Callable[[Any, Any], bool], lefts: Sequence[Any], rights: Sequence[Any]) -> bool:
    return any(test(left, right) for left in lefts for right in rights)


def _equals(left: Any, right: Any) -> bool:
    return equal(left, right, exact=False)


def _order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 where the two can be ordered: numbers, strings, booleans, and null against null."""
    comparable = is_number(left) and is_number(right)
    if not comparable and (type(left) is not type(right) or isinstance(left, list | dict)):
        return None
    if left is None:
        return 0
    return int(left > right) - int(left < right)


def _ordered(*accepted: int) -> Callable[[Any, Any], bool]:
    return lambda left, right: _order(left, right) in accepted


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equals,
    "<": _ordered(-1),
    "<=": _ordered(-1, 0),
    ">": _ordered(1),
    ">=": _ordered(1, 0),
}


def _matches(value: Any, pattern: Any) -> bool:
    if not isinstance(value, str) or not isinstance(pattern, str):
        return False
    expression = _regex(pattern)
    return expression is not None and expression.search(value) is not None


@lru_cache(maxsize=256)
def _regex(pattern: str) -> Any:
    """The compiled pattern, None where it is malformed: that matches nothing, as in RedisJSON.

    RE2 has the syntax of RedisJSON's engine and, unlike `re`, takes linear time: `(a+)+$` cannot hang the server.
    """
    try:
        import re2
    except ImportError:
        raise CommandError(REGEX_UNAVAILABLE) from None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None
