"""SORTBY: the order of rows by several keys, and RediSearch's rules for ties and for what has no value.

A row without a value comes last whichever way the key sorts; null is a value and the least one. Rows that are equal in
every key are ordered by doc id, the way the last key sorts.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cmp_to_key
from heapq import nlargest, nsmallest
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.aggregate.chunk import Chunk
from redisvss.aggregate.factorize import factorize
from redisvss.aggregate.request import SortKey
from redisvss.errors import CommandError
from redisvss.expression.columns import Array, Column, Numbers, Rows, kinds
from redisvss.expression.values import EvaluationError, Text, Value, order

_STRINGS: frozenset[type] = frozenset({bytes, Text})
# A partial sort pays while the rows kept are few among many.
_PARTITION_RATIO = 8


def sorted_rows(chunk: Chunk, keys: Sequence[SortKey], limit: int) -> Rows:
    """Positions of the first `limit` rows in order; raises CommandError where values cannot be compared."""
    chunk.prepare(key.name for key in keys)
    columns = [chunk.column(key.name) for key in keys]
    candidates = np.arange(chunk.size)
    if limit * _PARTITION_RATIO < chunk.size:
        candidates = _nearest(columns[0], keys[0].ascending, limit)
        columns = [column.take(candidates) for column in columns]
    ranked: list[Array] = []
    for key, column in zip(keys, columns, strict=True):
        ranks = _ranks(column)
        ranked += [~column.mask(), ranks if key.ascending else -ranks]
    ties = _ties(chunk, candidates, keys[-1].ascending)
    found: Rows = candidates[np.lexsort([ties, *reversed(ranked)])][:limit]
    return found


def _nearest(column: Column, ascending: bool, limit: int) -> Rows:
    """Rows that can be among the first `limit` by this key: a superset, in ascending order of row."""
    rows = np.flatnonzero(column.mask())
    values = column.values[rows]
    if len(rows) < limit or (not column.numeric and not kinds(values) <= _STRINGS):
        return np.arange(len(column))
    if column.numeric:
        return rows[_nearest_numbers(values if ascending else -values, limit)]
    texts: list[bytes] = values.tolist()
    last = (nsmallest if ascending else nlargest)(limit, texts)[-1]
    compare = operator.le if ascending else operator.ge
    return rows[np.fromiter(map(compare, texts, repeat(last)), np.bool_, len(rows))]


def _nearest_numbers(values: Numbers, limit: int) -> NDArray[np.bool_]:
    known = np.where(np.isnan(values), np.inf, values)
    near: NDArray[np.bool_] = known <= np.partition(known, limit - 1)[limit - 1]
    return near


def _ties(chunk: Chunk, candidates: Rows, ascending: bool) -> NDArray[np.int64]:
    if chunk.rows is None:  # groups have no doc ids: they stay as they came
        return candidates.astype(np.int64)
    ids = chunk.source.doc_ids[chunk.rows[candidates]].astype(np.int64)
    return ids if ascending else -ids


def _ranks(column: Column) -> Numbers:
    """A number for each row that sorts as its value does; 0 where there is none."""
    there = column.mask()
    if column.numeric:
        return np.where(there, column.values, 0.0)
    rows = np.flatnonzero(there)
    codes, distinct = factorize(column.values[rows])
    ranks = np.zeros(len(column))
    ranks[rows] = _positions(distinct)[codes]
    return ranks


def _positions(distinct: Array) -> Numbers:
    """Where each of the distinct values stands; equal ones share a place."""
    values: list[Value] = distinct.tolist()
    plain = kinds(distinct) <= _STRINGS
    keys: list[Any] = values if plain else list(map(cmp_to_key(order), values))
    try:
        by_value = sorted(range(len(values)), key=keys.__getitem__)
    except EvaluationError as error:
        raise CommandError(str(error)) from None
    positions = np.zeros(len(values))
    place = 0
    for previous, current in pairwise(by_value):
        place += plain or order(values[previous], values[current]) != 0
        positions[current] = place
    return positions
