"""Is the graph as good as it claims: exactly right where it says so, sound after churn, as quick as hnswlib?

    python benchmarks/bench_graph.py [--queries 600] [--rows 10000] [--dim 64] [--fashion DIR] [--keep DIR]
                                     [--seconds 150]

Three tables. Exactness: KNN of FLAT fields, with and without a filter, against a float64 brute force, on hostile data,
for every metric and type; `--queries` for each type and metric (10,800 in all by default). Walks: build, search and
memory beside hnswlib, at the same ef and, interpolated, at the same recall. Churn: recall and memory after deleting and
re-adding half of the rows twice, beside the graph before. With --fashion, churn and walks use DIR/*.npy (the first
array of vectors found there). With --keep, both graphs are kept there, and a build longer than --seconds is continued
by the next run.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from graphs import Graphs
from pyroaring import BitMap
from vector_data import HOSTILE, embeddings, from_files, hostile, recall_of

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


def truth(vectors: np.ndarray, queries: np.ndarray) -> list[set[int]]:
    return [set(np.argpartition(-(vectors @ q), _K)[:_K].tolist()) for q in queries]


def recall(index: VectorIndex, vectors: np.ndarray, queries: np.ndarray, wanted: list[set[int]], ef: int) -> float:
    found = [index.knn(q, _K, ef_runtime=ef).doc_ids for q in queries]
    return float(np.mean([recall_of(vectors, q, f, w) for q, f, w in zip(queries, found, wanted, strict=True)]))


def churn(index: VectorIndex, vectors: np.ndarray, queries: np.ndarray) -> None:
    wanted, memory = truth(vectors, queries), index.memory_bytes()
    fresh = {ef: recall(index, vectors, queries, wanted, ef) for ef in (16, 64)}
    for turn in range(2):
        gone = np.random.default_rng(turn).permutation(len(vectors))[: len(vectors) // 2]
        index.remove(gone)
        for part in np.array_split(gone, 10):
            index.put(part, vectors[part])
    index.compact()
    for ef, before in fresh.items():
        print(f"churn: recall at ef {ef}: fresh {before:.3f}, after {recall(index, vectors, queries, wanted, ef):.3f}")
    print(f"churn: memory after / fresh {index.memory_bytes() / memory:.3f}", flush=True)


def cpu(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def walks(graphs: Graphs, queries: np.ndarray) -> None:
    index, graph, vectors = graphs.ours, graphs.theirs, graphs.vectors
    wanted = truth(vectors, queries)
    print(f"walks: {graphs.summary()}", flush=True)
    ours, theirs = [], []
    for ef in (10, 16, 24, 32, 48, 64, 96, 128, 192):
        graph.set_ef(ef)
        pairs = [
            (cpu(lambda: index.knn(q, _K, ef_runtime=ef)), cpu(lambda: graph.knn_query(q, _K, num_threads=1)))  # noqa: B023
            for _ in range(3)
            for q in queries
        ]
        a, b = 1e6 * np.median(np.array(pairs).reshape(3, -1, 2).min(axis=0), axis=0)
        theirs_found = [graph.knn_query(q, _K)[0][0] for q in queries]
        hit = np.mean([recall_of(vectors, q, f, w) for q, f, w in zip(queries, theirs_found, wanted, strict=True)])
        ours.append((recall(index, vectors, queries, wanted, ef), a))
        theirs.append((float(hit), b))
        print(
            f"walks: ef {ef:4}: {a:6.0f} µs / {b:6.0f} = {a / b:.2f}; recall {ours[-1][0]:.3f}, hnswlib {hit:.3f}",
            flush=True,
        )
    for level in (0.9, 0.95, 0.98, 0.99):
        a, b = time_at(ours, level), time_at(theirs, level)
        print(f"walks: at recall {level}: {a:6.0f} µs / {b:6.0f} = {a / b:.2f}", flush=True)


def time_at(curve: list[tuple[float, float]], level: float) -> float:
    """Time at which a curve of (recall, time) first reaches a recall, between two measured points; NaN if none."""
    before = (0.0, curve[0][1])
    for point in curve:
        if point[0] >= level:
            part = (level - before[0]) / max(point[0] - before[0], 1e-9)
            return before[1] + part * (point[1] - before[1])
        before = point
    return float("nan")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--queries", type=int, default=600)
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--dim", type=int, default=64)
    options.add_argument("--fashion", type=Path)
    options.add_argument("--keep", type=Path)
    options.add_argument("--seconds", type=float, default=150)
    given = options.parse_args()
    if given.queries:
        exactness(given.queries)
    asked = 100
    both = from_files(given.fashion, given.rows + asked) if given.fashion else embeddings(given.rows + asked, given.dim)
    graphs = Graphs(both[:-asked], given.keep)
    if not graphs.build(given.seconds):
        print(f"not yet built: {graphs.summary()}")
        return
    walks(graphs, both[-asked:])
    churn(graphs.ours, both[:-asked], both[-asked:])


if __name__ == "__main__":
    main()
