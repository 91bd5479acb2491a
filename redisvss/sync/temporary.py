"""TEMPORARY indexes: dropped with their documents once nobody has used them for as long as they say.

What is left of that time is the expiry of `redisvss:alive:<index>`, a key beside the definition, so that use through
any process on the same Redis counts. One process alone deletes the documents: the one that takes the definition away.
Times are kept to within a second, the pause between two turns.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from redisvss.searchindex import SearchIndex
from redisvss.stores.base import Store
from redisvss.sync.catalog import Catalog

ALIVE_PREFIX = b"redisvss:alive:"

Expire = Callable[[SearchIndex], None]


@dataclass
class _Watched:
    """used: when this process last used the index, as of the last turn; due: when to ask Redis whether anybody did."""

    used: float
    due: float


class Temporaries:
    def __init__(self, store: Store, catalog: Catalog, expire: Expire) -> None:
        """expire: drops an index and its documents; called on the thread that calls `turn`."""
        self._store = store
        self._catalog = catalog
        self._expire = expire
        self._watched: weakref.WeakKeyDictionary[SearchIndex, _Watched] = weakref.WeakKeyDictionary()

    def turn(self) -> None:
        """Prolong what was used here since the last turn, expire what was used nowhere."""
        for name in self._catalog.names():
            index = self._catalog.find(name)
            if index is not None and index.definition.temporary is not None:
                self._look_at(index, max(index.definition.temporary, 0))

    def seconds_left(self, index: SearchIndex) -> int:
        """Of a TEMPORARY index's life if nobody uses it from now on, rounded down."""
        seconds = max(index.definition.temporary or 0, 0)
        watched = self._watched.get(index)
        if watched is None or index.last_used > watched.used:  # used since the last turn
            return max(int(seconds - (time.monotonic() - index.last_used)), 0)
        left_ms: int = self._store.call("PTTL", ALIVE_PREFIX + index.name)
        return max(left_ms, 0) // 1000

    def _look_at(self, index: SearchIndex, seconds: int) -> None:
        watched = self._watched.get(index)
        if watched is None or index.last_used > watched.used:
            self._watched[index] = _Watched(index.last_used, time.monotonic() + seconds)
            self._store.call("SET", ALIVE_PREFIX + index.name, b"", "PX", max(seconds * 1000, 1))
        elif time.monotonic() >= watched.due:
            left_ms = self._store.call("PTTL", ALIVE_PREFIX + index.name)
            if left_ms > 0:
                watched.due = time.monotonic() + left_ms / 1000
            else:
                self._expire(index)
