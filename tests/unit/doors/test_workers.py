"""Threads for blocking work."""

from __future__ import annotations

import asyncio
import threading

import pytest

from redisvss.doors.workers import Workers


def fail() -> None:
    raise ValueError("no")


async def test_results_and_errors_come_back() -> None:
    workers = Workers(2, "test")
    assert await workers.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ValueError, match="no"):
        await workers.run(fail)
    assert await workers.run(threading.current_thread) is not threading.current_thread()


async def test_quick_work_is_not_stuck_behind_slow_work() -> None:
    workers, gate = Workers(2, "test"), threading.Event()
    slow = workers.run(gate.wait, 10)
    assert await workers.run(int) == 0
    gate.set()
    assert await slow


async def test_no_more_threads_than_allowed_and_none_without_need() -> None:
    workers, gate = Workers(2, "test-count"), threading.Event()
    for _ in range(3):
        await workers.run(int)
    assert count("test-count") == 1
    waiting = [workers.run(gate.wait, 10) for _ in range(4)]
    assert count("test-count") == 2
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 4


async def test_a_cancelled_wait_leaves_the_worker_usable() -> None:
    workers, gate = Workers(1, "test"), threading.Event()
    abandoned = workers.run(gate.wait, 10)
    abandoned.cancel()
    gate.set()
    assert await workers.run(int) == 0


def count(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())
