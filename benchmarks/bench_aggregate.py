"""How long does each kind of aggregation take over a million rows, and against RediSearch over fewer?

    python benchmarks/bench_aggregate.py [--rows 1000000]
    python benchmarks/bench_aggregate.py --url-native redis://127.0.0.1:7379 [--documents 50000]

The first prints CPU milliseconds of the pipeline alone, all properties SORTABLE, rows held in numpy. The second fills a
real server (flushing it) and an embedded one with the same hashes and prints wall milliseconds of both, interleaved,
best of three, and their ratio.
"""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable

import numpy as np
import redis

import redisvss
from redisvss.aggregate import Execution
from redisvss.commands.aggregate_args import parse_aggregate
from redisvss.commands.args import Args
from redisvss.config import Config
from redisvss.expression import Column, Text
from redisvss.expression.columns import Rows, objects
from redisvss.schema import FieldSpec

SCHEMA = {"price": "NUMERIC", "year": "NUMERIC", "brand": "TAG", "title": "TEXT"}
PIPELINES = """
    GROUPBY 1 @year REDUCE COUNT 0 AS c
    GROUPBY 1 @year REDUCE SUM 1 @price REDUCE AVG 1 @price REDUCE MAX 1 @price REDUCE STDDEV 1 @price
    GROUPBY 1 @brand REDUCE COUNT 0 AS c REDUCE AVG 1 @price AS a
    GROUPBY 2 @brand @year REDUCE COUNT 0 AS c
    GROUPBY 1 @year REDUCE QUANTILE 2 @price 0.5 AS q
    GROUPBY 1 @year REDUCE COUNT_DISTINCT 1 @brand AS d
    GROUPBY 1 @year REDUCE TOLIST 1 @brand AS l
    GROUPBY 1 @year REDUCE FIRST_VALUE 3 @brand BY @price AS f
    SORTBY 1 @price
    SORTBY 4 @brand ASC @price DESC
    SORTBY 1 @title
    APPLY 'floor(@price / 100) * 2 + @year % 5' AS b FILTER '@b > 3 && @price < 900' GROUPBY 1 @b REDUCE COUNT 0 AS c
    FILTER '@brand == "brand7"' GROUPBY 0 REDUCE COUNT 0 AS c
    APPLY 'year(@price * 1e6)' AS y GROUPBY 1 @y REDUCE COUNT 0 AS c
    APPLY 'upper(@title)' AS u GROUPBY 0 REDUCE COUNT 0 AS c
    APPLY 'upper(@title)' AS u LIMIT 0 10
""".strip().splitlines()


class Table:
    """A source whose columns are arrays."""

    is_json, dialect, yields, hidden = False, 2, (), frozenset[str]()

    def __init__(self, rows: int) -> None:
        chance = np.random.default_rng(1)
        self.doc_ids = np.arange(rows)
        brands = objects([Text(b"brand%d" % number) for number in range(500)], 500)
        self.values = {
            "price": chance.random(rows) * 1000,
            "year": chance.integers(2000, 2025, rows).astype(np.float64),
            "brand": brands[chance.integers(0, 500, rows)],
            "title": objects([Text(b"title %d" % number) for number in range(rows)], rows),
        }

    def field(self, name: str) -> FieldSpec | None:
        if name not in SCHEMA:
            return None
        return FieldSpec(name.encode(), name.encode(), SCHEMA[name], sortable=True)

    def sort_values(self, spec: FieldSpec, rows: Rows) -> Column:
        return Column(self.values[spec.name][rows])


def cpu(call: Callable[[], object]) -> float:
    """Milliseconds of CPU time, best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times) * 1000


def words(pipeline: str) -> list[bytes]:
    return [b"*", *(word.encode() for word in shlex.split(pipeline))]


def alone(rows: int) -> None:
    table = Table(rows)
    print(f"| {rows:,} rows | CPU ms |\n|---|---|")
    for pipeline in map(str.strip, PIPELINES):
        request = parse_aggregate(Args(words(pipeline)), Config(), 2)
        milliseconds = cpu(lambda request=request: Execution(request.pipeline, table).read())
        print(f"| `{pipeline}` | {milliseconds:.1f} |")


def fill(client: redis.Redis, table: Table) -> None:
    client.flushall()
    schema = [word for name, kind in SCHEMA.items() for word in (name, kind, "SORTABLE")]
    client.execute_command("FT.CREATE", "bench:idx", "SCHEMA", *schema)
    columns = [values.tolist() for values in table.values.values()]  # Python's own numbers: numpy's print their type
    batch = client.pipeline(transaction=False)
    for row, values in enumerate(zip(*columns, strict=True)):
        batch.hset(f"doc:{row}", mapping=dict(zip(table.values, values, strict=True)))
        if row % 1000 == 999:
            batch.execute()
    batch.execute()
    (indexed,) = client.execute_command("FT.SEARCH", "bench:idx", "*", "LIMIT", 0, 0)
    if indexed != len(table.doc_ids):
        raise SystemExit(f"only {indexed} of {len(table.doc_ids)} documents are indexed: nothing to measure")


def totals_agree(native: redis.Redis, ours: redis.Redis, pipeline: str) -> bool:
    """Whether both answer with as many rows and the same total: a time for another answer means nothing."""
    replies = [
        client.execute_command("FT.AGGREGATE", "bench:idx", *words(pipeline), "TIMEOUT", "0")
        for client in (native, ours)
    ]
    return len({(reply[0], len(reply)) for reply in replies}) == 1


def beside(url: str, documents: int) -> None:
    native, ours, table = redis.Redis.from_url(url, protocol=2), redisvss.Redis(protocol=2), Table(documents)
    for client in (native, ours):
        fill(client, table)
    print(f"| {documents:,} documents | native ms | ours ms | ratio |\n|---|---|---|---|")
    for pipeline in map(str.strip, PIPELINES):
        if not totals_agree(native, ours, pipeline):
            print(f"| `{pipeline}` | answers differ | | |")
            continue
        best = [float("inf"), float("inf")]
        for _ in range(3):
            for side, client in enumerate((native, ours)):
                start = time.perf_counter()
                client.execute_command("FT.AGGREGATE", "bench:idx", *words(pipeline), "TIMEOUT", "0")
                best[side] = min(best[side], (time.perf_counter() - start) * 1000)
        print(f"| `{pipeline}` | {best[0]:.1f} | {best[1]:.1f} | {best[1] / best[0]:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url-native")
    parser.add_argument("--documents", type=int, default=50_000)
    options = parser.parse_args()
    if options.url_native:
        beside(options.url_native, options.documents)
    else:
        alone(options.rows)


if __name__ == "__main__":
    main()
