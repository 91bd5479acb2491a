"""Which way to answer a filtered query is quickest at the same recall? Every strategy, over every selectivity.

    python benchmarks/bench_hybrid.py [--rows 60000] [--dim 384] [--queries 20] [--fashion DIR] [--keep DIR]
                                      [--native PORT] [--seconds 150]

Prints, per filter: the planner's choice, its recall@10 and time, and each strategy's time as a multiple of an exact
scan of the survivors, at the narrowest ef that reaches recall .95; `best` compares the planner with the quickest of
exact scan, hnswlib and the server. CPU time, strategies interleaved. --fashion, --keep and --seconds as in
bench_graph.py. --native: a server with RediSearch, which gets all vectors (20 s for 20,000) and reports its own time.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import hnswlib
import numpy as np
from graphs import Graphs
from native_server import NativeServer
from pyroaring import BitMap
from vector_data import correlated, embeddings, from_files, independent, nearest_by_dot, recall_of

from redisvss.index.tiered import Walk
from redisvss.index.vectors import VectorIndex

HEADER = (
    "filter                share plan                 recall  exact µs   auto  "
    "sweep                        two-hop                      hnswlib       native  best"
)
KINDS = ("independent", "away from the query", "near the query")
SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)
WIDTHS = (10, 16, 32, 64, 96, 128, 192, 256, 384)


def spent(call: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of all threads, and the result."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def filters(vectors: np.ndarray, queries: np.ndarray, share: float, kind: str) -> list[np.ndarray]:
    if kind == "independent" or share == 1:
        return [independent(len(vectors), share)] * len(queries)
    return [correlated(vectors, q, share, away=kind == "away from the query") for q in queries]


def walk(index: VectorIndex, strategy: str, query: np.ndarray, ef: int, allowed: BitMap) -> Walk:
    return index._tiers.walk(strategy, index.prepare(query), ef, allowed, len(allowed) + 1)


def mean_recall(vectors: np.ndarray, queries, found, truth) -> float:
    return float(np.mean([recall_of(vectors, q, f, t) for q, f, t in zip(queries, found, truth, strict=True)]))


def narrowest(
    index: VectorIndex, vectors: np.ndarray, strategy: str, queries, allowed, truth
) -> tuple[float, float, int, int]:
    """Time, recall, ef and distances computed at the first width that reaches .95 (the widest when none does)."""
    for ef in WIDTHS:
        runs = [
            spent(lambda q=q, a=a, ef=ef: walk(index, strategy, q, ef, a))
            for q, a in zip(queries, allowed, strict=True)
        ]
        found = [w.rows[:10] for _, w in runs]
        recall = mean_recall(vectors, queries, found, truth)
        if recall >= 0.95:
            break
    return float(np.median([t for t, _ in runs])), float(recall), ef, int(np.median([w.spent for _, w in runs]))


def hnswlib_time(graph: hnswlib.Index, vectors: np.ndarray, queries, allowed, truth) -> tuple[float, float]:
    """hnswlib with its own filter, a Python callback; 5 queries are enough to see it."""
    best = (np.nan, 0.0)
    for ef in WIDTHS[::2]:
        graph.set_ef(ef)
        times, recalls = [], []
        for query, docs, wanted in list(zip(queries, allowed, truth, strict=True))[:5]:
            try:
                t, found = spent(lambda q=query, d=docs: graph.knn_query(q, 10, num_threads=1, filter=d.__contains__))
            except RuntimeError:  # it raises when it finds fewer than k
                return np.nan, 0.0
            times.append(t)
            recalls.append(recall_of(vectors, query, found[0][0], wanted))
        best = float(np.median(times)), float(np.mean(recalls))
        if best[1] >= 0.95:
            break
    return best


def native_time(
    server: NativeServer | None, vectors: np.ndarray, queries, kind: str, share: float, truth
) -> tuple[float, float]:
    """The server's own time and recall, with the narrowest of its walks that reaches .95."""
    best = (np.nan, 0.0)
    for ef in WIDTHS[::2] if server is not None else ():
        runs = [server.search(q, f"{KINDS.index(kind)}x{share}x{at}", ef) for at, q in enumerate(queries)]
        recall = mean_recall(vectors, queries, [ids for _, ids in runs], truth)
        best = float(np.median([t for t, _ in runs])), float(recall)
        if recall >= 0.95:
            break
    return best


def report(graphs: Graphs, queries: np.ndarray, kind: str, server: NativeServer | None) -> None:
    index, vectors = graphs.ours, graphs.vectors
    for share in SHARES:
        sets = filters(vectors, queries, share, kind)
        allowed = [BitMap(ids.tolist()) for ids in sets]
        truth = [nearest_by_dot(vectors, q, ids, 10) for q, ids in zip(queries, sets, strict=True)]
        auto, exact, plans, hits = [], [], Counter(), []
        for query, docs, wanted in zip(queries, allowed, truth, strict=True):
            exact.append(min(spent(lambda q=query, d=docs: index.knn(q, 10, d, policy="ADHOC_BF"))[0] for _ in "12"))
            (t, found) = min((spent(lambda q=query, d=docs: index.knn(q, 10, d)) for _ in "12"), key=lambda run: run[0])
            auto.append(t)
            plans[found.plan.strategy] += 1
            hits.append(recall_of(vectors, query, found.doc_ids, wanted))
        unit, mine = float(np.median(exact)), float(np.median(auto))
        other, other_recall = hnswlib_time(graphs.theirs, vectors, queries, allowed, truth)
        native, native_recall = native_time(server, vectors, queries, kind, share, truth)
        rivals = [unit] + [t for t, r in ((other, other_recall), (native, native_recall)) if r >= 0.95 and t > 0]
        cells = [narrowest(index, vectors, s, queries, allowed, truth) for s in ("sweep", "two-hop")]
        chosen = " ".join(f"{name} {n}" for name, n in plans.most_common(2))
        print(
            f"{kind:20} {share:6} {chosen:20} {np.mean(hits):6.3f} {1e6 * unit:9.0f} {mine / unit:7.2f} "
            + " ".join(f"{t / unit:6.2f} ({r:.2f} ef {e:3}, {n:6})" for t, r, e, n in cells)
            + f" {other / unit:7.2f} ({other_recall:.2f}) {native / unit:7.2f} ({native_recall:.2f})"
            + f" {mine / min(rivals):5.2f}",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=60_000)
    options.add_argument("--dim", type=int, default=384)
    options.add_argument("--queries", type=int, default=20)
    options.add_argument("--fashion", type=Path)
    options.add_argument("--keep", type=Path)
    options.add_argument("--native", type=int)
    options.add_argument("--seconds", type=float, default=150)
    given = options.parse_args()
    asked = max(100, given.queries)  # as in bench_graph.py, so that both keep the same graphs
    both = from_files(given.fashion, given.rows + asked) if given.fashion else embeddings(given.rows + asked, given.dim)
    graphs, queries = Graphs(both[:-asked], given.keep), both[-asked:][: given.queries]
    if not graphs.build(given.seconds):
        print(f"not yet built: {graphs.summary()}")
        return
    print(graphs.summary())
    print(HEADER)
    server = None
    if given.native:
        tags = {
            f"{number}x{share}x{at}": ids
            for number, kind in enumerate(KINDS)
            for share in SHARES
            for at, ids in enumerate(filters(graphs.vectors, queries, share, kind))
        }
        server = NativeServer(given.native, graphs.vectors, tags)
    for kind in KINDS:
        report(graphs, queries, kind, server)


if __name__ == "__main__":
    main()
