"""Random text queries against a reference server and against the index, side by side; run by hand.

    text_scoring.py PORT [--seed N] [--rounds N] [--documents N] [--show N]

PORT: a RediSearch 2.10.5 on the loopback (its data is flushed). Prints every disagreement: which documents match, their
order, their scores (1e-5 relative). Kept out of the queries is what 2.10.33 changed (documents without text, NOSTEM,
weights under BM25, stems of excluded words, upper case beyond ASCII) and what the reference gets wrong: a union inside
an intersection loses parts of its score (only the documents are compared then, and nothing under SLOP), a numeric
range in a group is at a distance that depends on its tree, a word too short for PHONETIC takes the sound of the word
before it, and what follows a stop word in a union is lost.
"""

from __future__ import annotations

import argparse
import math
import random
from typing import Any

import numpy as np
import redis

from redisvss.fields.base import BindContext, QueryError
from redisvss.fields.numeric import NumericLeaf
from redisvss.index.bitmaps import ids_of
from redisvss.query.bind import bind
from redisvss.query.bound import And, BoundNode, Not, Opt, Or
from redisvss.query.parser import parse_query
from redisvss.query.score import SCORERS, ScoreContext
from redisvss.query.text_leaves import AffixLeaf
from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.searchindex import SearchIndex

_WORDS = """
    run runs running runner happy happily happiness connect connection connected connecting the a of nation
    national nationality fish fishing fisher john jon smith smythe red green blue re-do o'neil x1 3.14 foo_bar
    über café hello help held hero heroes world word words work works working sky skies flying fly flies
"""
WORDS = _WORDS.split()
STOP = {"a", "of", "the"}
SHORT = STOP | {"x1", "3.14", "re-do", "o'neil"}
SCORER_NAMES = ("TFIDF", "TFIDF.DOCNORM", "BM25", "BM25STD", "DISMAX", "DOCSCORE")

FIELDS = (
    FieldSpec(b"t", b"t", "TEXT", {"weight": 1.0}),
    FieldSpec(b"b", b"b", "TEXT", {"weight": 2.7}),
    FieldSpec(b"w", b"w", "TEXT", {"weight": 10.0}, with_suffix_trie=False),
    FieldSpec(b"p", b"p", "TEXT", {"phonetic": "dm:en"}),
    FieldSpec(b"g", b"g", "TAG"),
    FieldSpec(b"n", b"n", "NUMERIC"),
)
_SCHEMA = """
    t TEXT b TEXT WEIGHT 2.7 w TEXT WEIGHT 10 p TEXT PHONETIC dm:en g TAG n NUMERIC
"""
SCHEMA = _SCHEMA.split()
SYNONYMS = {"hello": ("greet",), "hero": ("greet", "brave"), "sky": ("blue2",), "red": ("blue2",)}


class Ours:
    def __init__(self, definition: IndexDefinition) -> None:
        self.index = SearchIndex(definition)

    def put(self, key: str, document: dict[str, Any]) -> None:
        stored = {name.encode(): str(value).encode() for name, value in document.items()}
        self.index.apply([key.encode()], [stored])

    def bound(self, query: str, **options: Any) -> BoundNode:
        return bind(parse_query(query.encode(), 2), self.index, BindContext({}, 2, **options)).root

    def search(self, query: str, scorer: str, **options: Any) -> list[tuple[bytes, float]]:
        root = self.bound(query, **options)
        ids = ids_of(root.docs)
        scores = SCORERS[scorer](root, ids, ScoreContext(self.index.text, self.index.table, {}))
        order = np.lexsort([self.index.table.revision[ids], -scores])
        return [(self.index.table.key_of(int(ids[p])), float(scores[p])) for p in order]


class Theirs:
    def __init__(self, port: int) -> None:
        self.client: Any = redis.Redis(port=port, protocol=2)
        self.client.flushall()
        self.client.execute_command("FT.CREATE", "i", "SCORE_FIELD", "s", "SCHEMA", *SCHEMA)
        for term, groups in SYNONYMS.items():
            for group in groups:
                self.client.execute_command("FT.SYNUPDATE", "i", group, term)

    def search(self, query: str, scorer: str, **options: Any) -> list[tuple[bytes, float]]:
        words: list[str] = []
        if options.get("verbatim"):
            words.append("VERBATIM")
        if (slop := options.get("slop")) is not None:
            words += ["SLOP", str(slop)]
        if options.get("inorder"):
            words.append("INORDER")
        if fields := options.get("infields"):
            words += ["INFIELDS", str(len(fields)), *fields]
        command = ["FT.SEARCH", "i", query, "NOCONTENT", "WITHSCORES", "SCORER", scorer, *words]
        reply = self.client.execute_command(*command, "LIMIT", "0", "1000", "DIALECT", "2")
        return [(key, float(score)) for key, score in zip(reply[1::2], reply[2::2], strict=True)]


def text(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, 12)))


