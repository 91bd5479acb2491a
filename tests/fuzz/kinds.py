"""What is done with damaged input: parsed, searched with, evaluated, run. An answer or a refusal is due."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from fuzz.damage import EXPRESSION_PIECES, EXPRESSIONS, QUERIES, QUERY_PIECES, argument_lists, damaged

from redisvss import ast
from redisvss.doors.resp_encode import encode, encode_error
from redisvss.engine import Engine
from redisvss.errors import CommandError
from redisvss.query.parser_v1 import ParserV1
from redisvss.query.parser_v2 import ParserV2
from redisvss.reply import Session
from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync.synchronizer import Options

# One input as a list of words, and what to do with it: raises CommandError if it is refused.
Case = tuple[list[bytes], Callable[[], object]]

STOPWORDS = frozenset({"the", "as", "a"})
PARAMS = [word for name in (b"p", b"q", b"v", b"blob", b"shape", b"vec") for word in (name, b"\x01" * 8)]
SCHEMA = """
    FT.CREATE idx PREFIX 1 d: SCHEMA t TEXT body TEXT WITHSUFFIXTRIE INDEXEMPTY x TEXT INDEXMISSING PHONETIC dm:en
    n NUMERIC SORTABLE m NUMERIC tag TAG SORTABLE brand TAG WITHSUFFIXTRIE p GEO loc GEO geom GEOSHAPE FLAT
    v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 vec VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC COSINE
"""
WORDS = [
    "hello",
    "wor",
    "world",
    "fuzzy",
    "exact",
    "phrase",
    "maybe",
    "goodbye",
    "moon",
    "running",
    "nike",
    "adidas",
    "old",
    "worn",
    "5",
]


def engine() -> Engine:
    """An embedded one with thirty documents; close it."""
    store = EmbeddedStore()
    made = Engine(store, Options())
    made.execute([word.encode() for word in SCHEMA.split()], Session())
    chance = random.Random(1)
    for number in range(30):
        texts = [" ".join(chance.choices(WORDS, k=4)) for _ in range(2)]
        fields = {
            "t": texts[0],
            "body": texts[1],
            "tag": "a,b",
            "brand": chance.choice(WORDS),
            "p": "1.5,2",
            "n": number,
        }
        fields |= {"loc": "1.5,-2", "geom": "POINT(1 1)", "v": b"\x00\x00\x80?" * 2, "vec": b"\x00\x00\x80?" * 2}
        store.call("HSET", f"d:{number}", *(part for pair in fields.items() for part in pair))
    return made


def parsed(seed: int, count: int) -> Iterator[Case]:
    """A query read by both grammars; a refusal that names an offset names one within the text."""
    chance = random.Random(seed)
    for _ in range(count):
        text = damaged(chance, QUERIES, QUERY_PIECES)
        parser = chance.choice((ParserV1, ParserV2))
        yield [text], parser(text, STOPWORDS).parse


def searched(seed: int, count: int) -> Iterator[Case]:
    """A query run in a dialect, explained, or counted and scored."""
    chance = random.Random(seed)
    tails = [b"NOCONTENT", b"WITHSCORES EXPLAINSCORE", b"SUMMARIZE HIGHLIGHT", b"SORTBY n", b"VERBATIM INORDER SLOP 2"]
    dialects = [b"1", b"2", b"3", b"4"]

    def cases(run: Callable[[list[bytes]], object]) -> Iterator[Case]:
        for _ in range(count):
            text, tail = damaged(chance, QUERIES, QUERY_PIECES), chance.choice(tails).split()
            dialect = chance.choice(dialects)
            args = [b"FT.SEARCH", b"idx", text, *tail, b"PARAMS", b"%d" % len(PARAMS), *PARAMS, b"DIALECT", dialect]
            if chance.random() < 0.2:
                args = [b"FT.EXPLAIN", b"idx", text, b"DIALECT", dialect]
            yield args, lambda args=args: run(args)  # type: ignore[misc]

    return _commands(cases)


def evaluated(seed: int, count: int) -> Iterator[Case]:
    """An expression as APPLY, FILTER, or the FILTER of an index."""
    chance = random.Random(seed)

    def cases(run: Callable[[list[bytes]], object]) -> Iterator[Case]:
        for _ in range(count):
            text = damaged(chance, EXPRESSIONS, EXPRESSION_PIECES)
            step = chance.choice(([b"APPLY", text, b"AS", b"y"], [b"FILTER", text]))
            args = [b"FT.AGGREGATE", b"idx", b"*", b"LOAD", b"5", b"@t", b"@n", b"@m", b"@p", b"@tag", *step]
            yield args, lambda args=args: run(args)  # type: ignore[misc]

    return _commands(cases)


def commanded(seed: int, count: int) -> Iterator[Case]:
    """Whatever command with whatever arguments; `idx` is made anew when one dropped it."""

    def cases(run: Callable[[list[bytes]], object]) -> Iterator[Case]:
        for args in argument_lists(seed, count):
            yield args, lambda args=args: run(args)  # type: ignore[misc]

    return _commands(cases)


def _commands(cases: Callable[[Callable[[list[bytes]], object]], Iterator[Case]]) -> Iterator[Case]:
    made, session = engine(), Session()
    schema = [word.encode() for word in SCHEMA.split()]

    def run(args: list[bytes]) -> object:
        if made.catalog.find(b"idx") is None:
            made.execute(schema, session)
        return made.execute(args, session)

    try:
        yield from cases(run)
    finally:
        made.close()


def refused(case: Case) -> str | None:
    """The text of the refusal, None for an answer, which is encoded. Whatever else is raised is a fault."""
    _, run = case
    try:
        reply: Any = run()
    except CommandError as error:
        encode_error(str(error))
        return str(error)
    if not isinstance(reply, ast.Node):
        for protocol in (2, 3):
            encode(reply, protocol)
    return None


KINDS = {"parsed": parsed, "searched": searched, "evaluated": evaluated, "commanded": commanded}
