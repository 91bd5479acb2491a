"""GEO: points in degrees, longitude first, asked by distance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from pyroaring import BitMap

from redisvss import ast
from redisvss.fields.base import BindContext, Field, InvalidValue, Leaf, QueryError, field_type
from redisvss.fields.json_types import json_value, strings_of, wrong_type
from redisvss.index.geo_points import MAX_LATITUDE, MAX_LONGITUDE, GeoPoints
from redisvss.numbers import parse_float
from redisvss.schema import FieldSpec, IndexDefinition

METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.34, "ft": 0.3048}  # as Redis converts them
_SEPARATOR = re.compile(rb", ?| ")  # `lon,lat`, `lon, lat` or `lon lat`; a space before the comma is refused

Point = tuple[float, float]


class GeoLeaf(Leaf):
    def __init__(self, name: str, points: GeoPoints, lon: float, lat: float, radius: float, unit: str) -> None:
        self.name = name
        self.points = points
        self.lon, self.lat = lon, lat
        self.radius, self.unit = radius, unit

    def estimate(self) -> int:
        return len(self.points.docs)

    def _docs(self) -> BitMap:
        return self.points.within(self.lon, self.lat, self.radius * METRES[self.unit])

    def explain(self) -> str:
        return f"GEO {self.name}:{{{self.lon:f},{self.lat:f} --> {self.radius:f} {self.unit}}}"

    def profile(self) -> dict[str, Any]:
        return {"Type": "GEO", "Term": f"{self.lon:g},{self.lat:g} - {self.radius:g} {self.unit}"}


@field_type
class GeoField(Field):
    type_name: ClassVar[str] = "GEO"
    nodes = (ast.Geo,)

    def __init__(self, spec: FieldSpec, definition: IndexDefinition) -> None:
        super().__init__(spec, definition)
        self.points = GeoPoints()

    def decode(self, raw: bytes) -> list[Point]:
        return [parse_point(raw)]

    def decode_json(self, matches: Sequence[Any]) -> list[Point] | None:
        match json_value(matches):
            case None:
                return None
            case str(text):
                return [parse_point(text.encode())]
            case list(items):
                return [parse_point(text.encode()) for text in strings_of(items)] or None
            case value:
                raise wrong_type(value)

    def put(self, doc_ids: Sequence[int], values: Sequence[list[Point]]) -> None:
        for doc_id, points in zip(doc_ids, values, strict=True):
            self.points.put(doc_id, points)

    def remove(self, doc_ids: Sequence[int]) -> None:
        for doc_id in doc_ids:
            self.points.remove(doc_id)

    def docs(self) -> BitMap:
        return self.points.docs

    def leaves(self, node: ast.Node, context: BindContext) -> list[Leaf]:
        assert isinstance(node, ast.Geo)
        lon, lat, radius, unit = circle_of(node, context)
        return [GeoLeaf(self.spec.name, self.points, lon, lat, radius, unit.lower())]

    def info(self) -> dict[str, Any]:
        return {}

    def memory_bytes(self) -> int:
        return self.points.memory_bytes()


def parse_point(raw: bytes) -> Point:
    """`lon,lat` of a document; raises InvalidValue."""
    parts = [parse_float(part) for part in _SEPARATOR.split(raw)]
    match parts:
        case [float(lon), float(lat)]:
            pass
        case _:
            raise InvalidValue("Invalid geo string")
    if abs(lon) > MAX_LONGITUDE or abs(lat) > MAX_LATITUDE:
        raise InvalidValue(f"Invalid geo coordinates: {lon:f}, {lat:f}")
    return lon, lat


def circle_of(node: ast.Geo, context: BindContext) -> tuple[float, float, float, str]:
    """lon, lat, radius and unit with their parameters filled in, checked."""
    lon, lat, radius = map(context.number, (node.lon, node.lat, node.radius))
    unit = context.text(node.unit)
    check_circle(lon, lat, radius, unit)
    return lon, lat, radius, unit


def check_circle(lon: float, lat: float, radius: float, unit: str) -> None:
    """Raises QueryError in the order RediSearch checks."""
    if unit.lower() not in METRES:
        raise QueryError("Invalid GeoFilter unit")
    if abs(lat) > 90 or abs(lon) > 180:
        raise QueryError("Invalid GeoFilter lat/lon")
    if radius <= 0:
        raise QueryError("Invalid GeoFilter radius")
