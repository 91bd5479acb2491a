"""The graph: recall, filters of every selectivity, deletion and reuse, and doing it all again gives the same."""

from __future__ import annotations

import mmap
import sys
import threading
import time

import numpy as np
import pytest
from pyroaring import BitMap

from redisvss.index import knn_plan, matrix
from redisvss.index.distance import encode
from redisvss.index.tiered import TieredGraph
from redisvss.index.vectors import PLANS_KEPT, Metric, VectorIndex, VectorParams

pytestmark = pytest.mark.timeout(
    600
)  # compiling kernels for a type and metric takes 7 to 30 s of CPU, once per machine

DIM, ROWS = 32, 6000


def clustered(seed: int, n: int, dim: int = DIM) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(30, dim)) * 1.5
    return (centres[rng.integers(0, 30, n)] + rng.normal(size=(n, dim))).astype(np.float32)


def hnsw(**more) -> VectorIndex:
    index = VectorIndex(VectorParams("HNSW", "FLOAT32", DIM, Metric.L2, **more))
    index.warm()
    return index


@pytest.fixture(scope="module")
def built() -> tuple[VectorIndex, np.ndarray]:
    vectors, index = clustered(1, ROWS), hnsw()
    for at in range(0, ROWS, 1500):
        index.put(np.arange(at, at + 1500), vectors[at : at + 1500])
    return index, vectors


def truth(query: np.ndarray, vectors: np.ndarray, ids: np.ndarray, k: int = 10) -> set[int]:
    distances = ((vectors[ids].astype(float) - query) ** 2).sum(1)
    return set(ids[np.argsort(distances)[:k]].tolist())


def recall(index: VectorIndex, vectors: np.ndarray, ids: np.ndarray, allowed: BitMap | None = None, **options) -> float:
    queries = clustered(5, 40)
    found = [set(index.knn(q, 10, allowed, **options).doc_ids.tolist()) for q in queries]
    wanted = [truth(q, vectors, ids) for q in queries]
    return float(np.mean([len(f & w) / len(w) for f, w in zip(found, wanted, strict=True)]))


def test_a_graph_finds_the_nearest(built):
    index, vectors = built
    hits = index.knn(vectors[17], 10, ef_runtime=100)
    assert hits.plan.strategy == "graph" and not hits.plan.exact
    assert hits.doc_ids[0] == 17 and hits.distances[0] == 0
    assert recall(index, vectors, np.arange(ROWS), ef_runtime=100) >= 0.97


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001])
def test_a_filter_never_costs_hits(built, share):
    index, vectors = built
    ids = np.random.default_rng(3).permutation(ROWS)[: int(ROWS * share)]
    hits = index.knn(vectors[3], 20, BitMap(ids.tolist()))
    assert len(hits.doc_ids) == min(20, len(ids)) and set(hits.doc_ids.tolist()) <= set(ids.tolist())
    assert recall(index, vectors, ids, BitMap(ids.tolist())) >= 0.95


