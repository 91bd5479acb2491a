"""Random JSON documents under random ON JSON schemas, searched by a real RediSearch 2.10.5 and by us, side by side.

    python tests/differential/json_search.py --native redis://127.0.0.1:7379 [--url URL] --count 20000 --seed 1

What `search.py` leaves out: indexed paths with wildcards, slices, filters and unions; lists, nulls and values of the
wrong type under each of them; documents of several vectors; RETURN and LOAD of attributes and paths; FORMAT EXPAND;
all of it in dialects 1 to 4. Without --url the other side is embedded, in process. Totals, documents, values, order
where SORTBY fixes it, and error texts must agree. WARNING: both servers are flushed. A case that differs is made
smaller and printed as commands; exit status 1 if there is one.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fakeredis
import numpy as np
import redis

sys.path.insert(0, str(Path(__file__).parent))

from aggregate import TRANSLATED

import redisvss
from redisvss.documents.json import compile_path

Words = tuple["str | bytes", ...]

INDEX = "i"
DIM = 2
COMMANDS_PER_WORLD = 60
WORDS = ["red", "Blue", "light green", "run", "running", "x", "a-b", "12", "é"]
NUMBERS = [0, 1, 2, 2.5, -3, 100, 1.0, 1e20, 0.1]
GEO = ["1,2", "1.5,2.5", "-3,0.25"]
PATHS = {  # by what lies there in a document, see `Documents`
    "string": ["$.s", "$.o.s", '$["s"]', "$.list[0].s", "$.list[-1].s", "$.strings[0]"],
    "strings": [
        "$.strings",
        "$.strings[*]",
        "$.list[*].s",
        "$..s",
        "$.strings[0:2]",
        "$.list[?(@.n>1)].s",
        '$["s","z"]',
    ],
    "number": ["$.n", "$.o.n", "$.list[0].n", "$.numbers[-1]"],
    "numbers": ["$.numbers", "$.numbers[*]", "$.list[*].n", "$..n", '$.list[?(@.s=="red")].n', "$.numbers[1:]"],
    "geo": ["$.g", "$.o.g"],
    "geos": ["$.geos", "$.geos[*]"],
    "vector": ["$.v", "$.o.v"],
    "vectors": ["$.vectors", "$.vectors[*]", "$.list[*].v", "$..v"],
    "flag": ["$.f", "$.flags[*]"],
}
KINDS = {
    "string": ("TEXT", "TAG", "TAG"),
    "strings": ("TEXT", "TAG", "TAG"),
    "number": ("NUMERIC",),
    "numbers": ("NUMERIC",),
    "geo": ("GEO",),
    "geos": ("GEO",),
    "vector": ("VECTOR",),
    "vectors": ("VECTOR",),
    "flag": ("TAG",),
}
LOOSE = ["$", "$.s", "$.o", "$.list", "$.list[*].s", "$..n", "$.nothing", "$.numbers", "$.k", "$.flags", "$.z"]


@dataclass(frozen=True)
class Field:
    name: str
    path: str
    kind: str
    options: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        return (self.path, "AS", self.name, self.kind, *self.options)


@dataclass(frozen=True)
class World:
    """A schema and the documents under it, the texts of `d:0`, `d:1`, …"""

    fields: tuple[Field, ...]
    documents: tuple[str, ...]

    def commands(self) -> list[Words]:
        schema = [word for field in self.fields for word in field.words]
        create: Words = ("FT.CREATE", INDEX, "ON", "JSON", "PREFIX", "1", "d:", "SCHEMA", *schema)
        return [create, *(("JSON.SET", f"d:{n}", "$", text) for n, text in enumerate(self.documents))]

    def of(self, *kinds: str) -> list[Field]:
        return [field for field in self.fields if field.kind in kinds]


@dataclass(frozen=True)
class Case:
    """One command in parts that can be left out; `sorted_by` a field that tells documents apart."""

    protocol: int
    name: str
    query: str
    parts: tuple[Words, ...]
    tail: Words

    @property
    def ordered(self) -> bool:
        grouped = any(part[0] == "GROUPBY" for part in self.parts)
        return not grouped and any(part[0] == "SORTBY" and {"k", "@k"} & set(part) for part in self.parts)

    def command(self) -> Words:
        return (self.name, INDEX, self.query, *(word for part in self.parts for word in part), *self.tail)


def loses(field: Field, document: Any) -> bool:
    """Whether the reference drops the document, or a value of it, which COMPATIBILITY.md says we take."""
    path = compile_path(field.path)
    found = path.values(document)
    match found:
        case [[list(), *_]] if field.kind == "VECTOR":
            return path.is_single
        case [[] | [None, *_]] | [None, _, *_]:
            return "SORTABLE" in field.options
        case _:
            return False


# ---- documents and schemas ------------------------------------------------------------------------------------------


class Worlds:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def next(self) -> World:
        fields = [Field("k", "$.k", "NUMERIC", ("SORTABLE",))]
        for number in range(self.chance.randint(2, 6)):
            place = self.chance.choice(list(PATHS))
            kind = self.chance.choice(KINDS[place])
            path = self.chance.choice(PATHS[place])
            fields.append(Field(f"{kind[0].lower()}{number}", path, kind, self._options(kind)))
        made = [self.document(number) for number in range(self.chance.randint(3, 14))]
        kept = [each for each in made if not any(loses(field, each) for field in fields)]
        return World(tuple(fields), tuple(map(json.dumps, kept)))

    def _options(self, kind: str) -> tuple[str, ...]:
        some = self._some
        sortable = some(0.3, "SORTABLE", *some(0.3, "UNF"))
        missing, empty = some(0.25, "INDEXMISSING"), some(0.25, "INDEXEMPTY")
        match kind:
            case "TEXT":
                return (*empty, *missing, *sortable)  # NOSTEM: text_scoring.py
            case "TAG":
                return (*some(0.2, "SEPARATOR", ","), *some(0.2, "CASESENSITIVE"), *empty, *missing, *sortable)
            case "VECTOR":
                metric = self.chance.choice(("L2", "IP", "COSINE"))
                dtype = self.chance.choice(("FLOAT32", "FLOAT64"))
                attributes = ("TYPE", dtype, "DIM", str(DIM), "DISTANCE_METRIC", metric)
                return (self.chance.choice(("FLAT", "HNSW")), str(len(attributes)), *attributes, *missing)
            case _:
                return (*missing, *sortable)

    def _some(self, probability: float, *words: str) -> tuple[str, ...]:
        return words if self.chance.random() < probability else ()

    def document(self, number: int) -> dict[str, Any]:
        made: dict[str, Any] = {"k": number, **self._part()}
        more: dict[str, Callable[[], Any]] = {
            "strings": lambda: self._several(self._string),
            "numbers": lambda: self._several(self._number),
            "geos": lambda: self._several(lambda: self.chance.choice(GEO)),
            "vectors": lambda: self._several(self._vector),
            "flags": lambda: self._several(lambda: self.chance.random() < 0.5),
            "list": lambda: [self._part() for _ in range(self.chance.randrange(4))],
            "o": self._part,
            "f": lambda: self.chance.random() < 0.5,
            "z": self._string,
        }
        for name, value in more.items():
            if self.chance.random() < 0.75:
                made[name] = self._perhaps_wrong(value)
        return made

    def _part(self) -> dict[str, Any]:
        members: dict[str, Callable[[], Any]] = {
            "s": self._string,
            "n": self._number,
            "g": lambda: self.chance.choice(GEO),
            "v": self._vector,
        }
        return {name: self._perhaps_wrong(value) for name, value in members.items() if self.chance.random() < 0.8}

    def _perhaps_wrong(self, value: Callable[[], Any]) -> Any:
        if self.chance.random() < 0.94:
            return value()
        return self.chance.choice(
            (None, None, None, True, 5, "red", [], {}, {"a": 1}, "", [None], ["red", 1], [[1, 2]])
        )

    def _several(self, value: Callable[[], Any]) -> list[Any]:
        return [value() if self.chance.random() < 0.95 else None for _ in range(self.chance.choice((0, 1, 2, 2, 3)))]

    def _string(self) -> str:
        kind = self.chance.random()
        if kind < 0.06:
            return ""
        return " ".join(self.chance.choices(WORDS, k=2)) if kind < 0.3 else self.chance.choice(WORDS)

    def _number(self) -> float:
        return self.chance.choice(NUMBERS)

    def _vector(self) -> list[float]:
        return [self.chance.randint(-8, 8) / 4 + 0.125 for _ in range(DIM)]


# ---- commands -------------------------------------------------------------------------------------------------------


class Cases:
    def __init__(self, chance: random.Random, world: World) -> None:
        self.chance = chance
        self.world = world
        self.has_sortable_lists = any(
            isinstance(found[0], list) or len(found) > 1
            for field in world.fields
            if "SORTABLE" in field.options
            for text in world.documents
            if (found := compile_path(field.path).values(json.loads(text)))
        )

    def next(self) -> Case:
        self.dialect = self.chance.choice((1, 2, 2, 3, 3, 4))
        self.params: list[str | bytes] = []
        if self.has_sortable_lists:  # of which aggregations take the first value, see COMPATIBILITY.md
            return self.search()
        return self.aggregate() if self._some(0.4) else self.search()

    def search(self) -> Case:
        query, yielded = self._query()
        parts: list[Words] = []
        if self._some(0.7):
            parts.append(self._return(yielded))
        elif self._some(0.2):
            parts.append(("NOCONTENT",))
        parts.append(self._sorting())
        if self._some(0.2):
            parts.append(("WITHSORTKEYS",))
        protocol, shape = self._shape()
        return Case(protocol, "FT.SEARCH", query, tuple(parts), ("LIMIT", "0", "1000", *shape, *self._tail()))

    def _sorting(self) -> Words:
        refused = ("VECTOR", "NUMERIC")  # lists of numbers, and booleans beside strings
        names = [f.name for f in self.world.fields if f.kind not in refused and not f.path.startswith("$.f")]
        names.append("k")
        name = (
            "k" if self.dialect == 4 or self._some(0.7) else self.chance.choice(names)
        )  # 2.10.5 sorts by nothing else there
        return ("SORTBY", name, *self.chance.choice(((), ("ASC",), ("DESC",))))

    def _return(self, yielded: str) -> Words:
        words = self._named([yielded] if yielded else [], "")
        return ("RETURN", str(len(words)), *words)

    def _named(self, more: list[str], sign: str) -> list[str]:
        """Attributes and paths, some AS another name."""
        names = [f"{sign}{f.name}" for f in self.world.fields] + LOOSE + [f"{sign}nosuch"] + more * 3
        words: list[str] = []
        for number in range(self.chance.randint(1, 4)):
            words += [self.chance.choice(names), *(("AS", f"r{number}") if self._some(0.3) else ())]
        return words

    def aggregate(self) -> Case:
        query, _ = self._query()
        parts: list[Words] = []
        if self._some(0.85):
            words = self._named([], "@")
            parts.append(("LOAD", str(len(words)), *words) if self._some(0.93) else ("LOAD", "*"))
        parts += [self._step() for _ in range(self.chance.choice((0, 1, 1, 2)))]
        if self._some(0.5):
            parts.append(("SORTBY", "2", "@k", self.chance.choice(("ASC", "DESC")), "MAX", "1000"))
        protocol, shape = self._shape()
        return Case(protocol, "FT.AGGREGATE", query, (*parts, ("LIMIT", "0", "1000")), (*shape, *self._tail()))

    def _step(self) -> Words:
        name = f"@{self.chance.choice(self.world.fields).name}"
        kind = self.chance.random()
        if kind < 0.4:
            reducer = self.chance.choice(("COUNT", "SUM", "TOLIST", "COUNT_DISTINCT", "MIN", "MAX"))
            taken = () if reducer == "COUNT" else (f"@{self.chance.choice(self.world.fields).name}",)
            return ("GROUPBY", "1", name, "REDUCE", reducer, str(len(taken)), *taken, "AS", "reduced")
        if kind < 0.8:
            shape = self.chance.choice(("upper({})", "{} + 1", "strlen({})", "exists({})", "{} == {}", "split({})"))
            return ("APPLY", shape.format(name, name), "AS", "applied")
        return ("FILTER", self.chance.choice(("{} > 1", "exists({})", '{} == "red"', "!exists({})")).format(name))

    def _shape(self) -> tuple[int, Words]:
        """Protocol and what depends on it."""
        if self._some(0.6):
            return 2, ()
        return 3, self.chance.choice(((), ("FORMAT", "STRING"), ("FORMAT", "EXPAND"), ("FORMAT", "EXPAND")))

    def _tail(self) -> Words:
        params = ("PARAMS", str(len(self.params)), *self.params) if self.params else ()
        verbatim = ("VERBATIM",) if self.params else ()  # a union beside a vector query can lose a part there
        return (*verbatim, *params, "DIALECT", str(self.dialect))

    def _query(self) -> tuple[str, str]:
        """The query and what its KNN yields."""
        query = "*" if self._some(0.4) else " ".join(self._clause() for _ in range(self.chance.choice((1, 1, 2))))
        vectors = self.world.of("VECTOR")
        if self.dialect < 2 or not vectors or not self._some(0.3):
            return query, ""
        field, filtered = self.chance.choice(vectors), query if query == "*" else f"({query})"
        return f"{filtered}=>[KNN {self.chance.choice((1, 3, 20))} @{field.name} {self._blob(field)} AS dist]", "dist"

    def _clause(self) -> str:
        field = self.chance.choice(self.world.fields)
        if self.dialect > 1 and self._some(0.15):
            sign = "-" if self.dialect < 4 and self._some(0.5) else ""  # dialect 4 of 2.10.5 overlooks it
            return f"{sign}ismissing(@{field.name})"
        match field.kind:
            case "TEXT":
                word = self.chance.choice([w for w in WORDS if w.isalpha()] + ['""'] * (self.dialect > 1))
                return f"@{field.name}:({word})"
            case "TAG":
                return f"@{field.name}:{{{self._tag()}}}"
            case "NUMERIC":
                low, high = self.chance.choice(("-inf", "1", "(1", "0")), self.chance.choice(("2", "(100", "+inf"))
                return f"@{field.name}:[{low} {high}]"
            case "GEO":
                return f"@{field.name}:[1 2 {self.chance.choice(('10', '100', '1000'))} km]"
            case _ if self.dialect > 1:
                return f"@{field.name}:[VECTOR_RANGE {self.chance.choice(('0.5', '2', '10'))} {self._blob(field)}]"
            case _:
                return "@k:[0 +inf]"

    def _tag(self) -> str:
        word = self.chance.choice([*WORDS, "true", "false"])
        if self.dialect > 1 and self._some(0.1):
            return '""'
        return "".join(c if c.isalnum() else f"\\{c}" for c in word)

    def _blob(self, field: Field) -> str:
        dtype = "<f4" if "FLOAT32" in field.options else "<f8"
        self.params += [f"v{len(self.params)}", np.array(Worlds(self.chance)._vector(), dtype).tobytes()]
        return f"$v{len(self.params) - 2}"

    def _some(self, probability: float) -> bool:
        return self.chance.random() < probability


# ---- comparing ------------------------------------------------------------------------------------------------------


class Side:
    """One of the two servers, spoken to in both protocols."""

    def __init__(self, connect: Callable[[int], Any]) -> None:
        self.clients = {protocol: connect(protocol) for protocol in (2, 3)}

    def ask(self, command: Words, protocol: int = 2) -> Any:
        """The reply; an error's text."""
        try:
            return self.clients[protocol].execute_command(*command)
        except redis.ResponseError as error:
            return _reworded(str(error))

    def prepare(self, world: World) -> list[Any]:
        self.ask(("FLUSHALL",))
        return [self.ask(command) for command in world.commands()]


