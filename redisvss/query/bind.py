"""A parsed query joined to one index: names become fields, parameters values, terms leaves.

Wrong types, unknown parameters, bad attribute values and vectors of the wrong size fail here, with RediSearch's text.
A field that does not exist, or is of another type than the clause, is no error in 2.10: the clause matches nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyroaring import BitMap

from redisvss import ast
from redisvss.fields.base import BindContext, Leaf, QueryError
from redisvss.fields.geo import GeoField, circle_of
from redisvss.fields.numeric import NumericField, resolve_bounds
from redisvss.fields.vector import KnnRequest, VectorField, VectorRangeLeaf, count_of, own_attributes
from redisvss.numbers import parse_float, parse_integer
from redisvss.query.bound import AllDocs, And, BoundNode, Not, Nothing, Opt, Or
from redisvss.query.proximity import keep_near
from redisvss.query.text_leaves import bind_text
from redisvss.searchindex import SearchIndex

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass
class BoundQuery:
    """`root` says which documents match; with `knn` it is the filter (AllDocs for none) the neighbours must pass."""

    root: BoundNode
    knn: KnnRequest | None = None
    ranges: list[VectorRangeLeaf] = field(default_factory=list)

    @property
    def yields(self) -> list[str]:
        """Names of the distances the query yields, in order."""
        names = [leaf.yield_as for leaf in self.ranges if leaf.yield_as]
        return [self.knn.score_as, *names] if self.knn else names

    def always_yields(self, name: str) -> bool:
        """Whether every hit has that distance: the KNN's; a range may stand under OR or NOT."""
        return self.knn is not None and name == self.knn.score_as


class MissingLeaf(Leaf):
    """`ismissing(@field)`"""

    weight = 0.0  # adds nothing to a score, but under `~`, which has a weight of its own

    def __init__(self, name: str, missing: BitMap) -> None:
        self.name = name
        self.missing = missing

    def estimate(self) -> int:
        return len(self.missing)

    def _docs(self) -> BitMap:
        return self.missing

    def explain(self) -> str:
        return f"ISMISSING{{{self.name}}}"

    def profile(self) -> dict[str, object]:
        return {"Type": "MISSING", "Field": self.name}


def bind(node: ast.Node, index: SearchIndex, context: BindContext) -> BoundQuery:
    """Raises QueryError. The caller holds the index's read lock from here to the end of the execution."""
    return _Binder(index, context).query(node)


