"""GROUPBY: rows with the same values in some properties become one row, with what the reducers make of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from redisvss.aggregate.chunk import Chunk, End
from redisvss.aggregate.factorize import combine
from redisvss.aggregate.reducers.base import Groups
from redisvss.aggregate.stages import Group
from redisvss.expression.columns import Column, Rows, kinds, objects
from redisvss.expression.values import Value


def group_rows(chunk: Chunk, stage: Group, check: Callable[[], None]) -> Chunk:
    """One row for each group, in order of first appearance (RediSearch: in that of its hash table)."""
    chunk.prepare([*stage.properties, *(name for reducer, _ in stage.reducers for name in reducer.inputs)])
    keys = [chunk.column(name).with_nulls() for name in stage.properties]
    rows, keys = _explode(keys, chunk.size)
    check()
    codes, first = combine(keys) if keys else (np.zeros(len(rows), np.intp), np.zeros(min(len(rows), 1), np.intp))
    check()
    groups = Groups(codes, len(first), check)
    columns = {name: key.take(first) for name, key in zip(stage.properties, keys, strict=True)}
    for reducer, alias in stage.reducers:
        columns[alias] = reducer.reduce(groups, [_taken(chunk, name, rows) for name in reducer.inputs])
        check()
    read = np.full(groups.count, groups.count)
    return Chunk(groups.count, chunk.source, None, read, columns, fresh=False, end=End(groups.count))


def _taken(chunk: Chunk, name: str, rows: Rows) -> Column:
    column = chunk.column(name)
    return column if len(rows) == chunk.size else column.take(rows)


def _explode(keys: Sequence[Column], size: int) -> tuple[Rows, list[Column]]:
    """A row whose key is an array stands for one row per entry; an empty array is null.

    Returns each resulting row's original position, and the keys without arrays.
    """
    rows = np.arange(size)
    flat = list(keys)
    for position, key in enumerate(flat):
        if key.numeric or list not in kinds(key.values):
            continue
        entries = [value if isinstance(value, list) and value else [_single(value)] for value in key.values]
        repeats = np.repeat(np.arange(len(entries)), [len(parts) for parts in entries])
        flat = [column.take(repeats) for column in flat]
        flat[position] = Column(objects((part for parts in entries for part in parts), len(repeats)))
        rows = rows[repeats]
    return rows, flat


def _single(value: Value) -> Value:
    return None if isinstance(value, list) else value
