"""Reading a quarter of the bytes: an int8 copy of float rows that rules most of them out of a full scan.

A full scan is as slow as memory. Each row is also kept as int8 steps around the centre of the data, with the length of
what that leaves out; from these follow bounds on its distance (Cauchy–Schwarz), and only rows whose lower bound
reaches the k-th smallest upper bound are read in full. The answer is exact whatever the data. Where the bounds rule
too little out (one dimension that dwarfs the others), the next scans skip the copy.

One query is as quick as memory and comes as int16, for tight bounds. A batch is as quick as arithmetic and comes in
seven bits: twice the speed, bounds three times as wide.

Importing this imports numba: ask `redisvss.index.warm` first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from redisvss.index.compiled import DEADLINE_EVERY, SCAN_SHARE, even_share, in_parallel, rows_of
from redisvss.index.distance import Array, Floats, Metric, Query, widen
from redisvss.index.kernels import coarse
from redisvss.index.kernels.products import BIAS, MOST_STEPS, QUERIES, ROWS, STEP
from redisvss.index.matrix import Growing, Ints, RowStore

_USELESS_SHARE = 0.05  # of rows left: reading scattered rows then costs as much as reading all in order
_SKIPPED = 32  # scans that do without the copy after it ruled out too little
_MAX_STEPS = 32_767  # of an int16 query
_FASTER = 16  # a quarter of the bytes, in a quarter of the time each; shares a quarter as long cost 40 % more in all
_FIRST = 2048  # rows scanned ahead of the others, which then begin with a limit
_SAMPLE = 4096  # rows the centre is the mean of


class Candidates(NamedTuple):
    """Rows to be read in full; `timed_out` when they are those of the rows reached before the deadline only."""

    rows: Ints
    timed_out: bool = False


class _Coded(NamedTuple):
    """Queries as `kernels.coarse.select` wants them. terms: (queries, 5)."""

    codes: Array
    terms: Floats


class CoarseRows:
    """The int8 copy of a RowStore. The owner calls `code` for rows that changed, under its exclusive lock."""

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._width = -(-store.dim // STEP) * STEP
        self._codes = Growing(np.int8, ROWS * self._width)
        self._scales, self._errors, self._lengths = (Growing(np.float32) for _ in range(3))
        live = np.setdiff1d(store.all_live(), store.odd)
        sample = live[:: max(1, len(live) // _SAMPLE)]
        self._centre = widen(store.vectors[sample], store.dtype).astype(np.float64).mean(axis=0)
        self._skip = 0
        self.code(store.all_live())

    def code(self, rows: Ints) -> None:
        """Copy rows just stored. Odd ones get a NaN for their error: no bound finds them."""
        blocks = -(-self._store.size // ROWS)
        self._codes.reserve(blocks)
        for column in (self._scales, self._errors, self._lengths):
            column.reserve(blocks * ROWS)
        vectors = rows_of(self._store)

        def share(first: int, last: int) -> None:
            coarse.encode(vectors, rows, first, last, self._centre, *self._columns)

        in_parallel(share, len(rows), max(1, SCAN_SHARE // self._store.dim))
        self._errors.array[self._store.odd] = np.nan

    @property
    def _columns(self) -> tuple[Array, Array, Array, Array]:
        return self._codes.array, self._scales.array, self._errors.array, self._lengths.array

    def candidates(self, query: Query, k: int, deadline: float | None = None) -> Candidates | None:
        """Every live row that may be among the k nearest; None when that would be too many to pay."""
        if self._skip > 0:
            self._skip -= 1
            return None
        coded = _Coded(*self._int16(query))
        (rows,), reached = self._select(coded, 1, k, deadline)
        if reached < self._store.size:
            return Candidates(rows, timed_out=True)
        if self._useless(rows, k):
            self._skip = _SKIPPED
            return None
        return Candidates(rows)

    def candidates_of(self, queries: Sequence[Query], k: int) -> list[Ints | None]:
        """`candidates` of each of several queries, found in one pass over the copy."""
        found, _ = self._select(self._int8(queries), len(queries), k, None)
        return [None if self._useless(rows, k) else rows for rows in found]

    def _useless(self, rows: Ints, k: int) -> bool:
        return len(rows) > k + _USELESS_SHARE * self._store.live

    # ---- queries as codes ----------------------------------------------------------------------------------------

    def _int16(self, query: Query) -> tuple[Array, Floats]:
        code, terms = self._code(query, min(_MAX_STEPS, (2**31 - 1) // (127 * self._width)))
        return code.astype(np.int16)[None, :], np.array([terms])

    def _int8(self, queries: Sequence[Query]) -> _Coded:
        groups = -(-len(queries) // QUERIES)
        codes, terms = np.zeros((groups * QUERIES, self._width), np.int8), np.zeros((groups * QUERIES, 5))
        for at, query in enumerate(queries):
            codes[at], terms[at] = self._code(query, MOST_STEPS)
        terms[:, 4] = -BIAS * codes.sum(axis=1, dtype=np.int64)
        quads = codes.reshape(groups, QUERIES, self._width // 4, 4).transpose(0, 2, 1, 3)
        return _Coded(np.ascontiguousarray(quads).reshape(groups, -1), terms)

    def _code(self, query: Query, steps: int) -> tuple[Floats, tuple[float, float, float, float, float]]:
        """(width,) whole numbers up to `steps`, and the terms of `select` for them."""
        squared = self._store.metric is Metric.L2
        target = query.wide - self._centre if squared else query.wide
        constant = float(target @ target) if squared else 1 - float(self._centre @ query.wide)
        step = float(np.abs(target).max()) / steps or 1.0
        code = np.zeros(self._width)
        code[: len(target)] = np.rint(target / step)
        left_out = float(np.linalg.norm(target - step * code[: len(target)]))
        return code, (step, float(np.linalg.norm(target)), left_out, constant, 0.0)

    # ---- the scan ------------------------------------------------------------------------------------------------

    def _select(self, coded: _Coded, asked: int, k: int, deadline: float | None) -> tuple[list[Ints], int]:
        """For each query the rows that may be among its k nearest, of the rows reached before the deadline."""
        store, kept = self._store, _Kept(len(coded.terms), asked, k)
        codes, *columns = self._columns
        blocks = -(-store.size // ROWS)
        columns = [column[: blocks * ROWS].reshape(blocks, ROWS) for column in columns]

        def share(first: int, last: int) -> None:
            limits, best = kept.so_far()
            found, lowers = (np.empty((len(limits), last - first), kind) for kind in (np.int32, np.float64))
            counts = np.zeros(len(limits), np.int64)
            coarse.select(
                *coded, store.metric is Metric.L2, codes, *columns, store.row_doc, first, last, limits, best, found,
                lowers, counts,
            )  # fmt: skip
            kept.add(limits, best, [(found[q, :n], lowers[q, :n]) for q, n in enumerate(counts[:asked])])

        reached, size = 0, self._rows_in(SCAN_SHARE)
        block = store.size if deadline is None else self._rows_in(DEADLINE_EVERY)
        while reached < store.size and (deadline is None or time.monotonic() <= deadline):
            last = min(store.size, reached + (block if reached else min(block, _FIRST)))
            in_parallel(partial(_shifted, share, reached), last - reached, even_share(last - reached, size))
            reached = last
        odd = store.odd[store.odd < reached]
        return [np.union1d(rows, odd) if len(odd) else rows for rows in kept.rows()], reached

    def _rows_in(self, elements: int) -> int:
        """Whole blocks that are scanned in the time in which so many elements are read in full."""
        return max(ROWS, _FASTER * elements // self._store.dim // ROWS * ROWS)

    def memory_bytes(self) -> int:
        """Bytes reserved for the copy."""
        return sum(column.nbytes for column in self._columns)


class _Kept:
    """What the shares of a scan found so far, by query; for all their threads. Those that fill a group find nothing."""

    def __init__(self, queries: int, asked: int, k: int) -> None:
        self._best = np.full((queries, k), np.inf)
        self._limits = np.full(queries, np.inf)
        self._limits[asked:] = -np.inf
        self._found: list[list[tuple[NDArray[np.int32], Floats]]] = [[] for _ in range(asked)]
        self._lock = threading.Lock()

    def so_far(self) -> tuple[Floats, Floats]:
        """Limits to begin a share with, and an empty list of its own smallest upper bounds."""
        with self._lock:
            return self._limits.copy(), np.full_like(self._best, np.inf)

    def add(self, limits: Floats, best: Floats, found: list[tuple[NDArray[np.int32], Floats]]) -> None:
        """A share is done: these rows, and their lower bounds, were within its limits."""
        with self._lock:
            self._best = np.sort(np.concatenate([self._best, best], axis=1), axis=1)[:, : best.shape[1]]
            kth = self._best[:, -1]
            self._limits = np.minimum(np.minimum(self._limits, limits), kth + np.abs(kth) * coarse.TIE)
            for lists, (rows, lowers), limit in zip(self._found, found, self._limits, strict=False):
                near = lowers <= limit
                lists.append((rows[near], lowers[near]))

    def rows(self) -> list[Ints]:
        """For each query the rows within the last limit, ascending within a share."""
        return [
            np.concatenate([rows[lowers <= limit] for rows, lowers in lists] or [np.empty(0)]).astype(np.int64)
            for lists, limit in zip(self._found, self._limits, strict=False)
        ]


def _shifted(share: Callable[[int, int], None], start: int, first: int, last: int) -> None:
    share(start + first, start + last)
