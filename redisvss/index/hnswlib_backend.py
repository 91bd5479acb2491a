"""An HNSW field kept by hnswlib instead of our own graph: selectable, and the cross-check of ours.

Hides the library's traps, all seen with 0.8.0: its Python filter runs under the interpreter's lock; `knn_query` raises
when fewer than k rows pass; `add_items` raises at `max_elements`; setting ef is not safe beside a running search.
It keeps a second copy of every vector, as float32.
"""

from __future__ import annotations

import threading

import hnswlib
import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index.distance import Array, Metric, Query, widen
from redisvss.index.matrix import Ints, RowStore
from redisvss.index.tiered import Walk

_FIRST = 1024  # elements reserved to begin with; doubled when full


class HnswlibGraph:
    """The interface of TieredGraph over an hnswlib index whose labels are row numbers."""

    pending: Ints = np.empty(0, np.int64)  # every row is linked as it arrives

    def __init__(self, store: RowStore, m: int, ef_construction: int, seed: int) -> None:
        self._store = store
        self._index = hnswlib.Index("l2" if store.metric is Metric.L2 else "ip", store.dim)
        self._index.init_index(_FIRST, M=m, ef_construction=ef_construction, random_seed=seed)
        self._searching = threading.Lock()  # around ef and the search that wants it
        self.writing = threading.Lock()

    def walkable(self) -> bool:
        """Whether there is anything to search."""
        return bool(self._index.element_count)

    def _vectors(self, stored: Array, norms: NDArray[np.floating]) -> Array:
        """Rows as float32; at unit length where the store could not make them so."""
        wide = widen(stored, self._store.dtype).astype(np.float32)
        return wide / norms[:, None] if self._store.metric is Metric.COSINE else wide

    def add(self, rows: Ints) -> None:
        """Index rows just stored, save odd ones."""
        rows = np.setdiff1d(rows, self._store.odd, assume_unique=True)
        while rows.max(initial=-1) >= self._index.get_max_elements():
            self._index.resize_index(2 * self._index.get_max_elements())
        self._index.add_items(self._vectors(self._store.vectors[rows], self._store.norms[rows]), rows)

    def retire(self, rows: Ints) -> None:
        """Mark rows deleted; their labels are used again, which hnswlib turns into an update in place."""
        known = set(self._index.get_ids_list())
        for row in rows.tolist():
            if row in known:
                self._index.mark_deleted(row)
        self._store.release(rows)

    def finish(self) -> None:
        """Nothing waits here."""

    def loose(self, docs: BitMap | None) -> Ints:
        """Rows hnswlib does not hold, of these docs."""
        owners = self._store.row_doc[self._store.odd]
        return self._store.odd if docs is None else self._store.odd[[int(doc) in docs for doc in owners]]

    def walk(
        self,
        strategy: str,
        query: Query,
        ef: int,
        allowed: BitMap | None,
        budget: int,
        deadline: float | None = None,
        sweep_ef: int | None = None,
        meet: float = 0.0,
    ) -> Walk:
        """Rows near the query, nearest first; none at all when hnswlib found fewer than it was asked for.

        The library knows no deadline: a search that has begun is finished. Nor does it look around for a "dense" walk.
        """
        if strategy == "dense":
            return Walk(np.empty(0, np.int64), 0, "sweep")
        owner = self._store.row_doc
        passing = None if allowed is None else lambda row: int(owner[row]) in allowed
        target = query.wide[None] / (query.norm or 1.0) if self._store.metric is Metric.COSINE else query.wide[None]
        with self._searching:
            self._index.set_ef(ef)
            try:
                rows, _ = self._index.knn_query(target, min(ef, self._store.live), num_threads=1, filter=passing)
            except RuntimeError:
                return Walk(np.empty(0, np.int64), 0, "sweep")
        return Walk(rows[0].astype(np.int64), 0, "graph" if allowed is None else "sweep", width=ef)

    def settled(self) -> None:
        """What `walk` finds is ranked by its caller."""

    def within(self, query: Query, radius: float, epsilon: float, deadline: float | None = None) -> Walk | None:
        """hnswlib has no range search: every row is to be read."""
        return None

    def memory_bytes(self) -> int:
        """Bytes of hnswlib's own copy and links."""
        return int(self._index.index_file_size())
