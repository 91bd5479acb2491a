"""How fast do JSON documents come in under an index, beside a native engine, and what does reading their paths cost?

    python benchmarks/bench_json.py [--native PROGRAM] [--documents 2000] [--rounds 3] [--algorithm FLAT]

Documents of 1 KB, an index of tags, numbers, texts and a vector over them. The clock runs until a search finds every
one of them, for a native engine indexes while it answers JSON.SET and we do so behind it. Rounds are interleaved and
medians shown, since absolute figures depend on what else the machine does. PROGRAM starts a Redis with the search and
JSON modules on the port it is given; without it the table has our column only. Everything is started and ended here,
on loopback. Needs redis-server.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench_proxy import Place, cpu_seconds, free_port, started

from redisvss.commands.args import Args
from redisvss.commands.create import parse_definition
from redisvss.documents.json import compile_path, parse, values_at
from redisvss.documents.jsonreader import JsonReader
from redisvss.fields import FIELD_TYPES
from redisvss.schema import IndexDefinition
from redisvss.searchindex import SearchIndex
from redisvss.stores.wire import Dialer, pack

DIM = 32
PIPELINE = 100  # commands in flight on the pipelined connection
_WORDS = "light warm soft red blue running summer leather city classic wool rain long short wide easy bright"
WORDS = _WORDS.split()
OTHER_PATHS = ("$.variants[*].size", "$..size", "$.variants[?(@.stock>3)].size", "$.address.city")


def document(chance: random.Random) -> str:
    """About 1 KB."""
    return json.dumps(
        {
            "name": " ".join(chance.choices(WORDS, k=5)),
            "text": " ".join(chance.choices(WORDS, k=55)),
            "brand": f"brand{chance.randrange(50)}",
            "tags": chance.sample(WORDS, 3),
            "price": round(chance.uniform(5, 200), 2),
            "year": chance.randrange(2010, 2025),
            "address": {"city": "Lyon", "zip": "69001"},
            "variants": [{"size": size, "stock": chance.randrange(9)} for size in ("S", "M", "L")],
            "embedding": [round(chance.gauss(0, 1), 4) for _ in range(DIM)],
        }
    )


def create(algorithm: str) -> list[str]:
    vector = ["VECTOR", algorithm, "6", "TYPE", "FLOAT32", "DIM", str(DIM), "DISTANCE_METRIC", "COSINE"]
    fields = [
        ["$.name", "AS", "name", "TEXT"],
        ["$.text", "AS", "text", "TEXT"],
        ["$.brand", "AS", "brand", "TAG"],
        ["$.tags[*]", "AS", "tags", "TAG"],
        ["$.price", "AS", "price", "NUMERIC", "SORTABLE"],
        ["$.year", "AS", "year", "NUMERIC"],
        ["$.embedding", "AS", "embedding", *vector],
    ]
    schema = [word for declared in fields for word in declared]
    return ["FT.CREATE", "idx", "ON", "JSON", "PREFIX", "1", "d:", "SCHEMA", *schema]


# ---- loading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """How a load is sent: by how many clients, each with so many commands in flight."""

    name: str
    clients: int = 1
    pipeline: int = 1


SHAPES = (Shape("1 client"), Shape(f"1 client, pipeline {PIPELINE}", pipeline=PIPELINE), Shape("8 clients", clients=8))


@dataclass(frozen=True)
class Load:
    name: str
    command: Callable[[int, str], Sequence[str]]  # (number, a document's text) → the command


LOADS = (
    Load("JSON.SET, new", lambda n, text: ("JSON.SET", f"d:{n}", "$", text)),
    Load("JSON.SET, over another", lambda n, text: ("JSON.SET", f"d:{n}", "$", text)),
    Load("JSON.SET $.price", lambda n, text: ("JSON.SET", f"d:{n}", "$.price", str(n))),
    Load("JSON.NUMINCRBY $.year", lambda n, text: ("JSON.NUMINCRBY", f"d:{n}", "$.year", "1")),
)


def send(port: int, requests: Sequence[bytes], pipeline: int) -> None:
    """One client's commands, `pipeline` at a time; ends with the first error reply."""
    wire = Dialer(port=port).dial()
    for start in range(0, len(requests), pipeline):
        batch = requests[start : start + pipeline]
        wire.send(b"".join(batch))
        for reply in wire.replies(len(batch)):
            if isinstance(reply, Exception):
                raise reply
    wire.close()


def ask(place: Place, *command: str) -> Any:
    wire = Dialer(port=place.port).dial()
    reply = wire.call(*command)
    wire.close()
    return reply


