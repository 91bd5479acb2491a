"""A query tree in the notation of RediSearch's FT.EXPLAIN, on one line; what the table and differential tests compare.

Only what the grammar decides is printed: no stems, no field ids. A parameter prints as `$name`, or as its value where
one is given. `schema` lists the TEXT fields in order, as FT.EXPLAIN names a scope. Without it, scopes and attributes
print as written, and the vector clauses in a short form of our own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from redisvss import ast

BLANKS = re.compile(r"[ \n]+")
ESCAPE = re.compile(r"\\(?=.)", re.DOTALL)  # RediSearch strips a wildcard's escapes before it explains it
SHAPES = {"CONTAINS": 1, "WITHIN": 2, "DISJOINT": 3, "INTERSECTS": 4}


class Printer:
    def __init__(self, schema: Sequence[str] | None = None, params: Mapping[str, str] | None = None) -> None:
        self.schema = schema
        self.params = params or {}

    def show(self, node: ast.Node) -> str:
        return BLANKS.sub(" ", self._scope(node) + self._body(node) + self._attributes(node)).strip()

    def _scope(self, node: ast.Node) -> str:
        if node.fields is None:
            return ""
        known = [name for name in self.schema if name in node.fields] if self.schema is not None else node.fields
        if known and isinstance(node, ast.Numeric | ast.Geo):
            return ""
        return f"@{'|'.join(known)}:" if known else "@NULL:"

    def _all(self, nodes: Sequence[ast.Node]) -> str:
        return " ".join(self.show(node) for node in nodes)

    def _text(self, text: ast.Text) -> str:
        if isinstance(text, ast.Param):
            sign = "-" if text.negative else ""
            return sign + self.params.get(text.name, f"${text.name}")
        return text

    def _number(self, value: float | ast.Param, negative: bool = False) -> str:
        if isinstance(value, ast.Param) and value.name not in self.params:
            return ("-" if negative else "") + f"${value.name}"
        number = float(self._text(value)) if isinstance(value, ast.Param) else value
        return f"{-number if negative else number:f}"

    def _body(self, node: ast.Node) -> str:
        match node:
            case ast.All():
                return "<WILDCARD>"
            case ast.Empty():
                return "<empty>"
            case ast.Term(text=text):
                return self._text(text).lower() or '""'
            case ast.Affix(text=text, prefix=prefix, suffix=suffix):
                name = "INFIX" if prefix and suffix else "PREFIX" if prefix else "SUFFIX"
                return f"{name}{{{'*' * suffix}{self._text(text)}{'*' * prefix}}}"
            case ast.Fuzzy(text=text):
                return f"FUZZY{{{self._text(text).lower()}}}"
            case ast.Wildcard(pattern=pattern):
                shown = self._text(pattern)
                return f"WILDCARD{{{shown if self.schema is None else ESCAPE.sub('', shown)}}}"
            case ast.Phrase(terms=terms):
                return f"EXACT {{ {self._all(terms)} }}"
            case ast.Intersect(children=children):
                return f"INTERSECT {{ {self._all(children)} }}"
            case ast.Union(children=children):
                return f"UNION {{ {self._all(children)} }}"
            case ast.Not(child=child):
                return f"NOT{{ {self.show(child)} }}"
            case ast.Optional(child=child):
                return f"OPTIONAL{{ {self.show(child)} }}"
        return self._field_clause(node)

    def _field_clause(self, node: ast.Node) -> str:
        match node:
            case ast.Tag(field=field, items=items):
                return f"TAG:@{field} {{ {' '.join(self._tag(item) for item in items)} }}"
            case ast.Numeric(field=field, low=low, high=high):
                left = f"{self._number(low.value, low.negative)} {'<' if low.exclusive else '<='}"
                right = f"{'<' if high.exclusive else '<='} {self._number(high.value, high.negative)}"
                return f"NUMERIC {{{left} @{field} {right}}}"
            case ast.Geo(field=field, lon=lon, lat=lat, radius=radius, unit=unit):
                at = f"{self._signed(lon)},{self._signed(lat)} --> {self._signed(radius)}"
                return f"GEO {field}:{{{at} {self._text(unit).lower()}}}"
            case ast.GeoShape(predicate=predicate, shape=shape):
                return f"GEOSHAPE{{{SHAPES[predicate]} {self._text(shape)}}}"
            case ast.Missing(field=field):
                return f"ISMISSING{{{field}}}"
            case ast.VectorRange():
                return self._vector_range(node)
            case ast.Knn():
                return self._knn(node)
        raise AssertionError(node)

    def _signed(self, value: float | ast.Param) -> str:
        return self._number(value, isinstance(value, ast.Param) and value.negative)

    def _tag(self, item: ast.Node) -> str:
        words = item.terms if isinstance(item, ast.Phrase) else (item,)
        return self._all(words).lower() if self.schema is not None else self._all(words)

    def _vector_range(self, node: ast.VectorRange) -> str:
        radius = self._signed(node.radius)
        if self.schema is None:
            return f"RANGE[{radius} @{node.field} ${node.blob.name}]"
        return (
            f"VECTOR {{Vectors that are within {float(radius):g} distance radius from `${node.blob.name}` "
            f"in vector index associated with field @{node.field}}}"
        )

    def _knn(self, node: ast.Knn) -> str:
        k = self._text(node.k) if isinstance(node.k, ast.Param) else node.k
        score = f"__{node.field}_score" if node.score_as is None else self._text(node.score_as)
        if self.schema is None:
            options = "".join(f" {name}={self._text(value)}" for name, value in node.options)
            return f"KNN[{k} @{node.field} ${node.blob.name}{options} AS {score}] {{ {self.show(node.filter)} }}"
        filter = "" if node.filter == ast.All() else f" {self.show(node.filter)} }} => {{"
        options = "".join(f", {name} = {self._text(value)}" for name, value in node.options)
        return (
            f"VECTOR {{{filter}K={k} nearest vectors to `${node.blob.name}` in vector index associated with field "
            f"@{node.field}{options}, yields distance as `{score}`}}"
        )

    def _attributes(self, node: ast.Node) -> str:
        """Those that FT.EXPLAIN shows; as written where the rest would matter (no schema given)."""
        if self.schema is None:
            items = "".join(f" ${name}: {self._text(value)};" for name, value in node.attributes.items)
            return f" => {{{items} }}" if items else ""
        values = {name: self._text(value) for name, value in node.attributes.items}
        weight, slop = float(values.get("weight", 1)), int(values.get("slop", -1))
        in_order = values.get("inorder", "false").lower() in ("true", "1")
        shown = f" $weight: {weight:g};" if weight != 1 else ""
        if isinstance(node, ast.Term):
            return f" => {{{shown.strip()}}}" if shown else ""
        shown += f" $slop: {slop};" if slop != -1 else ""
        shown += f" $inorder: {str(in_order).lower()};" if in_order or slop != -1 else ""
        return f" => {{{shown} }}" if shown else ""
