"""Is the graph as good as it claims: exactly right where it says so, sound after churn, as quick as hnswlib?

    python benchmarks/bench_graph.py [--queries 600] [--rows 10000] [--dim 64] [--fashion DIR]

Three tables. Exactness: KNN of FLAT fields, with and without a filter, against a float64 brute force, on hostile data,
for every metric and type; `--queries` for each type and metric (10,800 in all by default). Churn: recall and memory
after deleting and re-adding half of the rows twice, beside a fresh build. Walks: build, search and memory beside
hnswlib at the same ef. With --fashion, churn and walks use DIR/*.npy (the first array of vectors found there).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import hnswlib
import numpy as np
from pyroaring import BitMap
from vector_data import HOSTILE, embeddings, hostile

from redisvss.index.distance import STORED, encode, normalise, widen
from redisvss.index.vectors import ELEMENT_SIZE, Metric, VectorIndex, VectorParams

_EXACT_ROWS, _EXACT_DIM, _K = 2000, 24, 10


def true_distances(query: np.ndarray, raw: np.ndarray, dtype: str, metric: Metric) -> np.ndarray:
    """By definition: float64 over the stored values, similarities rounded as they are reported before 1 − …"""
    q = widen(normalise(query[None], dtype, metric), dtype).astype(np.float64)[0]
    x = widen(normalise(raw, dtype, metric), dtype).astype(np.float64)
    if metric is Metric.L2:
        return ((x - q) ** 2).sum(axis=1)
    dots = (x * q).sum(axis=1)
    if metric is Metric.COSINE and dtype in ("INT8", "UINT8"):
        dots = dots / (np.sqrt((x * x).sum(axis=1)) * np.sqrt((q * q).sum()))
    return 1 - (dots if dtype == "FLOAT64" else dots.astype(np.float32).astype(np.float64))


def stored(values: np.ndarray, dtype: str) -> np.ndarray:
    """Values as the type can hold them: integers scaled to their range, halves kept finite."""
    if dtype in ("INT8", "UINT8"):
        info = np.iinfo(STORED[dtype])
        low, high = values.min(), values.max()
        values = info.min + (values - low) / (high - low) * (info.max - info.min)
    elif dtype == "FLOAT16":
        values = values / max(1.0, np.abs(values).max() / 100)
    return encode(values, dtype)


def mismatches(index: VectorIndex, raw: np.ndarray, query: np.ndarray, allowed: np.ndarray | None) -> bool:
    """Whether the answer differs: other distances than the k smallest, beyond two units in the reported last place."""
    p = index.params
    distances = true_distances(query, raw, p.dtype, p.metric)
    ids = np.arange(len(raw)) if allowed is None else allowed
    hits = index.knn(query, _K, None if allowed is None else BitMap(allowed.tolist()))
    wanted = np.sort(distances[ids])[:_K]
    unit = 2.0**-45 if p.dtype == "FLOAT64" else 2.0**-22
    peak = float(np.abs(widen(normalise(raw, p.dtype, p.metric), p.dtype)).max())
    slack = 2.0**-50 * p.dim * peak**2 + unit * (p.metric is not Metric.L2)  # of sums in any order; of a similarity
    right = np.allclose(hits.distances, wanted, rtol=unit, atol=slack)
    return not (right and np.allclose(distances[hits.doc_ids], wanted, rtol=unit, atol=slack))


def exactness(queries: int) -> None:
    print("exactness: type, metric, queries, mismatches", flush=True)
    asked = wrong = 0
    for dtype in ELEMENT_SIZE:
        for metric in Metric:
            here = bad = 0
            for number, kind in enumerate(HOSTILE):
                values = hostile(kind, _EXACT_ROWS + queries // len(HOSTILE), _EXACT_DIM, seed=number)
                raw = stored(values, dtype)
                index = VectorIndex(VectorParams("FLAT", dtype, _EXACT_DIM, metric))
                index.warm()
                index.put(np.arange(_EXACT_ROWS), raw[:_EXACT_ROWS])
                rng = np.random.default_rng(number)
                for at, query in enumerate(raw[_EXACT_ROWS:]):
                    allowed = None
                    if at % 2:
                        allowed = np.sort(rng.permutation(_EXACT_ROWS)[: int(rng.integers(1, _EXACT_ROWS))])
                    bad += mismatches(index, raw[:_EXACT_ROWS], query, allowed)
                    here += 1
            print(f"  {dtype:9} {metric.value:6} {here:6} {bad:6}", flush=True)
            asked, wrong = asked + here, wrong + bad
    print(f"  all              {asked:6} {wrong:6}", flush=True)


def build(vectors: np.ndarray) -> VectorIndex:
    index = VectorIndex(VectorParams("HNSW", "FLOAT32", vectors.shape[1], Metric.COSINE))
    index.warm()
    index.put(np.arange(len(vectors)), vectors)
    index.compact()
    return index


def truth(vectors: np.ndarray, queries: np.ndarray) -> list[set[int]]:
    return [set(np.argpartition(-(vectors @ q), _K)[:_K].tolist()) for q in queries]


def recall(index: VectorIndex, queries: np.ndarray, wanted: list[set[int]], ef: int) -> float:
    found = [set(index.knn(q, _K, ef_runtime=ef).doc_ids.tolist()) for q in queries]
    return float(np.mean([len(f & w) / _K for f, w in zip(found, wanted, strict=True)]))


def churn(index: VectorIndex, vectors: np.ndarray, queries: np.ndarray) -> None:
    wanted, memory = truth(vectors, queries), index.memory_bytes()
    fresh = {ef: recall(index, queries, wanted, ef) for ef in (16, 64)}
    for turn in range(2):
        gone = np.random.default_rng(turn).permutation(len(vectors))[: len(vectors) // 2]
        index.remove(gone)
        for part in np.array_split(gone, 10):
            index.put(part, vectors[part])
    index.compact()
    for ef, before in fresh.items():
        print(f"churn: recall at ef {ef}: fresh {before:.3f}, after {recall(index, queries, wanted, ef):.3f}")
    print(f"churn: memory after / fresh {index.memory_bytes() / memory:.3f}", flush=True)


def cpu(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def walks(vectors: np.ndarray, queries: np.ndarray) -> VectorIndex:
    made: list[VectorIndex] = []
    ours = cpu(lambda: made.append(build(vectors)))
    graph = hnswlib.Index("ip", vectors.shape[1])
    graph.init_index(len(vectors), M=16, ef_construction=200)
    theirs = cpu(lambda: graph.add_items(vectors))
    index, wanted = made[0], truth(vectors, queries)
    memory = index.memory_bytes() / (graph.index_file_size() + vectors.nbytes)
    print(f"walks: build / hnswlib {ours / theirs:.2f}; memory / (hnswlib + the vectors once) {memory:.2f}")
    for ef in (16, 32, 64, 128):
        graph.set_ef(ef)
        pairs = [
            (cpu(lambda: index.knn(q, _K, ef_runtime=ef)), cpu(lambda: graph.knn_query(q, _K, num_threads=1)))  # noqa: B023
            for q in queries
            for _ in range(3)
        ]
        a, b = np.median(pairs, axis=0)
        hit = np.mean(
            [len(set(graph.knn_query(q, _K)[0][0].tolist()) & w) / _K for q, w in zip(queries, wanted, strict=True)]
        )
        mine = recall(index, queries, wanted, ef)
        print(
            f"walks: ef {ef:4}: {1e6 * a:6.0f} µs / {1e6 * b:6.0f} = {a / b:.2f}; recall {mine:.3f}, hnswlib {hit:.3f}"
        )
    return index


def fashion(directory: Path, rows: int) -> np.ndarray:
    for path in sorted(directory.glob("*.npy")):
        array = np.load(path, mmap_mode="r")
        if array.ndim == 2 and array.dtype.kind == "f":
            vectors = np.array(array[:rows], np.float32)
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    raise SystemExit(f"no array of vectors in {directory}/*.npy")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--queries", type=int, default=600)
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--dim", type=int, default=64)
    options.add_argument("--fashion", type=Path)
    given = options.parse_args()
    if given.queries:
        exactness(given.queries)
    asked = 60
    both = fashion(given.fashion, given.rows + asked) if given.fashion else embeddings(given.rows + asked, given.dim)
    vectors, queries = both[:-asked], both[-asked:]
    print(f"{len(vectors)} × {vectors.shape[1]}, COSINE, M 16, EF_CONSTRUCTION 200, k {_K}")
    churn(walks(vectors, queries), vectors, queries)


if __name__ == "__main__":
    main()
