"""What one page of the shop shows: read from its address, written back as links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from demo_app import filters
from demo_app.filters import FACETS, Filters
from demo_app.finder import MOST, By, Finder, Page
from demo_app.uploads import vector

PAGE = 24
MODES = {"both": "Both", "text": "Words", "semantic": "Meaning"}
_LONGEST = 200


@dataclass(frozen=True)
class Looking:
    """One of text, like (a product's number) and upload is set, or none when the visitor just browses."""

    filters: Filters = field(default_factory=Filters)
    text: str = ""
    mode: str = "both"
    like: int | None = None
    by: By = "image"
    upload: str = ""
    page: int = 1

    def link(self, path: str = "/", **changes: Any) -> str:
        """The address of the page with these changes; a change of what is looked for starts at its first page."""
        there = replace(self, **{"page": 1, **changes})
        query = urlencode(there._pairs())
        return f"{path}?{query}" if query else path

    def _pairs(self) -> list[tuple[str, Any]]:
        pairs: list[tuple[str, Any]] = self.search_pairs() + list(self.filters.pairs())
        return pairs + ([("page", self.page)] if self.page > 1 else [])

    def search_pairs(self) -> list[tuple[str, Any]]:
        if self.like is not None:
            return [("like", self.like), ("by", self.by)]
        if self.upload:
            return [("upload", self.upload)]
        return [("q", self.text), ("mode", self.mode)] if self.text else []

    @property
    def browses(self) -> bool:
        """Nothing is looked for: products come in the catalogue's order, all of them."""
        return not self.search_pairs()

    def browsing(self) -> Looking:
        return Looking(filters=self.filters)

    def find(self, finder: Finder, count: int = PAGE) -> Page | None:
        """The page's products; None when what it is about is gone."""
        skip = (self.page - 1) * count
        if self.like is not None:
            product = finder.product(self.like)
            return finder.similar(product, self.by, self.filters, skip, count) if product else None
        if self.upload:
            sent = vector(finder.client, self.upload)
            return finder.nearest(finder.asked("image").field, sent, self.filters, skip, count) if sent else None
        if not self.text:
            return finder.browse(self.filters, skip, count)
        search = {"text": finder.by_words, "semantic": finder.by_meaning}.get(self.mode, finder.fused)
        return search(self.text, self.filters, skip, count)


def read(query: Mapping[str, str], several: Mapping[str, Sequence[str]]) -> Looking:
    """From a query string: its last values, and all values of each facet."""
    text = " ".join(query.get("q", "").split())[:_LONGEST]
    like = query.get("like", "")
    return Looking(
        filters=filters.read({name: several.get(name, ()) for name in FACETS}, query, query.get("city", "")),
        text=text,
        mode=query["mode"] if query.get("mode") in MODES else "both",
        like=int(like) if like.isascii() and like.isdigit() and len(like) < 12 else None,
        by="text" if query.get("by") == "text" else "image",
        upload=query.get("upload", "")[:40],
        page=_page(query.get("page", "")),
    )


def _page(text: str) -> int:
    return max(1, min(int(text), 10_000)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def last_page(total: int, looking: Looking) -> int:
    most = total if looking.browses else min(total, MOST)
    return max(1, -(-most // PAGE))