def load(place: Place, requests: Sequence[bytes], shape: Shape) -> float:
    """Documents per second until a search sees them all."""
    if shape.clients == 1:
        start = time.perf_counter()
        send(place.port, requests, shape.pipeline)
    else:
        parts = [requests[n :: shape.clients] for n in range(shape.clients)]
        senders = [multiprocessing.Process(target=send, args=(place.port, part, shape.pipeline)) for part in parts]
        start = time.perf_counter()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    total = ask(place, "FT.SEARCH", "idx", "*", "LIMIT", "0", "0")[b"total_results"]
    spent = time.perf_counter() - start
    if total != len(requests):
        raise SystemExit(f"{place.name}: {total} of {len(requests)} documents found")
    return len(requests) / spent


def measure(places: Sequence[Place], texts: Sequence[list[str]], rounds: int, algorithm: str) -> None:
    """One line per load and shape: medians of each place, the ratio to the first, our CPU per document."""
    print(f"{'documents per second':46}" + "".join(f"{place.name:>10}" for place in places) + "   ratio  µs CPU")
    for shape in SHAPES:
        rates: dict[tuple[str, str], list[float]] = {}
        spent: dict[str, float] = {}
        for _ in range(rounds):
            for place in places:
                ask(place, "FLUSHALL")
                ask(place, *create(algorithm))
                for number, each in enumerate(LOADS):
                    requests = packed(each, texts[number % 2])
                    before = cpu_seconds(place.pid)
                    rates.setdefault((each.name, place.name), []).append(load(place, requests, shape))
                    spent[each.name] = cpu_seconds(place.pid) - before
        for each in LOADS:
            medians = [statistics.median(rates[each.name, place.name]) for place in places]
            cost = 1e6 * spent[each.name] / len(texts[0])
            print(
                f"{each.name + ', ' + shape.name:46}"
                + "".join(f"{rate:10.0f}" for rate in medians)
                + f"{medians[-1] / medians[0]:8.2f}{cost:8.0f}",
                flush=True,
            )


def packed(each: Load, texts: Sequence[str]) -> list[bytes]:
    return [pack(each.command(n, text)) for n, text in enumerate(texts)]


# ---- paths ----------------------------------------------------------------------------------------------------------


def paths(texts: Sequence[str], definition: IndexDefinition) -> None:
    """What a document costs in this process: parsed, each path walked, its values decoded, all of it indexed."""
    stored = [text.encode() for text in texts]
    documents = [parse(text) for text in stored]
    reader = JsonReader(definition)
    print(f"\n{'µs per document of ' + str(len(stored[0])) + ' bytes':46}{'walk':>10}{'decode':>10}")
    for spec in definition.fields:
        path, field = compile_path(spec.identifier.decode()), FIELD_TYPES[spec.type](spec, definition)
        found = [values_at(each, path) for each in documents]
        walk, decode = (
            per_item(partial(values_at, path=path), documents),
            per_item(partial(reader.decode, field), found),
        )
        print(f"{path.text + ' ' + spec.type:46}{walk:10.2f}{decode:10.2f}")
    for text in OTHER_PATHS:
        print(f"{text:46}{per_item(partial(values_at, path=compile_path(text)), documents):10.2f}")
    print(f"{'parse':46}{per_item(parse, stored):10.2f}")
    indexed = [partial(apply_all, definition, stored)]
    apply_all(definition, stored)  # not counted: loads the kernels
    print(f"{'all: SearchIndex.apply':46}{per_item(lambda work: work(), indexed) / len(stored):10.2f}")


def apply_all(definition: IndexDefinition, stored: Sequence[bytes]) -> None:
    SearchIndex(definition).apply([b"d:%d" % n for n in range(len(stored))], stored)


def per_item(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Microseconds; the best of five."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for item in items:
            work(item)
        best = min(best, time.perf_counter() - start)
    return 1e6 * best / len(items)


def definition(algorithm: str) -> IndexDefinition:
    words = [word.encode() for word in create(algorithm)]
    return parse_definition(words[1], Args(words[2:], "FT.CREATE"))


def places(options: argparse.Namespace, stack: ExitStack) -> Iterator[Place]:
    """The native engine, if there is one, and we. The last holds the index that is looked at afterwards."""
    if options.native:
        other = free_port()
        yield stack.enter_context(started("native", [options.native, str(other)], other))
    upstream, port = free_port(), free_port()
    stack.enter_context(started("redis", ["redis-server", "--port", str(upstream), "--save", ""], upstream))
    serve = [sys.executable, "-m", "redisvss", "serve", "--upstream", f"redis://127.0.0.1:{upstream}"]
    yield stack.enter_context(started("redisvss", [*serve, "--port", str(port)], port))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", help="program that starts a Redis with the search and JSON modules")
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--algorithm", default="FLAT", choices=("FLAT", "HNSW"))
    options = parser.parse_args()
    chance = random.Random(1)
    texts = [[document(chance) for _ in range(options.documents)] for _ in range(2)]
    with ExitStack() as stack:
        measure(list(places(options, stack)), texts, options.rounds, options.algorithm)
    paths(texts[0], definition(options.algorithm))


if __name__ == "__main__":
    main()
