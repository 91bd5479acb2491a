"""IVF_FLAT: vectors in cells around trained centroids; a search reads the cells nearest to the query, exactly.

Sivic and Zisserman's inverted file (ICCV 2003) without compression. Until there are enough vectors to train on, and for
filters that leave fewer rows than the cells would, every answer is an exact scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index import knn_plan
from redisvss.index.distance import Array, Metric, Query, widen
from redisvss.index.matrix import Ints
from redisvss.index.vectors import KnnHits, KnnPlan, VectorIndex, VectorParams

NLIST = 256
NPROBE = 8
_TRAIN_PER_CELL = 8  # vectors per cell before training: with fewer, centroids are little more than those vectors
_SAMPLE_PER_CELL = 64  # more than this no longer moves the centroids
_OUTGROWN = 4  # times the vectors trained on: then the centroids are trained anew
_ROUNDS = 8  # of Lloyd's algorithm; recall at NPROBE 8 no longer rises after six on clustered data
_BLOCK = 4096  # rows compared with all centroids at once

Cells = NDArray[np.int32]
Centroids = NDArray[np.float32]


@dataclass(frozen=True)
class IvfParams(VectorParams):
    """nlist: cells;  nprobe: cells a search reads unless it says otherwise."""

    nlist: int = NLIST
    nprobe: int = NPROBE


@dataclass(frozen=True)
class IvfPlan(KnnPlan):
    """coarse: centroids the query was compared with; fine: rows of the cells that were read."""

    coarse: int = 0
    fine: int = 0


class IvfIndex(VectorIndex):
    """As VectorIndex, locking included."""

    params: IvfParams

    def _open(self) -> None:
        super()._open()
        self._centroids: Centroids | None = None
        self._cells: list[BitMap] = []
        self._cells_of: dict[int, tuple[int, ...]] = {}
        self._trained_on = 0

    # ---- writing -----------------------------------------------------------------------------------------------------

    def put(self, doc_ids: NDArray[np.integer] | Sequence[int], vectors: Array) -> None:
        super().put(doc_ids, vectors)
        self._place(doc_ids)

    def put_blobs(self, doc_ids: NDArray[np.integer] | Sequence[int], blobs: Sequence[bytes]) -> None:
        super().put_blobs(doc_ids, blobs)
        self._place(doc_ids)

    def put_multi(self, doc_id: int, vectors: Array) -> None:
        super().put_multi(doc_id, vectors)
        self._place([doc_id])

    def remove(self, doc_ids: Sequence[int] | Ints) -> None:
        self._leave(doc_ids)
        super().remove(doc_ids)

    def _place(self, doc_ids: NDArray[np.integer] | Sequence[int]) -> None:
        """Put documents into their cells, or train once there are enough vectors, or enough more."""
        wanted = _TRAIN_PER_CELL * self.params.nlist if self._centroids is None else _OUTGROWN * self._trained_on
        if len(self) >= wanted:
            self._train()
        elif self._centroids is not None:
            ids = np.unique(np.array(doc_ids, np.int64))
            self._leave(ids)
            self._assign(ids)

    def _leave(self, doc_ids: Sequence[int] | Ints) -> None:
        for doc_id in np.asarray(doc_ids).tolist():
            for cell in self._cells_of.pop(doc_id, ()):
                self._cells[cell].discard(doc_id)

    def _train(self) -> None:
        rows = self._store.all_live()
        random = np.random.default_rng(self.params.seed)
        most = _SAMPLE_PER_CELL * self.params.nlist
        sample = rows if len(rows) <= most else np.sort(random.choice(rows, most, replace=False))
        self._centroids = train(self._points(sample), self.params.nlist, random)
        self._trained_on = len(self)
        self._cells = [BitMap() for _ in range(self.params.nlist)]
        self._cells_of.clear()
        self._assign(np.unique(self._store.row_doc[rows].astype(np.int64)))

    def _assign(self, doc_ids: Ints) -> None:
        assert self._centroids is not None
        rows = self._store.rows_of_docs(doc_ids)
        docs = self._store.row_doc[rows].tolist()
        for doc_id, cell in zip(docs, nearest_cells(self._points(rows), self._centroids).tolist(), strict=True):
            known = self._cells_of.get(doc_id, ())
            if cell not in known:
                self._cells_of[doc_id] = (*known, cell)
                self._cells[cell].add(doc_id)

    def _points(self, rows: Ints) -> NDArray[np.float32]:
        """Stored rows in the space cells are drawn in: unit length under COSINE."""
        return _in_space(widen(self._store.vectors[rows], self.params.dtype), self.params.metric)

    def memory_bytes(self) -> int:
        centroids = 0 if self._centroids is None else self._centroids.nbytes
        return super().memory_bytes() + centroids + 100 * len(self._cells_of)

    # ---- searching ---------------------------------------------------------------------------------------------------

    def knn(
        self,
        query: bytes | Array | Query,
        k: int,
        allowed: BitMap | None = None,
        *,
        ef_runtime: int | None = None,
        policy: str | None = None,
        batch_size: int | None = None,
        deadline: float | None = None,
        nprobe: int | None = None,
    ) -> KnnHits:
        prepared = self.prepare(query)
        docs = self.docs() if allowed is None else allowed & self.docs()
        nprobe = nprobe or self.params.nprobe
        few = len(docs) * self.params.nlist <= nprobe * len(self)
        if self._centroids is None or few or policy == "ADHOC_BF" or prepared.odd:
            return super().knn(prepared, k, allowed, policy=policy, deadline=deadline)
        _, _, read = self._probe(prepared, docs, nprobe, min(k, len(docs)))
        hits = super().knn(prepared, k, read, deadline=deadline)
        plan = IvfPlan(
            knn_plan.mode(allowed is not None, "ivf"),
            "ivf",
            self.params.nlist + len(read),
            exact=False,
            coarse=self.params.nlist,
            fine=len(read),
        )
        return KnnHits(hits.doc_ids, hits.distances, plan, hits.timed_out)

    def _probe(self, query: Query, docs: BitMap, nprobe: int, needed: int) -> tuple[Ints, NDArray[np.float32], BitMap]:
        """The cells nearest to the query, in that order, more than `nprobe` only if too few documents are in them; the
        affinity of every cell, by its number; those of `docs` that are in the nearest cells."""
        assert self._centroids is not None
        point = _in_space(query.wide[None, :], self.params.metric)[0]
        affinity = _affinity(point[None, :], self._centroids)[0]
        order = np.argsort(-affinity, kind="stable")
        while True:
            read: BitMap = BitMap.union(*(self._cells[cell] for cell in order[:nprobe].tolist())) & docs
            if len(read) >= needed or nprobe >= len(order):
                return order[:nprobe], affinity, read
            nprobe *= 2

    def cells(self, query: Query, docs: BitMap, nprobe: int, needed: int) -> list[tuple[float, BitMap]]:
        """What a search reads, cell by cell: (squared distance of the centroid in the cells' space, its documents)."""
        opened, affinity, _ = self._probe(query, docs, nprobe, needed)
        point = _in_space(query.wide[None, :], self.params.metric)[0].astype(np.float64)
        square = float(point @ point)
        return [(max(0.0, square - 2 * float(affinity[cell])), self._cells[cell]) for cell in opened.tolist()]


def _in_space(points: Array, metric: Metric) -> NDArray[np.float32]:
    values = points.astype(np.float32)
    if metric is Metric.COSINE:
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        values = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    finite: NDArray[np.float32] = np.nan_to_num(values)
    return finite


def _affinity(points: NDArray[np.float32], centroids: Centroids) -> NDArray[np.float32]:
    """(n, cells), the greater the nearer: -distance²/2 up to a term that is the same for all cells."""
    nearness: NDArray[np.float32] = points @ centroids.T - np.einsum("ij,ij->i", centroids, centroids) / 2
    return nearness


def nearest_cells(points: NDArray[np.float32], centroids: Centroids) -> Cells:
    """(n,) the cell whose centroid is nearest to each point."""
    blocks = [points[start : start + _BLOCK] for start in range(0, max(len(points), 1), _BLOCK)]
    owners = [_affinity(block, centroids).argmax(axis=1).astype(np.int32) for block in blocks]
    return np.concatenate(owners)


def train(points: NDArray[np.float32], cells: int, random: np.random.Generator) -> Centroids:
    """Lloyd's k-means from random points; a cell nobody is nearest to starts again from a random one."""
    centroids: Centroids = points[random.choice(len(points), cells, replace=False)].copy()
    for _ in range(_ROUNDS):
        owner = nearest_cells(points, centroids)
        counts = np.bincount(owner, minlength=cells)
        order = np.argsort(owner, kind="stable")
        used = np.flatnonzero(counts)
        starts = np.concatenate([[0], np.cumsum(counts[used])[:-1]])
        centroids[used] = np.add.reduceat(points[order], starts, axis=0) / counts[used, None]
        empty = np.flatnonzero(counts == 0)
        centroids[empty] = points[random.choice(len(points), len(empty))]
    return centroids
