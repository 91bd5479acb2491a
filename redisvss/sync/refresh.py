"""Reading changed documents into one index: what is pending for it, and what will expire under it.

Idempotent: a key is always read as it is now, so order and repetition of changes do not matter. Knows neither how
changes are learnt nor what an index does with a document.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Protocol

from redisvss.schema import IndexDefinition
from redisvss.stores.base import Document, Store, Values

BATCH = 500  # documents per round trip: its cost is spread thin, and a batch of 2 KB vectors stays near a megabyte


class Indexed(Protocol):
    """An index, as far as keeping it true to the documents goes."""

    definition: IndexDefinition
    scanning: bool
    scanned: int
    to_scan: int

    def wanted_fields(self) -> tuple[bytes, ...] | None:
        """The hash fields it indexes; None: all."""

    def apply(self, keys: Sequence[bytes], documents: Sequence[Values]) -> None:
        """These keys hold this now; None: no such document."""

    def keys(self) -> list[bytes]:
        """Every key it holds a document of."""


class Follower:
    """Brings one index up to date with the keys noted as changed."""

    def __init__(self, index: Indexed, store: Store) -> None:
        self.index = index
        self.prefixes = tuple(index.definition.prefixes)
        self._store = store
        self._pending: dict[bytes, None] = {}
        self._noting = threading.Lock()
        self._deadlines = Deadlines()
        # Held from reading documents to having applied them. So what is in the index was always read last; a value
        # read before a change cannot overwrite the value read after it, whichever thread is slow.
        self._applying = threading.Lock()

    def note(self, keys: Iterable[bytes]) -> None:
        """These keys must be read again before the next search."""
        with self._noting:
            for key in keys:
                self._pending.pop(key, None)
                self._pending[key] = None

    def note_matching(self, keys: Iterable[bytes]) -> None:
        """Those of the keys that are under the index's prefixes."""
        if matching := [key for key in keys if key.startswith(self.prefixes)]:
            self.note(matching)

    def pending(self) -> frozenset[bytes]:
        """The keys still to be read."""
        with self._noting:
            return frozenset(self._pending)

    @property
    def behind(self) -> bool:
        return bool(self._pending)

    def catch_up(self, limit: int | None = None) -> None:
        """Read and apply what was noted before the call and what has expired; at most `limit` keys if given.

        Waits for a batch that another thread has taken: on return it is applied too.
        """
        with self._applying:
            self._note_due(self._deadlines.due(time.monotonic()))
            if self._pending:
                self._refresh_all(self._take(limit))

    def _note_due(self, keys: Iterable[bytes]) -> None:
        """What was written again after it expired keeps its place among what is pending."""
        with self._noting:
            for key in keys:
                self._pending.setdefault(key)

    def refresh(self, keys: Sequence[bytes]) -> None:
        """Read these keys and apply them, noted or not."""
        with self._applying:
            self._refresh_all(keys)

    def _take(self, limit: int | None) -> list[bytes]:
        with self._noting:
            taken = list(islice(self._pending, limit))
            if len(taken) == len(self._pending):
                self._pending = {}
            else:
                for key in taken:
                    del self._pending[key]
        return taken

    def _refresh_all(self, keys: Sequence[bytes]) -> None:
        done = 0
        try:
            while done < len(keys):
                self._refresh(keys[done : done + BATCH])
                done += BATCH
        except BaseException:
            self.note(keys[done:])  # still to be read before a search may answer
            raise

    def _refresh(self, keys: Sequence[bytes]) -> None:
        read_at = time.monotonic()  # before the read, so that no deadline is too late
        documents = self._store.read(keys, self.index.definition.key_type, self.index.wanted_fields())
        self.index.apply(keys, [document.values for document in documents])
        self._deadlines.replace(keys, documents, read_at)


class Deadlines:
    """When documents will change by themselves. Redis may report an expiry long after the key has ceased to exist."""

    def __init__(self) -> None:
        self._at: dict[bytes, float] = {}
        self._heap: list[tuple[float, bytes]] = []  # an entry that `_at` contradicts is void

    def replace(self, keys: Sequence[bytes], documents: Sequence[Document], read_at: float) -> None:
        """The documents' own times take the place of what was known. read_at: `time.monotonic()` before reading."""
        for key, document in zip(keys, documents, strict=True):
            if document.ttl_ms is not None:
                self._set(key, read_at + document.ttl_ms / 1000)
            elif self._at:
                self._at.pop(key, None)

    def due(self, now: float) -> list[bytes]:
        """The keys whose time has come; they are forgotten here."""
        keys = []
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                keys.append(key)
        return keys

    def _set(self, key: bytes, at: float) -> None:
        self._at[key] = at
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self._at) + 64:  # void entries: an EXPIRE renewed again and again
            self._heap = [(at, key) for key, at in self._at.items()]
            heapq.heapify(self._heap)
