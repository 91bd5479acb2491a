"""Searches over the catalogue, and the account of how each was answered.

Owns the FT.* commands the shop sends, and reads their RESP2 replies. Knows nothing of the web.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from redis.exceptions import ResponseError

from demo_app.catalogue import Catalogue, Space
from demo_app.filters import FACETS, Filters, words
from demo_app.loading import INDEX
from demo_app.models import PLAIN, Product

Command = tuple[str | bytes | int, ...]
By = Literal["image", "text"]
Mode = Literal["text", "semantic", "both"]

_RRF = 60  # reciprocal rank fusion's constant (Cormack et al. 2009), and FT.HYBRID's default
_BY_NATURE = "postings and columns, exact"
_MOST_GROUPS = 10_000  # all there are: the most frequent are chosen here
_SHOWN_GROUPS = 40
_MOST_NUMBERS = 100_000
_NAMES = [name.encode() for name in PLAIN]
_PREFIX = Product.make_primary_key("")
_ALL: Command = ("RETURN", len(PLAIN), *PLAIN)
MOST = 480  # neighbours a visitor can page through


@dataclass(frozen=True)
class Hit:
    """A product found. score: cosine similarity of −1 … 1 for neighbours, else None."""

    product: Product
    score: float | None = None


@dataclass(frozen=True)
class Page:
    """total: products that can be paged to; matching: products that pass the filters;  milliseconds: the commands'."""

    hits: Sequence[Hit]
    total: int
    matching: int
    milliseconds: float
    commands: Sequence[Command] = field(default_factory=tuple)


@dataclass(frozen=True)
class Account:
    """How one command was answered.

    text: to paste at redis-cli's prompt;  recall: share of the exact answer's products found, None where it is exact
    by nature;  candidates: distances computed, None where the server does not say;  milliseconds: of the server.
    """

    text: str
    plan: str
    candidates: int | None
    recall: float | None
    milliseconds: float


