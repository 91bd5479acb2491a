"""Random documents and random queries; a query says of itself which documents match, in a few lines per clause."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import reduce

from hypothesis import strategies as st

WORDS = ("alpha", "beta", "gamma", "delta", "gambit", "delft")  # none is another's stem
TAGS = ("red", "green", "blue", "dark blue")
DIM = 3
EARTH_RADIUS = 6372797.560856  # metres, Redis's
SCHEMA = (
    "t TEXT u TEXT g TAG n NUMERIC loc GEO "
    f"f VECTOR FLAT 6 TYPE FLOAT32 DIM {DIM} DISTANCE_METRIC L2 "
    f"h VECTOR HNSW 6 TYPE FLOAT32 DIM {DIM} DISTANCE_METRIC L2"
)

Vector = tuple[int, ...]  # whole numbers: their squared distances are exact in FLOAT32


@dataclass(frozen=True)
class Doc:
    """None: the document lacks the field."""

    t: tuple[str, ...] | None
    u: tuple[str, ...] | None
    g: tuple[str, ...] | None
    n: float | None
    loc: tuple[float, float] | None
    v: Vector | None

    def hash(self) -> dict[bytes, bytes]:
        fields = {
            "other": "1",
            "t": None if self.t is None else " ".join(self.t),
            "u": None if self.u is None else " ".join(self.u),
            "g": None if self.g is None else ",".join(self.g),
            "n": None if self.n is None else repr(self.n),
            "loc": None if self.loc is None else f"{self.loc[0]},{self.loc[1]}",
        }
        stored = {name.encode(): value.encode() for name, value in fields.items() if value is not None}
        if self.v is not None:
            stored[b"f"] = stored[b"h"] = blob(self.v)
        return stored


def blob(vector: Vector) -> bytes:
    return struct.pack(f"<{DIM}f", *vector)


def squared_distance(a: Vector, b: Vector) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


# ---- queries ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    word: str
    field: str | None

    def matches(self, doc: Doc) -> bool:
        return any(self.word in (words or ()) for words in _texts(doc, self.field))

    def __str__(self) -> str:
        return self.word if self.field is None else f"@{self.field}:{self.word}"


@dataclass(frozen=True)
class Prefix:
    start: str
    field: str | None

    def matches(self, doc: Doc) -> bool:
        return any(word.startswith(self.start) for words in _texts(doc, self.field) for word in words or ())

    def __str__(self) -> str:
        return f"{self.start}*" if self.field is None else f"@{self.field}:{self.start}*"


def _texts(doc: Doc, field: str | None) -> list[tuple[str, ...] | None]:
    return [doc.t, doc.u] if field is None else [getattr(doc, field)]


@dataclass(frozen=True)
class Tagged:
    values: tuple[str, ...]

    def matches(self, doc: Doc) -> bool:
        return any(value in self.values for value in doc.g or ())

    def __str__(self) -> str:
        return "@g:{" + "|".join(value.replace(" ", "\\ ") for value in self.values) + "}"


@dataclass(frozen=True)
class Between:
    low: float
    high: float
    open_low: bool
    open_high: bool

    def matches(self, doc: Doc) -> bool:
        if doc.n is None:
            return False
        above = doc.n > self.low if self.open_low else doc.n >= self.low
        return above and (doc.n < self.high if self.open_high else doc.n <= self.high)

    def __str__(self) -> str:
        return f"@n:[{'(' * self.open_low}{self.low} {'(' * self.open_high}{self.high}]"


@dataclass(frozen=True)
class Near:
    lon: float
    lat: float
    kilometres: int

    def matches(self, doc: Doc) -> bool:
        return doc.loc is not None and metres(self.lon, self.lat, *doc.loc) <= self.kilometres * 1000

    def __str__(self) -> str:
        return f"@loc:[{self.lon} {self.lat} {self.kilometres} km]"


def metres(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Haversine."""
    half_lat = math.sin(math.radians(lat_b - lat_a) / 2)
    half_lon = math.sin(math.radians(lon_b - lon_a) / 2)
    across = math.cos(math.radians(lat_a)) * math.cos(math.radians(lat_b))
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(half_lat**2 + across * half_lon**2))


