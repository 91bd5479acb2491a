"""Random indexes, documents and FT.SEARCH commands of the whole grammar, for `search.py`.

What RediSearch 2.10.5 itself gets wrong, or 2.10.33 answers otherwise, is left out here or marked as not comparable
(`lossy`, `search_faults`); COMPATIBILITY.md and `text_scoring.py` name those faults.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

Words = tuple["str | bytes", ...]  # a command's arguments, or some of them that belong together

_VOCABULARY = """
    run runs running runner happy happily connect connection connected nation national fish fishing fisher john jon
    smith smythe red green blue hello help held hero heroes world word words work works sky skies fly flies flying
    straße über café 12 2024 foo_bar
"""
VOCABULARY = _VOCABULARY.split()
HEARD = [word for word in VOCABULARY if word.isascii() and word.isalpha() and len(word) > 2]  # see COMPATIBILITY.md
SYNONYMS = (("g1", "run", "happy"), ("g2", "hello", "held"), ("g3", "happy", "world"))
LANGUAGES = ("spanish", "french", "english")  # German stems by Snowball's newer rules here
STOPWORDS = ("the", "a", "of", "and")
STOPPED = ("red", "the")  # where an index has stop words of its own
SEPARATED = ("re-do", "o'neil", "x.y", "a b", "one,two", "well\\-known")
TAGS = ("red", "Blue", "light green", "a-b", "x", "Y", "red;blue", "é", "12")
SCORERS = ("TFIDF", "TFIDF.DOCNORM", "BM25", "BM25STD", "DISMAX", "DOCSCORE", "HAMMING")
DTYPES = {"FLOAT32": "<f4", "FLOAT64": "<f8", "FLOAT16": "<f2"}
INDEX = "i"


@dataclass(frozen=True)
class Field:
    """One field of a schema; `words` is its declaration behind the name. dtype, dim: of a vector."""

    name: str
    type: str
    words: tuple[str, ...] = ()
    dtype: str = "FLOAT32"
    dim: int = 2

    def has(self, option: str) -> bool:
        return option in self.words


@dataclass(frozen=True)
class Clause:
    """A piece of a query: `shape` joins the children's texts. kind: what the scorers see, see `lossy`."""

    kind: str
    shape: str
    children: tuple[Clause, ...] = ()

    @property
    def text(self) -> str:
        return self.shape.format(*(child.text for child in self.children)) if self.children else self.shape

    def has(self, kind: str) -> bool:
        return self.kind == kind or any(child.has(kind) for child in self.children)

    def only_text(self) -> bool:
        """Whether every part is answered by TEXT fields."""
        own = self.kind not in ("tag", "range", "metric", "shape", "all", "none")
        listed = self.kind == "or" and not self.children  # of tags
        return own and not listed and all(child.only_text() for child in self.children)

    def smaller(self) -> list[Clause]:
        """The clauses with one part less."""
        found = list(self.children)
        for number, child in enumerate(self.children):
            for simpler in child.smaller():
                found.append(replace(self, children=(*self.children[:number], simpler, *self.children[number + 1 :])))
        return found


def lossy(clause: Clause, expanding: bool, inside: bool = False, grouped: bool = False) -> bool:
    """Whether the reference may lose a part's score: a union in an intersection, a numeric range in a group."""
    match clause.kind:
        case "and":
            return any(lossy(child, expanding, True, True) for child in clause.children)
        case "or":
            return inside or any(lossy(child, expanding, inside, True) for child in clause.children)
        case "not" | "opt":
            return any(lossy(child, expanding, True, grouped) for child in clause.children)
        case "term":
            return inside and expanding
        case "affix":
            return inside
        case "range":
            return grouped
        case _:
            return any(lossy(child, expanding, inside, grouped) for child in clause.children)


def regrouped(clause: Clause) -> bool:
    """Whether 2.10.33 makes one group of two that 2.10.5 keeps apart: of one kind, the second on the right."""
    same = any(clause.kind == child.kind for child in clause.children[1:])
    return (same and clause.kind in ("and", "or")) or any(map(regrouped, clause.children))