class _Binder:
    def __init__(self, index: SearchIndex, context: BindContext) -> None:
        self.index = index
        self.context = context
        self.ranges: list[VectorRangeLeaf] = []
        self.text_specs = [spec for spec in index.definition.fields if spec.type == "TEXT"]

    def query(self, node: ast.Node) -> BoundQuery:
        if not isinstance(node, ast.Knn):
            bound = BoundQuery(self.node(node) or Nothing(), ranges=self.ranges)
        else:
            bound = self._knn(node)
        self._check_yields(bound.yields)
        return bound

    def _knn(self, node: ast.Knn) -> BoundQuery:
        root = self.node(node.filter) or self._all()  # a filter of stop words only is no filter
        indexed = self.index.by_name.get(node.field)
        if not isinstance(indexed, VectorField):
            count_of(node, self.context)
            self.context.blob(node.blob)
            return BoundQuery(Nothing())
        hybrid = self.context.narrowed or not isinstance(root, AllDocs)
        return BoundQuery(root, indexed.knn(node, self.context, hybrid), self.ranges)

    def _check_yields(self, names: Sequence[str]) -> None:
        for position, name in enumerate(names):
            if name in self.index.by_name:
                raise QueryError(f"Property `{name}` already exists in schema")
            if name in names[:position]:
                raise QueryError(f"Property `{name}` specified more than once")

    def _all(self) -> AllDocs:
        return AllDocs(self._universe)

    def _universe(self) -> BitMap:
        return self.index.table.live

    def node(self, node: ast.Node) -> BoundNode | None:
        """The bound node; None where a stop word vanished."""
        match node:
            case ast.Intersect(children):
                return self._intersect(node, children)
            case ast.Union(children):
                bound = [child for child in map(self.node, children) if child is not None]
                return self._weighted(node, _collapse(bound, Or))
            case ast.Not(child):
                inner = self.node(child)
                return Nothing() if inner is None else self._weighted(node, Not(inner, self._universe))
            case ast.Optional(child):
                inner = self.node(child)
                return None if inner is None else self._weighted(node, Opt(inner, self._universe))
            case ast.All():
                return self._weighted(node, self._all())
            case ast.Empty():
                return Nothing()
            case ast.Missing(name):
                return self._weighted(node, self._missing(name))
            case ast.Knn():
                raise TypeError("KNN is the outermost node; the parser sees to it")
            case ast.Term() | ast.Affix() | ast.Fuzzy() | ast.Wildcard() | ast.Phrase():
                return self._text(node)
            case _:
                return self._field(node)

    def _intersect(self, node: ast.Intersect, children: Sequence[ast.Node]) -> BoundNode | None:
        bound = [child for child in map(self.node, children) if child is not None]
        if not bound:
            return None
        attributes = self._attributes(node)
        slop = int(attributes["slop"]) if "slop" in attributes else self.context.slop
        inorder = bool(attributes.get("inorder", self.context.inorder))
        together = _collapse(bound, And)
        if len(bound) > 1:
            self._check_ordered(node, attributes)
        if isinstance(together, And) and len(bound) > 1 and ((slop is not None and slop >= 0) or inorder):
            together.slop, together.inorder, together.near = slop, inorder, keep_near
        return _weigh(together, attributes)

    def _check_ordered(self, node: ast.Node, attributes: Mapping[str, float]) -> None:
        """No order can be kept among what a JSON path with several values finds."""
        slop = max(attributes.get("slop", -1), -1 if self.context.slop is None else self.context.slop)
        if slop < 0 and not self.context.inorder and "inorder" not in attributes:
            return
        for spec in self.text_specs:
            if (node.fields is None or spec.name in node.fields) and self.index.reader.unordered(spec):
                raise QueryError(f"slop/inorder are not supported for field with undefined ordering `{spec.name}`")

    def _text(self, node: ast.Node) -> BoundNode | None:
        attributes = self._attributes(node)
        if isinstance(node, ast.Phrase):
            self._check_ordered(node, attributes)
        definition = self.index.definition
        leaf = bind_text(node, self.index.text, self.text_specs, definition, self.context)
        return None if leaf is None else _weigh(leaf, attributes)

    def _field(self, node: ast.Node) -> BoundNode:
        """A clause that one field answers, by the registry of field types."""
        name: str = node.field  # type: ignore[attr-defined]  # every remaining node addresses one field
        indexed = self.index.by_name.get(name)
        if indexed is None or type(node) not in indexed.nodes or indexed.spec.noindex:
            self._check_unused(node)
            return Nothing()
        attributes = {} if isinstance(node, ast.VectorRange) else self._attributes(node)
        leaves: list[BoundNode] = list(indexed.leaves(node, self.context))
        self.ranges += [leaf for leaf in leaves if isinstance(leaf, VectorRangeLeaf)]
        bound = _collapse(leaves, Or)
        if isinstance(bound, Or):
            bound.label, bound.collapses = f"{indexed.spec.type}:@{name}", False
        if isinstance(indexed, NumericField | GeoField):
            return bound  # ranges weigh 1 whatever is written behind them
        if isinstance(bound, Or):
            for leaf in leaves:  # each tag of a list, and then the list
                _weigh(leaf, attributes)
        return _weigh(bound, attributes)

    def _check_unused(self, node: ast.Node) -> None:
        """What a clause says is checked even where its field is unknown or of another type."""
        match node:
            case ast.VectorRange(_, radius, blob):
                own_attributes(node)
                self.context.number(radius)
                self.context.blob(blob)
                return
            case ast.Geo():
                circle_of(node, self.context)
            case ast.Numeric():
                resolve_bounds(node, self.context)
            case ast.GeoShape(_, _, shape):
                self.context.blob(shape)
            case ast.Tag(_, items):
                for part in (part for item in items for part in ast.walk(item)):
                    self._check_text(part)
        self._attributes(node)

    def _check_text(self, node: ast.Node) -> None:
        for part in dataclasses.fields(node):
            if isinstance(value := getattr(node, part.name), ast.Param):
                self.context.blob(value)

    def _missing(self, name: str) -> BoundNode:
        indexed = self.index.by_name.get(name)
        if indexed is None:
            return Nothing()
        if not indexed.spec.index_missing:
            raise QueryError(f"'ismissing' requires field '{name}' to be defined with 'INDEXMISSING'")
        return MissingLeaf(name, self.index.missing[name])

    def _weighted(self, node: ast.Node, bound: BoundNode) -> BoundNode:
        return _weigh(bound, self._attributes(node))

    def _attributes(self, node: ast.Node) -> dict[str, float | int | bool]:
        return attributes_of(node, self.context)


def attributes_of(node: ast.Node, context: BindContext) -> dict[str, float | int | bool]:
    """`=>{…}` checked; raises QueryError in RediSearch's words."""
    return {name: _attribute(name, context.text(value)) for name, value in node.attributes.items}


def _collapse(children: list[BoundNode], combine: Callable[[list[BoundNode]], BoundNode]) -> BoundNode:
    match children:
        case []:
            return Nothing()
        case [only]:
            return only
        case _:
            return combine(children)


def _weigh(node: BoundNode, attributes: dict[str, float | int | bool]) -> BoundNode:
    if "weight" in attributes:
        node.weight *= attributes["weight"]
    return node


def _attribute(name: str, text: str) -> float | int | bool:
    raw = text.encode("utf-8", "surrogateescape")
    value: float | int | bool | None
    match name:
        case "weight":
            value = parse_float(raw)
            valid = value is not None and value >= 0
        case "slop":
            value = parse_integer(raw)
            valid = value is not None and value >= -1
        case "inorder" | "phonetic":
            value = _TRUTH.get(text.lower())
            valid = value is not None
        case _:
            raise QueryError(f"Invalid attribute {name}")
    if not valid or value is None:
        raise QueryError(f"Invalid value ({text}) for `{name}`")
    return value
