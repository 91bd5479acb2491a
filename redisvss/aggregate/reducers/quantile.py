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
from typing import Any

import numpy as np

from redisvss.aggregate.reducers.base import Groups, Reducer, numbers_by_row
from redisvss.aggregate.reducers.registry import Arguments, reducer
from redisvss.errors import CommandError
from redisvss.expression.columns import Column, Numbers

EPSILON = 0.01
_PER_RANK = EPSILON * 2.0
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
            part = np.sort(values[start : start + self.resolution])
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


def _allowance(rank: Any) -> Any:
    """How many ranks a sample at `rank` may stand for; of a number or an array."""
    return _PER_RANK * rank


class Stream:
    """Sorted samples: value, ranks it stands for, and how uncertain its rank is (g and Δ of the paper)."""

    def __init__(self) -> None:
        self._values: Numbers = np.empty(0)
        self._ranks: Numbers = np.empty(0)
        self._slack: Numbers = np.empty(0)
        self._count = 0

    def merge(self, buffer: Numbers) -> None:
        """Add values, in ascending order."""
        places = np.searchsorted(self._values, buffer, side="right")
        ranks_before = np.concatenate([[0.0], np.cumsum(self._ranks)])[places]
        slack = np.where(places == len(self._values), 0.0, np.floor(_allowance(ranks_before)) - 1.0)
        self._values = np.insert(self._values, places, buffer)
        self._ranks = np.insert(self._ranks, places, 1.0)
        self._slack = np.insert(self._slack, places, slack)
        self._count += len(buffer)

    def thin(self) -> None:
        """From the greatest down, let the next greater sample stand for a sample as far as the error allows."""
        ranks, slack = self._ranks.tolist(), self._slack.tolist()
        last = len(ranks) - 1
        kept, stands_for = [last], []
        greater, uncertain, rank = ranks[last], slack[last], self._count - 1 - ranks[last]
        for at in range(last - 1, -1, -1):
            own = ranks[at]
            if own + greater + uncertain <= _PER_RANK * rank:
                greater += own
            else:
                kept.append(at)
                stands_for.append(greater)
                greater, uncertain = own, slack[at]
            rank -= own
        stands_for.append(greater)
        chosen = np.array(kept[::-1])
        self._values, self._slack = self._values[chosen], self._slack[chosen]
        self._ranks = np.array(stands_for[::-1])

    def query(self, fraction: float) -> float:
        wanted = math.ceil(fraction * self._count)
        wanted += math.floor(_allowance(wanted) / 2.0)
        reached = np.cumsum(self._ranks[1:])
        enough = np.flatnonzero(reached + self._slack[1:] >= wanted)
        return float(self._values[enough[0] if len(enough) else -1])


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
