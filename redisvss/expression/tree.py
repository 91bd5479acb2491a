"""The tree of an expression: what APPLY, FILTER and an index FILTER say, before any row is looked at.

Owns the node types and how FT.PROFILE names them. A run of left-associative operators of one precedence is one `Chain`,
so that a tree is never deeper than its text nests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from redisvss.expression.values import Value, c_string


@dataclass(frozen=True, slots=True)
class Literal:
    value: Value


@dataclass(frozen=True, slots=True)
class Property:
    """`@name`; escapes are kept, as RediSearch keeps them (`plain` is the name without them)."""

    name: str
    plain: str


@dataclass(frozen=True, slots=True)
class Call:
    """`function` is the registered lower-case name, `name` as written."""

    name: str
    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`!` written `times` times."""

    child: Node
    times: int


@dataclass(frozen=True, slots=True)
class Chain:
    """`first op operand op operand …`, evaluated from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


Node = Literal | Property | Call | Not | Chain

LOGICAL = frozenset({"&&", "||"})
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^"})


def children(node: Node) -> Iterator[Node]:
    match node:
        case Call():
            yield from node.args
        case Not():
            yield node.child
        case Chain():
            yield node.first
            yield from (operand for _, operand in node.rest)


def properties(node: Node) -> Iterator[Property]:
    """Every property the expression names, in the order written, repetitions included."""
    if isinstance(node, Property):
        yield node
    for child in children(node):
        yield from properties(child)


def describe(node: Node) -> str:
    """The kind of the outermost operation, as FT.PROFILE's result processors print it."""
    match node:
        case Literal():
            return f"Literal {_literal(node.value)}"
        case Property():
            return f"Property {node.name}"
        case Call():
            return f"Function {node.name}"
        case Not():
            return "Inverted"
        case Chain():
            operator = node.rest[-1][0]
            return f"{'Operator' if operator in ARITHMETIC else 'Predicate'} {operator}"


def _literal(value: Value) -> str:
    match value:
        case float():
            return f"{value:f}"
        case bytes():
            return c_string(value)
        case _:
            return ""
