"""What a visitor narrows the range to, as RediSearch query text. Pure: no Redis, no web."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from demo_app.products import SHOPS

FACETS = ("gender", "category", "article", "colour", "season", "usage")
TITLES = {"article": "Type"}
_MOST_VALUES = 40  # of one facet: more than any catalogue shows, less than a query too long to read
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Chip:
    """One filter in force: its words, and the filters without it."""

    label: str
    without: Filters


@dataclass(frozen=True)
class Filters:
    """tags: chosen values by facet, any of which may match; prices in euros, closed bounds; km around a city."""

    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    min_price: float | None = None
    max_price: float | None = None
    city: str = ""
    km: float = 25.0

    def expression(self, without: str = "") -> str:
        """Query text; `*` when nothing is chosen. without: a facet to leave out, for its own counts."""
        parts = [f"@{name}:{{{'|'.join(map(escape, values))}}}" for name, values in self._chosen() if name != without]
        if self.min_price is not None or self.max_price is not None:
            parts.append(f"@price:[{_bound(self.min_price, '-inf')} {_bound(self.max_price, '+inf')}]")
        if self.city:
            lon, lat = SHOPS[self.city]
            parts.append(f"@shop:[{lon} {lat} {self.km:g} km]")
        return " ".join(parts) or "*"

    def _chosen(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(name, self.tags[name]) for name in FACETS if self.tags.get(name)]

    def pairs(self) -> list[tuple[str, str]]:
        """As the query string of a page."""
        pairs = [(name, value) for name, values in self._chosen() for value in values]
        pairs += [("min_price", f"{self.min_price:g}")] if self.min_price is not None else []
        pairs += [("max_price", f"{self.max_price:g}")] if self.max_price is not None else []
        return pairs + ([("city", self.city), ("km", f"{self.km:g}")] if self.city else [])

    def chips(self) -> list[Chip]:
        chips = [Chip(value, self._minus(name, value)) for name, values in self._chosen() for value in values]
        if self.min_price is not None:
            chips.append(Chip(f"from €{self.min_price:g}", replace(self, min_price=None)))
        if self.max_price is not None:
            chips.append(Chip(f"up to €{self.max_price:g}", replace(self, max_price=None)))
        if self.city:
            chips.append(Chip(f"within {self.km:g} km of {self.city}", replace(self, city="")))
        return chips

    def _minus(self, name: str, value: str) -> Filters:
        left = tuple(other for other in self.tags[name] if other != value)
        return replace(self, tags={**self.tags, name: left})


def read(tags: Mapping[str, Sequence[str]], numbers: Mapping[str, str], city: str = "") -> Filters:
    """Filters from a query string. What makes no sense is left out: a link someone shortened still opens a page."""
    km = _number(numbers.get("km", ""))
    return Filters(
        tags={name: cleaned(tags.get(name, ())) for name in FACETS},
        min_price=_number(numbers.get("min_price", "")),
        max_price=_number(numbers.get("max_price", "")),
        city=city if city in SHOPS else "",
        km=min(km, 2000.0) if km else 25.0,
    )


def cleaned(given: Sequence[str]) -> tuple[str, ...]:
    """Values worth asking for: once each, without control characters, not empty."""
    printable = ("".join(letter for letter in value if letter.isprintable()).strip() for value in given)
    return tuple(dict.fromkeys(value[:_LONGEST_VALUE].strip() for value in printable if value))[:_MOST_VALUES]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1e9 else None


def _bound(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:g}"


def escape(value: str) -> str:
    """A value between the braces of a TAG clause."""
    return re.sub(r"([^\w])", r"\\\1", value)


def words(text: str) -> str:
    """Free text as query text: each word as it is, as a prefix, or with a slip of the pen; "" without any word.

    Joined by |: what holds more of the words scores higher, and a word nobody sells does not empty the page.
    """
    found = re.findall(r"\w+", text.lower().replace("_", " "))[:12]
    return "|".join(_forms(word[:30]) for word in found)


def _forms(word: str) -> str:
    if len(word) < 4:
        return word
    return f"({word}|{word}*|%{word}%)"
