"""The hnswlib backend answers like the native one, and its traps stay hidden."""

from __future__ import annotations

import numpy as np
import pytest
from pyroaring import BitMap
from redis.exceptions import ResponseError

from redisvss import Redis
from redisvss.index.vectors import Metric, VectorIndex, VectorParams

pytestmark = pytest.mark.timeout(
    600
)  # compiling kernels for a type and metric takes 7 to 30 s of CPU, once per machine

pytest.importorskip("hnswlib", reason="the extra redisvss[hnswlib] is not installed")


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("dtype", ["FLOAT32", "INT8"])
def test_both_backends_find_the_same_documents(dtype, metric):
    rng = np.random.default_rng(1)
    vectors = np.clip(rng.normal(size=(4000, 16)) * 40, -128, 127)
    indexes = [VectorIndex(VectorParams("HNSW", dtype, 16, metric, backend=b)) for b in ("native", "hnswlib")]
    for index in indexes:
        index.warm()
        index.put(np.arange(4000), vectors)
        index.remove(range(0, 4000, 5))
        index.put(np.arange(0, 4000, 10), vectors[:400])
    vectors[0:4000:10] = vectors[:400].copy()
    half = BitMap(range(0, 4000, 2))
    for query in vectors[100:110]:
        for allowed in (None, half, BitMap(range(50))):
            native, other = (index.knn(query, 10, allowed, ef_runtime=200) for index in indexes)
            assert len(native.doc_ids) == len(other.doc_ids) == min(10, len(native.doc_ids))
            np.testing.assert_allclose(native.distances, other.distances, rtol=1e-6)


def test_a_filter_that_few_rows_pass_is_answered_in_full():
    vectors = np.random.default_rng(2).normal(size=(5000, 8)).astype(np.float32)
    index = VectorIndex(VectorParams("HNSW", "FLOAT32", 8, Metric.L2, backend="hnswlib"))
    index.put(np.arange(5000), vectors)
    hits = index.knn(vectors[0], 10, BitMap([1, 2, 3]), policy="BATCHES")
    assert sorted(hits.doc_ids.tolist()) == [1, 2, 3] and hits.plan.exact


def test_a_field_of_an_index_names_its_backend():
    client = Redis(protocol=2)
    vector = ["v", "VECTOR", "HNSW", "8", "TYPE", "FLOAT32", "DIM", "4", "DISTANCE_METRIC", "L2", "BACKEND"]
    with pytest.raises(ResponseError, match="BACKEND"):
        client.execute_command("FT.CREATE", "idx", "SCHEMA", *vector, "other")
    client.execute_command("FT.CREATE", "idx", "SCHEMA", *vector, "hnswlib", "n", "NUMERIC")
    vectors = np.random.default_rng(3).normal(size=(300, 4)).astype(np.float32)
    for number, row in enumerate(vectors):
        client.hset(f"d{number}", mapping={"v": row.tobytes(), "n": number})
    query = ("PARAMS", "2", "b", vectors[7].tobytes(), "NOCONTENT", "DIALECT", "2")
    assert client.execute_command("FT.SEARCH", "idx", "*=>[KNN 1 @v $b]", *query)[1] == b"d7"
    assert client.execute_command("FT.SEARCH", "idx", "(@n:[8 9])=>[KNN 5 @v $b]", *query)[0] == 2


def test_a_backend_that_is_not_installed_is_said_so(monkeypatch):
    monkeypatch.setattr("redisvss.commands.schema_args.find_spec", lambda name: None)
    vector = ["v", "VECTOR", "HNSW", "8", "TYPE", "FLOAT32", "DIM", "4", "DISTANCE_METRIC", "L2", "BACKEND", "HNSWLIB"]
    with pytest.raises(ResponseError, match=r"pip install redisvss\[hnswlib\]"):
        Redis().execute_command("FT.CREATE", "idx", "SCHEMA", *vector)
