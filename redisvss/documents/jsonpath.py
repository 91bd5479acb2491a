"""A compiled JSONPath and what it selects in a document, in document order, depth first, duplicates kept.

Our own evaluator instead of a JSONPath library: RedisJSON's language differs from RFC 9535 (legacy paths, `=~`, a
negative index that stops at 0, `$.a-b` as a name, its error texts), and an indexed path is evaluated for every
document: a plain path takes a 14th of the time of python-jsonpath 2.2, `$..b` a 12th. Knows nothing of how a path is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, Protocol

from redisvss.documents.jsonfilter import Condition
from redisvss.errors import CommandError

Key = str | int
Location = tuple[Key, ...]  # the members and indices that lead from the root to a value

_CONTAINERS = (dict, list)  # parsers make no other types; `isinstance` takes four times as long for a value of neither
MAX_VISITS = 200_000  # about a third of a second of work
TOO_MANY = "ERR the path visits too many values"


class Budget:
    """What one evaluation may still look at, so that no path can keep the server busy for long.

    Unlimited for a path that looks at each value of a document a few times at most; `$..*..*..*` and
    `$[0,0,0][0,0,0]…` take time that grows with a power of the document or of the path.
    """

    __slots__ = ("left",)

    def __init__(self, limited: bool) -> None:
        self.left: float = MAX_VISITS if limited else inf

    def spend(self, visits: int) -> None:
        self.left -= visits
        if self.left < 0:
            raise CommandError(TOO_MANY)


class Selector(Protocol):
    def items(self, value: Any, root: Any, budget: Budget) -> Iterable[tuple[Key, Any]]:
        """The children of `value` it selects, each with its key."""


@dataclass(frozen=True)
class Names:
    names: tuple[str, ...]

    def items(self, value: Any, root: Any, budget: Budget) -> Iterable[tuple[Key, Any]]:
        if not isinstance(value, dict):
            return ()
        return [(name, value[name]) for name in self.names if name in value]


@dataclass(frozen=True)
class Indices:
    indices: tuple[int, ...]

    def items(self, value: Any, root: Any, budget: Budget) -> Iterable[tuple[Key, Any]]:
        if not isinstance(value, list):
            return ()
        found = [_clamp(index, len(value)) for index in self.indices]
        return [(index, value[index]) for index in found if index < len(value)]


@dataclass(frozen=True)
class Slice:
    start: int | None
    stop: int | None
    step: int

    def items(self, value: Any, root: Any, budget: Budget) -> Iterable[tuple[Key, Any]]:
        if not isinstance(value, list):
            return ()
        size = len(value)
        start = 0 if self.start is None else _clamp(self.start, size)
        stop = size if self.stop is None else _clamp(self.stop, size)
        return [(index, value[index]) for index in range(start, stop, self.step)]


@dataclass(frozen=True)
class Wild:
    def items(self, value: Any, root: Any, budget: Budget) -> Iterable[tuple[Key, Any]]:
        return _items(value, budget)


@dataclass(frozen=True)
class Filter:
    """The elements of an array or the members of an object that meet the condition; a scalar has none.

    RedisJSON 2.8.3 also let a scalar through that met it; the last 2.8 and RFC 9535 do not.
    """

    condition: Condition

    def items(self, value: Any, root: Any, budget: Budget) -> Iterable[tuple[Key, Any]]:
        holds = self.condition.holds
        return [(key, child) for key, child in _items(value, budget) if holds(child, root, budget)]


@dataclass(frozen=True)
class Segment:
    """One step of a path; `deep` (`..`) lets it select below the value as well, however far down."""

    selector: Selector
    deep: bool = False

    @cached_property
    def select(self) -> Callable[[list[Any], Any, Budget], list[Any]]:
        """(values, root, budget) → what it selects from each; the commonest steps spare themselves the keys."""
        match self:
            case Segment(Names((name,)), False):
                return lambda values, root, budget: [
                    value[name] for value in values if isinstance(value, dict) and name in value
                ]
            case Segment(Wild(), False):
                return lambda values, root, budget: [child for value in values for child in _children(value, budget)]
            case _:
                return self._search

    def _search(self, values: list[Any], root: Any, budget: Budget) -> list[Any]:
        items = self.selector.items
        return [
            child
            for value in values
            for holder in self.holders(value, budget)
            for _, child in items(holder, root, budget)
        ]

    def holders(self, value: Any, budget: Budget) -> Iterable[Any]:
        """The values whose children may be selected."""
        return _containers(value, budget) if self.deep else (value,)

    def located_holders(self, value: Any, budget: Budget) -> Iterable[tuple[Location, Any]]:
        """The same, each with its location below `value`."""
        return _located_containers(value, budget) if self.deep else (((), value),)


@dataclass(frozen=True)
class CompiledPath:
    """`text` is the path as RedisJSON's messages show it, with its `$`; `original` as it was typed.

    A legacy path (one that does not start with `$`) stands for the first value it selects.
    """

    text: str
    original: str
    legacy: bool
    segments: tuple[Segment, ...]

    @property
    def is_root(self) -> bool:
        return not self.segments

    @cached_property
    def steps(self) -> Location | None:
        """The keys of a path that can select one value at most, None for any other."""
        return _single_steps(self.segments)

    @property
    def is_single(self) -> bool:
        return self.steps is not None

    @cached_property
    def _may_explode(self) -> bool:
        deep = sum(segment.deep for segment in self.segments)
        return deep > 1 or any(_repeats(segment.selector) for segment in self.segments)

    def values(self, document: Any) -> list[Any]:
        """The values selected."""
        if self.steps is not None:
            return _walk(document, self.steps)
        return _select(self.segments, document, document, Budget(self._may_explode))

    def holders(self, document: Any) -> list[Any]:
        """For a path that can select one value only: what its last step selects from."""
        return _walk(document, (self.steps or ())[:-1])

    def locate(self, document: Any) -> list[tuple[Location, Any]]:
        """The values selected, each with its location."""
        budget = Budget(self._may_explode)
        found: list[tuple[Location, Any]] = [((), document)]
        for segment in self.segments:
            items = segment.selector.items
            found = [
                ((*location, *below, key), child)
                for location, value in found
                for below, holder in segment.located_holders(value, budget)
                for key, child in items(holder, document, budget)
            ]
            budget.spend(len(found))
        return found


@dataclass(frozen=True)
class Selected:
    """A path as an operand of a filter: `@.price` from the candidate, `$.limit` from the document."""

    segments: tuple[Segment, ...]
    from_root: bool

    @cached_property
    def steps(self) -> Location | None:
        return _single_steps(self.segments)

    @property
    def simple(self) -> bool:
        return self.steps is not None

    def values(self, current: Any, root: Any, budget: Budget) -> Sequence[Any]:
        start = root if self.from_root else current
        return _select(self.segments, start, root, budget) if self.steps is None else _walk(start, self.steps)


def _select(segments: tuple[Segment, ...], start: Any, root: Any, budget: Budget) -> list[Any]:
    found = [start]
    for segment in segments:
        found = segment.select(found, root, budget)
        budget.spend(len(found) + 1)
    return found


def _walk(value: Any, steps: Location) -> list[Any]:
    """The one value at the end of `steps`, [] where there is none."""
    for step in steps:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return []
            value = value[step]
        else:
            if not isinstance(value, list) or (index := _clamp(step, len(value))) >= len(value):
                return []
            value = value[index]
    return [value]


def _single_steps(segments: tuple[Segment, ...]) -> Location | None:
    """The keys of a path that can select one value at most, None for any other."""
    steps = [_only_key(segment) for segment in segments]
    return None if None in steps else tuple(step for step in steps if step is not None)


def _only_key(segment: Segment) -> Key | None:
    match segment:
        case Segment(Names((name,)), False):
            return name
        case Segment(Indices((index,)), False):
            return index
        case _:
            return None


def _clamp(index: int, size: int) -> int:
    """A negative index counts from the end but never before the beginning: `[-9]` of three elements is the first."""
    return min(index, size) if index >= 0 else max(index + size, 0)


def _items(value: Any, budget: Budget) -> Iterable[tuple[Key, Any]]:
    match value:
        case dict():
            budget.spend(len(value))
            return value.items()
        case list():
            budget.spend(len(value))
            return enumerate(value)
        case _:
            return ()


def _children(value: Any, budget: Budget) -> Iterable[Any]:
    match value:
        case dict():
            budget.spend(len(value))
            return value.values()
        case list():
            budget.spend(len(value))
            return value
        case _:
            return ()


def _repeats(selector: Selector) -> bool:
    """Whether a selector may select a value twice, or look at many values for one."""
    match selector:
        case Names(names) | Indices(names):
            return len(names) > 1
        case Filter(condition):
            return not condition.simple
        case _:
            return False


def _containers(value: Any, budget: Budget) -> Iterator[Any]:
    """The containers at and below a value, parents first; a stack, for a document may be deeper than our own."""
    stack = [value] if type(value) in _CONTAINERS else []
    while stack:
        node = stack.pop()
        yield node
        budget.spend(len(node))
        children = node.values() if type(node) is dict else node
        if inner := [child for child in children if type(child) is dict or type(child) is list]:
            stack.extend(reversed(inner))


def _located_containers(value: Any, budget: Budget) -> Iterator[tuple[Location, Any]]:
    """`_containers`, each with its location below the value."""
    stack: list[tuple[Location, Any]] = [((), value)] if type(value) in _CONTAINERS else []
    while stack:
        location, node = stack.pop()
        yield location, node
        below = [((*location, key), child) for key, child in _items(node, budget) if type(child) in _CONTAINERS]
        stack.extend(reversed(below))