class Finder:
    """client: a redisvss client of protocol 2 with bytes in its replies."""

    def __init__(self, client: Any, catalogue: Catalogue) -> None:
        self.client = client
        self.catalogue = catalogue
        self._fuses: bool | None = None

    # ---- products --------------------------------------------------------------------------------------------------

    def product(self, number: int) -> Product | None:
        values = self.client.hmget(Product.make_primary_key(number), PLAIN)
        return Product.of({name: value for name, value in zip(_NAMES, values, strict=True) if value is not None})

    def vector(self, product: Product, by: By) -> bytes | None:
        """The stored vector of a product that compares it with others; None when it has none."""
        value: bytes | None = self.client.hget(product.key(), self._compared(by).field)
        return value

    def has(self, name: str) -> bool:
        """Whether the index has a field of this name."""
        told = self.client.execute_command("FT.INFO", INDEX)
        fields = told[told.index(b"attributes") + 1]
        return any(name.encode() in field for field in fields)

    def _compared(self, by: By) -> Space:
        return (self.catalogue.images if by == "image" else self.catalogue.texts)[0]

    def asked(self, by: By) -> Space:
        """The space whose model can embed a visitor's picture or words."""
        spaces = self.catalogue.images if by == "image" else self.catalogue.texts
        return next(space for space in spaces if space.model is not None)

    def embed(self, by: By, item: Any) -> bytes:
        model = self.asked(by).model
        assert model is not None
        return model.embed([item]).tobytes()

    # ---- searches --------------------------------------------------------------------------------------------------

    def browse(self, filters: Filters, skip: int, count: int) -> Page:
        command = ("FT.SEARCH", INDEX, filters.expression(), "SORTBY", "product_id", "LIMIT", skip, count,
                   *_ALL, "DIALECT", 2)  # fmt: skip
        return self._listed(command)

    def numbers(self, filters: Filters) -> list[int]:
        """The products the filters let through, by number."""
        command = ("FT.SEARCH", INDEX, filters.expression(), "NOCONTENT", "LIMIT", 0, _MOST_NUMBERS, "DIALECT", 2)
        (reply,), _ = self._timed(command)
        return [int(key[len(_PREFIX) :]) for key in reply[1:]]

    def by_words(self, text: str, filters: Filters, skip: int, count: int) -> Page:
        """Full text; products that hold more of the words first."""
        if not words(text):
            return Page((), 0, 0, 0.0)
        return self._listed(_full_text(text, filters, skip, count))

    def _listed(self, command: Command) -> Page:
        (reply,), milliseconds = self._timed(command)
        return Page(_hits(reply[2::2]), reply[0], reply[0], milliseconds, (command,))

    def similar(self, product: Product, by: By, filters: Filters, skip: int, count: int) -> Page:
        """The products most like this one, itself first."""
        vector = self.vector(product, by)
        if vector is None:
            return Page((), 0, 0, 0.0)
        return self.nearest(self._compared(by).field, vector, filters, skip, count)

    def nearest(self, name: str, vector: bytes, filters: Filters, skip: int, count: int) -> Page:
        """Neighbours of a vector in a field, the nearest first; in the same round trip, how many pass the filters."""
        command = _knn(name, vector, filters, skip, count)
        ((matching, *_), reply), milliseconds = self._timed(_count(filters), command)
        return Page(_hits(reply[2::2]), min(matching, MOST), matching, milliseconds, (command,))

    def by_meaning(self, text: str, filters: Filters, skip: int, count: int) -> Page:
        return self.nearest(self.asked("text").field, self.embed("text", text), filters, skip, count)

    def fused(self, text: str, filters: Filters, skip: int, count: int) -> Page:
        """Full text and meaning in one ranking: FT.HYBRID where the server has it, else reciprocal rank fusion here."""
        depth = skip + count
        wide = max(depth, 60)
        if words(text) and self._fuses is not False:
            try:
                return self._hybrid(text, filters, skip, count, wide)
            except ResponseError as error:
                if "unknown command" not in str(error).lower():
                    raise
                self._fuses = False
        pages = (self.by_words(text, filters, 0, wide), self.by_meaning(text, filters, 0, wide))
        ranks: dict[int, float] = {}
        for page in pages:
            for rank, hit in enumerate(page.hits, 1):
                ranks[hit.product.product_id] = ranks.get(hit.product.product_id, 0.0) + 1 / (_RRF + rank)
        best = sorted(ranks, key=lambda number: -ranks[number])[skip:depth]
        commands = tuple(command for page in pages for command in page.commands)
        hits = {hit.product.product_id: hit for page in pages for hit in page.hits}  # the second page's have a score
        total = min(max(len(ranks), *(page.total for page in pages)), MOST)
        milliseconds = sum(page.milliseconds for page in pages)
        return Page([hits[number] for number in best], total, pages[1].matching, milliseconds, commands)

    def _hybrid(self, text: str, filters: Filters, skip: int, count: int, wide: int) -> Page:
        """Raises ResponseError when the server has no FT.HYBRID."""
        space = self.asked("text")
        both = words(text) if filters.expression() == "*" else f"({filters.expression()}) ({words(text)})"
        narrowed = () if filters.expression() == "*" else ("FILTER", filters.expression())
        command: Command = (
            "FT.HYBRID", INDEX, "SEARCH", both, "VSIM", f"@{space.field}", "$v", "KNN", 2, "K", wide, *narrowed,
            "COMBINE", "RRF", 4, "CONSTANT", _RRF, "WINDOW", wide, "LIMIT", skip, count,
            "LOAD", len(PLAIN), *(f"@{name}" for name in PLAIN), "PARAMS", 2, "v", self.embed("text", text),
        )  # fmt: skip
        (reply,), milliseconds = self._timed(command)
        self._fuses = True
        found = dict(zip(reply[::2], reply[1::2], strict=True))
        total = min(int(found[b"total_results"]), MOST)
        return Page(_hits(found[b"results"]), total, self.count(filters), milliseconds, (command,))

    def count(self, filters: Filters) -> int:
        return int(self.client.execute_command(*_count(filters))[0])

    def facets(self, filters: Filters) -> dict[str, list[tuple[str, int]]]:
        """Values and counts of each facet, the most frequent first, under the other facets' filters.

        One round trip. Sorted here: SORTBY over a dozen groups took the engine as long as counting them.
        """
        pipeline = self.client.pipeline(transaction=False)
        for name in FACETS:
            counted = ("GROUPBY", 1, f"@{name}", "REDUCE", "COUNT", 0, "AS", "n")
            pipeline.execute_command(
                "FT.AGGREGATE",
                INDEX,
                filters.expression(without=name),
                *counted,
                "LIMIT",
                0,
                _MOST_GROUPS,
                "DIALECT",
                2,
            )
        return {name: _counted(reply[1:]) for name, reply in zip(FACETS, pipeline.execute(), strict=True)}

    def _timed(self, *commands: Command) -> tuple[list[Any], float]:
        """Their replies from one round trip, and milliseconds."""
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        started = time.perf_counter()
        replies = pipeline.execute()
        return replies, (time.perf_counter() - started) * 1000

    # ---- under the hood --------------------------------------------------------------------------------------------

    def account(self, command: Command) -> Account:
        """Ask the server how it answers a command, and compare its answer with the exact one."""
        if command[0] == "FT.HYBRID":
            _, milliseconds = self._timed(command)
            return Account(redis_cli(command), "full text and vectors, fused by rank", None, None, milliseconds)
        profile = ("FT.PROFILE", INDEX, "SEARCH", "QUERY", *command[2:])
        (reply,), _ = self._timed(profile)
        told = reply[1]
        knn = "KNN" in str(command[2])
        plan = _first(told, "Plan", "Vector search mode") or ("not told by this server" if knn else _BY_NATURE)
        return Account(
            redis_cli(command),
            plan,
            _candidates(plan),
            self._recall(command, reply[0][1::2]),
            float(_first(told, "Total profile time") or 0.0),
        )

    def _recall(self, command: Command, ours: Sequence[bytes]) -> float | None:
        """How many of the exact nearest were found, judged by the FLAT field beside each HNSW field."""
        text = str(command[2])
        name = next((space.field for space in self.catalogue.spaces if f"@{space.field} $v" in text), None)
        if name is None:
            return None
        exact = (*command[:2], text.replace(f"@{name} $v", f"@{name}_exact $v"), *command[3:])
        truth = self._timed(exact)[0][0][1::2]
        return len(set(truth) & set(ours)) / len(truth) if truth else 1.0


