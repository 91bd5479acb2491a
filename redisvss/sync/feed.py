"""The contract of a change feed: the names of the keys that changed, and the proof that none is missing.

Knows names only: what a key holds, and which index wants it, is `synchronizer.py`'s business.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redisvss.errors import CommandError

OWN_PREFIX = b"redisvss:"  # where index definitions and everything else of ours lives
MARKER_KEY = b"redisvss:epoch"  # a random token; another one means another database stands in its place (SWAPDB)

PROBE_KEY = b"redisvss:probe"  # written and deleted to see whether changes are reported at all


class FeedLost(CommandError):
    """What changed is unknown and could not be learnt in time, so the search was not answered."""


class FeedUnavailable(CommandError):
    """This server offers no way to learn of changes; the text says what to try."""


@dataclass(frozen=True)
class Changes:
    """What changed since the last `take`.

    keys: in the order of their last change, each once. reset: anything may have changed besides (FLUSHALL, FLUSHDB,
    SWAPDB, a lost connection): only a rescan tells.
    """

    keys: list[bytes]
    reset: bool


NOTHING = Changes([], False)


class Feed(ABC):
    """Thread-safe."""

    description: str  # for FT.INFO

    @abstractmethod
    def watch(self, prefixes: Sequence[bytes]) -> None:
        """Follow the keys under these prefixes from now on, and no others. No change is lost in between.

        On return, every later change under the prefixes will be named. Raises FeedLost, FeedUnavailable.
        """

    @abstractmethod
    def barrier(self) -> None:
        """On return, every change acknowledged to its writer before the call is available from `take`.

        Raises FeedLost when the connection is gone and cannot be restored within the configured wait.
        """

    @abstractmethod
    def take(self) -> Changes:
        """The changes noted since the last call."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Note what has arrived; if nothing has, wait up to `seconds` for something. For the background thread."""

    @abstractmethod
    def mark(self) -> None:
        """An index depends on this feed: leave in the database whatever it takes to notice that it was replaced."""

    @abstractmethod
    def unmark(self) -> None:
        """No index does any more: leave nothing in the database."""

    @abstractmethod
    def close(self) -> None: ...


class Notes:
    """Changes noted and not yet taken. Thread-safe: pushes are noted by one thread, taken by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[bytes, None] = {}
        self._reset = False

    def add(self, keys: Iterable[bytes]) -> None:
        with self._lock:
            for key in keys:
                self._keys.pop(key, None)  # to the end: the order is that of the last change
                self._keys[key] = None

    def reset(self) -> None:
        with self._lock:
            self._reset = True

    def take(self) -> Changes:
        if not self._keys and not self._reset:
            return NOTHING
        with self._lock:
            changes = Changes(list(self._keys), self._reset)
            self._keys, self._reset = {}, False
        return changes

    def __bool__(self) -> bool:
        return bool(self._keys) or self._reset
