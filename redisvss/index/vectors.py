"""One VECTOR field: documents' vectors in, nearest documents out.

Owns the choice between the ways to search and the bookkeeping between documents and rows. Knows nothing of Redis, of
query text or of replies. Locking is the owner's: `put`, `put_blobs`, `put_multi`, `remove` and `compact` want an
exclusive lock, everything else a shared one; any number of threads may search at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index import flat, knn_plan, warm
from redisvss.index.distance import (
    ELEMENT_SIZE,
    INTEGER_TYPES,
    STORED,
    Array,
    Floats,
    Metric,
    Query,
    decode_blob,
    decode_blobs,
    encode,
    exact,
    prepare,
    reported,
)
from redisvss.index.knn_plan import KnnPlan
from redisvss.index.matrix import Ints, RowStore
from redisvss.index.tiered import WALKS, TieredGraph, Walk

if TYPE_CHECKING:
    from redisvss.index.coarse import CoarseRows
    from redisvss.index.hnsw import Settled
    from redisvss.index.hnswlib_backend import HnswlibGraph

__all__ = ["ELEMENT_SIZE", "KnnHits", "KnnPlan", "Metric", "Query", "VectorIndex", "VectorParams", "decode_blob"]

_WORTH_CODING = 1 << 24  # elements (64 MB of FLOAT32): from here on a FLAT field of floats also keeps an int8 copy
_BATCH = 4  # queries from which one pass in int8 beats a pass in int16 for each
_BUDGET = 0.25  # of an exact scan's distances: a walk that needs more is given up before it has cost as much again
_RANGE_FROM = 10_000  # docs from which a range query may walk the graph: it may miss some, and a scan is quick before
PLANS_KEPT = 256  # remembered: the same question comes with every query
_FEW = 128  # k up to which a list kept sorted by insertion is quicker than sorting all distances
_RERANKED = 16  # rows beyond k whose order the walk's float32 arithmetic may have got wrong


@dataclass(frozen=True)
class VectorParams:
    """Attributes of a VECTOR field in FT.CREATE, with RediSearch's defaults.

    algorithm: "FLAT" or "HNSW";  dtype: a key of ELEMENT_SIZE;  backend: "native", or "hnswlib" for an HNSW index of
    FLOAT32 kept by that library.
    """

    algorithm: str
    dtype: str
    dim: int
    metric: Metric
    m: int = 16
    ef_construction: int = 200
    ef_runtime: int = 10
    epsilon: float = 0.01
    initial_cap: int = 0
    block_size: int = 1024
    seed: int = 100
    backend: str = "native"


class KnnHits(NamedTuple):
    """Documents found: doc ids int64 and the distances RediSearch would report, float64, one for each.

    From `knn`: nearest first, ties by doc id, NaN last. From `range`: by doc id.
    """

    doc_ids: Ints
    distances: Floats
    plan: KnnPlan
    timed_out: bool = False


class _Order(NamedTuple):
    """What a walk is to find: the k nearest, or as many as there are, of `allowed` (None: of all), as planned.

    survivors: docs that are allowed;  budget: distances after which a walk under a filter is given up.
    """

    k: int
    allowed: BitMap | None
    survivors: int
    plan: KnnPlan
    budget: int
    deadline: float | None


class _Settled(NamedTuple):
    """What searches need of a graph, until the next write. plans: those of the questions asked meanwhile."""

    graph: Settled
    plans: dict[tuple[int, int | None, int | None, str | None, int | None], KnnPlan]


class VectorIndex:
    """Vectors of one field, by doc id."""

    def __init__(self, params: VectorParams) -> None:
        self.params = params
        self._asked = False  # for kernels
        self._kernels: ModuleType | None = None
        self._open()

    def _open(self) -> None:
        p = self.params
        self._store = RowStore(p.dtype, p.dim, p.metric, p.initial_cap)
        self._tiers = self._graph() if p.algorithm == "HNSW" else None
        self._coarse: CoarseRows | None = None
        self._writing = self._tiers.writing if self._tiers else threading.Lock()
        self._settled: _Settled | None = None

    def _graph(self) -> TieredGraph | HnswlibGraph:
        p = self.params
        if p.backend != "hnswlib":
            return TieredGraph(self._store, p.m, p.ef_construction, p.seed)
        from redisvss.index.hnswlib_backend import HnswlibGraph

        return HnswlibGraph(self._store, p.m, p.ef_construction, p.seed)

    # ---- writing -------------------------------------------------------------------------------------------------

    def put(self, doc_ids: NDArray[np.integer] | Sequence[int], vectors: Array) -> None:
        """Give each doc one vector, replacing what it had; docs whose raw vector is unchanged are left alone.

        vectors: (n, dim) numbers, cast to the field's type (BFLOAT16: float32 values, or int16 raw bits).
        """
        raw = self._checked(encode(vectors, self.params.dtype))
        self._put(doc_ids, raw, [hash(row.tobytes()) for row in raw])

    def put_blobs(self, doc_ids: NDArray[np.integer] | Sequence[int], blobs: Sequence[bytes]) -> None:
        """`put` from raw little-endian blobs, each of exactly the field's size."""
        raw = decode_blobs(blobs, self.params.dtype, self.params.dim)
        self._put(doc_ids, raw, [hash(blob) for blob in blobs])

    def put_multi(self, doc_id: int, vectors: Array) -> None:
        """Give one doc several vectors, (n, dim) numbers; it is ranked by the nearest of them."""
        raw = self._checked(encode(vectors, self.params.dtype))
        hashes = np.array([hash(row.tobytes()) for row in raw], np.int64)
        if np.array_equal(self._store.hashes_of(doc_id), hashes):
            return
        with self._changing():
            self._retire([doc_id])
            self._added(self._store.add_many(doc_id, raw, hashes))

    def remove(self, doc_ids: Sequence[int] | Ints) -> None:
        """Forget these docs' vectors; docs without one are ignored."""
        with self._changing():
            self._retire(doc_ids)
            if not self._store.live:
                self._open()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Held while rows or links change: views of them would keep arrays from growing in place."""
        with self._writing:
            self._settled = None
            yield

    def _checked(self, raw: Array) -> Array:
        if raw.ndim != 2 or raw.shape[1] != self.params.dim:
            raise ValueError(f"vectors of shape {raw.shape}, expected (n, {self.params.dim})")
        return raw

    def _put(self, doc_ids: NDArray[np.integer] | Sequence[int], raw: Array, hashes: Sequence[int]) -> None:
        ids, digests = np.array(doc_ids, np.int64), np.array(hashes, np.int64)
        if not len(ids):
            return
        changed = np.flatnonzero(~self._store.unchanged(ids, digests))
        if len(changed) > 1:
            changed = _last_of_each(ids, changed)
        if len(changed):
            with self._changing():
                self._retire(ids[changed])
                self._added(self._store.add(ids[changed], raw[changed], digests[changed]))

    def _retire(self, doc_ids: Sequence[int] | Ints) -> None:
        rows = self._store.kill(doc_ids)
        if self._tiers is None:
            self._store.release(rows)
        elif len(rows):
            self._tiers.retire(rows)

    def _added(self, rows: Ints) -> None:
        if self._tiers is not None:
            self._tiers.add(rows)
        elif self._coarse is not None:
            self._coarse.code(rows)
        elif self._store.size * self.params.dim >= _WORTH_CODING and self.params.dtype not in INTEGER_TYPES:
            self._copy_coarsely()

    def _copy_coarsely(self) -> None:
        """Begin the int8 copy, or ask for the kernels that make it and begin when they are there."""
        key = warm.Part.COARSE, self.params.dtype, self.params.metric
        if warm.ready(*key, self.params.dim):
            from redisvss.index.coarse import CoarseRows

            self._coarse = CoarseRows(self._store)
        elif not self._asked:
            self._asked = True
            warm.start(*key, self.compact)

    def warm(self) -> None:
        """Wait until the compiled kernels that this field may use are there."""
        p = self.params
        parts = [warm.Part.SCAN]
        if p.algorithm == "HNSW":
            parts.append(warm.Part.GRAPH)
        elif p.dtype not in INTEGER_TYPES:
            parts.append(warm.Part.COARSE)
        for part in parts:
            warm.start(part, p.dtype, p.metric)
        for part in parts:
            warm.wait(part, p.dtype, p.metric)

    def compact(self) -> None:
        """Finish all deferred work: rows waiting for the graph, links around dead rows."""
        with self._changing():
            if self._tiers is not None:
                self._tiers.finish()
            elif self._coarse is None:
                self._added(np.empty(0, np.int64))

    # ---- what is stored ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._store.docs)

    def docs(self) -> BitMap:
        """Doc ids that have a vector. The index's own set: read it, do not change it."""
        return self._store.docs

    def vector_bytes(self, doc_id: int) -> bytes | None:
        """A doc's first vector as stored (unit length under COSINE), None when it has none."""
        rows = self._store.rows_of(doc_id)
        return bytes(self._store.vectors[rows[0]].tobytes()) if len(rows) else None

    def memory_bytes(self) -> int:
        """Bytes the index reserves."""
        return sum(part.memory_bytes() for part in (self._store, self._tiers, self._coarse) if part is not None)

    # ---- searching -----------------------------------------------------------------------------------------------

    def prepare(self, query: bytes | Array | Query) -> Query:
        """A query cast to the field's type and normalised for COSINE; what is prepared already comes back as is."""
        if isinstance(query, Query):
            return query
        values = self._values(query)
        return self._prepared(values) or prepare(values, self.params.dtype, self.params.metric)

    def _values(self, query: bytes | Array) -> Array:
        """(dim,) numbers of a query as it was given."""
        values = np.frombuffer(query, STORED[self.params.dtype]) if isinstance(query, bytes) else np.asarray(query)
        if values.shape != (self.params.dim,):
            raise ValueError(f"query of shape {values.shape}, expected ({self.params.dim},)")
        return values

    def _prepared(self, values: Array) -> Query | None:
        """`prepare` by compiled code where that is ready, for FLOAT32: 6 µs instead of 25."""
        kernels = self._scans()
        if kernels is None or self.params.dtype != "FLOAT32" or values.dtype != STORED["FLOAT32"]:
            return None
        prepared: Query | None = kernels.prepare(values, self.params.metric)
        return prepared

    def _scans(self) -> ModuleType | None:
        """`redisvss.index.compiled`, once its scans are ready."""
        p = self.params
        if self._kernels is None and warm.loaded(warm.Part.SCAN, p.dtype, p.metric, p.dim):
            from redisvss.index import compiled

            self._kernels = compiled
        return self._kernels

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
    ) -> KnnHits:
        """The k nearest docs, all of them from `allowed` when given: min(k, docs that qualify) hits at least.

        policy: "ADHOC_BF" or "BATCHES" forces the way a filter is applied;  batch_size: see `knn_plan.choose`;
        deadline: time.monotonic() at which to give what has been found so far, with `timed_out` set.
        """
        if self._tiers is not None:
            n_allowed = None if allowed is None else allowed.intersection_cardinality(self._store.docs)
            plan = self.plan(k, n_allowed, ef_runtime=ef_runtime, policy=policy, batch_size=batch_size)
            survivors = len(self) if n_allowed is None else n_allowed
            budget = self._store.size + 1 if policy == "BATCHES" else int(survivors * _BUDGET)
            walked = plan.strategy != "exact" or plan.meet > 0
            order = _Order(min(k, survivors), allowed, survivors, plan, budget, deadline)
            if walked and (hits := self._walk(query, order)):
                return hits
        return self._exact(self.prepare(query), k, allowed, deadline)

    def _walk(self, query: bytes | Array | Query, order: _Order) -> KnnHits | None:
        """What a walk over the graph finds, None when it came back short or an exact scan is the better way."""
        settled = self._settled or self._settle()
        if settled is not None and 0 < order.k <= _FEW and (direct := self._direct(query)) is not None:
            return self._walk_settled(settled.graph, direct, order)
        prepared = self.prepare(query)
        return None if prepared.odd else self._walk_unsettled(prepared, order)

    def _settle(self) -> _Settled | None:
        graph = self._tiers and self._tiers.settled()
        self._settled = _Settled(graph, {}) if graph else None
        return self._settled

    def _direct(self, query: bytes | Array | Query) -> Array | Query | None:
        """A query as `Settled` takes it; None for one that `prepare` has to look at."""
        if self.params.dtype != "FLOAT32":
            prepared = self.prepare(query)
            return None if prepared.odd else prepared
        values = None if isinstance(query, Query) else self._values(query)
        return values if values is not None and values.dtype == STORED["FLOAT32"] else None

    def _walk_settled(self, graph: Settled, query: Array | Query, order: _Order) -> KnnHits | None:
        """`_walk` in one compiled call."""
        plan, k, ranked = order.plan, order.k, order.k + _RERANKED
        if plan.strategy == "graph" or order.allowed is None:
            found = graph.nearest(query, plan.ef, k, ranked, order.deadline)
        else:
            share, how = order.survivors / len(self), WALKS[plan.walk]
            widths = plan.ef, plan.sweep_ef, plan.meet
            found = graph.allowed(query, widths, k, ranked, order.allowed, share, how, order.budget, order.deadline)
            if found is None or (not found.timed_out and (found.spent >= order.budget or not len(found.docs))):
                return None
            plan = knn_plan.taken(plan, found.strategy, found.width)
        if found is None or not (found.timed_out or len(found.docs) == k):
            return None
        return KnnHits(found.docs, found.distances, plan, found.timed_out)

    def _walk_unsettled(self, query: Query, order: _Order) -> KnnHits | None:
        """`_walk`, and besides it the rows that no walk can reach."""
        assert self._tiers is not None
        store, plan, budget = self._store, order.plan, order.budget
        loose = self._tiers.loose(order.allowed)
        walk = self._tiers.walk(
            plan.walk, query, plan.ef, order.allowed, budget, order.deadline, plan.sweep_ef, plan.meet
        )
        if plan.walk != "graph" and not walk.timed_out and (walk.spent >= budget or not len(walk.rows)):
            return None
        rows = walk.rows if store.many else walk.rows[: order.k + _RERANKED]
        plan = plan if plan.walk == "graph" else knn_plan.taken(plan, walk.strategy, walk.width)
        hits = self._ranked(query, order.k, np.union1d(rows, loose) if len(loose) else rows, plan)
        if walk.timed_out:
            return hits._replace(timed_out=True)
        return None if len(hits.doc_ids) < order.k else hits

    def _ranked(self, query: Query, k: int, rows: Ints, plan: KnnPlan) -> KnnHits:
        """The k nearest of some live rows' docs, by exact distances."""
        store, kernels = self._store, self._scans()
        if kernels and (brief := flat.top_of_rows(store, query, rows, k, kernels)):
            return KnnHits(*brief, plan)
        if not store.many:
            return self._hits(flat.scan(store, query, rows, k), plan)
        docs, distances = _nearest_of_each(store.row_doc[rows].astype(np.int64), flat.judge(store, query, rows))
        order = np.lexsort((docs, distances))[:k]
        return KnnHits(docs[order], distances[order], plan)

    def knn_batch(self, queries: Array, k: int, allowed: BitMap | None = None, **options: object) -> list[KnnHits]:
        """`knn` for each of queries (n, dim); a large FLAT field answers them together, in one pass over its rows."""
        if self._coarse is None or self._store.many or allowed is not None or len(queries) < _BATCH:
            return [self.knn(query, k, allowed, **options) for query in queries]  # type: ignore[arg-type]
        found = flat.scan_batch(self._store, [self.prepare(query) for query in queries], k, self._coarse)
        return [self._hits(scan, knn_plan.exact(len(self), filtered=False)) for scan in found]

    def plan(
        self,
        k: int,
        n_allowed: int | None,
        *,
        ef_runtime: int | None = None,
        policy: str | None = None,
        batch_size: int | None = None,
    ) -> KnnPlan:
        """How `knn` would answer, given how many docs the filter leaves (None: there is no filter)."""
        if self._tiers is None:
            return knn_plan.exact(len(self) if n_allowed is None else n_allowed, n_allowed is not None)
        settled, key = self._settled, (k, n_allowed, ef_runtime, policy, batch_size)
        if settled is None:
            return self._choose(*key)
        plans = settled.plans
        known = plans.get(key)
        if known is None:
            if len(plans) >= PLANS_KEPT:
                plans.clear()
            known = plans[key] = self._choose(*key)
        return known

    def _choose(
        self, k: int, n_allowed: int | None, ef_runtime: int | None, policy: str | None, batch_size: int | None
    ) -> KnnPlan:
        return knn_plan.choose(self._sizes(n_allowed), k, ef_runtime or self.params.ef_runtime, policy, batch_size)

    def _sizes(self, n_allowed: int | None) -> knn_plan.Sizes:
        tiers, store = self._tiers, self._store
        assert tiers is not None
        return knn_plan.Sizes(
            docs=len(store.docs),
            rows=store.live,
            loose=len(tiers.pending),
            allowed=n_allowed,
            graph=tiers.walkable(),
            dim=store.dim,
        )

    def _exact(self, query: Query, k: int, allowed: BitMap | None, deadline: float | None = None) -> KnnHits:
        store, kernels = self._store, self._scans()
        if kernels and allowed is not None and (brief := flat.scan_docs(store, query, allowed, k, kernels)):
            docs, distances, read = brief
            return KnnHits(docs, distances, knn_plan.exact(read, filtered=True))
        rows = None if allowed is None else store.rows_of_docs(_ids(allowed & store.docs))
        plan = knn_plan.exact(len(store.docs) if rows is None else len(rows), allowed is not None)
        if store.many:
            return self._ranked(query, k, store.all_live() if rows is None else rows, plan)
        return self._hits(flat.scan(store, query, rows, k, deadline, self._coarse), plan)

    def _hits(self, found: flat.Scan, plan: KnnPlan) -> KnnHits:
        return KnnHits(self._store.row_doc[found.rows].astype(np.int64), found.distances, plan, found.timed_out)

    def range(
        self,
        query: bytes | Array | Query,
        radius: float,
        allowed: BitMap | None = None,
        *,
        epsilon: float | None = None,
        deadline: float | None = None,
    ) -> KnnHits:
        """Docs at distance <= radius, by doc id. The radius is rounded to the type distances are reported in.

        epsilon: how much further than the radius a walk over the graph goes, relative to it; smaller indexes, filters
        and circles that hold much of the index are answered by reading every row instead.  deadline: as for `knn`.
        """
        store, prepared = self._store, self.prepare(query)
        walked = None if allowed is not None or prepared.odd else self._circle(prepared, radius, epsilon, deadline)
        if walked is not None:
            rows = walked.rows
        else:
            rows = store.all_live() if allowed is None else store.rows_of_docs(_ids(allowed & store.docs))
        distances = flat.judge(store, prepared, rows, None if walked is not None else deadline)
        timed_out = len(distances) < len(rows) or (walked is not None and walked.timed_out)
        limit = reported(np.array([radius], np.float64), store.dtype)[0]
        within = np.flatnonzero(distances <= limit)
        docs, nearest = _nearest_of_each(store.row_doc[rows[within]].astype(np.int64), distances[within])
        return KnnHits(docs, nearest, _range_plan(len(rows), walked is not None), timed_out)

    def _circle(self, query: Query, radius: float, epsilon: float | None, deadline: float | None) -> Walk | None:
        """Rows that may be within the radius, found by a walk; None when every row is to be read."""
        if self._tiers is None or not self._tiers.walkable() or len(self) < _RANGE_FROM:
            return None
        reach = radius + flat.error_bound(self._store, query)
        return self._tiers.within(query, reach, self.params.epsilon if epsilon is None else epsilon, deadline)

    def distances(self, query: bytes | Array | Query, doc_ids: Ints) -> Floats:
        """Distance of each doc (len(doc_ids),) float64, to its nearest vector; NaN where it has none."""
        store, prepared = self._store, self.prepare(query)
        ids = np.asarray(doc_ids, np.int64)
        result = np.full(len(ids), np.nan)
        has = store.has(ids)
        wanted = np.unique(ids[has])
        rows = store.rows_of_docs(wanted)
        docs, nearest = _nearest_of_each(
            store.row_doc[rows].astype(np.int64), exact(prepared, store.vectors[rows], store.dtype, store.metric)
        )
        result[has] = nearest[np.searchsorted(docs, ids[has])]
        return result


def _range_plan(candidates: int, walked: bool) -> KnnPlan:
    return KnnPlan("RANGE_QUERY", "graph" if walked else "exact", candidates, not walked, int(walked))


def _ids(docs: BitMap) -> Ints:
    return np.frombuffer(docs.to_array(), np.uint32).astype(np.int64)


def _last_of_each(ids: Ints, chosen: Ints) -> Ints:
    """Of the chosen positions, the last for each id, in order."""
    _, from_end = np.unique(ids[chosen][::-1], return_index=True)
    last: Ints = np.sort(len(chosen) - 1 - from_end)
    return chosen[last]


def _nearest_of_each(docs: Ints, distances: Floats) -> tuple[Ints, Floats]:
    """Each doc once, ascending, with its smallest distance (NaN only when it has no other)."""
    order = np.lexsort((distances, docs))
    firsts, at = np.unique(docs[order], return_index=True)
    return firsts, distances[order][at]
