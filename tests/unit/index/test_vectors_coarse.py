"""The int8 copy never changes an answer, and is kept true by writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from pyroaring import BitMap

from redisvss.index import vectors as module
from redisvss.index.vectors import Metric, VectorIndex, VectorParams

pytestmark = pytest.mark.timeout(
    600
)  # compiling kernels for a type and metric takes 7 to 30 s of CPU, once per machine

DIM = 40


def data(kind: str, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, DIM))
    match kind:
        case "clustered":
            x = rng.normal(size=(8, DIM))[rng.integers(0, 8, n)] * 3 + x * 0.01
        case "offset":
            x += 1000
        case "one huge dimension":
            x[:, 7] *= 1e5
        case "lognormal":
            x = np.exp(2 * x)
    return x.astype(np.float32)


def truth(query: np.ndarray, x: np.ndarray, metric: Metric) -> np.ndarray:
    x, q = x.astype(float), query.astype(float)
    if metric is Metric.COSINE:
        x = (x / np.linalg.norm(x, axis=1, keepdims=True).astype(np.float32)).astype(np.float32).astype(float)
        q = (query / np.float32(np.linalg.norm(q))).astype(float)
    d = ((x - q) ** 2).sum(1) if metric is Metric.L2 else 1 - (x @ q).astype(np.float32)
    return d.astype(np.float32).astype(float)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("kind", ["random", "clustered", "offset", "one huge dimension", "lognormal"])
def test_hostile_data_get_the_float64_answer(kind, metric, monkeypatch):
    monkeypatch.setattr(module, "_WORTH_CODING", 1)
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", DIM, metric))
    index.warm()
    x = data(kind, 3000, 1)
    index.put(np.arange(3000), x)
    index.remove(range(0, 3000, 7))
    changed = data(kind, 300, 2)
    index.put(np.arange(300), changed)
    x[:300] = changed
    ids = np.array(sorted(index.docs()))
    some = ids[::3]
    for query in data(kind, 30, 3):
        d = truth(query, x, metric)
        for allowed in (ids, some):
            hits = index.knn(query, 10, None if allowed is ids else BitMap(some.tolist()))
            wanted = allowed[np.lexsort((allowed, d[allowed]))[:10]]
            np.testing.assert_allclose(hits.distances, d[wanted], rtol=2e-7, atol=1e-7)
            np.testing.assert_allclose(d[hits.doc_ids], d[wanted], rtol=2e-7, atol=1e-7)


def test_the_copy_rules_most_rows_out(monkeypatch):
    monkeypatch.setattr(module, "_WORTH_CODING", 1)
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", DIM, Metric.L2))
    index.warm()
    x = data("random", 5000, 1)
    x[17] = np.inf
    index.put(np.arange(5000), x)
    kept = index._coarse.candidates(index.prepare(x[3]), 10)
    assert kept is not None and 11 <= len(kept.rows) < 100 and {3, 17} <= set(kept.rows.tolist())


def test_a_deadline_that_is_kept_changes_nothing_and_one_that_is_not_cuts_short(monkeypatch):
    monkeypatch.setattr(module, "_WORTH_CODING", 1)
    monkeypatch.setattr("redisvss.index.coarse.DEADLINE_EVERY", DIM * 64)  # a look at the clock every 1024 rows
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", DIM, Metric.L2))
    index.warm()
    x = data("random", 5000, 1)
    index.put(np.arange(5000), x)
    whole, kept = index.knn(x[3], 10), index.knn(x[3], 10, deadline=time.monotonic() + 60)
    assert index._coarse is not None and not kept.timed_out
    assert kept.doc_ids.tolist() == whole.doc_ids.tolist()
    clock = iter([0.0, 0.0])
    monkeypatch.setattr("redisvss.index.coarse.time", SimpleNamespace(monotonic=lambda: next(clock, 1.0)))
    cut = index.knn(x[3], 10, deadline=0.5)
    assert cut.timed_out
    assert cut.doc_ids.tolist() == np.argsort(truth(x[3], x[:2048], Metric.L2))[:10].tolist()


@pytest.mark.parametrize("dtype", ["FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"])
def test_a_batch_is_answered_as_its_queries_are(dtype, monkeypatch):
    """Also in a batch: an odd query, k beyond what the copy is for, too few queries, filters, odd and dead rows."""
    monkeypatch.setattr(module, "_WORTH_CODING", 1)
    index = VectorIndex(VectorParams("FLAT", dtype, DIM, Metric.L2))
    index.warm()
    x = data("random", 3001, 1)
    x[17] = np.inf
    index.put(np.arange(3001), x)
    index.remove(range(0, 3001, 5))
    queries = data("random", 19, 4)
    queries[3, 0] = np.nan
    queries[5] = x[17]
    assert index._coarse is not None
    for k, some, allowed in (
        (10, 19, None),
        (200, 19, None),
        (10, 3, None),
        (0, 19, None),
        (10, 19, BitMap(range(99))),
    ):
        together = index.knn_batch(queries[:some], k, allowed)
        index._coarse._skip = 1 << 30  # without the copy
        for hits, query in zip(together, queries[:some], strict=True):
            alone = index.knn(query, k, allowed)
            assert hits.doc_ids.tolist() == alone.doc_ids.tolist() and hits.plan == alone.plan
            np.testing.assert_array_equal(hits.distances, alone.distances)
        index._coarse._skip = 0


def test_in_a_batch_too_the_copy_rules_most_rows_out(monkeypatch):
    monkeypatch.setattr(module, "_WORTH_CODING", 1)
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", DIM, Metric.L2))
    index.warm()
    x = data("random", 20_000, 1)
    index.put(np.arange(20_000), x)
    left = index._coarse.candidates_of([index.prepare(query) for query in x[:11]], 10)
    assert len(left) == 11
    for row, rows in enumerate(left):
        assert rows is not None and row in rows and 10 <= len(rows) < 1000


def test_a_query_at_the_centre_and_rows_alike_are_bounded_too(monkeypatch):
    """No length anywhere: scales, errors and the query's step have nothing to divide by."""
    monkeypatch.setattr(module, "_WORTH_CODING", 1)
    for metric in (Metric.L2, Metric.IP):
        index = VectorIndex(VectorParams("FLAT", "FLOAT32", 3, metric))
        index.warm()
        index.put(np.arange(100), np.full((100, 3), 2.0, np.float32))
        for query in (np.full(3, 2.0, np.float32), np.zeros(3, np.float32)):
            index._coarse._skip = 0
            assert index.knn(query, 5).doc_ids.tolist() == [0, 1, 2, 3, 4]
            assert [hits.doc_ids.tolist() for hits in index.knn_batch(np.stack([query] * 4), 5)] == [
                [0, 1, 2, 3, 4]
            ] * 4


