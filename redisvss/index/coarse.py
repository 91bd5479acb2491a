"""Reading a quarter of the bytes: an int8 copy of float rows that rules most of them out of a full scan.

A full scan is as slow as memory. Each row is also kept as int8 steps around the centre of the data, with the length of
what that leaves out; from these follow bounds on its distance (Cauchy–Schwarz), and only rows whose lower bound
reaches the k-th smallest upper bound are read in full. The answer is exact whatever the data. Where the bounds rule
too little out (one dimension that dwarfs the others), the next scans skip the copy.

Importing this imports numba: ask `redisvss.index.warm` first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from redisvss.index.compiled import DEADLINE_EVERY, SCAN_SHARE, in_parallel
from redisvss.index.distance import Floats, Metric, Query
from redisvss.index.kernels import coarse
from redisvss.index.matrix import Growing, Ints, RowStore

_USELESS_SHARE = 0.05  # of rows left: reading scattered rows then costs as much as reading all in order
_SKIPPED = 32  # scans that do without the copy after it ruled out too little
_MAX_STEPS = 32_767  # of a query's int16 code
_SAMPLE = 4096  # rows the centre is the mean of


class Candidates(NamedTuple):
    """Rows to be read in full; `timed_out` when they are those of the rows reached before the deadline only."""

    rows: Ints
    timed_out: bool = False


class CoarseRows:
    """The int8 copy of a RowStore. The owner calls `code` for rows that changed, under its exclusive lock."""

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._codes = Growing(np.int8, store.dim)
        self._scales, self._errors, self._lengths = (Growing(np.float32) for _ in range(3))
        live = np.setdiff1d(store.all_live(), store.odd)
        sample = live[:: max(1, len(live) // _SAMPLE)]
        self._centre = store.vectors[sample].astype(np.float64).mean(axis=0)
        self._skip = 0
        self.code(store.all_live())

    def code(self, rows: Ints) -> None:
        """Copy rows just stored. Odd ones get an infinite error: nothing rules them out."""
        for column in (self._codes, self._scales, self._errors, self._lengths):
            column.reserve(self._store.size)
        vectors, columns = self._store.vectors, (self._codes, self._scales, self._errors, self._lengths)

        def share(first: int, last: int) -> None:
            coarse.encode(vectors, rows, first, last, self._centre, *(column.array for column in columns))

        in_parallel(share, len(rows), max(1, SCAN_SHARE // self._store.dim))
        self._errors.array[self._store.odd] = np.inf
        self._lengths.array[self._store.odd] = 0
        self._scales.array[self._store.odd] = 0

    def candidates(self, query: Query, k: int, deadline: float | None = None) -> Candidates | None:
        """Every live row that may be among the k nearest; None when that would be too many to pay."""
        if self._skip > 0:
            self._skip -= 1
            return None
        lower, best = self._bounds(query, k, deadline)
        keep = np.flatnonzero(lower <= np.float32(best + abs(best) * 2.0**-22))
        if len(lower) < self._store.size:
            return Candidates(keep, timed_out=True)
        if len(keep) > k + _USELESS_SHARE * self._store.live:
            self._skip = _SKIPPED
            return None
        return Candidates(keep)

    def _bounds(self, query: Query, k: int, deadline: float | None) -> tuple[NDArray[np.float32], float]:
        """Lower bound of each row reached before the deadline, and the k-th smallest upper bound of these."""
        store, squared = self._store, self._store.metric is Metric.L2
        target = query.wide - self._centre if squared else query.wide
        constant = float(target @ target) if squared else 1 - float(self._centre @ query.wide)
        code, step, norm, error = _code_query(target)
        lower, lists, lock = np.empty(store.size, np.float32), [np.full(k, np.inf)], threading.Lock()
        columns = (self._codes.array, self._scales.array, self._errors.array, self._lengths.array)

        def share(first: int, last: int) -> None:
            best = np.full(k, np.inf)
            coarse.bounds(code, step, norm, error, squared, constant, *columns, store.row_doc, first, last, lower, best)
            with lock:
                lists.append(best)

        reached = 0
        block = store.size if deadline is None else max(1, 4 * DEADLINE_EVERY // store.dim)
        while reached < store.size and (deadline is None or time.monotonic() <= deadline):
            last = min(store.size, reached + block)
            in_parallel(partial(_shifted, share, reached), last - reached, max(1, 4 * SCAN_SHARE // store.dim))
            reached = last
        return lower[:reached], float(np.sort(np.concatenate(lists))[k - 1])

    def memory_bytes(self) -> int:
        """Bytes reserved for the copy."""
        return sum(column.array.nbytes for column in (self._codes, self._scales, self._errors, self._lengths))


def _shifted(share: Callable[[int, int], None], start: int, first: int, last: int) -> None:
    share(start + first, start + last)


def _code_query(target: Floats) -> tuple[NDArray[np.int16], float, float, float]:
    """(int16 code, size of its step, ‖target‖, ‖target − step·code‖); steps so many that sums stay below 2³¹."""
    steps = min(_MAX_STEPS, (2**31 - 1) // (127 * len(target)))
    step = float(np.abs(target).max()) / steps or 1.0
    code = np.rint(target / step).astype(np.int16)
    return code, step, float(np.linalg.norm(target)), float(np.linalg.norm(target - step * code))
