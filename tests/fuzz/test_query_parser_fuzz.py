"""Damaged queries: each gives a tree or a QuerySyntaxError, in both grammars.

The default run takes 20,000 strings, the slow one (`-m slow`) a million, both from fixed seeds.
"""

import random
import re
from collections.abc import Iterator

import pytest

from redisvss import ast
from redisvss.errors import QuerySyntaxError
from redisvss.query.parser_v1 import ParserV1
from redisvss.query.parser_v2 import ParserV2

SEEDS = (
    b"(@brand:{nike | adi*} @price:[(0 100] -(old|worn))=>[KNN 5 @vec $q EF_RUNTIME 10 AS d]=>{$yield_distance_as: e}",
    b'@title|body:(hello wor* %fuzy% "exact phrase" ~maybe) @n>=5 @m!=-$p ismissing(@x)',
    b"@loc:[1.5 -2 3 km] @geom:[WITHIN $shape] @v:[VECTOR_RANGE 0.5 $blob]=>{$epsilon: 0.1; $weight: 2}",
    b"""@tag:{a b|"c-d"|w'x?y*'|$p*|*suf|*in*|esc\\-aped} '' "" w'wild\\'card' *"a b"*""",
    b'hello world | "goodbye moon" -@t:{x} @n:[-inf +inf] (a (b (c)))=>{$slop:1;$inorder:true;}',
    "caf\u00e9 1e5 -1.5 +inf as \u65e5\u672c \\\\ @a\\-b:c".encode(),
)
TOKENS = [
    b"(",
    b")",
    b"@t:",
    b"{",
    b"}",
    b"[",
    b"]",
    b"|",
    b"-",
    b"~",
    b"*",
    b'"',
    b"'",
    b"%",
    b"=>",
    b"=>[KNN 3 @v $v]",
]
TOKENS += [
    b"$p",
    b"5",
    b"word",
    b"the",
    b" ",
    b"\\",
    b";",
    b":",
    b"w'",
    b"\x00",
    b"\xff",
    b"@n==",
    b"as",
    b"ismissing",
    b",",
]
STOPWORDS = frozenset({"the", "as", "a"})


def damaged(seed: int, count: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    for _ in range(count):
        if rng.random() < 0.3:
            yield b"".join(rng.choices(TOKENS, k=rng.randint(1, 14)))
            continue
        text = rng.choice(SEEDS)
        start = rng.randrange(len(text))
        text = text[start:] + text[:start] if rng.random() < 0.3 else text
        for _ in range(rng.randint(1, 6)):
            at, piece = rng.randrange(len(text) + 1), rng.choice(TOKENS)
            end = at + rng.choice((0, 0, 1, 1, 2, 8))
            text = (
                text[:at] + rng.choice((b"", piece, bytes((rng.randrange(256),)), text[at : at + 4][::-1])) + text[end:]
            )
        yield text


def accepted(text: bytes) -> bool:
    """Whether a grammar took it; one that does not must say where, inside the text."""
    trees = 0
    for parser in (ParserV1(text, STOPWORDS), ParserV2(text, STOPWORDS)):
        try:
            trees += isinstance(parser.parse(), ast.Node)
        except QuerySyntaxError as error:
            offset = re.search(r" at offset (\d+)", str(error))
            assert offset is None or int(offset[1]) <= len(text)
    return trees > 0


def fuzz(seed: int, count: int) -> None:
    trees = 0
    for text in damaged(seed, count):
        try:
            trees += accepted(text)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {text!r}") from error
    assert count * 0.05 < trees < count * 0.95


def test_damaged_queries_are_answered_or_refused() -> None:
    fuzz(seed=1, count=20_000)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 52))
def test_a_million_damaged_queries(seed: int) -> None:
    fuzz(seed, 20_000)
