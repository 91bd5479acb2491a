"""A readers–writer lock: many searches at once, one writer alone; a waiting writer lets no new reader pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Not reentrant. Readers hold it while they search, the writer while it applies a batch of documents."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._condition = threading.Condition(self._mutex)
        self._reading = _Reading(self)
        self._readers = 0
        self._writing = False
        self._writers_waiting = 0

    def read(self) -> _Reading:
        return self._reading

    def enter(self) -> None:
        """Begin to read."""
        with self._mutex:
            while self._writing or self._writers_waiting:
                self._condition.wait()
            self._readers += 1

    def leave(self) -> None:
        with self._mutex:
            self._readers -= 1
            if not self._readers and self._writers_waiting:
                self._condition.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        with self._condition:
            self._writers_waiting += 1
            try:
                while self._writing or self._readers:
                    self._condition.wait()
                self._writing = True
            finally:
                self._writers_waiting -= 1
        try:
            yield
        finally:
            with self._condition:
                self._writing = False
                self._condition.notify_all()


class _Reading:
    """`with lock.read()`: a generator for a context manager would double what a read costs."""

    __slots__ = ("_lock",)

    def __init__(self, lock: ReadWriteLock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        self._lock.enter()

    def __exit__(self, *_: object) -> None:
        self._lock.leave()
