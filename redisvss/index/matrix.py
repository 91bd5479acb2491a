"""Rows of vectors and whose they are: the one copy of the vectors that every search strategy reads.

Owns row allocation, the doc ↔ row mapping and the recognition of unchanged vectors. Knows nothing of queries.
A row is *live* (it has a doc), *dead* (its doc left, but a graph may still route through it) or *free*.
"""

from __future__ import annotations

import contextlib
import heapq
import mmap
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index.distance import STORED, Array, Metric, normalise, norms, odd_rows

Ints = NDArray[np.int64]

NO_ROW = -1
MANY_ROWS = -2  # the doc has several vectors: see RowStore.many
NO_DOC = -1

# An array of this many bytes or more lives in a mapping of its own on Linux. Growing it moves page tables, not bytes:
# 0.1 ms at 300 MB, where ndarray.resize took 470 (numpy asks for huge pages for most of a block, which splits the
# mapping, and mremap refuses what is split: realloc then copies). Huge pages, kept through every move, also make a
# random row 20 % quicker to read. So growth can be by small steps; elsewhere it may copy, and 1/8 keeps that amortised.
_MAPPED_FROM = 4 << 20
_HUGE_PAGE = 2 << 20
_STEP_BYTES = 4 << 20


class Growing:
    """An array that grows along its first axis in place.

    `array` must be fetched anew after `reserve`: growing may move it. New elements hold `fill`.
    """

    def __init__(self, dtype: Any, width: int | None = None, fill: int = 0, capacity: int = 0) -> None:
        self.array: Array = np.zeros((0,) if width is None else (0, width), dtype)
        self._fill = fill
        self._entry = self.array.itemsize * (1 if width is None else width)  # bytes
        self._pages: mmap.mmap | None = None
        self.reserve(capacity)

    def reserve(self, n: int) -> None:
        """Make room for n entries."""
        have = len(self.array)
        if n <= have:
            return
        room = max(n, have + min(max(have, 1024), self._step(have))) if have else n
        if sys.platform == "linux" and room * self._entry >= _MAPPED_FROM:
            self._map(room)
        else:
            self._copy_to(np.zeros((room, *self.array.shape[1:]), self.array.dtype))
        if self._fill:
            self.array[have:] = self._fill

    def _copy_to(self, larger: Array) -> None:
        larger[: len(self.array)] = self.array
        self.array = larger

    def _step(self, have: int) -> int:
        step = max(1024, _STEP_BYTES // self._entry)
        return step if sys.platform == "linux" else max(step, have // 8)

    def _map(self, room: int) -> None:
        """Move to a mapping of whole huge pages for at least `room` entries, or make the one there is larger."""
        size = -(-room * self._entry // _HUGE_PAGE) * _HUGE_PAGE
        if self._pages is not None and self._stretch(size):
            self.array = self._view(self._pages)
        else:
            self._pages = _mapping(size)
            self._copy_to(self._view(self._pages))

    def _stretch(self, size: int) -> bool:
        """Let the kernel make the mapping larger, elsewhere if need be: only when no array looks into it."""
        assert self._pages is not None
        self.array = self.array[:0].copy()
        try:
            self._pages.resize(size)
        except BufferError:  # somebody kept a view, which stays what it was
            self.array = self._view(self._pages)
            return False
        return True

    def _view(self, pages: mmap.mmap) -> Array:
        width = self.array.shape[1:]
        count = len(pages) // self._entry
        return np.frombuffer(pages, self.array.dtype, count * int(np.prod(width))).reshape(count, *width)


def _mapping(size: int) -> mmap.mmap:
    """Zeroed memory, in huge pages where the kernel has them."""
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError, AttributeError):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return pages


class RowStore:
    """Stored rows of one field with their docs. Callers lock: one writer, or many readers."""

    def __init__(self, dtype: str, dim: int, metric: Metric, capacity: int = 0) -> None:
        self.dtype, self.dim, self.metric = dtype, dim, metric
        self._vectors = Growing(STORED[dtype], dim, capacity=capacity)
        self._row_doc = Growing(np.int32, fill=NO_DOC, capacity=capacity)
        self._doc_row = Growing(np.int32, fill=NO_ROW)
        self._hashes = Growing(np.int64, capacity=capacity)
        self._norms = Growing(np.float32, capacity=capacity)
        self.many: dict[int, Ints] = {}
        self.docs = BitMap()
        self.odd: Ints = np.empty(0, np.int64)  # live rows only the float64 path can judge, ascending
        self.max_norm = 0.0  # over every row ever stored that is not odd
        self.size = 0  # rows ever used: live, dead and free
        self.live = 0
        self._free: list[int] = []

    @property
    def vectors(self) -> Array:
        """(size, dim) stored type, dead and free rows included."""
        return self._vectors.array[: self.size]

    @property
    def row_doc(self) -> NDArray[np.int32]:
        """(size,) doc id of each row, NO_DOC for dead and free rows."""
        return self._row_doc.array[: self.size]

    @property
    def reserved(self) -> tuple[Array, NDArray[np.float32], NDArray[np.int32]]:
        """`vectors`, `norms` and `row_doc` with the room beyond `size`, for kernels that never look there: a walk needs
        no views of its own (3 µs)."""
        return self._vectors.array, self._norms.array, self._row_doc.array

    @property
    def doc_row(self) -> NDArray[np.int32]:
        """(any,) row of each doc id, NO_ROW or MANY_ROWS; ids beyond have none."""
        return self._doc_row.array

    @property
    def norms(self) -> NDArray[np.float32]:
        """(size,) Euclidean norm of each row as stored."""
        return self._norms.array[: self.size]

    def unchanged(self, doc_ids: Ints, hashes: Ints) -> NDArray[np.bool_]:
        """Which docs already hold exactly the one vector whose raw bytes hash to this."""
        self._reserve_docs(doc_ids)
        rows = self._doc_row.array[doc_ids]
        if not len(self._hashes.array):
            return np.zeros(len(rows), np.bool_)
        same: NDArray[np.bool_] = (rows >= 0) & (self._hashes.array[rows] == hashes)
        return same

    def _reserve_docs(self, doc_ids: Ints) -> None:
        self._doc_row.reserve(int(doc_ids.max()) + 1)

    def add(self, doc_ids: Ints, raw: Array, hashes: Ints) -> Ints:
        """Store one raw vector for each doc (distinct, without rows so far); returns the rows given to them."""
        rows = self._store(doc_ids, raw, hashes)
        self._reserve_docs(doc_ids)
        self._doc_row.array[doc_ids] = rows
        self.docs.update(doc_ids.tolist())
        return rows

    def add_many(self, doc_id: int, raw: Array, hashes: Ints) -> Ints:
        """Store several raw vectors for one doc that has no rows so far."""
        owner = np.full(len(raw), doc_id, np.int64)
        rows = self._store(owner, raw, hashes)
        self._reserve_docs(owner)
        self._doc_row.array[doc_id] = MANY_ROWS
        self.many[doc_id] = rows
        self.docs.add(doc_id)
        return rows

    def _store(self, owners: Ints, raw: Array, hashes: Ints) -> Ints:
        stored = normalise(raw, self.dtype, self.metric)
        rows = self._allocate(len(stored))
        lengths = norms(stored, self.dtype)
        self._vectors.array[rows] = stored
        self._row_doc.array[rows] = owners
        self._hashes.array[rows] = hashes
        with np.errstate(over="ignore"):
            self._norms.array[rows] = lengths
        self._note_odd(rows, stored, lengths)
        self.live += len(rows)
        return rows

    def _note_odd(self, rows: Ints, stored: Array, lengths: NDArray[np.float64]) -> None:
        odd = odd_rows(stored, self.dtype, self.metric)
        if odd.any():
            self.odd = np.union1d(self.odd, rows[odd])
            lengths = lengths[~odd]
        if len(lengths):
            self.max_norm = max(self.max_norm, float(lengths.max()))

    def _allocate(self, n: int) -> Ints:
        reused = [heapq.heappop(self._free) for _ in range(min(n, len(self._free)))]
        fresh = n - len(reused)
        for column in (self._vectors, self._row_doc, self._hashes, self._norms):
            column.reserve(self.size + fresh)
        rows = np.arange(self.size - len(reused), self.size + fresh, dtype=np.int64)
        rows[: len(reused)] = reused
        self.size += fresh
        return rows

    def kill(self, doc_ids: Sequence[int] | Ints) -> Ints:
        """Take the vectors of these docs away; their rows are dead until `release`. Unknown docs are ignored."""
        dead = [row for doc in doc_ids for row in self.rows_of(int(doc)).tolist()]
        rows = np.array(dead, np.int64)
        for doc in {int(d) for d in doc_ids} & self.many.keys():
            del self.many[doc]
        owners = self._row_doc.array[rows]
        self._doc_row.array[owners] = NO_ROW
        self._row_doc.array[rows] = NO_DOC
        self.docs.difference_update(BitMap(owners.tolist()))
        self.live -= len(rows)
        if len(self.odd):
            self.odd = np.setdiff1d(self.odd, rows)
        return rows

    def release(self, rows: Ints) -> None:
        """Dead rows that nothing refers to any more may be used again."""
        for row in rows.tolist():
            heapq.heappush(self._free, row)

    def rows_of(self, doc_id: int) -> Ints:
        """Rows of one doc, empty when it has none."""
        row = int(self._doc_row.array[doc_id]) if 0 <= doc_id < len(self._doc_row.array) else NO_ROW
        if row == MANY_ROWS:
            return self.many[doc_id]
        return np.array([row] if row >= 0 else [], np.int64)

    def hashes_of(self, doc_id: int) -> Ints:
        """Hashes of the raw vectors of one doc, in the order they were given."""
        rows = self.rows_of(doc_id)
        return self._hashes.array[rows] if len(rows) else np.empty(0, np.int64)

    def has(self, doc_ids: Ints) -> NDArray[np.bool_]:
        """Which docs have a vector; any non-negative ids."""
        known = doc_ids < len(self._doc_row.array)
        known[known] = self._doc_row.array[doc_ids[known]] != NO_ROW
        return known

    def rows_of_docs(self, doc_ids: Ints) -> Ints:
        """Rows of docs that all have vectors: doc order, except that docs with several come last."""
        rows = self._doc_row.array[doc_ids]
        if not self.many:
            return rows.astype(np.int64)
        several = [self.many[int(d)] for d in doc_ids[rows == MANY_ROWS]]
        return np.concatenate([rows[rows >= 0], *several]).astype(np.int64)

    def live_rows(self) -> Ints | None:
        """Every live row, ascending; None when that is simply all of them."""
        return None if self.live == self.size else self.all_live()

    def all_live(self) -> Ints:
        """Every live row, ascending."""
        return np.flatnonzero(self.row_doc >= 0)

    def memory_bytes(self) -> int:
        """Bytes reserved for vectors and mappings."""
        columns = (self._vectors, self._row_doc, self._doc_row, self._hashes, self._norms)
        return sum(column.array.nbytes for column in columns)