@pytest.mark.parametrize("nearer", [False, True])
def test_a_filter_correlated_with_the_query_keeps_its_recall(built, nearer):
    index, vectors = built
    for query in clustered(5, 10):
        order = np.argsort(((vectors - query) ** 2).sum(1))
        ids = np.sort((order[: ROWS // 3] if nearer else order[ROWS // 4 :])[::2])
        hits = index.knn(query, 10, BitMap(ids.tolist()))
        assert len(set(hits.doc_ids.tolist()) & truth(query, vectors, ids)) >= 9


@pytest.mark.parametrize("policy", ["BATCHES", "ADHOC_BF"])
def test_a_forced_policy_is_obeyed_and_complete(built, policy):
    index, vectors = built
    ids = np.arange(0, ROWS, 12)
    hits = index.knn(vectors[5], 10, BitMap(ids.tolist()), policy=policy)
    assert hits.plan.mode == f"HYBRID_{policy}" or hits.plan.exact
    assert recall(index, vectors, ids, BitMap(ids.tolist()), policy=policy) >= (1.0 if policy == "ADHOC_BF" else 0.95)


@pytest.mark.parametrize("strategy", ["sweep", "two-hop"])
def test_both_walks_under_a_filter_collect_only_what_passes(built, strategy):
    index, vectors = built
    allowed = BitMap(range(0, ROWS, 3))
    walk = index._tiers.walk(strategy, index.prepare(vectors[0]), 64, allowed, ROWS)
    assert len(walk.rows) == 64 and all(int(row) in allowed for row in walk.rows)
    assert len(set(walk.rows[:20].tolist()) & truth(vectors[0], vectors, np.arange(0, ROWS, 3), 20)) >= 19


def test_the_same_writes_build_the_same_graph_on_any_number_of_threads(monkeypatch):
    graphs = []
    for cpus in (1, 2):
        monkeypatch.setattr("redisvss.index.compiled._workers", cpus)
        index = hnsw(seed=5)
        index.put(np.arange(3000), clustered(2, 3000))
        graphs.append(index._tiers.graph._links.array[:3000].copy())
    assert np.array_equal(*graphs)


def test_churn_keeps_recall_and_memory():
    vectors, index = clustered(1, ROWS), hnsw()
    index.put(np.arange(ROWS), vectors)
    rng = np.random.default_rng(8)
    index.compact()
    rows_before, memory = index._store.size, index.memory_bytes()
    fresh = recall(index, vectors, np.arange(ROWS), ef_runtime=40)
    for _ in range(2):
        gone = rng.permutation(ROWS)[: ROWS // 2]
        index.remove(gone)
        for at in range(0, len(gone), 500):
            index.put(gone[at : at + 500], vectors[gone[at : at + 500]])
    assert recall(index, vectors, np.arange(ROWS), ef_runtime=40) >= fresh - 0.01
    index.compact()
    assert index._store.size <= rows_before * 1.05 and index.memory_bytes() <= memory * 1.05


def test_removed_documents_never_come_back(built):
    vectors, index = clustered(4, 4000), hnsw()
    index.put(np.arange(4000), vectors)
    index.remove(list(range(0, 4000, 2)))
    for query in vectors[:20]:
        assert (index.knn(query, 50).doc_ids % 2 == 1).all()
    index.compact()
    assert index._store.size - len(index._store._free) == len(index) == 2000
    assert recall(index, vectors, np.arange(1, 4000, 2), ef_runtime=60) >= 0.95


def test_removing_everything_starts_afresh():
    index = hnsw()
    index.put(np.arange(2500), clustered(4, 2500))
    index.remove(range(2500))
    assert len(index) == 0 and len(index.knn(np.zeros(DIM, np.float32), 3).doc_ids) == 0
    index.put([7], np.ones((1, DIM), np.float32))
    assert index.knn(np.zeros(DIM, np.float32), 3).doc_ids.tolist() == [7]


def test_single_writes_are_found_at_once(built):
    vectors, index = clustered(1, 3000), hnsw()
    index.put(np.arange(2500), vectors[:2500])
    for doc in range(2500, 3000):
        index.put([doc], vectors[doc][None])
        assert index.knn(vectors[doc], 1, ef_runtime=50).doc_ids.tolist() == [doc]


def test_searches_run_while_the_graph_grows(built):
    """Readers share; the writer is exclusive only while rows are stored, so here readers run beside linking."""
    vectors, index = clustered(1, ROWS), hnsw()
    index.put(np.arange(2100), vectors[:2100])
    tiers, store = index._tiers, index._store
    with tiers.writing:
        rows = store.add(np.arange(2100, ROWS), vectors[2100:], np.arange(2100, ROWS))
        tiers.graph.admit(rows)
        tiers.pending = np.concatenate([tiers.pending, rows])
    linking = threading.Thread(target=tiers._link_in_background)
    linking.start()
    while linking.is_alive():
        for query in (3, 2500, 5900):
            assert index.knn(vectors[query], 1, ef_runtime=50).doc_ids.tolist() == [query]
    assert len(tiers.pending) == 0


def test_several_vectors_in_a_graph_count_once():
    vectors, index = clustered(1, 4500), hnsw()
    for doc in range(1500):
        index.put_multi(doc, vectors[3 * doc : 3 * doc + 3])
    index.compact()
    owners = np.arange(4500) // 3
    for query in clustered(6, 10):
        distances = ((vectors.astype(float) - query) ** 2).sum(1)
        best = np.array([distances[owners == d].min() for d in range(1500)])
        hits = index.knn(query, 10, ef_runtime=200)
        assert len(set(hits.doc_ids.tolist())) == 10
        assert len(set(hits.doc_ids.tolist()) & set(np.argsort(best)[:10].tolist())) >= 9


def test_odd_vectors_take_part_beside_the_graph():
    vectors = clustered(1, 3000)
    vectors[10], vectors[11, 0] = np.inf, np.nan
    index = hnsw()
    index.put(np.arange(3000), vectors)
    hits = index.knn(vectors[0], 3000)
    assert len(hits.doc_ids) == 3000 and hits.doc_ids[-2:].tolist() == [10, 11]
    assert np.isinf(hits.distances[-2]) and np.isnan(hits.distances[-1])


@pytest.mark.parametrize("share", [0.3, 0.1])
def test_a_filter_thinner_around_the_query_keeps_its_recall(share):
    """Queries at the edge of what the filter allows: two hops alone found .4 of the answer for some."""
    dim, rows = 24, 12_000
    vectors, queries = clustered(1, rows, dim), clustered(7, 30, dim)
    index = VectorIndex(VectorParams("HNSW", "FLOAT32", dim, Metric.L2))
    index.warm()
    index.put(np.arange(rows), vectors)
    found = []
    for at, query in enumerate(queries):
        order = np.argsort(((vectors - query) ** 2).sum(1))
        far = order[rows // (5 + at) :]
        ids = np.sort(np.random.default_rng(at).permutation(far)[: int(rows * share)])
        hits = index.knn(query, 10, BitMap(ids.tolist()))
        found.append(len(set(hits.doc_ids.tolist()) & truth(query, vectors, ids)) / 10)
    assert np.mean(found) >= 0.97 and min(found) >= 0.7


@pytest.fixture(scope="module")
def larger() -> tuple[VectorIndex, np.ndarray, list[np.ndarray]]:
    """An index, its vectors, and for each of some queries all rows, the nearest first."""
    dim, rows = 24, 12_000
    vectors = clustered(1, rows, dim)
    index = VectorIndex(VectorParams("HNSW", "FLOAT32", dim, Metric.L2))
    index.warm()
    index.put(np.arange(rows), vectors)
    index.compact()
    return index, vectors, [np.argsort(((vectors - query) ** 2).sum(1)) for query in clustered(7, 30, dim)]


def test_a_sweep_is_wider_where_the_filter_keeps_what_is_near(larger):
    """Its width at the filter's share of all rows would meet too few of them: recall .80 at 200,000 rows."""
    index, _, orders = larger
    found = []
    for query, order in zip(clustered(7, 30, 24), orders, strict=True):
        ids = np.sort(order[:3000])
        hits = index.knn(query, 10, BitMap(ids.tolist()))
        assert hits.plan.strategy == "sweep" and hits.plan.sweep_ef > index.plan(10, len(ids)).sweep_ef == 10
        found.append(len(set(hits.doc_ids.tolist()) & set(order[:10].tolist())) / 10)
    assert np.mean(found) >= 0.97


@pytest.fixture
def always_looking(monkeypatch):
    monkeypatch.setattr("redisvss.index.knn_plan._LOOK_FROM", 1)
    knn_plan.choose.cache_clear()
    yield
    knn_plan.choose.cache_clear()


@pytest.mark.usefixtures("always_looking")
def test_a_scan_gives_way_to_a_sweep_where_the_filter_keeps_what_is_near(larger):
    index, vectors, orders = larger
    assert index.plan(10, 1500, ef_runtime=24).exact
    swept, found = 0, []
    for query, order in zip(clustered(7, 30, 24), orders, strict=True):
        hits = index.knn(query, 10, BitMap(order[:1500].tolist()), ef_runtime=24)
        swept += hits.plan.strategy == "sweep"
        assert hits.plan.exact == (hits.plan.mode == "HYBRID_ADHOC_BF") == (hits.plan.strategy != "sweep")
        found.append(len(set(hits.doc_ids.tolist()) & set(order[:10].tolist())) / 10)
        for ids in (order[5::10], order[-1200:]):  # spread evenly; far away
            hits = index.knn(query, 10, BitMap(ids.tolist()), ef_runtime=24)
            assert hits.plan.exact and set(hits.doc_ids.tolist()) == truth(query, vectors, np.sort(ids))
    assert swept >= 25 and np.mean(found) >= 0.97


def test_a_filter_that_lets_everything_through_is_no_filter(built):
    index, vectors = built
    hits = index.knn(vectors[3], 10, BitMap(range(ROWS + 500)))
    assert hits.plan.strategy == "graph" and hits.plan.mode == "HYBRID_BATCHES" and hits.doc_ids[0] == 3


def test_a_range_walks_the_graph_and_finds_what_is_there(monkeypatch, built):
    monkeypatch.setattr("redisvss.index.vectors._RANGE_FROM", 1)
    index, vectors = built
    found = expected = 0
    for query in vectors[:40]:
        distances = ((vectors.astype(float) - query) ** 2).sum(1)
        radius = float(np.sort(distances)[15])
        hits = index.range(query, radius, epsilon=0.1)
        assert hits.plan.strategy == "graph" and not hits.plan.exact
        assert hits.doc_ids.tolist() == sorted(hits.doc_ids.tolist()) and (hits.distances <= np.float32(radius)).all()
        found, expected = found + len(hits.doc_ids), expected + 16
    assert found >= 0.95 * expected


def test_a_range_over_much_of_the_index_is_exact(monkeypatch, built):
    monkeypatch.setattr("redisvss.index.vectors._RANGE_FROM", 1)
    index, vectors = built
    distances = ((vectors.astype(float) - vectors[3]) ** 2).sum(1)
    hits = index.range(vectors[3], float(np.median(distances)))
    assert hits.plan.exact and len(hits.doc_ids) == ROWS // 2


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_a_walk_whose_time_is_up_gives_what_it_has_found(monkeypatch, built, share):
    monkeypatch.setattr("redisvss.index.hnsw._LOOK", 64)
    index, vectors = built
    allowed = BitMap(np.random.default_rng(3).permutation(ROWS)[: int(ROWS * share)].tolist())
    options = {"ef_runtime": 50, "policy": "BATCHES"}
    whole = index.knn(vectors[3], 10, allowed, **options)
    cut = index.knn(vectors[3], 10, allowed, deadline=time.monotonic() - 1, **options)
    assert cut.timed_out and not whole.timed_out and cut.plan.strategy == whole.plan.strategy
    assert 0 < len(cut.doc_ids) <= 10 and set(cut.doc_ids.tolist()) <= set(allowed)
    in_time = index.knn(vectors[3], 10, allowed, deadline=time.monotonic() + 60, **options)
    assert in_time.doc_ids.tolist() == whole.doc_ids.tolist() and not in_time.timed_out


def test_a_range_whose_time_is_up_gives_what_it_has_found(monkeypatch, built):
    index, vectors = built
    distances = ((vectors.astype(float) - vectors[3]) ** 2).sum(1)
    radius = float(np.sort(distances)[200])
    whole = index.range(vectors[3], radius).doc_ids
    monkeypatch.setattr("redisvss.index.flat._CHUNK_ELEMENTS", 100 * DIM)
    scanned = index.range(vectors[3], radius, deadline=time.monotonic() - 1)
    assert scanned.timed_out and set(scanned.doc_ids.tolist()) == {doc for doc in whole.tolist() if doc < 100}
    monkeypatch.setattr("redisvss.index.vectors._RANGE_FROM", 1)
    monkeypatch.setattr("redisvss.index.hnsw._LOOK", 20)
    walked = index.range(vectors[3], radius, deadline=time.monotonic() - 1)
    assert walked.timed_out and walked.plan.strategy == "graph"
    assert set(walked.doc_ids.tolist()) < set(whole.tolist())


def test_a_batch_size_widens_the_walk_and_counts_batches(built):
    """RediSearch 2.10.5, 10,000 docs, fewer than k allowed: 5,000 batches of 2, 100 of 100."""
    index, vectors = built
    plan = index.plan(10, ROWS // 2, policy="BATCHES", batch_size=400)
    assert plan.ef == 200 and plan.batches == 1
    assert index.plan(100, ROWS // 2, policy="BATCHES", batch_size=2).batches == 100
    assert index.plan(100, 10, policy="BATCHES", batch_size=7).batches == -(-ROWS // 7)
    assert index.plan(10, ROWS // 2, policy="BATCHES").batches == 1
    hits = index.knn(vectors[3], 10, BitMap(range(0, ROWS, 2)), policy="BATCHES", batch_size=400)
    assert hits.plan.ef == 200 and hits.plan.mode == "HYBRID_BATCHES"


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("dtype", ["FLOAT32", "FLOAT64", "FLOAT16", "INT8"])
def test_a_walk_in_one_call_and_one_in_parts_find_the_same(monkeypatch, dtype, metric):
    """The parts are taken while rows wait outside the graph, or leave it; the one call otherwise."""
    index = VectorIndex(VectorParams("HNSW", dtype, DIM, metric))
    index.warm()
    vectors = encode(clustered(1, 4000) * 10, dtype)
    index.put(np.arange(4000), vectors)
    index.compact()
    filters = [None, *(BitMap(np.flatnonzero(np.arange(4000) % n == 0).tolist()) for n in (1, 2, 5))]
    queries = encode(clustered(5, 10) * 10, dtype)
    whole = [index.knn(q.tobytes(), 10, allowed, ef_runtime=20) for allowed in filters for q in queries]
    monkeypatch.setattr(TieredGraph, "settled", lambda self: None)
    index.put([4001], vectors[:1])  # a write ends what was settled
    index.remove([4001])
    parts = [index.knn(q.tobytes(), 10, allowed, ef_runtime=20) for allowed in filters for q in queries]
    assert {hits.plan.strategy for hits in whole} >= {"graph", "sweep"}
    for one, other in zip(whole, parts, strict=True):
        assert one.plan == other.plan
        np.testing.assert_array_equal(one.doc_ids, other.doc_ids)
        np.testing.assert_array_equal(one.distances, other.distances)


def test_a_query_that_is_not_ordinary_is_answered_exactly(built):
    index, vectors = built
    for value in (np.nan, np.inf, 1e30):
        query = vectors[0].copy()
        query[3] = value
        assert index.knn(query, 5).plan.strategy == "exact"
        assert len(index.knn(query.tobytes(), 5, BitMap(range(0, ROWS, 2))).doc_ids) == 5


def test_queries_of_other_types_and_layouts_are_cast(built):
    index, vectors = built
    wanted = index.knn(vectors[9], 5)
    strided = np.repeat(vectors[9], 2)[::2]
    for query in (vectors[9].astype(np.float64), strided, vectors[9].tolist(), index.prepare(vectors[9])):
        np.testing.assert_array_equal(index.knn(query, 5).doc_ids, wanted.doc_ids)


def test_plans_remembered_are_bounded(built):
    index, vectors = built
    index.compact()
    index.knn(vectors[0], 1)
    for k in range(1, 2 * PLANS_KEPT):
        index.plan(k, None)
    assert 0 < len(index._settled.plans) <= PLANS_KEPT


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere arrays are copied when they grow")
def test_a_search_does_not_keep_arrays_from_growing_in_place(monkeypatch):
    """A view of a mapping that outlives the search would have every row copied within the next write."""
    for name in ("_MAPPED_FROM", "_STEP_BYTES", "_HUGE_PAGE"):
        monkeypatch.setattr(matrix, name, mmap.PAGESIZE)
    index, vectors = hnsw(), clustered(1, 2 * ROWS)
    index.put(np.arange(ROWS), vectors[:ROWS])
    index.compact()
    assert index.knn(vectors[1].tobytes(), 3).doc_ids[0] == 1 and index._settled is not None
    before = index._store._vectors._pages
    reserved = len(index._store._vectors.array)
    index.put(np.arange(ROWS, 2 * ROWS), vectors[ROWS:])
    assert len(index._store._vectors.array) > reserved and index._store._vectors._pages is before


def test_a_write_ends_what_was_settled():
    index, vectors = hnsw(), clustered(1, 3000)
    index.put(np.arange(3000), vectors)
    index.compact()
    assert index.knn(vectors[7], 1).doc_ids.tolist() == [7] and index._settled is not None
    index.put([5000], vectors[7:8] + 0.001)
    assert index.knn(vectors[7], 2).doc_ids.tolist() == [7, 5000]
    index.compact()
    assert index.knn(vectors[7], 2).doc_ids.tolist() == [7, 5000] and index._settled is not None
    index.remove([7])
    assert index.knn(vectors[7], 1).doc_ids.tolist() == [5000]
    index.put_multi(5000, vectors[:2])
    assert index.knn(vectors[1], 1).doc_ids.tolist() in ([1], [5000]) and index._settled is None
