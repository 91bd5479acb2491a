"""REDISVSS.TRACE: what it retells is what FT.SEARCH does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from redis.exceptions import ResponseError

import redisvss

DIM, DOCS = 8, 6000  # more than 2,048: an HNSW field keeps a graph
RANDOM = np.random.default_rng(3)
VECTORS = RANDOM.normal(size=(DOCS, DIM)).astype(np.float32)
QUERIES = RANDOM.normal(size=(12, DIM)).astype(np.float32)


@pytest.fixture(scope="module")
def client() -> Any:
    client: Any = redisvss.Redis(protocol=2)
    vector = ("6", "TYPE", "FLOAT32", "DIM", DIM, "DISTANCE_METRIC", "COSINE")
    client.execute_command(
        "FT.CREATE", "i", "SCHEMA", "v", "VECTOR", "HNSW", *vector, "v", "AS", "flat", "VECTOR", "FLAT", *vector,
        "n", "NUMERIC", "name", "TEXT",
    )  # fmt: skip
    write(client, DOCS)
    engine = client.connection_pool.connection_kwargs["redisvss"].get()
    graph = engine.search_index(b"i").by_name["v"].index
    graph.warm()
    graph.compact()  # rows that are linked between two searches would let them differ
    return client


def write(client: Any, count: int) -> None:
    pipeline = client.pipeline(transaction=False)
    for number in range(count):
        pipeline.hset(f"d:{number}", mapping={"v": VECTORS[number].tobytes(), "n": number})
    pipeline.execute()


def ask(client: Any, name: str, query: str, vector: NDArray[np.float32], *more: Any) -> Any:
    return client.execute_command(name, "i", query, "PARAMS", 2, "v", vector.tobytes(), "DIALECT", 2, *more)


def told(client: Any, query: str, vector: NDArray[np.float32]) -> dict[bytes, Any]:
    reply = ask(client, "REDISVSS.TRACE", query, vector)
    return dict(zip(reply[::2], reply[1::2], strict=True))


def found(client: Any, query: str, vector: NDArray[np.float32]) -> list[bytes]:
    by_distance = ("NOCONTENT", "SORTBY", "d", "LIMIT", 0, 100)
    keys: list[bytes] = ask(client, "FT.SEARCH", f"{query[:-1]} AS d]", vector, *by_distance)[1:]
    return keys


def test_a_scan_reads_everything_and_keeps_the_nearest(client: Any) -> None:
    trace = told(client, "*=>[KNN 5 @flat $v]", QUERIES[0])
    assert trace[b"plan"] == b"exact, 6000 candidates, exact"
    assert trace[b"computed"] == DOCS
    [[layer, _, _, looked]] = trace[b"steps"]
    kept = [key for key, _, verdict in looked if verdict == b"kept"]
    assert layer == -1 and len(looked) == 1000
    assert kept == [key for key, _ in trace[b"found"]] == found(client, "*=>[KNN 5 @flat $v]", QUERIES[0])


@pytest.mark.parametrize("strategy", ["graph", "sweep", "two-hop"])
def test_a_walk_leads_to_the_answer(client: Any, strategy: str) -> None:
    query = {
        "graph": "*=>[KNN 10 @v $v]",
        "sweep": "(@n:[0 3600])=>[KNN 10 @v $v HYBRID_POLICY BATCHES]",
        "two-hop": "(@n:[0 1900])=>[KNN 10 @v $v HYBRID_POLICY BATCHES]",
    }[strategy]
    walked, shared = 0, 0
    for vector in QUERIES:
        trace = told(client, query, vector)
        answer = found(client, query, vector)
        assert [key for key, _ in trace[b"found"]] == answer
        layers = [layer for layer, *_ in trace[b"steps"]]
        assert layers == sorted(layers, reverse=True) and 0 in layers
        looked_at = sum(len(looked) for *_, looked in trace[b"steps"])
        if not trace[b"plan"].startswith(strategy.encode()):  # came back short, or gave up, and ended in a scan
            assert trace[b"computed"] >= looked_at
            continue
        # While rows wait for the graph they are read outright as well, which no step tells.
        assert trace[b"computed"] >= looked_at
        kept = {key for _, _, _, looked in trace[b"steps"] for key, _, verdict in looked if verdict == b"kept"}
        walked += 1
        shared += len((kept | {trace[b"steps"][0][1]}) & set(answer))
    assert walked or strategy == "two-hop", "no query was answered by a walk"  # that small, hops cost more than a scan
    assert shared >= 0.95 * 10 * walked  # the rest: rows where walks start, which nothing led to


def test_a_filter_shows_in_the_verdicts(client: Any) -> None:
    trace = told(client, "(@n:[0 3600])=>[KNN 10 @v $v HYBRID_POLICY BATCHES]", QUERIES[1])
    looks = [look for layer, _, _, looked in trace[b"steps"] if layer == 0 for look in looked]
    for key, _, verdict in looks:
        outside = int(key[2:]) > 3600
        assert verdict == b"pruned" or (verdict == b"filtered") == outside


def test_distances_are_those_of_the_vectors(client: Any) -> None:
    trace = told(client, "*=>[KNN 10 @v $v]", QUERIES[2])
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    query = QUERIES[2] / np.linalg.norm(QUERIES[2])
    for _, _, _, looked in trace[b"steps"]:
        for key, distance, _ in looked:
            assert float(distance) == pytest.approx(1 - float(unit[int(key[2:])] @ query), abs=1e-5)


@pytest.mark.parametrize("query", ["*", "@n:[0 5]", "@v:[VECTOR_RANGE 0.5 $v]"])
def test_queries_that_are_no_knn_are_refused(client: Any, query: str) -> None:
    with pytest.raises(ResponseError, match="retells a KNN query"):
        ask(client, "REDISVSS.TRACE", query, QUERIES[0])


def test_errors_are_those_of_the_search(client: Any) -> None:
    with pytest.raises(ResponseError, match=r"[Nn]o such index|Unknown index"):
        client.execute_command("REDISVSS.TRACE", "nowhere", "*=>[KNN 5 @v $v]")
    with pytest.raises(ResponseError, match=r"expected|size"):
        ask(client, "REDISVSS.TRACE", "*=>[KNN 5 @v $v]", QUERIES[0][:3])


@pytest.fixture(scope="module")
def cells() -> Any:
    """2,000 vectors in 16 cells, two of which a search reads."""
    client: Any = redisvss.Redis(protocol=2)
    shape = ("TYPE", "FLOAT32", "DIM", DIM, "DISTANCE_METRIC", "COSINE", "NLIST", 16, "NPROBE", 2)
    client.execute_command("FT.CREATE", "i", "SCHEMA", "v", "VECTOR", "IVF_FLAT", len(shape), *shape, "n", "NUMERIC")
    write(client, 2000)
    return client


def test_cells_are_read_nearest_first(cells: Any) -> None:
    for vector in QUERIES:
        trace = told(cells, "*=>[KNN 10 @v $v]", vector)
        assert trace[b"plan"].startswith(b"ivf")
        steps = trace[b"steps"]
        assert [(layer, key) for layer, key, *_ in steps] == [(-2, None)] * 2
        assert float(steps[0][2]) <= float(steps[1][2])
        kept = {key for *_, looked in steps for key, _, verdict in looked if verdict == b"kept"}
        assert kept == {key for key, _ in trace[b"found"]} == set(found(cells, "*=>[KNN 10 @v $v]", vector))
        assert trace[b"computed"] == 16 + sum(len(looked) for *_, looked in steps)


def test_more_cells_are_read_for_more_probes_or_too_few_documents(cells: Any) -> None:
    assert len(told(cells, "*=>[KNN 10 @v $v NPROBE 5]", QUERIES[0])[b"steps"]) == 5
    many = told(cells, "*=>[KNN 600 @v $v]", QUERIES[0])
    assert len(many[b"steps"]) > 2 and len(many[b"found"]) == 600


def test_a_filter_keeps_documents_of_a_cell_unread(cells: Any) -> None:
    trace = told(cells, "(@n:[0 900])=>[KNN 5 @v $v]", QUERIES[0])
    assert trace[b"plan"].startswith(b"ivf")
    assert all(int(key[2:]) <= 900 for *_, looked in trace[b"steps"] for key, *_ in looked)


def test_narrow_filters_scan_instead_of_reading_cells(cells: Any) -> None:
    trace = told(cells, "(@n:[0 50])=>[KNN 5 @v $v]", QUERIES[0])
    [[layer, _, _, looked]] = trace[b"steps"]
    assert layer == -1 and len(looked) == 51
