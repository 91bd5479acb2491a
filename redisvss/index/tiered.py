"""An HNSW field: a graph, and beside it the rows that have not been linked into it yet.

Rows wait in `pending` while the kernels are being compiled, while the field is small, or when single writes should not
pay for a large batch; searches read them exactly. So a write never waits for a compiler and a search misses nothing.

`writing` is held by whoever changes rows or links: the owner's writes, and the thread that links what had to wait for
the kernels. That thread changes lists in place only, so searches need not wait for it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index import warm
from redisvss.index.distance import Query
from redisvss.index.matrix import Ints, RowStore

if TYPE_CHECKING:
    from redisvss.index.hnsw import Graph

GRAPH_MIN = 2048  # rows below which reading all of them beats a walk, and no graph is kept
_BULK = 256  # a write of this many rows links all that is pending
_SLICE = 256  # rows linked at a time in the background: about 50 ms during which writers wait
_SAMPLES = 16  # allowed rows a two-hop search starts from as well; without, correlated filters cost recall (.94 → .80)
_DEAD_SHARE = 8  # links are mended once one row in eight is dead: below that dead rows cost a search little

_AVOIDED = (
    3  # a filter that passes three times less around the query than elsewhere: walks there found .38 of the answer
)

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Walk:
    """What a walk over the graph found: rows, nearest first; `spent`: distances it computed."""

    rows: Ints
    spent: int


class TieredGraph:
    """Graph and pending rows of one field."""

    def __init__(self, store: RowStore, m: int, ef_construction: int, seed: int) -> None:
        self._store = store
        self._shape = (m, ef_construction, seed)
        self.writing = threading.Lock()
        self.graph: Graph | None = None
        self.pending: Ints = _NONE  # replaced, never changed in place: a search keeps the one it read
        self._asked = False

    def walkable(self) -> bool:
        """Whether there is a graph with live rows to search."""
        return self.graph is not None and self.graph.count > self.graph.dead

    # ---- writing: the caller holds `writing` ---------------------------------------------------------------------

    def add(self, rows: Ints) -> None:
        """Rows just stored. Odd ones stay out: their distances are no order a walk could follow."""
        rows = np.setdiff1d(rows, self._store.odd, assume_unique=True) if len(self._store.odd) else rows
        if self.graph is not None:
            self.graph.admit(rows)
        self.pending = np.concatenate([self.pending, rows])
        if self.graph is not None or self._open():
            self._link(len(self.pending) if len(rows) >= _BULK else 2 * len(rows) + 64)
            self._mend(32 * len(rows) + _SLICE)

    def _open(self) -> bool:
        """Start the graph when it is worth one and kernels are there; ask for them otherwise."""
        store = self._store
        if store.live < GRAPH_MIN:
            return False
        if warm.ready(store.dtype, store.metric, store.dim):
            self._create(self.pending)
            return True
        if not self._asked:
            self._asked = True
            warm.start(store.dtype, store.metric, self._link_in_background)
        return False

    def _create(self, rows: Ints) -> None:
        from redisvss.index.hnsw import Graph

        graph = Graph(self._store, *self._shape)
        graph.admit(rows)
        self.graph = graph

    def _link(self, quota: int) -> None:
        assert self.graph is not None
        self.graph.link(self.pending[:quota])
        self.pending = self.pending[quota:]

    def _link_in_background(self) -> None:
        """Link what gathered while the kernels were being made, a slice at a time."""
        while True:
            with self.writing:
                if self.graph is None and not self._open():
                    return
                self._link(_SLICE)
                if not len(self.pending):
                    return

    def retire(self, rows: Ints) -> None:
        """Rows whose docs left. They become free at once when the graph never knew them, after mending otherwise."""
        waiting = np.isin(rows, self.pending)
        self.pending = np.setdiff1d(self.pending, rows[waiting], assume_unique=True)
        if self.graph is None:
            self._store.release(rows)
            return
        linked = self.graph.linked(rows)
        self.graph.withdraw(rows[waiting])
        self._store.release(rows[~linked])
        self.graph.kill(rows[linked])
        self._mend(16 * len(rows) + _SLICE)

    def _mend(self, quota: int) -> None:
        assert self.graph is not None
        if self.graph.mending or self.graph.dead > max(GRAPH_MIN // 2, self._store.live // _DEAD_SHARE):
            self._store.release(self.graph.mend(quota))

    def finish(self) -> None:
        """Link and mend everything that waits."""
        if self.graph is None and not self._open():
            return
        assert self.graph is not None
        self._link(len(self.pending))
        self._store.release(self.graph.mend(1 << 62))

    # ---- searching -----------------------------------------------------------------------------------------------

    def loose(self, docs: BitMap | None) -> Ints:
        """Rows no walk can reach, of these docs (None: of any): pending and odd ones."""
        rows = np.concatenate([self.pending, self._store.odd]) if len(self._store.odd) else self.pending
        if docs is None or not len(rows):
            return rows
        owners = self._store.row_doc[rows]
        return rows[np.fromiter((int(doc) in docs for doc in owners), np.bool_, len(rows))]

    def walk(self, strategy: str, query: Query, ef: int, allowed: BitMap | None, budget: int) -> Walk:
        """About ef rows near the query; "sweep" and "two-hop" read `allowed`, and stop after `budget` distances.

        None at all when the filter avoids the query's surroundings: a walk would be misled, and an exact scan is due.
        """
        graph = self.graph
        assert graph is not None
        if strategy == "graph" or allowed is None:
            return Walk(graph.search(query, ef), 0)
        from redisvss.index.compiled import words_of

        words = words_of(allowed)
        if _AVOIDED * graph.local_share(query, words) * len(self._store.docs) < len(allowed):
            return Walk(_NONE, 0)
        if strategy == "sweep":
            return Walk(*graph.sweep(query, ef, words, _NONE.astype(np.int32), budget))
        return Walk(*graph.two_hop(query, ef, words, self._samples(graph, allowed), budget))

    def _samples(self, graph: Graph, allowed: BitMap) -> NDArray[np.int32]:
        """A few linked rows of allowed docs, spread evenly."""
        step = max(1, len(allowed) // _SAMPLES)
        docs = np.array([allowed[i] for i in range(0, len(allowed), step)], np.int64)
        rows = self._store.rows_of_docs(docs[self._store.has(docs)])
        return rows[graph.linked(rows)].astype(np.int32)

    def memory_bytes(self) -> int:
        """Bytes reserved beside the rows themselves."""
        return self.pending.nbytes + (self.graph.memory_bytes() if self.graph else 0)
