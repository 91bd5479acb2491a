"""TOLIST, FIRST_VALUE, RANDOM_SAMPLE: values of the group's own rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redisvss.aggregate.factorize import factorize, first_rows
from redisvss.aggregate.reducers.base import Groups, Reducer
from redisvss.aggregate.reducers.registry import Arguments, reducer
from redisvss.errors import CommandError
from redisvss.expression.columns import Array, Column, Rows, column_of, kinds, objects
from redisvss.expression.values import Value, lenient_order

MAX_SAMPLE = 1000


@dataclass(frozen=True)
class ToList(Reducer):
    """The group's distinct values in order of appearance, arrays entry by entry. RediSearch's order is its hash's."""

    inputs: tuple[str, ...]

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        rows, values = _entries(columns[0])
        codes, distinct = factorize(values)
        pairs = groups.codes[rows] * (len(distinct) or 1) + codes
        _, first = np.unique(pairs, return_index=True)
        lists: list[list[Value]] = [[] for _ in range(groups.count)]
        entries = np.sort(first)
        owners = groups.codes[rows[entries]].tolist()
        for owner, value in zip(owners, values[entries].tolist(), strict=True):
            lists[owner].append(value)
        return Column(objects(lists, groups.count))


def _entries(column: Column) -> tuple[Rows, Array]:
    """(row, value) of every value, those inside arrays one by one."""
    rows = np.flatnonzero(column.mask())
    values = column.values[rows]
    if column.numeric or list not in kinds(values):
        return rows, values
    pairs = [
        (row, item)
        for row, value in zip(rows.tolist(), values, strict=True)
        for item in (value if isinstance(value, list) else [value])
    ]
    return np.array([row for row, _ in pairs], np.intp), objects((item for _, item in pairs), len(pairs))


@dataclass(frozen=True)
class FirstValue(Reducer):
    """The first row's value, null if it has none."""

    inputs: tuple[str, ...]

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        return columns[0].with_nulls().take(groups.order[groups.starts])


@dataclass(frozen=True)
class FirstValueBy(Reducer):
    """The value of the row that sorts first among those that have one; a row that sorts by null comes last.

    RediSearch forgets the best row so far when it meets a null in ascending order.
    """

    inputs: tuple[str, ...]
    ascending: bool

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        value, by = columns
        by = by.with_nulls()
        candidates = np.flatnonzero(value.mask())
        if by.numeric and not np.isnan(by.values).any():
            best = self._best_numbers(groups, candidates, by)
        else:
            best = self._best(groups, candidates, by.values.tolist())
        found: list[Value] = [None] * groups.count
        for code, row in best.items():
            found[code] = value.values[row : row + 1].tolist()[0]
        return column_of(found)

    def _best_numbers(self, groups: Groups, candidates: Rows, by: Column) -> dict[int, int]:
        codes, keys = groups.codes[candidates], by.values[candidates]
        keys = keys if self.ascending else -keys
        least = np.full(groups.count, np.inf)
        np.minimum.at(least, codes, keys)
        hits = candidates[keys == least[codes]]
        found = np.unique(groups.codes[hits])
        first = first_rows(groups.codes[hits], groups.count)
        return dict(zip(found.tolist(), hits[first[found]].tolist(), strict=True))

    def _best(self, groups: Groups, candidates: Rows, keys: list[Value]) -> dict[int, int]:
        best: dict[int, int] = {}
        for row in candidates.tolist():
            code = int(groups.codes[row])
            if code not in best or self._precedes(keys[row], keys[best[code]]):
                best[code] = row
        return best

    def _precedes(self, key: Value, other: Value) -> bool:
        if key is None or other is None:
            return key is not None and other is None
        sign = lenient_order(key, other)
        return sign < 0 if self.ascending else sign > 0


@dataclass(frozen=True)
class RandomSample(Reducer):
    """Up to `size` of the group's values, each row equally likely (a reservoir)."""

    inputs: tuple[str, ...]
    size: int

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        column = columns[0]
        there = column.mask()
        samples: list[Value] = []
        for rows in groups.members():
            known = rows[there[rows]].tolist()
            chosen = known if len(known) <= self.size else sorted(random.sample(known, self.size))
            samples.append(column.values[chosen].tolist())
        return Column(objects(samples, groups.count))


@reducer("TOLIST")
def to_list(args: Arguments) -> Reducer:
    return ToList((args.property(),))


@reducer("FIRST_VALUE")
def first_value(args: Arguments) -> Reducer:
    name = args.property()
    if not args.accept(b"BY"):
        args.finish()
        return FirstValue((name,))
    by = args.property()
    descending = not args.accept(b"ASC") and args.accept(b"DESC")
    args.finish()
    return FirstValueBy((name, by), not descending)


@reducer("RANDOM_SAMPLE")
def random_sample(args: Arguments) -> Reducer:
    name, size = args.property(), args.unsigned("<sample size>")
    if size > MAX_SAMPLE:
        raise CommandError("Sample size too large")
    return RandomSample((name,), size)
