"""VectorIndex against a float64 brute force written here, for every type, metric and kind of data."""

from __future__ import annotations

import numpy as np
import pytest
from pyroaring import BitMap

from redisvss.index.distance import STORED, encode, normalise, widen
from redisvss.index.vectors import ELEMENT_SIZE, Metric, VectorIndex, VectorParams, decode_blob

DTYPES = list(ELEMENT_SIZE)
METRICS = list(Metric)


def params(dtype="FLOAT32", metric=Metric.L2, dim=16, algorithm="FLAT", **more) -> VectorParams:
    return VectorParams(algorithm, dtype, dim, metric, **more)


def random_vectors(rng: np.random.Generator, n: int, dim: int, dtype: str) -> np.ndarray:
    if dtype in ("INT8", "UINT8"):
        info = np.iinfo(STORED[dtype])
        return rng.integers(info.min, info.max + 1, (n, dim)).astype(STORED[dtype])
    return encode(rng.normal(size=(n, dim)), dtype)


def truth(query: np.ndarray, raw: np.ndarray, dtype: str, metric: Metric) -> np.ndarray:
    """Distances by definition: float64 over the stored values, rounded to the reported type as RediSearch does."""
    single = np.float64 if dtype == "FLOAT64" else np.float32
    q = widen(normalise(query[None], dtype, metric), dtype).astype(float)[0]
    x = widen(normalise(raw, dtype, metric), dtype).astype(float)
    match metric:
        case Metric.L2:
            d = ((x - q) ** 2).sum(1)
        case Metric.IP:
            d = 1 - (x @ q).astype(single)
        case Metric.COSINE if dtype in ("INT8", "UINT8"):
            d = 1 - ((x @ q) / (np.linalg.norm(x, axis=1) * np.linalg.norm(q))).astype(single)
        case Metric.COSINE:
            d = 1 - (x @ q).astype(single)
    return d.astype(single).astype(float)


