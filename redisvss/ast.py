"""The query tree: what a query string says, before any schema is looked at.

Owns the node types only. The parser builds them, `bind` resolves them against a schema, nothing here knows
either. Text is `str` (UTF-8 decoded with `surrogateescape`, so any bytes survive); escapes are already removed;
nothing is lower-cased or stemmed yet. Every place where a parameter may stand holds `Param` instead of
the literal, so that one parsed tree serves every execution of the same query string. A tree is at most 256 nodes
deep: the parser refuses a deeper one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Param:
    """`$name` where a value may stand; resolved from PARAMS when the query is bound.

    negative: `-$name`, only for the numbers of a GEO or VECTOR_RANGE clause (a `Bound` has a sign of its own).
    """

    name: str
    negative: bool = False


Text = str | Param


@dataclass(frozen=True, slots=True)
class Attributes:
    """`=>{ $weight: 2; $slop: 1; … }`: the values as written, checked when the query is bound.

    `items` holds (lower-cased name without `$`, value) in the order written.
    """

    items: tuple[tuple[str, Text], ...] = ()


NO_ATTRIBUTES = Attributes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`fields` is the `@a|b:` scope that applies to this node (None: every field); `attributes` bind to it.

    The parser puts a scope on every node inside it, leaves included, so nobody carries it down. Scopes nest in
    dialect 1 only; the node then has the names common to all of them, and an empty tuple matches nothing.
    """

    fields: tuple[str, ...] | None = None
    attributes: Attributes = NO_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class All(Node):
    """`*`"""


@dataclass(frozen=True, slots=True)
class Empty(Node):
    """Nothing was asked (only skipped punctuation); matches no document."""


@dataclass(frozen=True, slots=True)
class Term(Node):
    """One word. `verbatim` inside quotes and where the grammar forbids expansion (numbers in dialect 2)."""

    text: Text
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Affix(Node):
    """`text*` (prefix), `*text` (suffix), `*text*` (infix: both)."""

    text: Text
    prefix: bool
    suffix: bool


@dataclass(frozen=True, slots=True)
class Fuzzy(Node):
    """`%text%`: Levenshtein distance 1, 2 or 3."""

    text: Text
    distance: int


@dataclass(frozen=True, slots=True)
class Wildcard(Node):
    """`w'he?l*'`: the pattern with its escapes still in it."""

    pattern: Text


@dataclass(frozen=True, slots=True)
class Phrase(Node):
    """`"a b"`: the terms in consecutive positions."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Intersect(Node):
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Union(Node):
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    child: Node


@dataclass(frozen=True, slots=True)
class Optional(Node):
    child: Node


@dataclass(frozen=True, slots=True)
class Tag(Node):
    """`@field:{ a | b* | "c d" | w'..' }`: each item a `Term`, `Affix` or `Wildcard` node; items are ORed.

    Several bare words are one tag, joined by a blank. Only where a parameter is among them (`{a $p}`) the item is a
    `Phrase` of terms, to be joined by a blank once its parameters are known.
    """

    field: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a numeric range: a number, or a parameter (whose value may itself carry `(` or `inf`)."""

    value: float | Param
    exclusive: bool = False
    negative: bool = False  # `-$p`


@dataclass(frozen=True, slots=True)
class Numeric(Node):
    """`@field:[low high]`, and `@field > 5` written as a range (`operator` keeps the spelling for error texts).

    `@field:[5]` is `==`, in its error texts too. `@field != 5` is `Not(Numeric(…, operator="!="))`.
    """

    field: str
    low: Bound
    high: Bound
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Geo(Node):
    """`@field:[lon lat radius unit]`"""

    field: str
    lon: float | Param
    lat: float | Param
    radius: float | Param
    unit: Text


@dataclass(frozen=True, slots=True)
class GeoShape(Node):
    """`@field:[WITHIN $shape]`; predicate upper-cased: WITHIN, CONTAINS, INTERSECTS or DISJOINT."""

    field: str
    predicate: str
    shape: Param


@dataclass(frozen=True, slots=True)
class Missing(Node):
    """`ismissing(@field)`"""

    field: str


@dataclass(frozen=True, slots=True)
class VectorRange(Node):
    """`@field:[VECTOR_RANGE radius $blob]`"""

    field: str
    radius: float | Param
    blob: Param


@dataclass(frozen=True, slots=True)
class Knn(Node):
    """`filter=>[KNN k @field $blob NAME value … AS name]`. `options` as written, `filter` is `All()` for `*`."""

    field: str
    k: int | Param
    blob: Param
    filter: Node = dataclasses.field(default_factory=All)
    options: tuple[tuple[str, Text], ...] = ()
    score_as: Text | None = None


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for part in dataclasses.fields(node):
        value = getattr(node, part.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield from walk(child)
