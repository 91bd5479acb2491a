"""The int8 copy never changes an answer, and is kept true by writes."""

from __future__ import annotations

import numpy as np
import pytest
from pyroaring import BitMap

from redisvss.index import vectors as module
from redisvss.index.vectors import Metric, VectorIndex, VectorParams

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
    assert kept is not None and 11 <= len(kept) < 100 and {3, 17} <= set(kept.tolist())
