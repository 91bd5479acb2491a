"""How long does a hybrid search take through a client, at every selectivity, beside a native search module?

    python benchmarks/bench_client.py [--native redis://…] [--count 20000] [--dim 128]

One interleaved run: each query goes to every engine in turn; medians over all queries are printed with recall@10
against a brute force. Then ingest and first scan in documents per second, and what updating a field that is no vector
costs. `--native` names a server with the search module to compare with; without it only ours are measured. Ratios hold
on a noisy machine, absolute times do not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray
from redis.commands.search.field import NumericField, VectorField
from redis.commands.search.index_definition import IndexDefinition
from redis.commands.search.query import Query
from settled import settle

import redisvss

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.servers import start_redis

SELECTIVITIES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)
K = 10
Vectors = NDArray[np.float32]


def clustered(count: int, dim: int, seed: int) -> Vectors:
    """Unit vectors around count/100 centres: neighbours mean something, as with real embeddings."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(max(count // 100, 1), dim))
    points = centres[random.integers(len(centres), size=count)] + 0.6 * random.normal(size=(count, dim))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def ingest(client: Any, algorithm: str, vectors: Vectors) -> float:
    """Create the index, write the documents through this client, wait until they are found; documents per second."""
    client.flushall()
    create(client, algorithm, vectors.shape[1])
    shares = np.random.default_rng(3).random(len(vectors))
    started = time.perf_counter()
    for first in range(0, len(vectors), 500):
        pipeline = client.pipeline(transaction=False)
        for number in range(first, min(first + 500, len(vectors))):
            mapping = {"share": float(shares[number]), "stock": 1, "v": vectors[number].tobytes()}
            pipeline.hset(f"d:{number}", mapping=mapping)
        pipeline.execute()
    wait_for(client, len(vectors))
    return len(vectors) / (time.perf_counter() - started)


def create(client: Any, algorithm: str, dim: int) -> None:
    attributes = {"TYPE": "FLOAT32", "DIM": dim, "DISTANCE_METRIC": "COSINE"}
    fields = [NumericField("share"), NumericField("stock"), VectorField("v", algorithm, attributes)]
    client.ft("bench").create_index(fields, definition=IndexDefinition(prefix=["d:"]))


def wait_for(client: Any, count: int) -> None:
    while client.ft("bench").search(Query("*").paging(0, 0)).total < count:
        time.sleep(0.01)


def scan(client: Any, algorithm: str, vectors: Vectors) -> float:
    """Index documents that are there already; documents per second."""
    client.ft("bench").dropindex()
    started = time.perf_counter()
    create(client, algorithm, vectors.shape[1])
    wait_for(client, len(vectors))
    return len(vectors) / (time.perf_counter() - started)


def ask(client: Any, selectivity: float) -> Callable[[NDArray[np.float32]], list[int]]:
    """A function from a query vector to the document numbers found."""
    condition = "*" if selectivity == 1.0 else f"(@share:[0 {selectivity}])"
    query = Query(f"{condition}=>[KNN {K} @v $q AS d]").sort_by("d").return_fields("d").paging(0, K).dialect(2)
    search = client.ft("bench").search

    def run(vector: NDArray[np.float32]) -> list[int]:
        return [int(hit.id[2:]) for hit in search(query, {"q": vector.tobytes()}).docs]

    return run


def measure(clients: dict[str, Any], vectors: Vectors, queries: Vectors) -> None:
    shares = np.random.default_rng(3).random(len(vectors))
    names = list(clients)
    print(f"{'selectivity':>11}  " + "  ".join(f"{name:>24}" for name in names) + f"  {'vs ' + names[-1]:>12}")
    for selectivity in SELECTIVITIES:
        passing = np.flatnonzero(shares <= selectivity)
        truth = [set(passing[np.argsort(-(vectors[passing] @ q))[:K]].tolist()) for q in queries]
        runs = {name: ask(client, selectivity) for name, client in clients.items()}
        for run in runs.values():
            for q in queries[:5]:
                run(q)
        times: dict[str, list[float]] = {name: [] for name in names}
        found = dict.fromkeys(names, 0)
        for q, wanted in zip(queries, truth, strict=True):
            for name, run in runs.items():
                started = time.perf_counter()
                hits = run(q)
                times[name].append(time.perf_counter() - started)
                found[name] += len(wanted & set(hits))
        total = sum(map(len, truth))
        cells = [f"{statistics.median(times[n]) * 1e6:9.0f} us  {found[n] / total:.3f}" for n in names]
        ratio = statistics.median(times[names[0]]) / statistics.median(times[names[-1]])
        print(f"{selectivity:>11}  " + "  ".join(f"{cell:>24}" for cell in cells) + f"  {ratio:>11.2f}x")


def update_cost(client: Any, count: int, updates: int = 500) -> float:
    """Seconds one HSET of a field that is no vector costs, indexing included: a search ends the batch."""
    random = np.random.default_rng(5)
    started = time.perf_counter()
    for number in random.integers(count, size=updates):
        client.hset(f"d:{number}", "stock", int(number))
    client.ft("bench").search(Query("*").paging(0, 0))
    return (time.perf_counter() - started) / updates


def plain_hset_cost(client: Any, updates: int = 500) -> float:
    """The same HSETs on keys no index wants: what the round trips alone cost."""
    started = time.perf_counter()
    for number in range(updates):
        client.hset(f"other:{number}", "stock", number)
    return (time.perf_counter() - started) / updates


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", help="URL of a Redis with the search module")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--algorithms", nargs="+", default=["FLAT", "HNSW"])
    options = parser.parse_args(arguments)
    vectors = clustered(options.count + options.queries, options.dim, seed=1)
    stored, queries = vectors[: options.count], vectors[options.count :]
    with ExitStack() as stack:
        server = stack.enter_context(start_redis())
        clients: dict[str, Any] = {"on a Redis": redisvss.Redis.from_url(server.url), "embedded": redisvss.Redis()}
        if options.native:
            clients["native"] = redis.Redis.from_url(options.native)
        for algorithm in options.algorithms:
            print(f"\n{algorithm}, {options.count} x {options.dim}, k={K}: median latency and recall@{K}")
            rates = {name: ingest(client, algorithm, stored) for name, client in clients.items()}
            for client in (client for name, client in clients.items() if algorithm == "HNSW" and name != "native"):
                settle(client, "bench", f"*=>[KNN {K} @v $q]", queries[0].tobytes())
            measure(clients, stored, queries)
            print("ingest, documents/s:  " + "  ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()))
            rates = {name: scan(client, algorithm, stored) for name, client in clients.items()}
            print("first scan, documents/s:  " + "  ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()))
            costs = {name: (update_cost(c, len(stored)) - plain_hset_cost(c)) * 1e6 for name, c in clients.items()}
            print("updating a number, us beyond the HSET:  " + "  ".join(f"{n} {c:.0f}" for n, c in costs.items()))


if __name__ == "__main__":
    main()
