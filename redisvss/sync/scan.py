"""Reading everything under an index's prefixes: when it is created, and when it is unknown what changed.

Searches of an index wait for its scan; this is where they wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container

from redisvss.stores.base import Store
from redisvss.sync.feed import OWN_PREFIX, FeedLost
from redisvss.sync.refresh import BATCH, Follower


class ScanState:
    """Which scans an index has been promised and which are done. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted = 0
        self._done = 0
        self._error: Exception | None = None
        self._failing_since: float | None = None
        self._abandoned = False

    @property
    def complete(self) -> bool:
        return self._done == self._wanted

    @property
    def wanted(self) -> int:
        return self._wanted

    def want(self) -> None:
        """From here on searches wait for a scan that begins later."""
        with self._changed:
            self._wanted += 1

    def finish(self, scan: int) -> None:
        """The scan begun when `wanted` was `scan` is through."""
        with self._changed:
            self._done = scan
            self._error = self._failing_since = None
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        with self._changed:
            self._error = error
            self._failing_since = self._failing_since or time.monotonic()
            self._changed.notify_all()

    def abandon(self) -> None:
        """The index is no longer followed: nobody need wait."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def wait(self, patience: float) -> None:
        """Until the scan is done, however long it takes; raises FeedLost when it has kept failing for `patience` s."""
        if self.complete:
            return
        with self._changed:
            while not (self.complete or self._abandoned):
                self._changed.wait(self._remaining(patience))

    def _remaining(self, patience: float) -> float | None:
        if self._error is None or self._failing_since is None:
            return None
        remaining = self._failing_since + patience - time.monotonic()
        if remaining <= 0:
            raise FeedLost(f"The index could not be read from Redis: {self._error}") from self._error
        return remaining


def scan(follower: Follower, store: Store, stopped: Callable[[], bool], noted: Callable[[], Container[bytes]]) -> bool:
    """Read every document of the index, and those it holds that are there no more. False when stopped midway.

    Names first, then documents: so the number to come is known, and what the index holds besides is what has gone.
    noted: the keys changed since the index was followed, up to now. They are left to whoever reads those, in the order
    they were written. The rest is read by name, SCAN's order being another in every process: hits of equal rank come
    in the order they were indexed. (Sorting takes a tenth of the time of reading the documents, or less.)
    """
    index = follower.index
    index.scanned, index.to_scan, index.scanning = 0, store.size(), True
    try:
        names: dict[bytes, None] = {}
        for batch in store.scan(follower.prefixes, index.definition.key_type):
            names.update(dict.fromkeys(key for key in batch if not key.startswith(OWN_PREFIX)))
        pending = noted()
        indexed = index.keys()
        gone = (key for key in indexed if key not in names)
        keys = [key for key in (*sorted(names), *gone) if key not in pending]
        index.to_scan = len(keys)
        for first in range(0, len(keys), BATCH):
            if stopped():
                return False
            follower.refresh(keys[first : first + BATCH])
            index.scanned = min(first + BATCH, len(keys))
        return True
    finally:
        index.scanning = False