@dataclass(frozen=True)
class World:
    """An index and what is written to it, as commands; the first creates the index."""

    options: tuple[Words, ...]
    fields: tuple[Field, ...]
    writes: tuple[Words, ...]
    is_json: bool

    def create(self) -> Words:
        schema = [word for f in self.fields for word in self._declared(f)]
        return ("FT.CREATE", INDEX, *(word for group in self.options for word in group), "SCHEMA", *schema)

    def _declared(self, declared: Field) -> tuple[str, ...]:
        if not self.is_json:
            return (declared.name, declared.type, *declared.words)
        return (f"$.{declared.name}", "AS", declared.name, declared.type, *declared.words)

    @property
    def forgets(self) -> bool:
        """Whether documents leave the index or change in it."""
        keys = [write[1] for write in self.writes if write[0] in ("HSET", "JSON.SET")]
        known = ("HSET", "JSON.SET", "FT.SYNUPDATE")
        return len(keys) != len(set(keys)) or any(write[0] not in known for write in self.writes)

    def of_type(self, *types: str) -> list[Field]:
        return [f for f in self.fields if f.type in types]


@dataclass(frozen=True)
class Case:
    """One FT.SEARCH. knn: what follows the query."""

    clause: Clause
    knn: str = ""
    options: tuple[Words, ...] = ()
    damaged: str | None = None

    @property
    def query(self) -> str:
        if self.damaged is not None:
            return self.damaged
        return self.clause.text + self.knn

    def command(self) -> Words:
        return ("FT.SEARCH", INDEX, self.query, *(word for group in self.options for word in group))

    def option(self, name: str) -> Words | None:
        return next((group for group in self.options if group[0] == name), None)


# ---- indexes and documents ------------------------------------------------------------------------------------------


