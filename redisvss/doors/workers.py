"""Threads that run blocking work for an event loop.

`concurrent.futures` would do; its futures and their wrapping for asyncio cost more than a small search. A queue in C
and one call back into the loop are all that is needed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Done = Callable[[Any, "BaseException | None"], None]
_Job = tuple[Callable[..., Any], tuple[Any, ...], asyncio.AbstractEventLoop, Done]


class Workers:
    """At most `count` threads, started when work would wait; they are daemons and never stopped."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._started = 0
        self._busy = 0  # jobs accepted and not finished, as the event loop knows

    def run(self, function: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """From the event loop only; cancelling the future does not stop the work."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.start(partial(_resolve, future), function, *args)
        return future

    def start(self, done: Done, function: Callable[..., Any], *args: Any) -> None:
        """As `run`, but the loop calls `done(result, error)`: no future, and no turn of the loop for its waiter."""
        self._busy += 1
        if self._busy > self._started < self._count:
            self._started += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        self._jobs.put((function, args, asyncio.get_running_loop(), done))

    def _work(self) -> None:
        while True:
            function, args, loop, done = self._jobs.get()
            result, error = None, None
            try:
                result = function(*args)
            except BaseException as caught:  # handed to whoever awaits
                error = caught
            try:
                loop.call_soon_threadsafe(self._finish, done, result, error)
            except RuntimeError:  # the loop has been closed: nobody waits
                return

    def _finish(self, done: Done, result: Any, error: BaseException | None) -> None:
        self._busy -= 1
        done(result, error)


def _resolve(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
