"""NUMERIC: IEEE doubles, one or (JSON) several per document, asked by range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from pyroaring import BitMap

from redisvss import ast
from redisvss.fields.base import BindContext, Field, InvalidValue, Leaf, QueryError, field_type
from redisvss.fields.json_types import json_value, wrong_type
from redisvss.index.columns import NumberColumn
from redisvss.numbers import parse_float
from redisvss.schema import FieldSpec, IndexDefinition


class NumericLeaf(Leaf):
    def __init__(self, name: str, column: NumberColumn, low: float, high: float, open_low: bool, open_high: bool):
        self.name = name
        self.column = column
        self.low, self.high = low, high
        self.open_low, self.open_high = open_low, open_high

    def estimate(self) -> int:
        return self.column.count_between(self.low, self.high)

    def _docs(self) -> BitMap:
        return self.column.between(self.low, self.high, self.open_low, self.open_high)

    def explain(self) -> str:
        low, high = ("<" if self.open_low else "<="), ("<" if self.open_high else "<=")
        return f"NUMERIC {{{self.low:f} {low} @{self.name} {high} {self.high:f}}}"

    def profile(self) -> dict[str, Any]:
        return {"Type": "NUMERIC", "Term": f"{self.low:g} - {self.high:g}"}


@field_type
class NumericField(Field):
    type_name: ClassVar[str] = "NUMERIC"
    nodes = (ast.Numeric,)

    def __init__(self, spec: FieldSpec, definition: IndexDefinition) -> None:
        super().__init__(spec, definition)
        self.column = NumberColumn()

    def decode(self, raw: bytes) -> list[float]:
        number = parse_float(raw)
        if number is None:
            text = raw.decode("utf-8", "replace")
            raise InvalidValue(f"Invalid numeric value: '{text}'")
        return [number]

    def decode_json(self, matches: Sequence[Any]) -> list[float] | None:
        match json_value(matches):
            case None:
                return None
            case list(items):
                return [_json_number(item) for item in items if item is not None] or None
            case bool() | str() | dict() as value:
                raise wrong_type(value)
            case number:
                return [float(number)]

    def put(self, doc_ids: Sequence[int], values: Sequence[list[float]]) -> None:
        for doc_id, numbers in zip(doc_ids, values, strict=True):
            self.column.put(doc_id, numbers)

    def remove(self, doc_ids: Sequence[int]) -> None:
        for doc_id in doc_ids:
            self.column.remove(doc_id)

    def docs(self) -> BitMap:
        return self.column.docs

    def leaves(self, node: ast.Node, context: BindContext) -> list[Leaf]:
        assert isinstance(node, ast.Numeric)
        return [NumericLeaf(self.spec.name, self.column, *resolve_bounds(node, context))]

    def info(self) -> dict[str, Any]:
        return {}

    def memory_bytes(self) -> int:
        return self.column.memory_bytes()


def _json_number(item: Any) -> float:
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        raise InvalidValue("NUMERIC fields can only contain numeric or nulls")
    return float(item)


def parse_bound(text: bytes) -> tuple[float, bool] | None:
    """`5`, `(5`, `inf`, `-inf`, … as (value, exclusive); None when it is no bound."""
    exclusive = text.startswith(b"(")
    value = parse_float(text[1:] if exclusive else text)
    return None if value is None or math.isnan(value) else (value, exclusive)


def resolve_bounds(node: ast.Numeric, context: BindContext) -> tuple[float, float, bool, bool]:
    """low, high, open_low, open_high with their parameters filled in."""
    if node.operator is not None:  # a number only, without `(`, and its own error text
        low, high = (-context.number(b.value) if b.negative else context.number(b.value) for b in (node.low, node.high))
        return low, high, node.low.exclusive, node.high.exclusive
    low, open_low = resolve_bound(node.low, context, "lower")
    high, open_high = resolve_bound(node.high, context, "upper")
    return low, high, open_low, open_high


def resolve_bound(bound: ast.Bound, context: BindContext, end: str) -> tuple[float, bool]:
    """A bound with its parameter filled in, as (value, exclusive); end: "lower" or "upper", for the error text."""
    if not isinstance(bound.value, ast.Param):
        return bound.value, bound.exclusive
    raw = context.blob(bound.value)
    parsed = parse_bound(raw)
    if parsed is None:
        raise QueryError(f"Bad {end} range: {raw.decode('utf-8', 'replace')}")
    value, exclusive = parsed
    return (-value if bound.negative else value), exclusive or bound.exclusive
