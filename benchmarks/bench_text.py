"""How fast is text search, and indexing text, beside RediSearch?

    python benchmarks/bench_text.py [--native PROGRAM] [--documents 200000] [--rounds 3]

Documents of about 20 words, frequencies as in Zipf's law. The same commands go in turn to `redisvss serve`, to a client
with the engine in its own process, and to a native RediSearch, which PROGRAM starts on the port it is given. Printed:
the median over a kind's queries of each one's best round, in milliseconds, and ours as multiples of the native's;
before that documents indexed per second. Replies are pages of ten with their documents. Needs redis-server.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import redis
from bench_proxy import free_port, started

import redisvss

VOCABULARY = 50_000
BATCH = 1000
EMBEDDED = 20_000  # documents indexed beside the embedded store, whose HSET takes most of the time
SERVER, CLIENT, NATIVE = "server", "in process", "native"
OPTIONS = ("TIMEOUT", "0", "DIALECT", "2")
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
Client = Any


class Corpus:
    """Documents and queries over words numbered by how common they are: word 0 stands in most documents."""

    def __init__(self, documents: int, seed: int = 1) -> None:
        self.chance = np.random.default_rng(seed)
        self.words = self._words()
        share = 1 / np.arange(1, VOCABULARY + 1)
        lengths = self.chance.integers(15, 26, documents)
        drawn = self.chance.choice(VOCABULARY, int(lengths.sum()), p=share / share.sum())
        ends = np.cumsum(lengths)
        self.numbers = np.split(drawn, ends[:-1])
        self.texts = [" ".join(self.words[n] for n in numbers) for numbers in map(np.ndarray.tolist, self.numbers)]

    def _words(self) -> list[str]:
        """Made of syllables; a fifth bear an English ending, so that the stemmer has work."""
        made: dict[str, None] = {}
        while len(made) < VOCABULARY:
            ending = self.chance.choice(["", "", "", "", "", "", "", "", "ing", "s"])
            made["".join(self.chance.choice(SYLLABLES, self.chance.integers(2, 5))) + ending] = None
        return list(made)

    def pick(self, low: int, high: int, count: int = 1) -> list[str]:
        return [self.words[n] for n in self.chance.choice(np.arange(low, high), count, replace=False).tolist()]

    def phrase(self, length: int) -> str:
        """Neighbours in some document, so that there is something to find."""
        numbers = self.numbers[int(self.chance.integers(len(self.numbers)))]
        start = int(self.chance.integers(len(numbers) - length + 1))
        return '"' + " ".join(self.words[n] for n in numbers[start : start + length].tolist()) + '"'


def kinds(corpus: Corpus) -> dict[str, Callable[[], str]]:
    """What is asked: rare words are in a few documents, middle ones in 1 %, common ones in 20–90 %."""
    rare, middle, common = (5000, 40_000), (50, 500), (0, 8)
    pick = corpus.pick
    return {
        "1 rare word": lambda: pick(*rare)[0],
        "1 middle word": lambda: pick(*middle)[0],
        "1 common word": lambda: pick(*common)[0],
        "2 words, rare and common": lambda: " ".join(pick(*rare) + pick(*common)),
        "2 middle words": lambda: " ".join(pick(*middle, 2)),
        "2 common words": lambda: " ".join(pick(*common, 2)),
        "5 words, rare to common": lambda: " ".join(pick(*rare) + pick(*middle, 2) + pick(*common, 2)),
        "5 common words": lambda: " ".join(pick(*common, 5)),
        "either of 2 middle words": lambda: "|".join(pick(*middle, 2)),
        "any of 5 common words": lambda: "|".join(pick(*common, 5)),
        "common but not middle": lambda: f"{pick(*common)[0]} -{pick(*middle)[0]}",
        "phrase of 2": lambda: corpus.phrase(2),
        "phrase of 3": lambda: corpus.phrase(3),
        "2 common words, SLOP 2 INORDER": lambda: " ".join(pick(*common, 2)) + "\nSLOP\n2\nINORDER",
        "prefix of 2 letters": lambda: pick(*rare)[0][:2] + "*",
        "prefix of 4 letters": lambda: pick(*rare)[0][:4] + "*",
        "infix of 3 letters": lambda: f"*{pick(*rare)[0][1:4]}*",
        "1 misspelling": lambda: f"%{pick(*rare)[0]}%",
        "2 misspellings": lambda: f"%%{pick(*rare)[0]}%%",
        "1 common word, BM25STD": lambda: pick(*common)[0] + "\nSCORER\nBM25STD",
        "2 common words, BM25STD": lambda: " ".join(pick(*common, 2)) + "\nSCORER\nBM25STD",
        "2 common words, NOCONTENT": lambda: " ".join(pick(*common, 2)) + "\nNOCONTENT",
    }


def ingest(client: Client, texts: Sequence[str]) -> float:
    """Documents a second, from the first HSET until a search counts them all."""
    client.execute_command("FT.CREATE", "text:idx", "PREFIX", "1", "doc:", "SCHEMA", "body", "TEXT")
    start = time.perf_counter()
    for first in range(0, len(texts), BATCH):
        batch = client.pipeline(transaction=False)
        for number, text in enumerate(texts[first : first + BATCH], first):
            batch.hset(f"doc:{number}", "body", text)
        batch.execute()
    wait(client, len(texts))
    return len(texts) / (time.perf_counter() - start)


def wait(client: Client, count: int) -> None:
    while client.execute_command("FT.SEARCH", "text:idx", "*", "LIMIT", 0, 0)[0] < count:
        time.sleep(0.01)


def ask(client: Client, query: str) -> tuple[float, Any]:
    """Milliseconds and the reply."""
    start = time.perf_counter()
    reply = client.execute_command("FT.SEARCH", "text:idx", *query.split("\n"), *OPTIONS)
    return (time.perf_counter() - start) * 1000, reply


def measure(clients: dict[str, Client], queries: Sequence[str], rounds: int) -> tuple[dict[str, float], int]:
    """Median milliseconds of each client, and for how many queries their totals differ."""
    best = {name: [float("inf")] * len(queries) for name in clients}
    differ = set()
    for _ in range(rounds):
        for number, query in enumerate(queries):
            totals = set()
            for name, client in clients.items():
                spent, reply = ask(client, query)
                best[name][number] = min(best[name][number], spent)
                totals.add(reply[0])
            if len(totals) > 1:
                differ.add(number)
    return {name: statistics.median(times) for name, times in best.items()}, len(differ)


def report(clients: dict[str, Client], corpus: Corpus, options: argparse.Namespace) -> None:
    ours = [name for name in clients if name != NATIVE]
    print("| " + " | ".join(["query", *(f"{name} ms" for name in clients), *(f"{name} ×" for name in ours)]) + " |")
    print("|---" * (1 + len(clients) + len(ours)) + "|")
    for kind, make in kinds(corpus).items():
        queries = [make() for _ in range(options.queries)]
        times, differ = measure(clients, queries, options.rounds)
        cells = [f"{times[name]:.2f}" for name in clients]
        cells += [f"{times[name] / times[NATIVE]:.2f}" if NATIVE in times else "–" for name in ours]
        note = f" ({differ} totals differ)" if differ else ""
        print(f"| {kind}{note} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", help="program that starts a Redis with the search module on the port given")
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=8, help="of each kind")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    corpus = Corpus(options.documents)
    with ExitStack() as stack:

        def start(name: str, command: Sequence[str], port: int) -> int:
            return stack.enter_context(started(name, [*command, str(port)], port)).port

        upstream = start("redis-server", ["redis-server", "--save", "", "--bind", "127.0.0.1", "--port"], free_port())
        serve = [sys.executable, "-m", "redisvss", "serve", "--upstream", f"redis://127.0.0.1:{upstream}", "--port"]
        clients: dict[str, Client] = {SERVER: redis.Redis(port=start("redisvss", serve, free_port()), protocol=2)}
        if options.native:
            clients[NATIVE] = redis.Redis(port=start("native", [options.native], free_port()), protocol=2)
        rates = {name: ingest(client, corpus.texts) for name, client in clients.items()}
        clients[CLIENT] = redisvss.Redis(port=upstream, protocol=2)
        wait(clients[CLIENT], options.documents)
        rates["embedded, own store"] = ingest(redisvss.Redis(protocol=2), corpus.texts[:EMBEDDED])
        print(f"{options.documents:,} documents, indexed per second: ", end="")
        print(", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()), end="\n\n", flush=True)
        report(clients, corpus, options)


if __name__ == "__main__":
    main()
