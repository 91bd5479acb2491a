"""GEOSHAPE: points and polygons in WKT, asked by how they lie to another shape. Needs shapely (extra `geoshape`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from pyroaring import BitMap

from redisvss import ast
from redisvss.fields.base import BindContext, Field, Leaf, QueryError, SkippedValue, field_type
from redisvss.fields.json_types import json_value, wrong_type
from redisvss.index.bitmaps import bitmap_of
from redisvss.schema import FieldSpec, IndexDefinition

# RediSearch's word → shapely's, which is asked from the query's side: "stored WITHIN query" is "query contains stored".
_PREDICATES = {"WITHIN": "contains", "CONTAINS": "within", "INTERSECTS": "intersects"}
_WKT = re.compile(r"\s*(POINT|POLYGON)\s*\((.*)\)\s*\Z", re.IGNORECASE | re.DOTALL)
_RING = re.compile(r"\s*\(([^()]*)\)\s*(,|\Z)")
_UNKNOWN = "unknown geometry type"
_TOO_FEW = "invalid geometry: Geometry has too few points"


class BadShape(ValueError):
    """A text is no shape we take; says why in boost::geometry's words, which RediSearch passes on."""


class Shapes:
    """Geometries by document; a tree over them is built when one is first asked for after a change."""

    def __init__(self) -> None:
        self._shapes: dict[int, Any] = {}

    def put(self, doc_id: int, shape: Any) -> None:
        self._shapes[doc_id] = shape
        self.__dict__.pop("_tree", None)

    def remove(self, doc_id: int) -> None:
        if self._shapes.pop(doc_id, None) is not None:
            self.__dict__.pop("_tree", None)

    def docs(self) -> BitMap:
        return BitMap(self._shapes)

    def lying(self, predicate: str, shape: Any) -> BitMap:
        if predicate == "DISJOINT":
            return self.docs() - self.lying("INTERSECTS", shape)
        if not self._shapes:
            return BitMap()
        ids, tree, shapes = self._tree
        rows = tree.query(shape, predicate=_PREDICATES[predicate])
        if shape.geom_type == "Point" and predicate != "INTERSECTS":  # no point holds a point (seen on 2.10.5)
            rows = [row for row in rows if shapes[row].geom_type != "Point"]
        return bitmap_of(np.sort(ids[rows]))

    @cached_property
    def _tree(self) -> tuple[Any, Any, list[Any]]:
        from shapely import STRtree

        shapes = list(self._shapes.values())
        return np.fromiter(self._shapes, np.uint32, len(shapes)), STRtree(shapes), shapes

    def memory_bytes(self) -> int:
        import shapely

        points = sum(int(shapely.count_coordinates(shape)) for shape in self._shapes.values())
        return 16 * points + 200 * len(self._shapes)


class GeoShapeLeaf(Leaf):
    kind = "metric"  # adds nothing to a score in RediSearch

    def __init__(self, name: str, shapes: Shapes, predicate: str, shape: Any) -> None:
        self.name = name
        self.shapes = shapes
        self.predicate = predicate
        self.shape = shape

    def estimate(self) -> int:
        return len(self.shapes.docs())

    def _docs(self) -> BitMap:
        return self.shapes.lying(self.predicate, self.shape)

    def exists(self) -> bool:
        """RediSearch keeps a shape nothing lies in as a part of its union."""
        return True

    def explain(self) -> str:
        return f"GEOSHAPE{{{self.predicate} {self.shape.wkt}}}"

    def profile(self) -> dict[str, Any]:
        return {"Type": "ID-LIST"}


@field_type
class GeoShapeField(Field):
    """FLAT and SPHERICAL are both computed in the plane of longitude and latitude: edges are straight there."""

    type_name: ClassVar[str] = "GEOSHAPE"
    nodes = (ast.GeoShape,)

    def __init__(self, spec: FieldSpec, definition: IndexDefinition) -> None:
        super().__init__(spec, definition)
        self.shapes = Shapes()

    def decode(self, raw: bytes) -> Any:
        try:
            return parse_shape(raw.decode("utf-8", "replace"))
        except BadShape as error:
            raise SkippedValue(f"Error indexing geoshape: {error}") from None

    def decode_json(self, matches: Sequence[Any]) -> Any:
        match json_value(matches):
            case None:
                return None
            case str(text):
                return self.decode(text.encode())
            case value:
                raise wrong_type(value)

    def put(self, doc_ids: Sequence[int], values: Sequence[Any]) -> None:
        for doc_id, shape in zip(doc_ids, values, strict=True):
            self.shapes.put(doc_id, shape)

    def remove(self, doc_ids: Sequence[int]) -> None:
        for doc_id in doc_ids:
            self.shapes.remove(doc_id)

    def docs(self) -> BitMap:
        return self.shapes.docs()

    def leaves(self, node: ast.Node, context: BindContext) -> list[Leaf]:
        assert isinstance(node, ast.GeoShape)
        try:
            shape = parse_shape(context.text(node.shape))
        except BadShape as error:
            raise QueryError(f"Error querying geoshape index: {error}") from None
        return [GeoShapeLeaf(self.spec.name, self.shapes, node.predicate, shape)]

    def info(self) -> dict[str, Any]:
        return {"coord_system": self.spec.options.get("coord_system", "SPHERICAL").encode()}

    def memory_bytes(self) -> int:
        return self.shapes.memory_bytes()


def parse_shape(text: str) -> Any:
    """WKT POINT or POLYGON as a shapely geometry; open rings are closed. Raises BadShape."""
    from shapely import Point, Polygon

    match = _WKT.match(text)
    if match is None:
        raise BadShape(_UNKNOWN)
    if match[1].upper() == "POINT":
        points = _points(match[2])
        if len(points) != 1:
            raise BadShape("a point has two coordinates")
        return Point(points[0])
    shell, *holes = _rings(match[2])
    return Polygon(shell, holes)


def _rings(text: str) -> list[list[tuple[float, float]]]:
    rings, position = [], 0
    while position < len(text):
        ring = _RING.match(text, position)
        if ring is None:
            raise BadShape("bad polygon ring")
        points = _points(ring[1])
        if len(points) < 3:
            raise BadShape(_TOO_FEW)
        rings.append(points)
        position = ring.end()
    if not rings:
        raise BadShape(_TOO_FEW)
    return rings


def _points(text: str) -> list[tuple[float, float]]:
    points = []
    for pair in text.split(","):
        try:
            x, y = map(float, pair.split())
        except ValueError:
            raise BadShape(f"bad coordinates '{pair.strip()}'") from None
        points.append((x, y))
    return points
