"""hnswlib's index files, written and read: against the library itself, and without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from redisvss.index.hnswlib_file import load, save
from redisvss.index.vectors import Metric, VectorIndex, VectorParams

pytestmark = pytest.mark.timeout(600)  # compiling kernels takes 7 to 30 s of CPU, once per machine

DIM, ROWS, EF = 24, 3000, 80
SPACES = {Metric.L2: "l2", Metric.IP: "ip", Metric.COSINE: "cosine"}


def vectors(seed: int, n: int = ROWS) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(30, DIM)) * 1.5
    return (centres[rng.integers(0, 30, n)] + rng.normal(size=(n, DIM))).astype(np.float32)


def ours(metric: Metric = Metric.L2, dtype: str = "FLOAT32") -> VectorIndex:
    index = VectorIndex(VectorParams("HNSW", dtype, DIM, metric, m=8, ef_construction=60))
    index.warm()
    return index


def found(index: VectorIndex, query: np.ndarray) -> list[int]:
    """By a walk over the graph, which `knn` would not take in so small an index."""
    rows = index._tiers.walk("graph", index.prepare(query), EF, None, ROWS).rows
    return index._store.row_doc[rows[:10]].tolist()


def agreement(pairs: list[tuple[list[int], list[int]]]) -> float:
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in pairs]))


@pytest.mark.parametrize("metric", list(Metric))
def test_hnswlib_reads_what_we_save(tmp_path: Path, metric: Metric) -> None:
    hnswlib = pytest.importorskip("hnswlib", reason="the extra redisvss[hnswlib] is not installed")
    index, data = ours(metric), vectors(1)
    index.put(np.arange(ROWS) + 7, data)
    index.remove(range(7, 507))
    save(index, tmp_path / "graph")
    other = hnswlib.Index(SPACES[metric], DIM)
    other.load_index(str(tmp_path / "graph"), max_elements=ROWS)
    other.set_ef(EF)
    assert other.element_count == ROWS - 500 and sorted(other.get_ids_list()) == list(range(507, ROWS + 7))
    queries = vectors(2, 40)
    pairs = [(found(index, q), other.knn_query(q, 10)[0][0].tolist()) for q in queries]
    assert agreement(pairs) >= 0.99
    other.add_items(data[:500], np.arange(500))
    other.set_ef(400)
    if metric is not Metric.IP:  # where the nearest to a vector may be a longer one
        assert np.mean(other.knn_query(data[:500], 1)[0][:, 0] == np.arange(500)) >= 0.99


@pytest.mark.parametrize("metric", list(Metric))
def test_we_read_what_hnswlib_saves(tmp_path: Path, metric: Metric) -> None:
    hnswlib = pytest.importorskip("hnswlib", reason="the extra redisvss[hnswlib] is not installed")
    other = hnswlib.Index(SPACES[metric], DIM)
    other.init_index(ROWS + 100, M=8, ef_construction=60)
    other.add_items(vectors(1), np.arange(ROWS) + 7)
    for label in range(7, 207):
        other.mark_deleted(label)
    other.set_ef(EF)
    other.save_index(str(tmp_path / "graph"))
    index = load(tmp_path / "graph", metric)
    assert index.params.m == 8 and index.params.ef_construction == 60 and len(index) == ROWS - 200
    queries = vectors(2, 40)
    assert agreement([(found(index, q), other.knn_query(q, 10)[0][0].tolist()) for q in queries]) >= 0.99
    index.put(np.arange(200), vectors(3, 200))
    if metric is not Metric.IP:
        assert [found(index, v)[0] for v in vectors(3, 200)[:50]] == list(range(50))


@pytest.mark.parametrize("dtype", ["FLOAT32", "BFLOAT16", "INT8"])
def test_a_field_survives_the_round_trip(tmp_path: Path, dtype: str) -> None:
    index = ours(Metric.COSINE, dtype)
    index.put(np.arange(0, 2 * ROWS, 2), vectors(1) * 20)
    index.remove(range(0, 1000, 2))
    save(index, tmp_path / "graph")
    again = load(tmp_path / "graph", Metric.COSINE, ef_runtime=33)
    assert len(again) == len(index) and again.docs() == index.docs() and again.params.ef_runtime == 33
    pairs = [(found(index, q), found(again, q)) for q in vectors(2, 20) * 20]
    assert agreement(pairs) >= 0.95  # INT8 is rounded anew when it is a query


def test_a_field_too_small_for_a_graph_is_saved_with_one(tmp_path: Path) -> None:
    index = ours()
    index.put(np.arange(50), vectors(1, 50))
    save(index, tmp_path / "graph")
    again = load(tmp_path / "graph", Metric.L2)
    assert all(found(again, v) == found(index, v) for v in vectors(1, 50))


def test_vectors_no_graph_can_hold_are_left_out(tmp_path: Path) -> None:
    index, data = ours(), vectors(1)
    data[10, 0] = np.nan
    index.put(np.arange(ROWS), data)
    save(index, tmp_path / "graph")
    assert len(load(tmp_path / "graph", Metric.L2)) == ROWS - 1


def test_what_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    flat = VectorIndex(VectorParams("FLAT", "FLOAT32", DIM, Metric.L2))
    with pytest.raises(ValueError, match="HNSW"):
        save(flat, tmp_path / "graph")
    several = ours()
    several.put_multi(1, vectors(1, 3))
    with pytest.raises(ValueError, match="several vectors"):
        save(several, tmp_path / "graph")
    assert not (tmp_path / "graph").exists()


def test_what_is_no_index_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph"
    index = ours()
    index.put(np.arange(100), vectors(1, 100))
    save(index, path)
    whole = path.read_bytes()
    for broken in (b"", b"\1" * 500, whole[:90], whole[:5000], whole[:-1]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="hnswlib"):
            load(path, Metric.L2)
    path.write_bytes(whole.replace(np.uint64(42).tobytes(), np.uint64(2**40).tobytes()))
    with pytest.raises(ValueError, match="labels"):
        load(path, Metric.L2)
