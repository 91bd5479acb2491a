"""How much faster is an exact FLAT scan than BLAS plus argpartition, and does it give the same answer?

    python benchmarks/bench_flat.py [--rows 200000] [--dim 512]

Interleaved runs, best of 7, CPU time over all threads: other work on the machine does not blur it.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from vector_data import HOSTILE, embeddings, hostile

from redisvss.index.vectors import Metric, VectorIndex, VectorParams


def blas(vectors: np.ndarray, squares: np.ndarray, query: np.ndarray, k: int, metric: Metric) -> np.ndarray:
    near = squares - 2 * (vectors @ query) if metric is Metric.L2 else -(vectors @ query)
    return np.argpartition(near, k)[:k]


def report(name: str, vectors: np.ndarray, metric: Metric) -> None:
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", vectors.shape[1], metric))
    index.warm()
    index.put(np.arange(len(vectors)), vectors)
    index.compact()
    squares = np.einsum("ij,ij->i", vectors, vectors)
    rng = np.random.default_rng(1)
    ours, theirs, same = [], [], 0
    for _ in range(7):
        query = vectors[rng.integers(len(vectors))] + 0.05 * rng.normal(size=vectors.shape[1]).astype(np.float32)
        start = time.process_time()
        expected = blas(vectors, squares, query, 10, metric)
        middle = time.process_time()
        hits = index.knn(query, 10)
        theirs.append(middle - start)
        ours.append(time.process_time() - middle)
        same += len(set(hits.doc_ids.tolist()) & set(expected.tolist()))
    print(
        f"{name:20} {metric.value:6} {1e3 * min(ours):8.1f} ms {1e3 * min(theirs):8.1f} ms "
        f"{min(theirs) / min(ours):6.2f}× overlap with float32 BLAS {same / 70:.3f}",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--dim", type=int, default=512)
    given = options.parse_args()
    print(f"{given.rows} × {given.dim}, k = 10, one query\ndata                 metric       ours        BLAS  ratio")
    for metric in (Metric.L2, Metric.IP):
        report("embeddings", embeddings(given.rows, given.dim), metric)
        for kind in HOSTILE:
            report(kind, hostile(kind, given.rows, given.dim), metric)


if __name__ == "__main__":
    main()
