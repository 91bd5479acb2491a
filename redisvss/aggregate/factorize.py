"""Equal values → equal small integers: what GROUPBY, distinct counts and sorting by strings rest on.

Values are told apart as RediSearch's hashes tell them apart: the number 1 is not the string `1`, and doubles differ by
their bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.expression.columns import Array, Column
from redisvss.expression.values import Multi, Text, Value

Codes = NDArray[np.intp]

_PLAIN: frozenset[type] = frozenset({bytes, Text, type(None)})


def factorize(values: Array) -> tuple[Codes, Array]:
    """(codes, distinct): `distinct[codes]` are the values again; distinct in order of first appearance."""
    if values.dtype != object:
        return _by_bits(values)
    table: defaultdict[Hashable, int] = defaultdict()
    table.default_factory = table.__len__
    keys: Any = values if _all_plain(values) else [_key(value) for value in values]
    codes = np.fromiter(map(table.__getitem__, keys), np.intp, len(values))
    return codes, values[_first_rows(codes, len(table))]


def _by_bits(values: Array) -> tuple[Codes, Array]:
    _, first, codes = np.unique(values.view(np.int64), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    return rank[codes], values[first[order]]


def _all_plain(values: Array) -> bool:
    """Whether Python's own equality will do: strings and null."""
    return {type(value) for value in values} <= _PLAIN


def _key(value: Value) -> Hashable:
    match value:
        case float():
            return ("#", value.hex()) if value == value else ("#", str(np.float64(value).view(np.int64)))
        case list():
            return tuple(_key(item) for item in value)
        case Multi():
            return _key(value.first)
        case _:
            return value


def _first_rows(codes: Codes, count: int) -> Codes:
    """The first row of each code."""
    first = np.empty(count, np.intp)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return first


def combine(columns: Sequence[Column]) -> tuple[Codes, Codes]:
    """Rows by all columns together: (codes, the first row of each code), codes in order of first appearance.

    Columns have no absent values. At least one column.
    """
    codes, distinct = factorize(columns[0].values)
    count = len(distinct)
    for column in columns[1:]:
        more, distinct = factorize(column.values)
        codes, kinds = _by_bits_of(codes * len(distinct) + more)
        count = kinds
    return codes, _first_rows(codes, count)


def _by_bits_of(pairs: Codes) -> tuple[Codes, int]:
    codes, distinct = _by_bits(pairs.astype(np.int64))
    return codes, len(distinct)
