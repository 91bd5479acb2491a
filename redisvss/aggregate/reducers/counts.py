"""COUNT, COUNT_DISTINCT, COUNT_DISTINCTISH: how many rows, how many values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redisvss.aggregate.factorize import factorize
from redisvss.aggregate.reducers.base import Groups, Reducer, rows_with_value
from redisvss.aggregate.reducers.registry import Arguments, reducer
from redisvss.errors import CommandError
from redisvss.expression.columns import Column


@dataclass(frozen=True)
class Count(Reducer):
    inputs: tuple[str, ...] = ()

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        return Column(np.bincount(groups.codes, minlength=groups.count).astype(np.float64))


@dataclass(frozen=True)
class CountDistinct(Reducer):
    """Null is no value, and an array is one."""

    inputs: tuple[str, ...]

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        column = columns[0]
        rows = rows_with_value(column)
        codes, distinct = factorize(column.values[rows])
        pairs = np.unique(groups.codes[rows] * (len(distinct) or 1) + codes)
        counts = np.bincount(pairs // (len(distinct) or 1), minlength=groups.count)
        return Column(counts.astype(np.float64))


@reducer("COUNT")
def count(args: Arguments) -> Reducer:
    if len(args):
        raise CommandError("Count accepts 0 values only")
    return Count()


@reducer("COUNT_DISTINCT")
def count_distinct(args: Arguments) -> Reducer:
    return CountDistinct((args.property(),))


# RediSearch estimates, with 256 registers and a hash that is badly off for few values (7 numbers count as 3); the exact
# count costs no more here.
reducer("COUNT_DISTINCTISH")(count_distinct)
