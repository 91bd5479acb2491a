"""Is every exact answer the one of a float64 brute force? Counts those that are not.

    python benchmarks/bench_exact.py [--queries 40] [--types FLOAT32,INT8]

For each type, metric and kind of data, hostile ones included, `--queries` queries, with and without a filter, by each
way to an exact answer: FLAT in numpy alone, in compiled kernels, through the int8 copy, in a batch, and HNSW's exact
plans. 18,000 answers by default. One row in ten repeats another, so that ties are many.

The judge computes in extended precision. Float64 arithmetic in any order lies within `slack` of it, hence the reported
distance of a row within [low, high], which are the same number nearly always. An answer is right when each distance
lies there, hits are in order of (distance, doc id), and no other row comes before the last hit even at its `high`.
Nothing else is forgiven: a wrong row, a distance one unit off without reason and ties out of order all count.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from pyroaring import BitMap
from vector_data import HOSTILE, hostile

from redisvss.index import vectors, warm
from redisvss.index.distance import INTEGER_TYPES, STORED, Metric, encode, normalise, prepare, widen
from redisvss.index.vectors import ELEMENT_SIZE, KnnHits, VectorIndex, VectorParams

ROWS, DIM, K = 2000, 40, 10
WAYS = ("numpy", "compiled", "copy", "batch", "HNSW")
_UNIT = np.longdouble(2) ** -53


def stored(values: np.ndarray, dtype: str) -> np.ndarray:
    """Values as the type can hold them: integers scaled to their range, halves kept finite."""
    if dtype in INTEGER_TYPES:
        info = np.iinfo(STORED[dtype])
        low, high = values.min(), values.max()
        values = info.min + (values - low) / (high - low) * (info.max - info.min)
    elif dtype == "FLOAT16":
        values = values / max(1.0, np.abs(values).max() / 100)
    return encode(values, dtype)


def bounds(query: np.ndarray, rows: np.ndarray, dtype: str, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) reported distances (n,) of stored rows, wherever float64 sums fall. Both prepared by the metric."""
    q, x = query.astype(np.longdouble), widen(rows, dtype).astype(np.longdouble)
    terms = (x - q) ** 2 if metric is Metric.L2 else x * q
    value, slack = terms.sum(axis=1), (DIM + 4) * _UNIT * np.abs(terms).sum(axis=1)
    if metric is Metric.COSINE and dtype in INTEGER_TYPES:
        lengths = np.sqrt((x * x).sum(axis=1) * (q * q).sum())
        with np.errstate(invalid="ignore"):
            value, slack = value / lengths, slack / lengths
    ends = (value - slack, value + slack) if metric is Metric.L2 else (value + slack, value - slack)
    low, high = (_reported(end, dtype, metric) for end in ends)
    return low, high


def _reported(value: np.ndarray, dtype: str, metric: Metric) -> np.ndarray:
    kind = np.float64 if dtype == "FLOAT64" else np.float32
    value = value.astype(np.float64).astype(kind)  # float64 results are rounded again, as ours are
    return (value if metric is Metric.L2 else (1.0 - value.astype(np.float64)).astype(kind)).astype(np.float64)


def is_right(hits: KnnHits, low: np.ndarray, high: np.ndarray, ids: np.ndarray) -> bool:
    """Whether these are the K nearest of `ids`."""
    found, distances = hits.doc_ids, hits.distances
    if len(found) != min(K, len(ids)) or len(set(found.tolist())) != len(found) or not np.isin(found, ids).all():
        return False
    between = (low[found] <= distances) & (distances <= high[found])
    if not (between | np.isnan(distances) & np.isnan(low[found])).all():  # NaN: a row of norm zero under COSINE
        return False
    if (np.lexsort((found, distances)) != np.arange(len(found))).any():
        return False
    others = np.setdiff1d(ids, found)
    last, owner = distances[-1], found[-1]
    return not ((high[others] < last) | ((high[others] == last) & (others < owner))).any()


@contextmanager
def way(name: str) -> Iterator[None]:
    """Searches go this way meanwhile."""
    before = vectors._WORTH_CODING, warm.ready, warm.loaded
    if name in ("copy", "batch"):
        vectors._WORTH_CODING = 1
    if name == "numpy":
        warm.ready = warm.loaded = lambda *_: False  # type: ignore[assignment]
    try:
        yield
    finally:
        vectors._WORTH_CODING, warm.ready, warm.loaded = before  # type: ignore[assignment]


def answers(name: str, index: VectorIndex, queries: np.ndarray, filters: list[np.ndarray | None]) -> list[KnnHits]:
    if name == "batch":
        return index.knn_batch(queries, K)
    found = []
    for query, allowed in zip(queries, filters, strict=True):
        if index._coarse is not None:
            index._coarse._skip = 0  # however little the copy ruled out before
        docs = None if allowed is None else BitMap(allowed.tolist())
        found.append(index.knn(query.tobytes(), K, docs, policy="ADHOC_BF" if name == "HNSW" else None))
    return found


def count(dtype: str, metric: Metric, kind: str, queries: int, seed: int = 0) -> tuple[int, int]:
    """(answers asked for, wrong ones) over every way."""
    rng = np.random.default_rng(seed)
    raw = stored(hostile(kind, ROWS + queries, DIM, seed), dtype)
    asked, raw = raw[ROWS:], raw[:ROWS]
    copies = rng.permutation(ROWS)[: ROWS // 5].reshape(2, -1)
    raw[copies[0]] = raw[copies[1]]
    filters = [np.sort(rng.permutation(ROWS)[: int(rng.integers(1, ROWS))]) if i % 2 else None for i in range(queries)]
    rows, wrong = normalise(raw, dtype, metric), 0
    ends = [bounds(prepare(query, dtype, metric).wide, rows, dtype, metric) for query in asked]
    for name in WAYS:
        with way(name):
            index = VectorIndex(VectorParams("HNSW" if name == "HNSW" else "FLAT", dtype, DIM, metric))
            index.warm()
            index.put(np.arange(ROWS), raw)
            found = answers(name, index, asked, filters)
        assert (index._coarse is not None) == (name in ("copy", "batch") and dtype not in INTEGER_TYPES)
        for hits, (low, high), allowed in zip(found, ends, filters, strict=True):
            ids = np.arange(ROWS) if allowed is None or name == "batch" else allowed
            wrong += not (hits.plan.exact and is_right(hits, low, high, ids))
    return len(WAYS) * queries, wrong


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--queries", type=int, default=40)
    options.add_argument("--types", default=",".join(ELEMENT_SIZE))
    given = options.parse_args()
    print(f"{ROWS} × {DIM}, k = {K}; by {', '.join(WAYS)}\ntype      metric   answers  wrong")
    total = np.zeros(2, np.int64)
    for dtype in given.types.split(","):
        for metric in Metric:
            here = np.sum([count(dtype, metric, kind, given.queries, at) for at, kind in enumerate(HOSTILE)], axis=0)
            print(f"{dtype:9} {metric.value:6} {here[0]:9} {here[1]:6}", flush=True)
            total += here
    print(f"all              {total[0]:9} {total[1]:6}")


if __name__ == "__main__":
    main()
