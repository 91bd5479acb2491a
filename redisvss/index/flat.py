"""Exact scans: the k nearest among all rows, or among a list of rows.

A scan has two steps. A fast one in the stored type gives every row an approximate distance whose error is bounded;
a slow one judges in float64 just those rows that could still belong to the k nearest. The answer is therefore that
of a float64 brute force, whatever the data; hostile data only make the second step longer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index import warm
from redisvss.index.bitmaps import ids_of
from redisvss.index.distance import INTEGER_TYPES, Array, Floats, Metric, Query, exact, nearest, widen
from redisvss.index.matrix import Ints, RowStore

if TYPE_CHECKING:
    from redisvss.index.coarse import CoarseRows

_CHUNK_ELEMENTS = 1 << 22  # elements per step of a long scan: bounds temporaries and the wait for a deadline
_WORTH_COMPILING = 1 << 20  # elements: numpy needs a millisecond from here on
_FEW = 128  # k up to which a list kept sorted by insertion is quicker than sorting all distances
_BRIEF = 1 << 21  # elements a single thread reads in about a millisecond
_TINY = 1 << 13  # elements below which float64 at once is quicker than two steps


class Scan(NamedTuple):
    """Rows with their reported distances, nearest first; `timed_out` when the deadline cut the scan short."""

    rows: Ints
    distances: Floats
    candidates: int
    timed_out: bool = False


def scan(
    store: RowStore,
    query: Query,
    rows: Ints | None,
    k: int,
    deadline: float | None = None,
    coarse: CoarseRows | None = None,
) -> Scan:
    """The k nearest of `rows` (None: every live row), ties by doc id, NaN distances last.

    coarse: the store's int8 copy, if there is one, for scans of every row.
    """
    if coarse is not None and rows is None and not query.odd and 0 < k <= _FEW:
        left = coarse.candidates(query, min(k, store.live), deadline)
        if left is not None:
            return scan(store, query, left.rows, k)._replace(timed_out=left.timed_out)
    rows = store.live_rows() if rows is None else rows
    total = store.size if rows is None else len(rows)
    if not query.odd and _compiled(store, total):
        return _measured(store, query, rows, k, deadline)
    if query.odd or total * store.dim <= _TINY:
        chosen, timed_out = (np.arange(total) if rows is None else rows), False
    else:
        chosen, timed_out = _candidates(store, query, rows, min(k, total), deadline)
    return _best(store, chosen, judge(store, query, chosen), k, timed_out)


def scan_batch(store: RowStore, queries: Sequence[Query], k: int, coarse: CoarseRows) -> list[Scan]:
    """`scan` of every live row for each of several queries, in one pass over the int8 copy."""
    plain = [query for query in queries if not query.odd] if 0 < k <= _FEW else []
    left = iter(coarse.candidates_of(plain, min(k, store.live)) if plain else [])
    rows = [next(left) if plain and not query.odd else None for query in queries]
    return [
        scan(store, query, some, k, coarse=coarse if some is None else None)
        for query, some in zip(queries, rows, strict=True)
    ]


def scan_docs(
    store: RowStore, query: Query, docs: BitMap, k: int, kernels: ModuleType
) -> tuple[Ints, Floats, int] | None:
    """(doc ids, distances, docs read) of the k nearest of some docs in one compiled call; None when it is not for it.

    For scans of about a millisecond at most. Docs without a vector are passed over, ties fall by doc id.
    kernels: `redisvss.index.compiled`, which its caller has at hand: to ask for it is 4 of the 30 µs around a kernel.
    """
    if query.odd or len(store.odd) or store.many or not 0 < k <= _FEW or len(docs) * store.dim > _BRIEF:
        return None
    found: tuple[Ints, Floats, int] = kernels.top_of_docs(store, query, ids_of(docs), k)
    return found


def top_of_rows(store: RowStore, query: Query, rows: Ints, k: int, kernels: ModuleType) -> tuple[Ints, Floats] | None:
    """(doc ids, distances) of the k nearest of a few rows, ties by doc id, in one compiled call where that will do.

    What a walk found is ranked by it: `scan` would take as long again to decide how.
    """
    if query.odd or len(store.odd) or store.many or not 0 < k <= _FEW or len(rows) > 2 * _FEW:
        return None
    nearest, distances = kernels.top(store, query, rows, min(k, len(rows)))
    return store.row_doc[nearest].astype(np.int64), distances


def _best(store: RowStore, rows: Ints, distances: Floats, k: int, timed_out: bool) -> Scan:
    order = nearest(distances, store.row_doc[rows], k)
    return Scan(rows[order], distances[order], len(rows), timed_out)


def _compiled(store: RowStore, rows: int) -> bool:
    """Whether compiled kernels may scan; a scan they would help asks for them."""
    usable = warm.ready if rows * store.dim >= _WORTH_COMPILING else warm.loaded
    return usable(warm.Part.SCAN, store.dtype, store.metric, store.dim)


def _measured(store: RowStore, query: Query, rows: Ints | None, k: int, deadline: float | None) -> Scan:
    """`scan` by compiled float64 arithmetic over every row."""
    from redisvss.index.compiled import measure, top

    total = store.size if rows is None else len(rows)
    if 0 < k <= _FEW and total * store.dim <= _BRIEF and not len(store.odd):
        return Scan(*top(store, query, rows, min(k, total)), total)
    distances = measure(store, query, rows, deadline)
    reached = len(distances)
    timed_out = reached < total
    chosen = np.arange(reached) if rows is None else rows[:reached]
    if len(store.odd):
        odd = _odd_places(store, chosen)
        distances[odd] = judge(store, query, chosen[odd])
    return _best(store, chosen, distances, k, timed_out)


def judge(store: RowStore, query: Query, rows: Ints, deadline: float | None = None) -> Floats:
    """Reported distances (len(rows),) of the given rows, in float64 arithmetic; fewer when the deadline passed."""
    step = max(1, _CHUNK_ELEMENTS // store.dim)
    if len(rows) <= step:
        return exact(query, store.vectors[rows], store.dtype, store.metric)
    parts: list[Floats] = []
    for at in range(0, len(rows), step):
        if parts and deadline is not None and time.monotonic() > deadline:
            break
        parts.append(exact(query, store.vectors[rows[at : at + step]], store.dtype, store.metric))
    return np.concatenate(parts)


def _candidates(store: RowStore, query: Query, rows: Ints | None, k: int, deadline: float | None) -> tuple[Ints, bool]:
    """Every row that may be among the k nearest, odd ones included."""
    near, timed_out = _approximate(store, query, rows, deadline)
    odd = _odd_places(store, rows)
    near[odd] = np.inf
    kth = np.partition(near, k - 1)[k - 1] if k < len(near) else np.inf
    near[odd] = -np.inf  # unknown: may be anywhere
    (keep,) = (near <= kth + 2 * error_bound(store, query)).nonzero()
    if timed_out:
        keep = keep[near[keep] < np.inf]
    return (keep if rows is None else rows[keep]), timed_out


def _odd_places(store: RowStore, rows: Ints | None) -> Ints:
    """Where among `rows` (None: all) the odd ones are."""
    return store.odd if rows is None or not len(store.odd) else np.flatnonzero(np.isin(rows, store.odd))


def error_bound(store: RowStore, query: Query) -> float:
    """How far an approximate distance may lie from the true one, for any row that is not odd.

    Summing d products in any order errs by at most d·u·‖x‖‖q‖; the 8 covers norms, the subtraction and the rounding.
    """
    unit = 2.0**-53 if store.dtype == "FLOAT64" else 2.0**-24
    slack = (store.dim + 8) * unit
    if store.metric is Metric.L2:
        return slack * (store.max_norm + query.norm) ** 2
    if store.dtype in INTEGER_TYPES and store.metric is Metric.COSINE:
        return 4 * slack
    return slack * (1 + store.max_norm * query.norm)


def _approximate(
    store: RowStore, query: Query, rows: Ints | None, deadline: float | None
) -> tuple[NDArray[np.floating], bool]:
    """Approximate distances of rows (None: all); those not reached before the deadline are infinite."""
    total = store.size if rows is None else len(rows)
    step = max(1, _CHUNK_ELEMENTS // store.dim)
    if total <= step:
        return _chunk(store, query, slice(None) if rows is None else rows), False
    near = np.full(total, np.inf, np.float64 if store.dtype == "FLOAT64" else np.float32)
    for at in range(0, total, step):
        if deadline is not None and time.monotonic() > deadline:
            return near, True
        near[at : at + step] = _chunk(store, query, slice(at, at + step) if rows is None else rows[at : at + step])
    return near, False


def _squares(store: RowStore, wide: Array, rows: Ints | slice) -> NDArray[np.floating]:
    """‖row‖² in the precision of the rows: stored norms are float32, not enough for FLOAT64."""
    if store.dtype != "FLOAT64":
        lengths = store.norms[rows]
        return lengths * lengths
    with np.errstate(over="ignore", invalid="ignore"):  # odd rows
        squares: Floats = np.einsum("ij,ij->i", wide, wide)
    return squares


def _chunk(store: RowStore, query: Query, rows: Ints | slice) -> NDArray[np.floating]:
    wide = widen(store.vectors[rows], store.dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # odd rows, judged elsewhere
        near: NDArray[np.floating] = wide @ query.wide.astype(wide.dtype)
    if store.metric is Metric.L2:
        near *= -2
        near += _squares(store, wide, rows)
        near += near.dtype.type(query.norm**2)
        return near
    if store.dtype in INTEGER_TYPES and store.metric is Metric.COSINE:
        with np.errstate(divide="ignore", invalid="ignore"):  # rows of norm zero are odd, and judged elsewhere
            near /= store.norms[rows] * np.float32(query.norm)
    near *= -1
    near += 1
    return near
