"""TAG values: value → Roaring bitmap of documents, document → its values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice

from pyroaring import BitMap


class TagIndex:
    """Values are already split, trimmed and case-folded; one document's values are distinct."""

    def __init__(self) -> None:
        self._docs: dict[str, BitMap] = {}
        self._values: dict[int, tuple[str, ...]] = {}
        self._sorted: list[str] | None = None

    def __len__(self) -> int:
        return len(self._docs)

    def put(self, doc_id: int, values: tuple[str, ...]) -> None:
        self._values[doc_id] = values
        for value in values:
            docs = self._docs.get(value)
            if docs is None:
                docs = self._docs[value] = BitMap()
                self._sorted = None
            docs.add(doc_id)

    def remove(self, doc_id: int) -> None:
        for value in self._values.pop(doc_id, ()):
            docs = self._docs[value]
            docs.discard(doc_id)
            if not docs:
                del self._docs[value]
                self._sorted = None

    def docs(self, value: str) -> BitMap:
        """The documents with that value; not to be changed."""
        return self._docs.get(value, _NOBODY)

    def values_of(self, doc_id: int) -> tuple[str, ...]:
        return self._values.get(doc_id, ())

    def tagged(self) -> BitMap:
        """Documents with at least one value."""
        return BitMap.union(*self._docs.values()) if self._docs else BitMap()

    def values(self) -> list[str]:
        """Every value, sorted bytewise (code point order of UTF-8 is the same)."""
        if self._sorted is None:
            self._sorted = sorted(self._docs)
        return self._sorted

    def affix(self, text: str, prefix: bool, suffix: bool, limit: int) -> list[str]:
        """The first `limit` values that start with (prefix), end with (suffix) or contain (both) the text."""
        match prefix, suffix:
            case True, False:
                found = self._from(text)
            case False, True:
                found = (v for v in self.values() if v.endswith(text))
            case _:
                found = (v for v in self.values() if text in v)
        return list(islice(found, limit))

    def matching(self, matches: Callable[[str], bool], limit: int) -> list[str]:
        return list(islice((v for v in self.values() if matches(v)), limit))

    def _from(self, text: str) -> Iterator[str]:
        values = self.values()
        for position in range(bisect_left(values, text), len(values)):
            if not values[position].startswith(text):
                return
            yield values[position]

    def memory_bytes(self) -> int:
        postings = sum(len(value) + 64 + 2 * len(docs) for value, docs in self._docs.items())
        return postings + 72 * len(self._values)


_NOBODY = BitMap()
