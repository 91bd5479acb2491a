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
from pyroaring import BitMap

from redisvss.index import warm
from redisvss.index.distance import Array, Query
from redisvss.index.matrix import Ints, RowStore

if TYPE_CHECKING:
    from redisvss.index.hnsw import Graph, Settled

GRAPH_MIN = 2048  # rows below which reading all of them beats a walk, and no graph is kept
_BULK = 256  # a write of this many rows links all that is pending
_SLICE = 256  # rows linked at a time in the background: about 50 ms during which writers wait
_DEAD_SHARE = 8  # links are mended once one row in eight is dead: below that dead rows cost a search little
_RANGE_SHARE = 0.1  # of the rows a range walk may read: then reading all in order is no slower, and misses nothing
WALKS = {"sweep": 1, "two-hop": 2, "either": 3, "dense": 4}  # as `redisvss.index.kernels.walk` numbers them

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Walk:
    """What a walk over the graph found: rows, nearest first; `spent`: distances it computed; how it went; whether the
    deadline ended it; under a filter, how wide it was."""

    rows: Ints
    spent: int
    strategy: str
    timed_out: bool = False
    width: int = 0


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
        if warm.ready(warm.Part.GRAPH, store.dtype, store.metric, store.dim):
            self._create(self.pending)
            return True
        if not self._asked:
            self._asked = True
            warm.start(warm.Part.SCAN, store.dtype, store.metric)  # ranks what walks find
            warm.start(warm.Part.GRAPH, store.dtype, store.metric, self._link_in_background)
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

    def completed(self) -> Graph:
        """The graph of every row, made even where a field is too small to search it. Kernels must be ready."""
        if self.graph is None:
            self._create(self.pending)
        self.finish()
        assert self.graph is not None
        return self.graph

    def adopt(self, levels: Array, links: Array, upper: Array, entry: int, top: int) -> None:
        """Begin with a graph of the rows already stored: see `Graph.adopt`. Kernels must be ready."""
        self._create(_NONE)
        assert self.graph is not None
        self.graph.adopt(levels, links, upper, entry, top)

    # ---- searching -----------------------------------------------------------------------------------------------

    def loose(self, docs: BitMap | None) -> Ints:
        """Rows no walk can reach, of these docs (None: of any): pending and odd ones."""
        rows = np.concatenate([self.pending, self._store.odd]) if len(self._store.odd) else self.pending
        if docs is None or not len(rows):
            return rows
        owners = self._store.row_doc[rows]
        return rows[np.fromiter((int(doc) in docs for doc in owners), np.bool_, len(rows))]

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
        """About ef rows near the query; under a filter the walk stops after `budget` distances.

        strategy: "graph" (no filter), "sweep", "two-hop", "either" of these, or "dense": a sweep if the filter lets
        much through around the query. The latter two find no row at all where an exact scan is due.  sweep_ef: for a
        sweep, if fewer.  meet: rows, allowed or not, that a sweep is to meet if it is chosen on the way.
        """
        graph = self.graph
        assert graph is not None
        if strategy == "graph" or allowed is None:
            found = graph.search(query, ef, deadline)
            return Walk(found.rows, found.spent, "graph", found.timed_out)
        from redisvss.index.compiled import words_of

        share = len(allowed) / max(1, len(self._store.docs))
        found = graph.filtered(query, ef, words_of(allowed), share, WALKS[strategy], budget, deadline, sweep_ef, meet)
        taken = "two-hop" if found.taken == WALKS["two-hop"] else "sweep"
        return Walk(found.rows, found.spent, taken, found.timed_out, found.width)

    def settled(self) -> Settled | None:
        """The graph where an unfiltered walk over it finds all there is to be found: nothing stands beside it or is to
        leave it. To be dropped before the next write."""
        graph, store = self.graph, self._store
        if graph is None or graph.dead or len(self.pending) or len(store.odd) or store.many:
            return None
        from redisvss.index.hnsw import Settled

        return Settled(graph)

    def within(self, query: Query, radius: float, epsilon: float, deadline: float | None = None) -> Walk | None:
        """Rows no further than `radius` that a walk meets, and the loose ones; None when it would meet too many."""
        assert self.graph is not None
        budget = int(self._store.live * _RANGE_SHARE)
        found = self.graph.within(query, radius, epsilon, budget, deadline)
        if found.spent >= budget and not found.timed_out:
            return None
        return Walk(np.union1d(found.rows, self.loose(None)), found.spent, "graph", found.timed_out)

    def memory_bytes(self) -> int:
        """Bytes reserved beside the rows themselves."""
        return self.pending.nbytes + (self.graph.memory_bytes() if self.graph else 0)