def _reworded(text: str) -> str:
    """A text of 2.10.33 as 2.10.5 has it."""
    for pattern, replacement in TRANSLATED:
        text = re.sub(pattern, replacement, text)
    return text


def difference(case: Case, ours: Any, theirs: Any) -> str:
    """What is not the same; empty if nothing."""
    if str(theirs).startswith("Error converting string"):  # what sorts, of several types
        return ""
    if isinstance(ours, str) or isinstance(theirs, str):
        return "" if type(ours) is type(theirs) else "error"  # of two faults either may be named
    mine, wanted = Reply.of(case, ours), Reply.of(case, theirs)
    if mine.total != wanted.total and case.name == "FT.SEARCH" and "4" not in case.tail[-1:]:
        return "total"
    if not case.ordered:
        mine, wanted = mine.in_any_order(), wanted.in_any_order()
    if [row[0] for row in mine.rows] != [row[0] for row in wanted.rows] and case.name == "FT.SEARCH":
        return "documents" if sorted(map(repr, mine.rows)) != sorted(map(repr, wanted.rows)) else "order"
    return "" if same(mine.rows, wanted.rows) else "values"


@dataclass(frozen=True)
class Reply:
    total: int
    rows: list[tuple[Any, ...]]  # a document's id and what else was said of it, or an aggregation's row

    @classmethod
    def of(cls, case: Case, reply: Any) -> Reply:
        if isinstance(reply, dict):
            rows = [(row.get(b"id"), *_known(row)) for row in reply[b"results"]]
            return cls(reply[b"total_results"], rows)
        if case.name == "FT.AGGREGATE":
            return cls(reply[0], [(None, _members(row)) for row in reply[1:]])
        bare = any(part[0] == "NOCONTENT" for part in case.parts)
        width = 1 + (not bare) + any(part[0] == "WITHSORTKEYS" for part in case.parts)
        rows = [tuple(map(_members, reply[at : at + width])) for at in range(1, len(reply), width)]
        return cls(reply[0], rows)

    def in_any_order(self) -> Reply:
        return Reply(self.total, sorted(self.rows, key=lambda row: re.sub(r"(\.\d{4})\d+", r"\1", repr(row))))


