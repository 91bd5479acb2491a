"""A property's values for many rows at once, numbers as numpy arrays so that arithmetic runs at machine speed.

Knows nothing of expressions or of where the values come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.expression.values import Text, Value

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Array = NDArray[Any]  # float64 numbers, or objects: any Value

PLAIN: frozenset[type] = frozenset({bytes, Text, type(None)})  # values that Python's own equality tells apart


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """values: (n,) float64 where every value is a number, else (n,) object of `Value`.

    present: (n,) bool, False where the row has no value (its entry in `values` is then meaningless); None: all have.
    """

    values: Array
    present: Mask | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def numeric(self) -> bool:
        return self.values.dtype != object

    def mask(self) -> Mask:
        return np.ones(len(self), np.bool_) if self.present is None else self.present

    def take(self, rows: Rows | slice) -> Column:
        return Column(self.values[rows], None if self.present is None else self.present[rows])

    def with_nulls(self) -> Column:
        """The column with null where a row has no value."""
        if self.present is None or self.present.all():
            return Column(self.values)
        values = self.values.astype(object)
        values[~self.present] = None
        return Column(values)


def kinds(values: Array) -> set[type]:
    """The types of the values of an object array; 1M values take about 20 ms."""
    return set(map(type, values.tolist()))


def objects(values: Iterable[Value], size: int) -> Array:
    """`size` values as an object array, lists kept whole."""
    return np.fromiter(values, dtype=object, count=size)


def column_of(values: Sequence[Value], present: Sequence[bool] | None = None) -> Column:
    """A column of Python values; float64 where all of them are floats."""
    mask = None if present is None else np.array(present, np.bool_)
    if all(type(value) is float for value in values):
        return Column(np.array(values, np.float64), mask)
    return Column(objects(values, len(values)), mask)


def constant_column(value: Value, size: int) -> Column:
    if isinstance(value, float):
        return Column(np.full(size, value))
    return Column(objects((value for _ in range(size)), size))


def absent_column(size: int) -> Column:
    return Column(np.full(size, None, dtype=object), np.zeros(size, np.bool_))


def concatenate(columns: Sequence[Column]) -> Column:
    """One column of several, in order; they need not be of one kind. At least one."""
    if len(columns) == 1:
        return columns[0]
    mixed = any(not column.numeric for column in columns)
    parts = [column.values.astype(object) if mixed and column.numeric else column.values for column in columns]
    present = None
    if any(column.present is not None for column in columns):
        present = np.concatenate([column.mask() for column in columns])
    return Column(np.concatenate(parts), present)


def overlay(first: Column, second: Column) -> Column:
    """The values of `first`, those of `second` where it has none."""
    mask = first.mask()
    if first.numeric and second.numeric:
        return Column(np.where(mask, first.values, second.values), mask | second.mask())
    values = np.where(mask, first.values.astype(object), second.values.astype(object))
    return Column(values, mask | second.mask())
