"""A source over a list of hashes, as simple as one can be: what the pipeline's tests run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from redisvss.expression import Column, Text, Value, column_of
from redisvss.expression.columns import Rows
from redisvss.schema import FieldSpec


def spec(name: str, type_name: str, *, sortable: bool = False, unf: bool = False, identifier: str = "") -> FieldSpec:
    unf = unf or (sortable and type_name == "NUMERIC")
    return FieldSpec((identifier or name).encode(), name.encode(), type_name, sortable=sortable, unf=unf)


class ListSource:
    """documents: hash field → value, in the order they match; `keys` are `d:0`, `d:1`, …"""

    is_json = False
    hidden: frozenset[str] = frozenset()

    def __init__(
        self,
        documents: Sequence[Mapping[str, bytes]],
        fields: Sequence[FieldSpec] = (),
        *,
        computed: Mapping[str, Sequence[float]] | None = None,
        dialect: int = 1,
    ) -> None:
        self.hashes = documents
        self.dialect = dialect
        self.doc_ids: np.ndarray[Any, Any] = np.arange(1, len(documents) + 1, dtype=np.uint32)
        self._fields = {field.name: field for field in fields}
        self._computed = dict(computed or {})
        self.yields = tuple(self._computed)
        self.rows_loaded = 0

    def field(self, name: str) -> FieldSpec | None:
        return self._fields.get(name)

    def computed(self, name: str, rows: Rows) -> Column:
        return Column(np.array(self._computed[name], np.float64)[rows])

    def sort_values(self, spec: FieldSpec, rows: Rows) -> Column:
        found = [self._value(spec.identifier.decode(), row, spec) for row in rows.tolist()]
        fold = not spec.unf
        values = [Text(v.lower() if fold else v) if isinstance(v, bytes) else v for v in found]
        return column_of([v if v is not None else 0.0 for v in values], [v is not None for v in values])

    def load(self, paths: Sequence[str], rows: Rows) -> list[Column]:
        self.rows_loaded += len(rows)
        return [self._loaded(path, rows) for path in paths]

    def _loaded(self, path: str, rows: Rows) -> Column:
        spec = self._fields.get(path)
        name = path if spec is None else spec.identifier.decode()
        values = [b"d:%d" % row if path == "__key" else self._value(name, row, spec) for row in rows.tolist()]
        return column_of(values, [value is not None for value in values])

    def _value(self, name: str, row: int, spec: FieldSpec | None) -> Value:
        raw = self.hashes[row].get(name)
        return float(raw) if raw is not None and spec is not None and spec.type == "NUMERIC" else raw

    def documents(self, rows: Rows) -> list[Mapping[str, Value]]:
        return [self.hashes[row] for row in rows.tolist()]

    def scores(self, rows: Rows) -> np.ndarray[Any, Any]:
        return np.ones(len(rows))

    def matched_terms(self, rows: Rows, maximum: int) -> list[list[bytes]]:
        return [[b"term%d" % row] for row in rows.tolist()]

    def payloads(self, rows: Rows) -> list[bytes | None]:
        return [None] * len(rows)

    def explanations(self, rows: Rows) -> list[Any]:
        return [[b"because"]] * len(rows)