class Worlds:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.counter = 0

    def some(self, probability: float, *words: str) -> tuple[str, ...]:
        return words if self.chance.random() < probability else ()

    def next(self) -> World:
        is_json = self.chance.random() < 0.3
        fields = tuple(self._fields(is_json))
        options: list[Words] = [("ON", "JSON" if is_json else "HASH"), ("PREFIX", "1", "d:")]
        if self.chance.random() < 0.15 and not is_json:
            options.append(("SCORE_FIELD", "score"))
        if self.chance.random() < 0.1:
            options.append(("LANGUAGE", self.chance.choice(LANGUAGES)))
        if self.chance.random() < 0.1 and not is_json:
            options.append(("PAYLOAD_FIELD", "raw"))
        if self.chance.random() < 0.1:
            options.append(("STOPWORDS", "2", *STOPPED))
        if self.chance.random() < 0.1:
            options.append((self.chance.choice(("NOOFFSETS", "NOHL", "MAXTEXTFIELDS", "NOFREQS")),))
        synonyms = [("FT.SYNUPDATE", INDEX, *group) for group in SYNONYMS] if self.chance.random() < 0.15 else []
        writes = (*synonyms, *self._writes(fields, is_json))
        return World(tuple(options), fields, writes, is_json)

    def _fields(self, is_json: bool) -> list[Field]:
        made = [Field("k", "NUMERIC", ("SORTABLE",)), Field("t", "TEXT", self._text_options())]
        for name, kind in (("b", "TEXT"), ("g", "TAG"), ("c", "TAG"), ("n", "NUMERIC"), ("m", "NUMERIC")):
            if self.chance.random() < 0.6:
                made.append(Field(name, kind, self._options(kind)))
        for name, kind in (("l", "GEO"), ("o", "GEOSHAPE")):
            if self.chance.random() < 0.3:
                made.append(Field(name, kind, self._options(kind)))
        for name in "vu":
            if self.chance.random() < 0.45:
                made.append(self._vector(name))
        self.chance.shuffle(made)
        # the reference takes the n-th TEXT field for the n-th field where it looks for sounds and paths
        if is_json or any(declared.has("PHONETIC") for declared in made):
            made.sort(key=lambda declared: declared.type != "TEXT")
        return made

    def _options(self, kind: str) -> tuple[str, ...]:
        match kind:
            case "TEXT":
                return self._text_options()
            case "TAG":
                own = (
                    *self.some(0.2, "SEPARATOR", ";"),
                    *self.some(0.2, "CASESENSITIVE"),
                    *self.some(0.15, "WITHSUFFIXTRIE"),
                    *self.some(0.15, "INDEXEMPTY"),
                    *self.some(0.2, "INDEXMISSING"),
                )
            case "GEOSHAPE":
                return ("FLAT", *self.some(0.3, "INDEXMISSING"))
            case _:
                own = self.some(0.2, "INDEXMISSING")
        return self._common(own, kind)

    def _text_options(self) -> tuple[str, ...]:
        own = (
            *self.some(0.1, "NOSTEM"),
            *self.some(0.1, "PHONETIC", "dm:en"),
            *self.some(0.2, "WEIGHT", self.chance.choice(("2", "2.7", "0.5", "10"))),
            *self.some(0.15, "WITHSUFFIXTRIE"),
            *self.some(0.15, "INDEXEMPTY"),
            *self.some(0.2, "INDEXMISSING"),
        )
        return self._common(own, "TEXT")

    def _common(self, own: tuple[str, ...], kind: str) -> tuple[str, ...]:
        sortable = ("SORTABLE", *(self.some(0.3, "UNF"))) if self.chance.random() < 0.35 else ()
        hidden = self.some(0.04, "NOINDEX") if "INDEXMISSING" not in own else ()
        return (*own, *sortable, *hidden)

    def _vector(self, name: str) -> Field:
        dtype, dim = self.chance.choice(list(DTYPES)), self.chance.choice((2, 3, 4))
        metric = self.chance.choice(("L2", "IP", "COSINE"))
        algorithm = self.chance.choice(("FLAT", "HNSW"))
        attributes = ("TYPE", dtype, "DIM", str(dim), "DISTANCE_METRIC", metric)
        words = (algorithm, str(len(attributes)), *attributes, *self.some(0.2, "INDEXMISSING"))
        return Field(name, "VECTOR", words, dtype, dim)

    # ---- documents --------------------------------------------------------------------------------------------------

    def _writes(self, fields: Sequence[Field], is_json: bool) -> list[Words]:
        self.counter = 0
        count = self.chance.randint(5, 30)
        writes = [self._write(f"d:{number}", fields, is_json) for number in range(count)]
        for _ in range(self.chance.choice((0, 0, 3, 8))):
            key = f"d:{self.chance.randrange(count)}"
            writes += self._change(key, fields, is_json)
        return writes

    def _write(self, key: str, fields: Sequence[Field], is_json: bool) -> Words:
        self.counter += 1
        values = {f.name: value for f in fields if (value := self._value(f, is_json)) is not None}
        values["k"] = self.counter if is_json else str(self.counter)
        if self.chance.random() < 0.3:
            values["raw"] = self.chance.choice(("extra", "12", ""))
        if is_json:
            return ("JSON.SET", key, "$", json.dumps(values))
        if self.chance.random() < 0.3:
            values["score"] = self.chance.choice(("0.5", "2", "0.25", "x"))
        return ("HSET", key, *(part for pair in values.items() for part in pair))

    def _change(self, key: str, fields: Sequence[Field], is_json: bool) -> list[Words]:
        kind = self.chance.randrange(7)
        if kind == 6 and not is_json:
            return [self._write(key, fields, is_json)]
        if kind == 0:
            return [("DEL", key)]
        if kind == 1:
            return [("SET", key, "a string")]
        if kind == 2:
            return [("DEL", key), self._write(key, fields, is_json)]
        if kind == 3:
            return [("DEL", key), self._write(key, fields, is_json), ("PEXPIRE", key, "1")]
        if kind == 4:
            return [("DEL", key), self._write(f"e:{key}", fields, is_json), ("RENAME", f"e:{key}", key)]
        return [("DEL", key), self._write(key, fields, is_json), self._removal(key, fields, is_json)]

    def _removal(self, key: str, fields: Sequence[Field], is_json: bool) -> Words:
        kept = ("k",) if any(f.has("NOINDEX") for f in fields) else ()  # or the reference may not notice
        name = self.chance.choice([f.name for f in fields if f.name not in kept])
        return ("JSON.DEL", key, f"$.{name}") if is_json else ("HDEL", key, name)

    def _value(self, declared: Field, is_json: bool) -> object:
        rare = self.chance.random()
        always = declared.name == "t"
        if rare < (0.03 if always else 0.15):
            return None
        if is_json:
            return self._json_value(declared, rare)
        if rare < 0.19 and not always and declared.type in ("TEXT", "TAG"):
            return ""
        if rare < 0.165 and not always:
            return {"VECTOR": b"abc", "NUMERIC": "1,2", "GEO": "1,2,3", "GEOSHAPE": "POINTY"}.get(declared.type, "")
        return self._hash_value(declared)

    def _hash_value(self, declared: Field) -> str | bytes:
        match declared.type:
            case "TEXT":
                return self.sentence(declared)
            case "TAG":
                separator = ";" if declared.has("SEPARATOR") else ","
                return separator.join(self.chance.choices(TAGS, k=self.chance.randint(1, 3)))
            case "NUMERIC":
                return self.chance.choice(("1", "2", "2.50", "-3", "1e2", "0", "inf", "17.25", "0x10", "-0.5"))
            case "GEO":
                return f"{self.chance.uniform(-3, 3):.3f},{self.chance.uniform(-3, 3):.3f}"
            case "GEOSHAPE":
                return self.shape()
            case _:
                return self.vector(declared)

    def _json_value(self, declared: Field, rare: float) -> object:
        if rare < 0.17 and declared.name != "t":
            lists = () if declared.has("SORTABLE") else ([],)  # which the reference refuses to sort by
            return self.chance.choice((None, None, True, {"a": 1}, *lists, "text", 5))
        match declared.type:
            case "TEXT":
                one = declared.has("SORTABLE") or self.chance.random() < 0.85
                return self.sentence(declared) if one else [self.sentence(declared), None, self.sentence(declared)]
            case "TAG":
                several = self.chance.choices(TAGS, k=self.chance.randint(1, 3))
                return several[0] if declared.has("SORTABLE") or self.chance.random() < 0.5 else several
            case "NUMERIC":
                number = self.chance.choice((1, 2, 2.5, -3, 100, 0, 17.25, 1.0))
                return number if declared.name != "m" or self.chance.random() < 0.7 else [number, 4]  # see `_sorting`
            case "VECTOR":
                return [round(self.chance.uniform(-1, 1), 4) for _ in range(declared.dim)]
            case _:
                return self._hash_value(declared)

    def sentence(self, declared: Field) -> str:
        if declared.has("PHONETIC"):
            return " ".join(self.chance.choices(HEARD, k=self.chance.randint(1, 9)))
        words = self.chance.choices(VOCABULARY, k=self.chance.randint(1, 9))
        for extra in (STOPWORDS, SEPARATED):
            if self.chance.random() < 0.25:
                words.insert(self.chance.randrange(len(words) + 1), self.chance.choice(extra))
        return " ".join(word.capitalize() if word.isascii() and self.chance.random() < 0.1 else word for word in words)

    def shape(self) -> str:
        x, y = self.chance.randint(-3, 3), self.chance.randint(-3, 3)
        if self.chance.random() < 0.4:
            return f"POINT({x + 0.5} {y + 0.5})"
        w = self.chance.choice((1.25, 2.25, 4.25))
        return f"POLYGON(({x} {y}, {x} {y + w}, {x + w} {y + w}, {x + w} {y}, {x} {y}))"

    def vector(self, declared: Field) -> bytes:
        values = [self.chance.uniform(-1, 1) for _ in range(declared.dim)]
        return np.array(values, DTYPES[declared.dtype]).tobytes()
