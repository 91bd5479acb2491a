"""The stored rows as the compiled kernels want them, and the kernels' exact scan.

Importing this imports numba: ask `redisvss.index.warm` first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index.distance import INTEGER_TYPES, Array, Floats, Metric, Query, reported
from redisvss.index.kernels import scan
from redisvss.index.kernels.arith import DOT, SQUARED_L2, integer_cosine
from redisvss.index.matrix import Ints, RowStore

SHARE = 64  # rows per task of a build: small enough to balance threads, large enough to hide the dispatch
SCAN_SHARE = 1 << 21  # elements per task of a scan: about a millisecond, so small scans stay in the caller's thread
DEADLINE_EVERY = 1 << 22  # elements between two looks at the clock: 3 ms; eight times as many are no faster
_WORDS_PER_KEY = 1024  # a Roaring container covers 65,536 ids

_NO_ROWS = np.empty(0, np.int64)
_workers = os.cpu_count() or 1  # asked once: the call costs 50 µs

_pool: ThreadPoolExecutor | None = None


def in_parallel(task: Callable[[int, int], object], n: int, share: int = SHARE) -> None:
    """Run task(first, last) over shares of range(n) in threads; a single share runs in the caller's."""
    global _pool
    if n <= share or _workers == 1:
        task(0, n)
        return
    if _pool is None:
        _pool = ThreadPoolExecutor(_workers, "redisvss-vectors")
    for done in [_pool.submit(task, first, min(n, first + share)) for first in range(0, n, share)]:
        done.result()


def even_share(n: int, most: int) -> int:
    """How many of n to give a task, `most` at most, so that no thread works on while the others are done."""
    tasks = -(-n // most)
    return -(-n // (-(-tasks // _workers) * _workers)) if tasks > 1 else most


def rows_of(store: RowStore) -> Array:
    """Stored vectors with the element type the kernels decode (float16 as its bits)."""
    return decodable(store.vectors)


def decodable(vectors: Array) -> Array:
    """Stored rows with the element type the kernels decode."""
    return vectors.view(np.uint16) if vectors.dtype.char == "e" else vectors


def query_type(store: RowStore) -> np.dtype[Any]:
    """Type of a query that walks a graph: the arithmetic of the search."""
    if store.dtype in INTEGER_TYPES:
        return np.dtype(np.int16)
    return np.dtype(np.float64 if store.dtype == "FLOAT64" else np.float32)


def metric_of(store: RowStore, norm: float) -> Any:
    """The kernels' metric for a query of this norm."""
    if store.metric is Metric.L2:
        return SQUARED_L2
    if store.metric is Metric.COSINE and store.dtype in INTEGER_TYPES:
        return integer_cosine(norm)
    return DOT


def prepare(values: Array, metric: Metric) -> Query | None:
    """`distance.prepare` of FLOAT32 values in a quarter of its time; None for what is not ordinary.

    values: (dim,), not modified.
    """
    wide = np.empty(len(values))
    norm = scan.prepare(frozen(values), metric is Metric.COSINE, wide)
    return None if norm < 0 else Query(wide, norm, False)


def frozen(values: Array) -> Array:
    """The same values as `np.frombuffer` gives them, read-only: kernels are compiled for no others."""
    if values.flags.writeable or not values.flags.c_contiguous:
        values = np.ascontiguousarray(values).view()
        values.flags.writeable = False
    return values


def measure(store: RowStore, query: Query, chosen: Ints | None, deadline: float | None = None) -> Floats:
    """Reported distances of the chosen rows (None: of all), fewer when the deadline passed before the last."""
    wide = query.wide if store.dtype not in INTEGER_TYPES else query.wide.astype(np.int16)
    total = store.size if chosen is None else len(chosen)
    rows, metric, out = rows_of(store), metric_of(store, query.norm), np.empty(total)
    step = total if deadline is None else max(1, DEADLINE_EVERY // store.dim)
    for start in range(0, total, max(1, step)):
        if deadline is not None and time.monotonic() > deadline:
            return reported(out[:start], store.dtype)

        def share(first: int, last: int, start: int = start) -> None:
            if chosen is None:
                scan.measure_all(wide, rows, start + first, start + last, metric, out)
            else:
                scan.measure(wide, rows, chosen, start + first, start + last, metric, out)

        in_parallel(share, min(step, total - start), max(1, SCAN_SHARE // store.dim))
    return reported(out, store.dtype)


def top(store: RowStore, query: Query, chosen: Ints | None, k: int) -> tuple[Ints, Floats]:
    """Rows and reported distances of the k nearest chosen rows (None: of all), none of them odd; ties by doc id.

    For small k and scans short enough for one thread: one call instead of a dozen passes over the distances.
    """
    wide = query.wide if store.dtype not in INTEGER_TYPES else query.wide.astype(np.int16)
    dist, ids = np.empty(k), np.empty(k, np.int64)
    whole, rows, count = (True, _NO_ROWS, store.size) if chosen is None else (False, chosen, len(chosen))
    size = scan.top(
        wide, rows_of(store), store.row_doc, rows, count, whole, metric_of(store, query.norm), dist, ids
    )  # fmt: skip
    return ids[:size], dist[:size]


def top_of_docs(store: RowStore, query: Query, docs: NDArray[np.uint32], k: int) -> tuple[Ints, Floats, int]:
    """(doc ids, reported distances) of the k nearest of some docs, ties by doc id; and how many have a vector.

    For a store without odd rows and without docs of several vectors. docs: ascending.
    """
    wide = query.wide if store.dtype not in INTEGER_TYPES else query.wide.astype(np.int16)
    rows, _, _ = store.reserved
    dist, ids = np.empty(k), np.empty(k, np.int64)
    size, read = scan.top_of_docs(
        wide, decodable(rows), store.doc_row, docs, metric_of(store, query.norm), dist, ids
    )  # fmt: skip
    return (ids, dist, read) if size == k else (ids[:size], dist[:size], read)


def words_of(docs: BitMap) -> NDArray[np.uint64]:
    """Packed bits of a non-empty set of doc ids."""
    words = np.zeros(((docs.max() >> 16) + 1) * _WORDS_PER_KEY, np.uint64)
    scan.unpack(np.frombuffer(docs.serialize(), np.uint8), words)
    return words