def _known(row: dict[bytes, Any]) -> list[Any]:
    return [_listed(row.get(b"extra_attributes")), row.get(b"values"), _sort_key(row.get(b"sortkey"))]


def _members(part: Any) -> Any:
    """Names and values without their order: a name twice counts once, as in RESP3."""
    if isinstance(part, list):
        return _listed(dict(zip(part[::2], part[1::2], strict=True)))
    return _sort_key(part)


def _listed(members: Any) -> Any:
    """What TOLIST has listed in any order."""
    if isinstance(members, dict) and isinstance(members.get(b"reduced"), list):
        members[b"reduced"].sort(key=repr)
    return members


def _sort_key(part: Any) -> Any:
    """Without its sign for a number or a string: the reference takes a boolean for a number."""
    return part[1:] if isinstance(part, bytes) and part[:1] in b"#$" else part


def same(ours: Any, theirs: Any) -> bool:
    if ours == theirs and (isinstance(ours, bytes) or type(ours) is type(theirs)):
        return True
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, bytes) and isinstance(theirs, bytes) and ours[:1] in (b"{", b"["):
        return bool(_json(ours) == _json(theirs))
    try:
        return math.isclose(float(ours), float(theirs), rel_tol=1e-5, abs_tol=1e-6) or ours == theirs
    except (TypeError, ValueError):
        return False


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# ---- running --------------------------------------------------------------------------------------------------------


