"""IVF_FLAT: exact until trained, near-exact afterwards, exact again under narrow filters; k hits whenever k qualify."""

from __future__ import annotations

import numpy as np
import pytest
from pyroaring import BitMap

from redisvss.index.ivf import IvfIndex, IvfParams, IvfPlan
from redisvss.index.vectors import Metric

DIM, NLIST = 16, 16


def clustered(count: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(40, DIM)) * 3
    return (centres[random.integers(40, size=count)] + random.normal(size=(count, DIM))).astype(np.float32)


def index(vectors: np.ndarray, metric: Metric = Metric.L2, dtype: str = "FLOAT32", nprobe: int = 4) -> IvfIndex:
    made = IvfIndex(IvfParams("IVF_FLAT", dtype, DIM, metric, nlist=NLIST, nprobe=nprobe))
    for start in range(0, len(vectors), 50):
        part = vectors[start : start + 50]
        made.put(np.arange(start, start + len(part)), part)
    return made


def truth(vectors: np.ndarray, query: np.ndarray, k: int, among: np.ndarray | None = None) -> set[int]:
    ids = np.arange(len(vectors)) if among is None else among
    distances = ((vectors[ids].astype(np.float64) - query) ** 2).sum(axis=1)
    return set(ids[np.argsort(distances, kind="stable")[:k]].tolist())


def test_few_vectors_are_scanned_exactly() -> None:
    vectors = clustered(100)
    made = index(vectors)
    hits = made.knn(vectors[3], 5)
    assert hits.plan.exact
    assert set(hits.doc_ids.tolist()) == truth(vectors, vectors[3], 5)


def test_trained_cells_find_most_neighbours_reading_few_rows() -> None:
    vectors = clustered(4000)
    made = index(vectors)
    found = 0
    for number in range(0, 4000, 100):
        hits = made.knn(vectors[number], 10)
        assert isinstance(hits.plan, IvfPlan)
        assert hits.plan.coarse == NLIST
        assert hits.plan.fine < len(vectors) * 0.75  # 4 of 16 cells of unequal size
        found += len(set(hits.doc_ids.tolist()) & truth(vectors, vectors[number], 10))
    assert found / 400 >= 0.9


def test_probing_every_cell_is_exact() -> None:
    vectors = clustered(2000)
    made = index(vectors)
    for number in range(0, 2000, 200):
        hits = made.knn(vectors[number], 10, nprobe=NLIST)
        assert set(hits.doc_ids.tolist()) == truth(vectors, vectors[number], 10)


@pytest.mark.parametrize("share", [2, 10, 100, 1000])
def test_a_filter_always_gets_its_k(share: int) -> None:
    vectors = clustered(4000)
    made = index(vectors, nprobe=1)
    allowed = np.arange(0, 4000, share)
    hits = made.knn(vectors[5], 10, BitMap(allowed.tolist()))
    assert len(hits.doc_ids) == min(10, len(allowed))
    assert set(hits.doc_ids.tolist()) <= set(allowed.tolist())


def test_updated_and_deleted_vectors_leave_their_cells() -> None:
    vectors = clustered(2000)
    made = index(vectors)
    moved = clustered(2000, seed=2)
    made.remove(range(500))
    made.put(np.arange(500, 2000), moved[500:])
    hits = made.knn(moved[700], 10, nprobe=NLIST)
    assert set(hits.doc_ids.tolist()) == truth(moved, moved[700], 10, np.arange(500, 2000))
    assert len(made) == 1500


def test_centroids_are_trained_anew_when_outgrown() -> None:
    vectors = clustered(3000)
    made = index(vectors[:200])
    first = made._centroids
    made.put(np.arange(200, 3000), vectors[200:])
    assert first is not None
    assert made._centroids is not None
    assert not np.array_equal(first, made._centroids)


def test_documents_with_several_vectors_count_once() -> None:
    vectors = clustered(1000)
    made = index(vectors)
    made.put_multi(1000, np.stack([vectors[0], vectors[500]]))
    for number in (0, 500):
        found = made.knn(vectors[number], 2).doc_ids.tolist()
        assert sorted(found) == sorted([number, 1000])


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("dtype", ["FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16", "INT8", "UINT8"])
def test_every_type_and_metric_agrees_with_an_exact_scan(metric: Metric, dtype: str) -> None:
    vectors = np.abs(clustered(400)) * 8 + 1
    made = index(vectors if dtype not in ("INT8", "UINT8") else vectors.round(), metric, dtype)
    for number in range(0, 400, 40):
        exact = made.knn(vectors[number], 5, policy="ADHOC_BF")
        probed = made.knn(vectors[number], 5, nprobe=NLIST)
        assert probed.distances == pytest.approx(exact.distances)
