"""QUANTILE: RediSearch's streaming estimate, exact for groups smaller than the resolution.

The algorithm is the quantile sketch of Cormode, Korn, Muthukrishnan and Srivastava (ICDE 2005) with an error of 1 %:
values are gathered in a buffer of `resolution`, merged into a sorted list of samples when it is full, and the list
is thinned. Followed step by step, since the answers depend on every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from redisvss.aggregate.reducers.base import Groups, Reducer, numbers_by_row
from redisvss.aggregate.reducers.registry import Arguments, reducer
from redisvss.errors import CommandError
from redisvss.expression.columns import Column, Numbers

EPSILON = 0.01
DEFAULT_RESOLUTION = 500
MAX_RESOLUTION = 1000
_MERGES_PER_CHECK = 64  # between two looks at the clock: a merge takes some 0.1 ms


@dataclass(frozen=True)
class Quantile(Reducer):
    inputs: tuple[str, ...]
    fraction: float
    resolution: int

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        rows, values = numbers_by_row(columns[0])
        codes = groups.codes[rows]
        by_group = values[np.argsort(codes, kind="stable")]
        bounds = [0, *np.cumsum(np.bincount(codes, minlength=groups.count)).tolist()]
        estimates = [self._estimate(by_group[start:end], groups.check) for start, end in pairwise(bounds)]
        return Column(np.array(estimates, np.float64))

    def _estimate(self, values: Numbers, check: Callable[[], None]) -> float:
        """Of one group's values in the order they came; 0 if there are none."""
        if not len(values):
            return 0.0
        if len(values) < self.resolution:
            return float(np.sort(values)[_rank(self.fraction, len(values)) - 1])
        stream = Stream()
        for merges, start in enumerate(range(0, len(values), self.resolution)):
            part = np.sort(values[start : start + self.resolution]).tolist()
            stream.merge(part)
            if len(part) == self.resolution:
                stream.thin()
            if merges % _MERGES_PER_CHECK == 0:
                check()
        return stream.query(self.fraction)


def _rank(fraction: float, count: int) -> int:
    """Which value, counted from 1, answers a query on samples that each stand for one."""
    wanted = math.ceil(fraction * count)
    return min(max(wanted + math.floor(EPSILON * wanted), 1), count)


def _allowance(rank: float) -> float:
    """How many ranks a sample at `rank` may stand for."""
    return EPSILON * 2.0 * rank


class Stream:
    """Sorted samples: value, ranks it stands for, and how uncertain its rank is (g and Δ of the paper)."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._ranks: list[float] = []
        self._slack: list[float] = []
        self._count = 0

    def merge(self, buffer: Sequence[float]) -> None:
        """Add values, in ascending order."""
        values: list[float] = []
        ranks: list[float] = []
        slack: list[float] = []
        rank, at, known = 0.0, 0, len(self._values)
        for value in buffer:
            start = at
            while at < known and not self._values[at] > value:
                rank += self._ranks[at]
                at += 1
            values += self._values[start:at]
            ranks += self._ranks[start:at]
            slack += self._slack[start:at]
            values.append(value)
            ranks.append(1.0)
            slack.append(0.0 if at == known else math.floor(_allowance(rank)) - 1.0)
        self._values = values + self._values[at:]
        self._ranks = ranks + self._ranks[at:]
        self._slack = slack + self._slack[at:]
        self._count += len(buffer)

    def thin(self) -> None:
        """From the greatest down, let the next greater sample stand for a sample as far as the error allows."""
        if len(self._values) < 2:
            return
        kept = [(self._values[-1], self._ranks[-1], self._slack[-1])]
        rank = self._count - 1 - self._ranks[-1]
        for at in range(len(self._values) - 2, -1, -1):
            ranks = self._ranks[at]
            value, greater, slack = kept[-1]
            if ranks + greater + slack <= _allowance(rank):
                kept[-1] = (value, greater + ranks, slack)
            else:
                kept.append((self._values[at], ranks, self._slack[at]))
            rank -= ranks
        kept.reverse()
        self._values, self._ranks, self._slack = (list(part) for part in zip(*kept, strict=True))

    def query(self, fraction: float) -> float:
        wanted = math.ceil(fraction * self._count)
        wanted += math.floor(_allowance(wanted) / 2.0)
        rank, found = 0.0, self._values[0]
        for value, ranks, slack in zip(self._values[1:], self._ranks[1:], self._slack[1:], strict=True):
            if rank + ranks + slack >= wanted:
                break
            rank += ranks
            found = value
        return found


@reducer("QUANTILE")
def quantile(args: Arguments) -> Reducer:
    name, fraction = args.property(), args.number(args.name)
    if not 0.0 <= fraction <= 1.0:
        raise CommandError("Percentage must be between 0.0 and 1.0")
    resolution = args.unsigned("<resolution>") if len(args) else DEFAULT_RESOLUTION
    if not 1 <= resolution <= MAX_RESOLUTION:
        raise CommandError("Invalid resolution")
    args.finish()
    return Quantile((name,), fraction, resolution)
