"""What a pipeline asks of the documents that matched: the contract the query side fulfils.

The pipeline knows nothing of indexes, stores or commands; a list of dictionaries is a source too (the tests have one).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from redisvss.expression.columns import Column, Rows
from redisvss.expression.values import Value
from redisvss.schema import FieldSpec


class Schema(Protocol):
    """What planning needs to know of the index."""

    is_json: bool
    dialect: int
    yields: Sequence[str]
    """Names the query itself gives each row a number for: distances, and `__score` with ADDSCORES."""

    def field(self, name: str) -> FieldSpec | None:
        """The attribute of that name."""


class Source(Schema, Protocol):
    """The matching documents in the order they flow; `rows` are positions in that order."""

    doc_ids: NDArray[Any]
    """(n,) unsigned integers; equal sort keys are ordered by them."""
    hidden: frozenset[str]
    """Fields no reply shows: those of LANGUAGE_FIELD, SCORE_FIELD and PAYLOAD_FIELD."""

    def computed(self, name: str, rows: Rows) -> Column:
        """One of `yields`."""

    def sort_values(self, spec: FieldSpec, rows: Rows) -> Column:
        """What SORTABLE keeps: numbers, or strings (`Text`), case-folded unless UNF."""

    def load(self, paths: Sequence[str], rows: Rows) -> list[Column]:
        """The documents' own values: an attribute's (a number if NUMERIC), a hash field's, a JSONPath's, `__key`."""

    def documents(self, rows: Rows) -> Sequence[Mapping[str, Value]]:
        """Whole documents for `LOAD *`: a hash's fields as stored, or `$`."""

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        """For WITHSCORES."""

    def explanations(self, rows: Rows) -> list[Any]:
        """For EXPLAINSCORE: how each score came about, as replies show it."""

    def payloads(self, rows: Rows) -> list[bytes | None]:
        """For WITHPAYLOADS."""

    def matched_terms(self, rows: Rows, maximum: int) -> list[list[bytes]]:
        """The query's terms each document matched."""
