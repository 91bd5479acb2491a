"""The bound query tree: what a query means for one index, ready to be run once.

Leaves answer from the structures of `index/`; the nodes here combine them as bitmaps. A tree is made for one execution,
so every node keeps its documents once asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from pyroaring import BitMap

from redisvss.fields.base import Leaf

Universe = Callable[[], BitMap]


@dataclass
class And:
    """All children, and within `slop` positions of each other where that was asked.

    slop: None, or the most positions that may lie between the terms (-1: any number); `near` judges it.
    """

    children: list[BoundNode]
    weight: float = 1.0
    slop: int | None = None
    inorder: bool = False
    near: Callable[[And, BitMap], BitMap] | None = None

    def estimate(self) -> int:
        return min(child.estimate() for child in self.children)

    @cached_property
    def docs(self) -> BitMap:
        found = self._all()
        return self.near(self, found) if self.near is not None and found else found

    def _all(self) -> BitMap:
        """Cheapest child first: once nothing is left the others are never asked."""
        first, *rest = sorted(self.children, key=lambda child: child.estimate())
        found = first.docs
        for child in rest:
            if not found:
                return BitMap()
            found = among(child, found)
        return found


@dataclass
class Or:
    """Any child. `label` is what FT.EXPLAIN prints in place of UNION (a tag list: `TAG:@field`).

    collapses: whether it is as good as its child where only one can match; a list of values stays a union.
    """

    children: list[BoundNode]
    weight: float = 1.0
    label: str = "UNION"
    collapses: bool = True

    def estimate(self) -> int:
        return sum(child.estimate() for child in self.children)

    @cached_property
    def docs(self) -> BitMap:
        return BitMap.union(*(child.docs for child in self.children)) if self.children else BitMap()


@dataclass
class Not:
    child: BoundNode
    universe: Universe
    weight: float = 1.0

    def estimate(self) -> int:
        return len(self.universe())

    @cached_property
    def docs(self) -> BitMap:
        return self.universe() - self.child.docs


@dataclass
class Opt:
    """`~child`: every document; those that match the child score for it."""

    child: BoundNode
    universe: Universe
    weight: float = 1.0

    def estimate(self) -> int:
        return len(self.universe())

    @cached_property
    def docs(self) -> BitMap:
        return self.universe()


@dataclass
class AllDocs:
    universe: Universe
    weight: float = 1.0

    def estimate(self) -> int:
        return len(self.universe())

    @cached_property
    def docs(self) -> BitMap:
        return self.universe()


@dataclass
class Nothing:
    weight: float = 1.0
    docs: BitMap = field(default_factory=BitMap)

    def estimate(self) -> int:
        return 0


BoundNode = And | Or | Not | Opt | AllDocs | Nothing | Leaf


def among(node: BoundNode, docs: BitMap) -> BitMap:
    """Those of `docs` that match: a common word beside a rare one is looked up, not listed."""
    match node:
        case Leaf():
            return node.among(docs)
        case Or(children) if "docs" not in vars(node):
            return BitMap.union(*(among(child, docs) for child in children)) if children else BitMap()
        case _:
            return docs & node.docs
