"""What a reducer is: it turns each group's rows into one value, for all groups at once."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from redisvss.expression.columns import Column, Numbers, Rows, kinds
from redisvss.expression.values import Value, to_number

Codes = NDArray[np.intp]

_RADIX_SORTED = 2**16  # numpy sorts 16-bit integers by radix, in a tenth of the time


@dataclass(frozen=True)
class Groups:
    """codes: (n,) each row's group, 0 … count - 1, every group having at least one row.

    check() raises TimedOut once the time a query may take is over; long loops call it now and then.
    """

    codes: Codes
    count: int
    check: Callable[[], None] = lambda: None

    @cached_property
    def order(self) -> Rows:
        """The rows sorted by group, each group's rows in the order they came."""
        narrow = self.codes.astype(np.uint16) if self.count <= _RADIX_SORTED else self.codes
        return np.argsort(narrow, kind="stable")

    @cached_property
    def starts(self) -> Rows:
        """Where each group begins in `order`."""
        return np.searchsorted(self.codes[self.order], np.arange(self.count))

    def members(self) -> Iterator[Rows]:
        """Each group's rows, in the order they came."""
        yield from np.split(self.order, self.starts[1:])


class Reducer(ABC):
    """inputs: the properties whose columns `reduce` gets, in this order."""

    inputs: tuple[str, ...]

    @abstractmethod
    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        """(count,) values; columns: one for each of `inputs`, a value for each row."""


def as_numbers(column: Column) -> tuple[Numbers, NDArray[np.bool_]]:
    """Every row's number, and where there is one: arrays, null and other strings are none."""
    if column.numeric:
        return column.values, column.mask()
    found = [to_number(value) for value in column.values.tolist()]
    there = np.fromiter((number is not None for number in found), np.bool_, len(found)) & column.mask()
    return np.array([0.0 if number is None else number for number in found]), there


def numbers_by_row(column: Column) -> tuple[Rows, Numbers]:
    """(row, number) of every number, those inside arrays one by one."""
    values, there = as_numbers(column)
    if column.numeric or list not in kinds(column.values):
        rows = np.flatnonzero(there)
        return rows, values[rows]
    pairs = [pair for row in np.flatnonzero(column.mask()).tolist() for pair in _flat(row, column.values[row])]
    return np.array([row for row, _ in pairs], np.intp), np.array([number for _, number in pairs], np.float64)


def _flat(row: int, value: Value) -> Iterator[tuple[int, float]]:
    for item in value if isinstance(value, list) else [value]:
        number = to_number(item)
        if number is not None:
            yield row, number


def rows_with_value(column: Column) -> Rows:
    """The rows that have a value other than null."""
    if column.numeric:
        return np.flatnonzero(column.mask())
    known = np.fromiter(map(operator.is_not, column.values.tolist(), repeat(None)), np.bool_, len(column))
    return np.flatnonzero(column.mask() & known)