def assert_nearest(hits, distances: np.ndarray, ids: np.ndarray, k: int) -> None:
    """Same distances in the same order, up to the last bit of a rounding; each id has the distance it claims."""
    order = np.lexsort((ids, distances))[:k]
    np.testing.assert_allclose(hits.distances, distances[order], rtol=2e-7, atol=1e-12)
    where = {int(i): d for i, d in zip(ids, distances, strict=True)}
    np.testing.assert_allclose(hits.distances, [where[int(i)] for i in hits.doc_ids], rtol=2e-7, atol=1e-12)
    if len(np.unique(distances[order])) == len(order) and len(order) == len(ids):
        assert hits.doc_ids.tolist() == ids[order].tolist()


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_knn_is_a_float64_brute_force(dtype, metric, algorithm):
    rng = np.random.default_rng(7)
    index = VectorIndex(params(dtype, metric, dim=24, algorithm=algorithm))
    raw = random_vectors(rng, 700, 24, dtype)
    ids = rng.permutation(2000)[:700].astype(np.int64)
    index.put(ids, raw)
    assert len(index) == 700 and index.docs() == BitMap(ids.tolist())
    for query in random_vectors(rng, 20, 24, dtype):
        assert_nearest(index.knn(query, 10), truth(query, raw, dtype, metric), ids, 10)
        allowed = rng.random(700) < 0.1
        hits = index.knn(query, 15, BitMap(ids[allowed].tolist()))
        assert_nearest(hits, truth(query, raw, dtype, metric)[allowed], ids[allowed], 15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_blobs_and_arrays_are_the_same_vectors(dtype):
    rng = np.random.default_rng(3)
    raw = random_vectors(rng, 50, 8, dtype)
    one, two = VectorIndex(params(dtype, dim=8)), VectorIndex(params(dtype, dim=8))
    one.put(range(50), raw)
    two.put_blobs(range(50), [row.tobytes() for row in raw])
    query = raw[3].tobytes()
    assert one.knn(query, 5).doc_ids.tolist() == two.knn(query, 5).doc_ids.tolist()
    assert one.vector_bytes(7) == two.vector_bytes(7) == raw[7].tobytes()
    assert decode_blob(raw[7].tobytes(), dtype, 8).shape == (8,)


def test_decode_blob_refuses_another_size():
    with pytest.raises(ValueError):
        decode_blob(b"\0" * 7, "FLOAT32", 2)


def test_bfloat16_rounds_to_nearest_even():
    values = np.array([[1.0, 1.00390625, 1.01171875, np.nan, np.inf, -0.0]], np.float32)
    assert widen(encode(values, "BFLOAT16"), "BFLOAT16")[0].tolist()[:3] == [1.0, 1.0, 1.015625]
    assert np.isnan(widen(encode(values, "BFLOAT16"), "BFLOAT16")[0, 3])


def test_zero_vector_under_cosine_is_nan_and_last():
    index = VectorIndex(params(metric=Metric.COSINE, dim=2))
    index.put([1, 2, 3], np.array([[0, 0], [1, 0], [0, 1]], np.float32))
    hits = index.knn(np.array([1, 0], np.float32), 3)
    assert hits.doc_ids.tolist() == [2, 3, 1] and np.isnan(hits.distances[2])
    assert np.isnan(index.knn(np.zeros(2, np.float32), 3).distances).all()


def test_huge_and_infinite_elements_get_ieee_answers():
    index = VectorIndex(params(metric=Metric.IP, dim=2))
    rows = np.array([[1, 1], [3e38, 3e38], [np.inf, 0], [-2, 0]], np.float32)
    index.put(range(5000), np.concatenate([rows, np.zeros((4996, 2), np.float32)]))
    hits = index.knn(np.array([1, 1], np.float32), 4)
    assert hits.doc_ids.tolist() == [1, 2, 0, 4]
    assert hits.distances.tolist() == [-np.inf, -np.inf, -1, 1]


def test_equal_distances_come_in_doc_id_order():
    index = VectorIndex(params(dim=2))
    index.put([9, 4, 7, 1], np.array([[1, 0], [0, 1], [-1, 0], [5, 5]], np.float32))
    assert index.knn(np.zeros(2, np.float32), 2).doc_ids.tolist() == [4, 7]


def test_several_vectors_rank_by_the_nearest_and_count_once():
    index = VectorIndex(params(dim=2))
    index.put([1], np.array([[3, 0]], np.float32))
    index.put_multi(2, np.array([[9, 9], [1, 0], [2, 0]], np.float32))
    query = np.zeros(2, np.float32)
    hits = index.knn(query, 5)
    assert hits.doc_ids.tolist() == [2, 1] and hits.distances.tolist() == [1, 9]
    assert index.range(query, 4.0).doc_ids.tolist() == [2]
    assert index.distances(query, np.array([2, 5, 1])).tolist()[0::2] == [1, 9]
    index.remove([2])
    assert index.knn(query, 5).doc_ids.tolist() == [1] and len(index) == 1


def test_unchanged_vectors_are_left_alone():
    index = VectorIndex(params(dim=2, metric=Metric.COSINE))
    raw = np.array([[3, 4], [1, 0]], np.float32)
    index.put([5, 6], raw)
    before = index._store.rows_of(5), index._store.rows_of(6)
    index.put_blobs([5, 6], [raw[0].tobytes(), np.array([1, 1], "<f4").tobytes()])
    assert index._store.rows_of(5) == before[0]
    assert index.knn(np.array([1, 1], np.float32), 1).doc_ids.tolist() == [6]


def test_the_last_of_a_batchs_repeats_wins():
    index = VectorIndex(params(dim=1))
    index.put([3, 3, 4], np.array([[1], [2], [3]], np.float32))
    assert index.distances(np.zeros(1, np.float32), np.array([3, 4])).tolist() == [4, 9]


def test_range_is_inclusive_in_the_reported_precision():
    index = VectorIndex(params(dim=1))
    index.put([1, 2, 3], np.array([[1], [2], [3]], np.float32))
    hits = index.range(np.zeros(1, np.float32), 4.0)
    assert hits.doc_ids.tolist() == [1, 2] and hits.distances.tolist() == [1, 4]
    assert index.range(np.zeros(1, np.float32), 4.0, BitMap([2, 3])).doc_ids.tolist() == [2]


def test_any_sequence_of_writes_equals_a_rebuild():
    rng = np.random.default_rng(11)
    index, model = VectorIndex(params(dim=4, algorithm="HNSW")), {}
    for step in range(300):
        ids = rng.choice(60, size=int(rng.integers(1, 6)), replace=False)
        if step % 3 == 2:
            index.remove(ids.tolist())
            for doc in ids.tolist():
                model.pop(doc, None)
        else:
            raw = random_vectors(rng, len(ids), 4, "FLOAT32")
            index.put(ids, raw)
            model |= dict(zip(ids.tolist(), raw, strict=True))
        assert len(index) == len(model)
    docs = np.array(sorted(model))
    raw = np.stack([model[d] for d in docs.tolist()])
    for query in random_vectors(rng, 10, 4, "FLOAT32"):
        assert_nearest(index.knn(query, 7), truth(query, raw, "FLOAT32", Metric.L2), docs, 7)


def test_k_zero_and_an_empty_index_find_nothing():
    index = VectorIndex(params(dim=2))
    assert len(index.knn(np.zeros(2, np.float32), 5).doc_ids) == 0
    index.put([1], np.ones((1, 2), np.float32))
    assert len(index.knn(np.zeros(2, np.float32), 0).doc_ids) == 0
    assert len(index.knn(np.zeros(2, np.float32), 5, BitMap([99])).doc_ids) == 0


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
def test_a_short_filtered_scan_by_compiled_kernels_equals_the_brute_force(algorithm):
    """Docs without a vector, unknown ids and ties among what is allowed, before and after kernels are there."""
    rng = np.random.default_rng(5)
    raw = rng.integers(-2, 3, (600, 6)).astype(np.float32)
    ids = rng.permutation(1500)[:600].astype(np.int64)
    index = VectorIndex(params(dim=6, algorithm=algorithm))
    index.put(ids, raw)
    allowed = BitMap(rng.permutation(3000)[:900].tolist())
    wanted = np.array(sorted(set(ids.tolist()) & set(allowed)))
    by_id = dict(zip(ids.tolist(), raw, strict=True))
    for warm in (False, True):
        if warm:
            index.warm()
        for query in rng.integers(-2, 3, (10, 6)).astype(np.float32):
            distances = np.array([((by_id[i].astype(float) - query) ** 2).sum() for i in wanted.tolist()])
            order = np.lexsort((wanted, distances))
            for k in (1, 10, 100):
                hits = index.knn(query, k, allowed)
                assert hits.doc_ids.tolist() == wanted[order[:k]].tolist()
                assert hits.distances.tolist() == distances[order[:k]].tolist()
                assert hits.plan.candidates == len(wanted) and hits.plan.exact
            assert len(index.knn(query, 5, BitMap([70_000, 80_000])).doc_ids) == 0


def test_an_integer_row_of_zeros_under_cosine_is_nan_to_compiled_kernels_too():
    index = VectorIndex(params("UINT8", Metric.COSINE, dim=40))
    rows = np.random.default_rng(0).integers(0, 256, (300, 40)).astype(np.uint8)
    rows[7] = 0
    index.put(np.arange(300), rows)
    cold = index.knn(rows[3], 300)
    index.warm()
    hits = index.knn(rows[3], 300)
    assert hits.doc_ids[-1] == 7 and np.isnan(hits.distances[-1]) and np.isfinite(hits.distances[:-1]).all()
    assert hits.doc_ids.tolist() == cold.doc_ids.tolist()


@pytest.mark.parametrize("metric", METRICS)
def test_compiled_code_prepares_a_blob_as_numpy_does(metric):
    """Ordinary queries bit by bit; those with a norm that is zero, tiny, huge or none are left to numpy."""
    cold, warm = VectorIndex(params(metric=metric, dim=50)), VectorIndex(params(metric=metric, dim=50))
    warm.warm()
    rng = np.random.default_rng(2)
    for scale in (1e-20, 1.0, 1e3, 0.0, 1e-38, 1e20, np.inf, np.nan):
        for values in (rng.normal(size=(20, 50)) * scale).astype(np.float32):
            with np.errstate(invalid="ignore"):
                expected, found = cold.prepare(values), warm.prepare(values.tobytes())
            assert np.array_equal(found.wide, expected.wide, equal_nan=True) and found.odd == expected.odd
            assert found.norm == pytest.approx(expected.norm, rel=1e-12, nan_ok=True)
    with pytest.raises(ValueError):
        warm.prepare(values.tobytes()[4:])