@dataclass(frozen=True)
class Within:
    """VECTOR_RANGE around `center`, a parameter of that name."""

    field: str
    center: Vector
    radius: int

    def matches(self, doc: Doc) -> bool:
        return doc.v is not None and squared_distance(doc.v, self.center) <= self.radius

    @property
    def parameter(self) -> str:
        return "p" + "_".join(str(x).replace("-", "m") for x in self.center)

    def __str__(self) -> str:
        return f"@{self.field}:[VECTOR_RANGE {self.radius} ${self.parameter}]"


@dataclass(frozen=True)
class Both:
    parts: tuple[Query, ...]

    def matches(self, doc: Doc) -> bool:
        return all(part.matches(doc) for part in self.parts)

    def __str__(self) -> str:
        return f"({' '.join(map(str, self.parts))})"


@dataclass(frozen=True)
class Either:
    parts: tuple[Query, ...]

    def matches(self, doc: Doc) -> bool:
        return any(part.matches(doc) for part in self.parts)

    def __str__(self) -> str:
        """Two by two: behind a union of two words RediSearch's grammar takes nothing but words."""
        return reduce("({}|{})".format, map(str, self.parts))


@dataclass(frozen=True)
class Except:
    part: Query

    def matches(self, doc: Doc) -> bool:
        return not self.part.matches(doc)

    def __str__(self) -> str:
        """In parentheses: without, RediSearch reads `-a b*` as `-(a b*)`."""
        return f"(-({self.part}))"


@dataclass(frozen=True)
class Everything:
    def matches(self, doc: Doc) -> bool:
        return True

    def __str__(self) -> str:
        return "*"


Leaf = Word | Prefix | Tagged | Between | Near | Within
Query = Leaf | Both | Either | Except | Everything


def parameters(query: Query) -> dict[str, bytes]:
    """PARAMS of the vectors in a query."""
    match query:
        case Within(center=center):
            return {query.parameter: blob(center)}
        case Both(parts) | Either(parts):
            return {name: value for part in parts for name, value in parameters(part).items()}
        case Except(part):
            return parameters(part)
        case _:
            return {}


# ---- strategies ------------------------------------------------------------------------------------------------------

numbers = st.one_of(st.integers(-5, 5).map(float), st.sampled_from([0.5, -0.0, 1e9, math.inf]))
# Points and radii whose distances are never within metres of one another.
degrees = st.tuples(st.integers(-4, 4).map(lambda x: x * 10.0), st.integers(-4, 4).map(lambda y: y * 10.0))
vectors = st.tuples(*[st.integers(-4, 4)] * DIM)
words = st.lists(st.sampled_from(WORDS), max_size=4).map(tuple)
tags = st.lists(st.sampled_from(TAGS), min_size=1, max_size=2, unique=True).map(tuple)
docs = st.builds(
    Doc,
    t=st.none() | words,
    u=st.none() | words,
    g=st.none() | tags,
    n=st.none() | numbers,
    loc=st.none() | degrees,
    v=st.none() | vectors,
)
fields = st.none() | st.sampled_from(["t", "u"])
bounds = st.integers(-5, 6).map(float)
leaves = st.one_of(
    st.builds(Word, st.sampled_from(WORDS), fields),
    st.builds(Prefix, st.sampled_from(["al", "ga", "del", "zz"]), fields),
    st.builds(Tagged, tags),
    st.builds(Between, bounds, bounds, st.booleans(), st.booleans()),
    degrees.flatmap(lambda at: st.builds(Near, st.just(at[0]), st.just(at[1]), st.sampled_from([5, 1200, 1700, 4000]))),
    st.builds(Within, st.sampled_from(["f", "h"]), vectors, st.integers(0, 30)),
)
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Both(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Either(tuple(parts))),
        inner.map(Except),
    ),
    max_leaves=6,
)