def _hits(documents: Iterable[Sequence[bytes] | None]) -> list[Hit]:
    """From names and values in turn; None is a document that was gone when it was to be read."""
    there = [dict(zip(document[::2], document[1::2], strict=True)) for document in documents if document]
    return [Hit(found, _similarity(told)) for told in there if (found := Product.of(told))]


def _similarity(told: Mapping[bytes, bytes]) -> float | None:
    return 1 - float(told[b"distance"]) if b"distance" in told else None


def _count(filters: Filters) -> Command:
    return ("FT.SEARCH", INDEX, filters.expression(), "LIMIT", 0, 0, "DIALECT", 2)


def _counted(rows: Sequence[Any]) -> list[tuple[str, int]]:
    """(value, count) of groups, the most frequent first, then by value; documents without a value make no group."""
    groups = [(row[1].decode(), int(row[3])) for row in rows if row[1]]
    return sorted(groups, key=lambda group: (-group[1], group[0]))[:_SHOWN_GROUPS]


def _full_text(text: str, filters: Filters, skip: int, count: int) -> Command:
    narrowed = filters.expression()
    query = f"@name:({words(text)})" if narrowed == "*" else f"({narrowed}) @name:({words(text)})"
    return ("FT.SEARCH", INDEX, query, "LIMIT", skip, count, *_ALL, "DIALECT", 2)


def _knn(name: str, vector: bytes, filters: Filters, skip: int, count: int) -> Command:
    narrowed = filters.expression()
    before = "*" if narrowed == "*" else f"({narrowed})"
    query = f"{before}=>[KNN {min(skip + count, MOST)} @{name} $v AS distance]"
    return ("FT.SEARCH", INDEX, query, "SORTBY", "distance", "LIMIT", skip, count,
            "RETURN", len(PLAIN) + 1, "distance", *PLAIN, "PARAMS", 2, "v", vector, "DIALECT", 2)  # fmt: skip


def redis_cli(command: Command) -> str:
    """The command as redis-cli's prompt reads it: quoted where needed, bytes as \\xHH."""
    return " ".join(_quoted(part) for part in command)


def _quoted(part: str | bytes | int) -> str:
    data = part if isinstance(part, bytes) else str(part).encode()
    if data and all(33 <= byte < 127 and byte not in b"\"'\\" for byte in data):
        return data.decode()
    shown = (chr(b) if 32 <= b < 127 and b not in b'"\\' else _ESCAPED.get(b, f"\\x{b:02x}") for b in data)
    return f'"{"".join(shown)}"'


_ESCAPED = {ord('"'): '\\"', ord("\\"): "\\\\"}


def _first(reply: Any, *names: str) -> str | None:
    """The value behind the first of these names that stands anywhere in a nested reply."""
    for name in names:
        found = _behind(reply, name)
        if found is not None:
            return found
    return None


def _behind(reply: Any, name: str) -> str | None:
    if not isinstance(reply, list):
        return None
    for at, item in enumerate(reply):
        if item == name.encode() and at + 1 < len(reply):
            value = reply[at + 1]
            return value.decode() if isinstance(value, bytes) else str(value)
        found = _behind(item, name)
        if found is not None:
            return found
    return None


def _candidates(plan: str) -> int | None:
    """The number before the word in "exact, 2400 candidates"."""
    for part in plan.split(","):
        number, _, word = part.strip().partition(" ")
        if word == "candidates" and number.isdigit():
            return int(number)
    return None
