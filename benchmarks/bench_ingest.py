"""How many documents a second become searchable when another program writes them?

    python benchmarks/bench_ingest.py [--native redis://…] [--count 40000] [--dim 128] [--algorithm FLAT]

The writer is a process of its own with plain redis-py, 500 documents to a pipeline; the clock stops when a search
counts them all. Rounds are interleaved: ours on a plain Redis, that Redis without an index (what writer and server do
at most), and a server with the search module where one is named, which is flushed. An HNSW index of ours counts
documents before their vectors are linked into the graph, which goes on in the background.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import redis
from bench_client import create, wait_for

import redisvss

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.servers import start_redis

WRITER = """
import sys, numpy, redis
url, count, dim = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
vectors = numpy.random.default_rng(1).standard_normal((count, dim)).astype(numpy.float32)
client = redis.Redis.from_url(url)
client.ping()
print("ready", flush=True)
sys.stdin.readline()
for first in range(0, count, 500):
    pipe = client.pipeline(transaction=False)
    for n in range(first, min(first + 500, count)):
        pipe.hset(f"d:{n}", mapping={"share": 0.5, "stock": 1, "v": vectors[n].tobytes()})
    pipe.execute()
"""


def rate(url: str, client: Any, options: argparse.Namespace, indexed: bool) -> float:
    """Documents per second from the first write until they are searchable, or only written."""
    client.flushall()
    if indexed:
        create(client, options.algorithm, options.dim)
    arguments = [sys.executable, "-c", WRITER, url, str(options.count), str(options.dim)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        writer.stdout.readline()
        started = time.perf_counter()
        writer.stdin.write("\n")
        writer.stdin.flush()
        if indexed:
            wait_for(client, options.count)
        else:
            writer.wait()
        return float(options.count / (time.perf_counter() - started))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", help="URL of a Redis with the search module")
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--algorithm", default="FLAT", choices=("FLAT", "HNSW"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with start_redis() as server:
        ours, plain = redisvss.Redis.from_url(server.url), redis.Redis.from_url(server.url)
        runs = {"ours on a Redis": (server.url, ours, True), "no index": (server.url, plain, False)}
        if options.native:
            runs["native"] = (options.native, redis.Redis.from_url(options.native), True)
        rates: dict[str, list[float]] = {name: [] for name in runs}
        rate(*runs["ours on a Redis"][:2], options, True)  # kernels are compiled, or loaded
        for _ in range(options.rounds):
            for name, (url, client, indexed) in runs.items():
                rates[name].append(rate(url, client, options, indexed))
                if client is ours:
                    ours.ft("bench").dropindex()
    print(f"{options.algorithm}, {options.count} x {options.dim}: documents per second, median (slowest, quickest)")
    for name, found in rates.items():
        print(f"{name:>18} {statistics.median(found):8,.0f}  ({min(found):,.0f}, {max(found):,.0f})")


if __name__ == "__main__":
    main()