class Judge:
    def __init__(self, native: Side, ours: Side) -> None:
        self.native = native
        self.ours = ours

    def prepare(self, world: World) -> str:
        """Set both up; what they disagree about already."""
        theirs, mine = self.native.prepare(world), self.ours.prepare(world)
        return "" if mine == theirs else next(f"{a} != {b}" for a, b in zip(mine, theirs, strict=True) if a != b)

    def verdict(self, case: Case) -> str:
        command = case.command()
        return difference(case, self.ours.ask(command, case.protocol), self.native.ask(command, case.protocol))

    def minimised(self, world: World, case: Case, kind: str, seconds: float) -> tuple[World, Case]:
        until, shrinking = time.monotonic() + seconds, True
        while shrinking and time.monotonic() < until:
            shrinking = False
            for smaller_world, smaller_case in smaller(world, case):
                if not self.prepare(smaller_world) and self.verdict(smaller_case) == kind:
                    world, case, shrinking = smaller_world, smaller_case, True
                    break
        self.prepare(world)
        return world, case


def smaller(world: World, case: Case) -> Iterator[tuple[World, Case]]:
    for size in (len(world.documents) // 2, 1):
        for start in range(0, len(world.documents) if size else 0, size or 1):
            yield replace(world, documents=world.documents[:start] + world.documents[start + size :]), case
    for number in range(len(case.parts)):
        if case.parts[number][0] != "SORTBY" or case.name == "FT.AGGREGATE":
            yield world, replace(case, parts=case.parts[:number] + case.parts[number + 1 :])
    for number in range(1, len(world.fields)):
        yield replace(world, fields=world.fields[:number] + world.fields[number + 1 :]), case
    for number, text in enumerate(world.documents):
        document = json.loads(text)
        for name in document.keys() - {"k"}:
            fewer = json.dumps({member: value for member, value in document.items() if member != name})
            yield replace(world, documents=(*world.documents[:number], fewer, *world.documents[number + 1 :])), case
    yield world, replace(case, query="*")


def run(judge: Judge, seed: int, count: int, show: int, patience: float) -> Counter[str]:
    """Compare `count` commands; prints what differs, smallest form first `show` times. Verdicts by number."""
    chance, found = random.Random(seed), Counter[str]()
    while found["compared"] < count:
        world = Worlds(chance).next()
        found["worlds"] += 1
        if disagreement := judge.prepare(world):
            found["set up"] += 1
            print(world.commands()[0], disagreement)
            continue
        cases = Cases(chance, world)
        for _ in range(COMMANDS_PER_WORLD):
            case = cases.next()
            kind = judge.verdict(case)
            found["compared"] += 1
            if kind:
                found[kind] += 1
                if sum(found[name] for name in KINDS_OF_DIFFERENCE) <= show:
                    report(judge, *judge.minimised(world, case, kind, patience), kind)
                    judge.prepare(world)
    return found


KINDS_OF_DIFFERENCE = ("error", "total", "documents", "order", "values", "set up")


def report(judge: Judge, world: World, case: Case, kind: str) -> None:
    print(f"---- {kind}, RESP{case.protocol}")
    for command in (*world.commands(), case.command()):
        print("  ", " ".join(map(_quoted, command)))
    print("   native", str(judge.native.ask(case.command(), case.protocol))[:600])
    print("   ours  ", str(judge.ours.ask(case.command(), case.protocol))[:600], flush=True)


def _quoted(word: str | bytes) -> str:
    if isinstance(word, bytes):
        return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'
    return word if word.isalnum() else f"'{word}'"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", default="redis://127.0.0.1:7379")
    parser.add_argument("--url")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--patience", type=float, default=20.0, help="seconds spent on making one difference small")
    asked = parser.parse_args()
    native = Side(lambda protocol: redis.Redis.from_url(asked.native, protocol=protocol))
    store = fakeredis.FakeServer(version=(7, 4))
    ours = Side(
        lambda protocol: (
            redis.Redis.from_url(asked.url, protocol=protocol)
            if asked.url
            else redisvss.Redis(server=store, protocol=protocol)
        )
    )
    found = run(Judge(native, ours), asked.seed, asked.count, asked.show, asked.patience)
    print(dict(found), f"seed {asked.seed}")
    return 1 if any(found[kind] for kind in KINDS_OF_DIFFERENCE) else 0


if __name__ == "__main__":
    sys.exit(main())
