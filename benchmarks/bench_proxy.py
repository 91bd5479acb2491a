"""What does the server cost? GET/SET through it against Redis, vector queries through it against a native engine.

    python benchmarks/bench_proxy.py [--native PROGRAM] [--documents 20000] [--rounds 3]

Everything is started and ended here, on loopback; rounds are interleaved and medians are shown, since absolute figures
depend on what else the machine does. PROGRAM starts a Redis with the search module on the port it is given.
Needs redis-server and redis-benchmark.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis
from settled import settle

CLIENTS = (1, 32)
DIM = 64
PREFIX = "FT.SEARCH", "idx"
TAIL = "NOCONTENT", "DIALECT", "2", "SORTBY", "d", "LIMIT", "0", "10", "PARAMS", "2", "q"
QUERIES = {
    "KNN 10, HNSW, no filter": "*=>[KNN 10 @v $q AS d]",
    "KNN 10, HNSW, 50 % pass": "(@n:[0 (50])=>[KNN 10 @v $q AS d]",
    "KNN 10, HNSW, 20 % pass": "(@n:[0 (20])=>[KNN 10 @v $q AS d]",
    "KNN 10, HNSW, 20 % pass, none near": "(@tag:{t1})=>[KNN 10 @v $q AS d]",
    "KNN 10, HNSW, 5 % pass": "(@n:[0 (5])=>[KNN 10 @v $q AS d]",
    "KNN 10, HNSW, 1 % pass": "(@n:[0 (1])=>[KNN 10 @v $q AS d]",
}


@dataclass(frozen=True)
class Place:
    name: str
    port: int
    pid: int


@dataclass(frozen=True)
class Load:
    """What redis-benchmark sends; `blob` is the command's last argument."""

    clients: int
    count: int
    command: tuple[str, ...]
    blob: bytes
    pipeline: int = 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(name: str, command: Sequence[str], port: int) -> Iterator[Place]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        client = redis.Redis(port=port)
        deadline = time.monotonic() + 60
        while True:
            with suppress(redis.ConnectionError):
                client.ping()
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} did not start: {' '.join(command)}")
            time.sleep(0.05)
        yield Place(name, port, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; nan where there is no /proc."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return float("nan")


def benchmark(place: Place, load: Load) -> float:
    """Requests per second, as redis-benchmark counts them."""
    options = ["-p", str(place.port), "-c", str(load.clients), "-n", str(load.count), "-P", str(load.pipeline), "-q"]
    command = ["redis-benchmark", *options, "-x", *load.command]
    run = subprocess.run(command, input=load.blob, capture_output=True, check=True)
    return float(re.findall(rb"([\d.]+) requests per second", run.stdout)[-1])


def load(port: int, documents: int) -> None:
    """Clustered random vectors with a tag (20 % each) and a number in [0, 100)."""
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((100, DIM)).astype(np.float32)
    client = redis.Redis(port=port)
    vector = ["VECTOR", "HNSW", "6", "TYPE", "FLOAT32", "DIM", str(DIM), "DISTANCE_METRIC", "L2"]
    schema = ["tag", "TAG", "n", "NUMERIC", "v", *vector]
    client.execute_command(  # type: ignore[no-untyped-call]
        "FT.CREATE", "idx", "PREFIX", "1", "d:", "SCHEMA", *schema
    )
    for start in range(0, documents, 1000):
        pipe = client.pipeline(transaction=False)
        for n in range(start, min(start + 1000, documents)):
            point = centres[n % 100] + rng.standard_normal(DIM).astype(np.float32) * 0.3
            pipe.hset(f"d:{n}", mapping={"tag": f"t{n % 5}", "n": n * 7919 % 10000 / 100, "v": point.tobytes()})
        pipe.execute()
    for query in QUERIES.values():  # indexes what is left, compiles what is compiled on first use
        for _ in range(10):
            client.execute_command(*PREFIX, query, *TAIL, query_blob())  # type: ignore[no-untyped-call]


def query_blob() -> bytes:
    """A vector near a cluster, without a NUL byte: redis-benchmark would end it there."""
    centres = np.random.default_rng(7).standard_normal((100, DIM)).astype(np.float32)
    return bytes((centres[17] + 0.1).tobytes().replace(b"\0", b"\1"))


def compare(title: str, baseline: Place, place: Place, rounds: int, load: Load) -> None:
    """One line: medians of both, their ratio, and what a request costs `place` in CPU."""
    rates: dict[str, list[float]] = {baseline.name: [], place.name: []}
    spent = 0.0
    for _ in range(rounds):
        rates[baseline.name].append(benchmark(baseline, load))
        before = cpu_seconds(place.pid)
        rates[place.name].append(benchmark(place, load))
        spent += cpu_seconds(place.pid) - before
    first, second = (statistics.median(rates[name]) for name in (baseline.name, place.name))
    cost = spent / rounds / load.count * 1e6
    print(f"{title:46} {first:10.0f} {second:10.0f} {second / first:8.2f} {cost:8.0f}", flush=True)


def measure_plain(direct: Place, proxy: Place, rounds: int) -> None:
    print(f"{'requests per second':46} {'direct':>10} {'proxy':>10} {'ratio':>8} {'µs CPU':>8}")
    for clients in CLIENTS:
        for pipeline in (1, 16):
            count = 20_000 * (4 if pipeline > 1 else 1)
            for command in (("SET", "key"), ("GET",)):
                title = f"{command[0]}, {clients} clients, pipeline {pipeline}"
                compare(title, direct, proxy, rounds, Load(clients, count, command, b"key", pipeline))


def measure_queries(native: Place, proxy: Place, rounds: int) -> None:
    print(f"\n{'queries per second':46} {'native':>10} {'redisvss':>10} {'ratio':>8} {'µs CPU':>8}")
    blob = query_blob()
    for clients in CLIENTS:
        for title, query in QUERIES.items():
            load = Load(clients, 300 if clients == 1 else 1000, (*PREFIX, query, *TAIL), blob)
            for place in (native, proxy):  # not counted: kernels are compiled, or loaded, behind the first queries
                benchmark(place, load)
            compare(f"{title}, {clients} clients", native, proxy, rounds, load)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", help="program that starts a Redis with the search module")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    upstream, port = free_port(), free_port()
    server = ["redis-server", "--port", str(upstream), "--save", ""]
    serve = [sys.executable, "-m", "redisvss", "serve", "--upstream", f"redis://127.0.0.1:{upstream}"]
    with started("direct", server, upstream) as direct, started("proxy", [*serve, "--port", str(port)], port) as proxy:
        measure_plain(direct, proxy, options.rounds)
        if options.native:
            other = free_port()
            with started("native", [options.native, str(other)], other) as native:
                load(native.port, options.documents)
                load(proxy.port, options.documents)
                settle(redis.Redis(port=proxy.port), "idx", next(iter(QUERIES.values())), query_blob())
                measure_queries(native, proxy, options.rounds)


if __name__ == "__main__":
    main()
