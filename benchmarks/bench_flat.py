"""How much faster is an exact FLAT scan than BLAS plus argpartition, for one query and for a batch?

    python benchmarks/bench_flat.py [--rows 200000] [--dim 512] [--kinds embeddings,random] [--metrics L2,IP]

Interleaved runs on the same threads, each on a calm machine, best of 7 (batch: of 3): elapsed time, and CPU time over
all threads, which other work on the machine blurs less. BLAS answers a batch by one product of matrices, its quickest
way. Overlap is with its answer in float32; benchmarks/bench_exact.py compares with float64. A million rows take two
minutes and 6 GB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from vector_data import HOSTILE, embeddings, hostile

from redisvss.index.vectors import Metric, VectorIndex, VectorParams

K, BATCH, _CHUNK = 10, 32, 50_000
_CALM = 0.3  # seconds before each call: a thread of OpenBLAS spins for some 0.05 after its work is done, on our core


def data(kind: str, n: int, dim: int) -> np.ndarray:
    vectors = np.empty((n, dim), np.float32)
    for seed, at in enumerate(range(0, n, _CHUNK)):
        rows = min(_CHUNK, n - at)
        vectors[at : at + rows] = (
            embeddings(rows, dim, seed) if kind == "embeddings" else hostile(kind, rows, dim, seed)
        )
    return vectors


def blas(vectors: np.ndarray, squares: np.ndarray, queries: np.ndarray, metric: Metric) -> np.ndarray:
    """Rows (q, K) of the nearest; queries: (q, dim)."""
    near = queries @ vectors.T if len(queries) > 1 else (vectors @ queries[0])[None]
    near *= -2 if metric is Metric.L2 else -1
    if metric is Metric.L2:
        near += squares
    return np.argpartition(near, K, axis=1)[:, :K]


def clocked(call: Callable[[], list]) -> tuple[float, float, list]:
    time.sleep(_CALM)
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def compare(name: str, theirs: Callable[[], list], ours: Callable[[], list], runs: int) -> None:
    times, same = [], 0.0
    for _ in range(runs):
        *blas_times, expected = clocked(theirs)
        *our_times, found = clocked(ours)
        times.append(blas_times + our_times)
        same += np.mean([len(set(e) & set(f)) / K for e, f in zip(expected, found, strict=True)]) / runs
    blas_wall, blas_cpu, wall, cpu = 1e3 * np.min(times, axis=0)
    print(
        f"{name:36} {wall:8.1f} ms {blas_wall:8.1f} ms {blas_wall / wall:6.2f}× {blas_cpu / cpu:9.2f}× {same:10.3f}",
        flush=True,
    )


def report(kind: str, vectors: np.ndarray, squares: np.ndarray, metric: Metric) -> None:
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", vectors.shape[1], metric))
    index.warm()
    for at in range(0, len(vectors), _CHUNK):
        index.put(np.arange(at, min(at + _CHUNK, len(vectors))), vectors[at : at + _CHUNK])
    index.compact()
    rng = np.random.default_rng(1)
    queries = vectors[rng.integers(len(vectors), size=BATCH)]
    queries = queries + (0.05 * rng.normal(size=queries.shape)).astype(np.float32)
    one = queries[:1]
    name = f"{kind}, {metric.value}"
    compare(
        f"{name}, one query",
        lambda: list(blas(vectors, squares, one, metric)),
        lambda: [index.knn(one[0], K).doc_ids],
        7,
    )
    compare(
        f"{name}, batch of {BATCH}",
        lambda: list(blas(vectors, squares, queries, metric)),
        lambda: [hits.doc_ids for hits in index.knn_batch(queries, K)],
        3,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--dim", type=int, default=512)
    options.add_argument("--kinds", default=",".join(("embeddings", *HOSTILE)))
    options.add_argument("--metrics", default="L2,IP")
    given = options.parse_args()
    print(f"{given.rows} × {given.dim} FLOAT32, k = {K}")
    print(f"{'':36} {'ours':>11} {'BLAS':>11} {'elapsed':>7} {'CPU time':>10} {'overlap':>10}")
    for kind in given.kinds.split(","):
        vectors = data(kind, given.rows, given.dim)
        squares = np.einsum("ij,ij->i", vectors, vectors)
        for metric in given.metrics.split(","):
            report(kind, vectors, squares, Metric(metric))


if __name__ == "__main__":
    main()
