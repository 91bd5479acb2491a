"""Open cursors: who reads on, until when, and how many an index may have.

Pure: no clock of its own, no thread. What a cursor reads (`state`) is the caller's.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from redisvss.errors import CommandError

NOT_FOUND = "Cursor not found"
NO_SUCH_CURSOR = "Cursor does not exist"
LIMIT_REACHED = "INDEX_CURSOR_LIMIT of {} has been reached for an index"
_MAX_ID = 2**31 - 1

State = TypeVar("State")


@dataclass
class Cursor(Generic[State]):
    """index: whose limit it counts against, told apart by identity.

    max_idle: seconds without a read after which it is gone. expires: None while it is being read.
    """

    id: int
    index: object
    state: State
    max_idle: float
    expires: float | None = None
    deleted: bool = False  # while it was being read


@dataclass(frozen=True)
class CursorStats:
    """As FT.INFO shows them."""

    idle: int
    total: int
    of_index: int


class CursorTable(Generic[State]):
    """Thread-safe. limit: cursors one index may have at a time."""

    def __init__(
        self, limit: Callable[[], int], clock: Callable[[], float], choose: random.Random | None = None
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._random = choose or random.Random()
        self._cursors: dict[int, Cursor[State]] = {}
        self._lock = threading.Lock()

    def open(self, index: object, state: State, max_idle: float) -> Cursor[State]:
        """A new cursor, being read; raises CommandError when the index has too many."""
        with self._lock:
            if self._of_index(index) >= self._limit():
                self._collect()
                if self._of_index(index) >= self._limit():
                    raise CommandError(LIMIT_REACHED.format(self._limit()))
            cursor = Cursor(self._new_id(), index, state, max_idle)
            self._cursors[cursor.id] = cursor
            return cursor

    def take(self, cursor_id: int) -> Cursor[State]:
        """The cursor, to be read; raises CommandError if it is unknown, expired or being read."""
        with self._lock:
            self._collect()
            cursor = self._cursors.get(cursor_id)
            if cursor is None or cursor.expires is None:
                raise CommandError(NOT_FOUND)
            cursor.expires = None
            return cursor

    def release(self, cursor: Cursor[State], done: bool) -> None:
        """After a read: kept for its idle time, or closed."""
        with self._lock:
            if done or cursor.deleted:
                self._cursors.pop(cursor.id, None)
            else:
                cursor.expires = self._clock() + cursor.max_idle

    def delete(self, cursor_id: int) -> None:
        """Raises CommandError if there is none."""
        with self._lock:
            cursor = self._cursors.get(cursor_id)
            if cursor is None:
                raise CommandError(NO_SUCH_CURSOR)
            if cursor.expires is None:
                cursor.deleted = True
            else:
                del self._cursors[cursor_id]

    def collect(self) -> int:
        """Close what was idle for too long; returns how many."""
        with self._lock:
            return self._collect()

    def clear(self) -> None:
        with self._lock:
            self._cursors.clear()

    def stats(self, index: object) -> CursorStats:
        with self._lock:
            idle = sum(cursor.expires is not None for cursor in self._cursors.values())
            return CursorStats(idle, len(self._cursors), self._of_index(index))

    def _of_index(self, index: object) -> int:
        return sum(cursor.index is index for cursor in self._cursors.values())

    def _collect(self) -> int:
        now = self._clock()
        expired = [c.id for c in self._cursors.values() if c.expires is not None and c.expires <= now]
        for cursor_id in expired:
            del self._cursors[cursor_id]
        return len(expired)

    def _new_id(self) -> int:
        while (chosen := self._random.randint(1, _MAX_ID)) in self._cursors:
            pass
        return chosen
