"""A nearest-neighbour search retold step by step: which rows were opened, and what became of those around them.

Reads the graph's own lists and walks them as the kernels of `kernels/walk.py` do, in plain Python and with reported
distances, so that a walk can be looked at; the answer itself is `VectorIndex.knn`'s. Where distances differ by less
than float32 tells apart, the retold walk may take neighbours in another order. Changes nothing.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from redisvss.index.distance import Array, Query
from redisvss.index.flat import judge
from redisvss.index.matrix import Ints, RowStore
from redisvss.index.tiered import TieredGraph
from redisvss.index.vectors import KnnHits, VectorIndex

if TYPE_CHECKING:
    from redisvss.index.hnsw import Graph
    from redisvss.index.ivf import IvfIndex

KEPT, PRUNED, FILTERED = "kept", "pruned", "filtered"
SCAN = -1  # the layer of a step that reads rows outright
CELLS = -2  # the layer of a step that reads one cell of an inverted file
MOST_SCANNED = 1000  # rows of a scan that are told, the nearest


@dataclass(frozen=True)
class Look:
    """A document whose distance was computed. verdict: KEPT among the nearest so far; PRUNED as too far; FILTERED:
    near enough to lead on, but not allowed in the answer."""

    doc_id: int
    distance: float
    verdict: str


@dataclass(frozen=True)
class Step:
    """The document opened, at which layer of the graph (SCAN: none), and those looked at because of it.

    CELLS: one cell was read; doc_id is −1, distance that of its centroid.
    """

    layer: int
    doc_id: int
    distance: float
    looked: tuple[Look, ...]


@dataclass(frozen=True)
class Trace:
    """computed: distances of all steps, those of a scan that are not told included."""

    hits: KnnHits
    steps: tuple[Step, ...]
    computed: int


def trace(
    index: VectorIndex,
    blob: bytes,
    k: int,
    allowed: BitMap | None = None,
    *,
    ef_runtime: int | None = None,
    policy: str | None = None,
) -> Trace:
    """`knn` with these arguments, and how it came about.

    A walk that came back short is followed by a scan, as in `knn`; any other by a reading of what is not linked yet.
    """
    query = index.prepare(blob)
    survivors = None if allowed is None else allowed.intersection_cardinality(index._store.docs)
    plan = index.plan(k, survivors, ef_runtime=ef_runtime, policy=policy)
    hits = index.knn(query, k, allowed, ef_runtime=ef_runtime, policy=policy)
    steps: list[Step] = []
    tiers = index._tiers
    walked = plan.strategy != "exact" or hits.plan.strategy != "exact"
    if walked and isinstance(tiers, TieredGraph) and tiers.graph is not None:
        walker = _Walker(tiers.graph, query, allowed)
        steps += walker.descend()
        strategy = plan.strategy if hits.plan.exact else hits.plan.strategy  # a walk may choose another on its way
        width = hits.plan.sweep_ef or plan.sweep_ef if strategy == "sweep" else plan.ef
        steps += walker.spread(strategy, width, index._store.size if policy == "BATCHES" else (survivors or 0) // 2)
        unlinked = tiers.loose(allowed)
    else:
        unlinked = np.empty(0, np.int64)
    computed = sum(len(step.looked) for step in steps)
    read = _allowed_rows(index._store, allowed) if hits.plan.strategy == "exact" else unlinked
    steps += _scan(index._store, query, read, set(hits.doc_ids.tolist()))
    return Trace(hits, tuple(steps), computed + len(read))


def trace_cells(
    index: IvfIndex,
    blob: bytes,
    k: int,
    allowed: BitMap | None = None,
    *,
    policy: str | None = None,
    nprobe: int | None = None,
) -> Trace:
    """`IvfIndex.knn` with these arguments, cell by cell from the nearest centroid on; a scan where it scans."""
    query = index.prepare(blob)
    hits = index.knn(query, k, allowed, policy=policy, nprobe=nprobe)
    answer = set(hits.doc_ids.tolist())
    docs = index.docs() if allowed is None else allowed & index.docs()
    if hits.plan.strategy != "ivf":
        rows = _allowed_rows(index._store, allowed)
        return Trace(hits, tuple(_scan(index._store, query, rows, answer)), len(rows))
    needed = min(k, len(docs))
    steps = tuple(
        _cell_step(index._store, query, distance, cell, docs, answer)
        for distance, cell in index.cells(query, docs, nprobe or index.params.nprobe, needed)
    )
    return Trace(hits, steps, hits.plan.candidates)


def _cell_step(store: RowStore, query: Query, distance: float, cell: BitMap, docs: BitMap, answer: set[int]) -> Step:
    """Documents of a cell, the nearest first; those the filter keeps out were not read."""
    looked = _looked(store, query, _allowed_rows(store, cell & docs), answer)
    return Step(CELLS, -1, distance, looked)


def _allowed_rows(store: RowStore, allowed: BitMap | None) -> Ints:
    docs = store.docs if allowed is None else allowed & store.docs
    return store.rows_of_docs(np.frombuffer(docs.to_array(), np.uint32).astype(np.int64))


def _scan(store: RowStore, query: Query, rows: Ints, answer: set[int]) -> Iterator[Step]:
    """The step that reads these rows, if there are any: every row of a scan, or those no walk can reach yet."""
    if not len(rows):
        return
    looked = _looked(store, query, rows, answer)
    yield Step(SCAN, looked[0].doc_id, looked[0].distance, looked)


def _looked(store: RowStore, query: Query, rows: Ints, answer: set[int]) -> tuple[Look, ...]:
    """The documents of these rows, the nearest first and no more than are told."""
    distances = judge(store, query, rows)
    order = np.argsort(distances, kind="stable")[:MOST_SCANNED]
    owners, far = store.row_doc[rows[order]].tolist(), distances[order].tolist()
    return tuple(Look(doc, d, KEPT if doc in answer else PRUNED) for doc, d in zip(owners, far, strict=True))


class _Walker:
    """One walk over a graph; `seen` and `kept` are its state."""

    def __init__(self, graph: Graph, query: Query, allowed: BitMap | None) -> None:
        self.graph, self.store, self.query, self.allowed = graph, graph.store, query, allowed
        self.links, self.up_at, self.up = graph.lists
        self.start = graph.entry
        self.seen: set[int] = set()
        self.kept: list[tuple[float, int]] = []

    # ---- rows ------------------------------------------------------------------------------------------------------

    def _around(self, row: int, layer: int) -> list[int]:
        around: Array = self.links[row] if layer == 0 else self.up[self.up_at[row] + layer - 1]
        return [int(nb) for nb in around if nb >= 0]

    def _far(self, rows: list[int]) -> list[float]:
        found: list[float] = judge(self.store, self.query, np.array(rows, np.int64)).tolist() if rows else []
        return found

    def _doc(self, row: int) -> int:
        return int(self.store.row_doc[row])

    def _passes(self, row: int) -> bool:
        doc = self._doc(row)
        return doc >= 0 and (self.allowed is None or doc in self.allowed)

    def _step(self, layer: int, row: int, distance: float, looked: list[Look]) -> Step:
        return Step(layer, self._doc(row), distance, tuple(look for look in looked if look.doc_id >= 0))

    # ---- down the layers -------------------------------------------------------------------------------------------

    def descend(self) -> Iterator[Step]:
        """Greedily to the nearest row of each upper layer; the last one is where the bottom's walk starts."""
        best, best_d = self.start, self._far([self.start])[0]
        for layer in range(self.graph.top, 0, -1):
            moved = True
            while moved:
                opened, opened_d, moved, looked = best, best_d, False, []
                around = self._around(opened, layer)
                for nb, distance in zip(around, self._far(around), strict=True):
                    nearer = distance < best_d
                    looked.append(Look(self._doc(nb), distance, KEPT if nearer else PRUNED))
                    if nearer:
                        best, best_d, moved = nb, distance, True
                yield self._step(layer, opened, opened_d, looked)
        self.start = best

    # ---- the bottom layer ------------------------------------------------------------------------------------------

    def spread(self, strategy: str, ef: int, budget: int) -> Iterator[Step]:
        """Best first over the bottom layer, until the next row is farther than the ef-th kept.

        budget: distances after which a walk under a filter gives up; without a filter it never does.
        """
        fresh_of = self._two_hops if strategy == "two-hop" else self._one_hop
        heap: list[tuple[float, int]] = []
        self._enter(heap, ef)
        spent = len(heap)
        while heap and (self.allowed is None or spent < budget):
            distance, row = heap[0]
            if len(self.kept) >= ef and distance > self.kept[ef - 1][0]:
                return
            heapq.heappop(heap)
            looked = self._look(fresh_of(row), heap, ef)
            spent += len(looked)
            yield self._step(0, row, distance, looked)

    def _enter(self, heap: list[tuple[float, int]], ef: int) -> None:
        self.seen.add(self.start)
        self._weigh(self.start, self._far([self.start])[0], heap, ef)

    def _look(self, fresh: list[int], heap: list[tuple[float, int]], ef: int) -> list[Look]:
        pairs = zip(fresh, self._far(fresh), strict=True)
        return [Look(self._doc(row), distance, self._weigh(row, distance, heap, ef)) for row, distance in pairs]

    def _weigh(self, row: int, distance: float, heap: list[tuple[float, int]], ef: int) -> str:
        """Keep, follow or forget a row whose distance is known."""
        if len(self.kept) >= ef and distance >= self.kept[ef - 1][0]:
            return PRUNED
        heapq.heappush(heap, (distance, row))
        if not self._passes(row):
            return FILTERED
        insort(self.kept, (distance, row))
        return KEPT

    def _one_hop(self, row: int) -> list[int]:
        return self._unseen(self._around(row, 0), lambda _: True)

    def _two_hops(self, row: int) -> list[int]:
        """Allowed rows one step away, or two steps through rows that are not allowed; a list's worth at least."""
        around = self._around(row, 0)
        fresh = self._unseen(around, self._passes)
        for nb in around:
            if len(fresh) >= self.links.shape[1]:
                break
            if not self._passes(nb):
                fresh += self._unseen(self._around(nb, 0), self._passes)
        return fresh

    def _unseen(self, rows: list[int], wanted: Callable[[int], bool]) -> list[int]:
        fresh = [row for row in dict.fromkeys(rows) if row not in self.seen and wanted(row)]
        self.seen.update(fresh)
        return fresh
