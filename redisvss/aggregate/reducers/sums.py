"""SUM, AVG, MIN, MAX, STDDEV: a number for each group. What is no number counts as nothing, for AVG as 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from redisvss.aggregate.reducers.base import Groups, Reducer, as_numbers, numbers_by_row
from redisvss.aggregate.reducers.registry import reducer
from redisvss.expression.columns import Column, Numbers


@dataclass(frozen=True)
class _Numeric(Reducer):
    inputs: tuple[str, ...]
    compute: Callable[[Groups, Column], Numbers]

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        with np.errstate(all="ignore"):
            return Column(self.compute(groups, columns[0]))


def _totals(groups: Groups, column: Column) -> Numbers:
    values, there = as_numbers(column)
    totals: Numbers = np.bincount(groups.codes, np.where(there, values, 0.0), groups.count).astype(np.float64)
    return totals


def _averages(groups: Groups, column: Column) -> Numbers:
    """Over all rows of the group, those without a number included."""
    return _totals(groups, column) / np.bincount(groups.codes, minlength=groups.count)


def _extremes(groups: Groups, column: Column, pick: Any, nothing: float) -> Numbers:
    """0 for a group without numbers, and, as RediSearch has it, where the extreme is infinite."""
    values, there = as_numbers(column)
    if not groups.count:
        return np.zeros(0)
    sorted_values = np.where(there, values, nothing)[groups.order]
    extremes = pick.reduceat(sorted_values, groups.starts)
    return np.where(np.isinf(extremes), 0.0, extremes)


def _deviations(groups: Groups, column: Column) -> Numbers:
    """The sample standard deviation; 0 for fewer than two numbers. Entries of arrays count one by one."""
    rows, values = numbers_by_row(column)
    codes = groups.codes[rows]
    counts = np.bincount(codes, minlength=groups.count)
    means = np.bincount(codes, values, groups.count) / counts
    differences = values - means[codes]
    # The second sum takes back what rounding the mean cost.
    squares = np.bincount(codes, differences * differences, groups.count)
    residue = np.bincount(codes, differences, groups.count)
    variance = np.maximum(squares - residue * residue / counts, 0.0) / (counts - 1)
    return np.where(counts > 1, np.sqrt(variance), 0.0)


def _register(name: str, compute: Callable[[Groups, Column], Numbers]) -> None:
    reducer(name)(lambda args: _Numeric((args.property(),), compute))


_register("SUM", _totals)
_register("AVG", _averages)
_register("MIN", lambda groups, column: _extremes(groups, column, np.fmin, np.inf))
_register("MAX", lambda groups, column: _extremes(groups, column, np.fmax, -np.inf))
_register("STDDEV", _deviations)