def test_shares_that_end_within_a_block_lose_and_repeat_no_row(monkeypatch):
    monkeypatch.setattr(module, "_WORTH_CODING", 1)
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", DIM, Metric.L2))
    index.warm()
    x = data("random", 3001, 1)
    index.put(np.arange(3001), x)
    monkeypatch.setattr("redisvss.index.coarse.SCAN_SHARE", 3 * DIM)
    shares = []
    monkeypatch.setattr("redisvss.index.coarse.in_parallel", lambda task, n, share: _in_turn(task, n, share, shares))
    for query in data("random", 20, 3):
        distances = truth(query, x, Metric.L2)
        hits = index.knn(query, 10)
        np.testing.assert_array_equal(hits.doc_ids, np.lexsort((np.arange(3001), distances))[:10])
        np.testing.assert_array_equal(hits.distances, np.sort(distances)[:10])
    assert any(share % 16 for share in shares)


def _in_turn(task: Callable[[int, int], None], n: int, share: int, shares: list[int]) -> None:
    shares.append(share)
    for first in range(0, n, share):
        task(first, min(n, first + share))


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [1, 99, 100, 101, 350, 999, 12_345])
def test_even_shares_keep_every_thread_busy(monkeypatch, workers, n):
    from redisvss.index import compiled

    monkeypatch.setattr(compiled, "_workers", workers)
    share = compiled.even_share(n, 100)
    assert 0 < share <= 100
    if n > 100:
        tasks = [min(n, first + share) - first for first in range(0, n, share)]
        turns = [tasks[at : at + workers] for at in range(0, len(tasks), workers)]
        assert sum(map(max, turns)) <= n / workers + len(turns) * workers