def document(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"t": text(rng)}
    for name in "bwp":
        if rng.random() < 0.5:
            made[name] = text(rng) if name != "p" else " ".join(w for w in text(rng).split() if w not in SHORT)
    made["g"] = ",".join(rng.choices("xyz", k=rng.randint(1, 2)))
    made["n"] = rng.randint(0, 9)
    if rng.random() < 0.3:
        made["s"] = rng.choice(["0.5", "0.1", "2"])
    return made


def word(rng: random.Random) -> str:
    chosen = rng.choice([w for w in WORDS if w not in STOP])
    return "".join(c if c.isalnum() or c == "_" else "\\" + c for c in chosen)


def clause(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    plain = "".join(c for c in rng.choice(WORDS) if c.isalpha() and c.isascii()) or "x"
    plain = "fish" if plain in STOP else plain
    if depth > 0 and kind < 0.35:
        joint = rng.choice([" ", " ", "|"])
        return "(" + joint.join(clause(rng, depth - 1 if joint == " " else 0) for _ in range(rng.randint(2, 3))) + ")"
    if kind < 0.62:
        return word(rng)
    if kind < 0.70:
        return f'"{" ".join(rng.choices(WORDS[:28], k=rng.randint(1, 3)))}"'.replace("'", "").replace("-", "")
    if kind < 0.76:
        return plain[: rng.randint(2, 4)] + "*" if len(plain) > 1 else plain
    if kind < 0.80:
        return rng.choice(["*{}", "*{}*"]).format(plain[-3:]) if len(plain) > 2 else plain
    if kind < 0.84:
        return f"%{plain}%"
    if kind < 0.88:
        return f"@{rng.choice(['t', 'b', 'w', 'p', 't|b', 'b|p'])}:({word(rng)})"
    if kind < 0.91:
        return "@g:{" + "|".join(rng.choices("xyz", k=rng.randint(1, 2))) + "}"
    if kind < 0.94:
        return f"@n:[{rng.randint(0, 4)} {rng.randint(5, 9)}]"
    if kind < 0.97:
        return f'-"{plain}"'
    return f'~"{plain}"'


def options(rng: random.Random) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    if rng.random() < 0.15:
        chosen["verbatim"] = True
    if rng.random() < 0.2:
        chosen["slop"] = rng.randint(0, 4)
    if rng.random() < 0.1:
        chosen["inorder"] = True
    if rng.random() < 0.1:
        chosen["infields"] = tuple(rng.sample("tbwp", rng.randint(1, 2)))
    return chosen


def loses_parts(node: BoundNode, inside: bool = False, grouped: bool = False) -> bool:
    """Whether a union stands inside an intersection, or a numeric range (a union of its tree's ranges) in a group."""
    match node:
        case And(children):
            return any(loses_parts(child, True, True) for child in children)
        case Or(children):
            return inside or any(loses_parts(child, inside, True) for child in children)
        case Opt(child) | Not(child):
            return loses_parts(child, True, grouped)
        case NumericLeaf():
            return grouped
        case _:
            return inside and isinstance(node, AffixLeaf)


def same(ours: list[tuple[bytes, float]], theirs: list[tuple[bytes, float]]) -> str:
    if {key for key, _ in ours} != {key for key, _ in theirs}:
        return "documents"
    found = dict(theirs)
    if any(not math.isclose(score, found[key], rel_tol=1e-5, abs_tol=1e-9) for key, score in ours):
        return "scores"
    return "" if [key for key, _ in ours] == [key for key, _ in theirs] else "order"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--show", type=int, default=10)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    definition = IndexDefinition(b"i", FIELDS, score_field=b"s", synonyms=SYNONYMS)
    ours, theirs = Ours(definition), Theirs(asked.port)
    for number in range(asked.documents):
        made = document(rng)
        ours.put(f"d{number}", made)
        theirs.client.hset(f"d{number}", mapping=made)
    wrong: dict[str, int] = {}
    compared = 0
    for _ in range(asked.rounds):
        query, scorer, chosen = clause(rng, 2), rng.choice(SCORER_NAMES), options(rng)
        try:
            expected = theirs.search(query, scorer, **chosen)
        except redis.ResponseError as refused:
            print(f"refused: {query}: {refused}")
            continue
        try:
            got = ours.search(query, scorer, **chosen)
        except QueryError as failed:
            print(f"failed: {query}: {failed}")
            continue
        lossy = loses_parts(ours.bound(query, **chosen))
        if lossy and ("slop" in chosen or "inorder" in chosen):
            continue
        compared += 1
        if verdict := same(got, expected):
            if lossy and verdict != "documents":
                continue
            wrong[verdict] = wrong.get(verdict, 0) + 1
            if sum(wrong.values()) <= asked.show:
                print(f"-- {verdict}: {query} {scorer} {chosen}\n   ours   {got[:6]}\n   theirs {expected[:6]}")
    print(f"{compared} of {asked.rounds} queries compared, disagreements: {wrong or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
