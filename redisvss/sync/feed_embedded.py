"""The change feed of the embedded store: the database itself calls us, within the command that changes it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from redisvss.stores.base import minimal_prefixes
from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync.feed import NOTHING, PROBE_KEY, Changes, Feed, FeedUnavailable


class EmbeddedFeed(Feed):
    """There is nothing to wait for: a write is noted before its writer is answered."""

    description = "embedded"

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self._prefixes: tuple[bytes, ...] = (b"",)
        self._keys: dict[bytes, None] = {}
        self._reset = True  # what is in the database now is unknown
        self._noted = threading.Event()
        self._closed = False
        store.listen(self)
        self._probe()

    def key_changed(self, key: bytes) -> None:
        """Called under the FakeServer's lock, as is `all_changed`; `take` holds it too."""
        if key.startswith(self._prefixes):
            self._keys.pop(key, None)  # to the end: the order is that of the last change
            self._keys[key] = None
            if not self._noted.is_set():
                self._noted.set()

    def all_changed(self) -> None:
        self._reset = True
        self._noted.set()

    def watch(self, prefixes: Sequence[bytes]) -> None:
        with self._store.server.lock:
            self._prefixes = minimal_prefixes(prefixes)

    def barrier(self) -> None:
        pass

    def take(self) -> Changes:
        """Under the lock: a command that has named a key has also finished changing it."""
        if not self._keys and not self._reset:
            return NOTHING
        with self._store.server.lock:
            changes = Changes(list(self._keys), self._reset)
            self._keys, self._reset = {}, False
            self._noted.clear()
        return changes

    def wait(self, seconds: float) -> None:
        self._noted.wait(seconds)

    def mark(self) -> None:
        """Nothing to leave: SWAPDB is reported."""

    def unmark(self) -> None:
        pass

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._store.ignore(self)
            self._noted.set()

    def _probe(self) -> None:
        """Change a key and see it named: the hook relies on how fakeredis works inside, which a release may alter."""
        self._store.call(b"SET", PROBE_KEY, b"")
        self._store.call(b"DEL", PROBE_KEY)
        if PROBE_KEY not in self._keys:
            raise FeedUnavailable(
                "This fakeredis release does not report changes the way redisvss expects: install fakeredis>=2.40,<3"
            )
