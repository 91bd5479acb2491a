"""Every search sees every write acknowledged before it, whoever made it, and nothing that never was.

Four processes write, rename, delete and expire documents through plain redis-py while searches run here; see
`foreign_writers.py` for what is checked.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import foreign_writers
import numpy as np
import pytest
import redis
from foreign_writers import PREFIX, STAMP, key, stamp
from indexed import Mirror
from servers import RedisProcess, start_redis

from redisvss.stores.server import ServerStore
from redisvss.sync.synchronizer import Options, Synchronizer

WRITERS = 4
SEARCHERS = 2
SAMPLE = 300  # slots checked per search


class Searchable(Protocol):
    """What is tested: an index over the documents under PREFIX."""

    def search(self) -> Mapping[bytes, int]:
        """Every document found, with its stamp."""

    def close(self) -> None: ...


class SynchronizedMirror:
    def __init__(self, url: str, options: Options) -> None:
        self.index = Mirror(PREFIX, fields=(STAMP,))
        self.sync = Synchronizer(ServerStore.from_url(url), options=options)
        self.sync.start()
        self.sync.add(self.index)

    def search(self) -> Mapping[bytes, int]:
        self.sync.fresh(self.index)
        with self.index.lock:
            return {key: int(document[STAMP]) for key, document in self.index.documents.items()}  # type: ignore[index]

    def close(self) -> None:
        self.sync.close()


@dataclass
class Report:
    searches: int = 0
    checks: int = 0
    writes: int = 0
    violations: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


class Writers:
    """The processes, and the two counts per slot they share with the checker."""

    def __init__(self, port: int, slots: int, batches: tuple[int, ...] = (1, 1, 20, 100)) -> None:
        context = multiprocessing.get_context("spawn")
        self.slots = slots
        self._sent, self._acknowledged = context.RawArray("q", slots), context.RawArray("q", slots)
        self.sent = np.frombuffer(self._sent, np.int64)
        self.acknowledged = np.frombuffer(self._acknowledged, np.int64)
        self._stop = context.RawValue("b", 0)
        self._processes = [
            context.Process(
                target=foreign_writers.run,
                args=(port, range(n, slots, WRITERS), batches[n], self._sent, self._acknowledged, self._stop),
            )
            for n in range(WRITERS)
        ]

    def __enter__(self) -> Writers:
        for process in self._processes:
            process.start()
        while not all(self.sent[:WRITERS]):  # importing takes them a second
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        self._stop.value = 1
        for process in self._processes:
            process.join(20)

    def __exit__(self, *_: object) -> None:
        self.stop()
        for process in self._processes:
            if process.is_alive():
                process.kill()

    def check(self, searchable: Searchable, slots: np.ndarray, report: Report) -> None:
        before = self.acknowledged.copy()
        found = searchable.search()
        after = self.sent.copy()
        report.searches += 1
        for slot in map(int, slots):
            for name in ("x", "y"):
                report.checks += 1
                seen = found.get(key(slot, name))
                versions = range(int(before[slot]), int(after[slot]) + 1)
                if all(stamp(version, name) != seen for version in versions):
                    report.violations.append(f"{key(slot, name)!r} has {seen}, versions {versions}")


def search_while_written(
    searchable: Searchable,
    writers: Writers,
    seconds: float,
    seed: int = 1,
    fault: Callable[[], None] | None = None,
    every: float = 1,
) -> Report:
    """fault: called about every so many seconds while searches run. At the end the writers stop, and all is checked."""
    report = Report()
    end = time.monotonic() + seconds
    pauses = random.Random(seed)

    def search(number: int) -> None:
        rng = np.random.default_rng([seed, number])
        try:
            while time.monotonic() < end and len(report.violations) < 10:
                slots = rng.choice(writers.slots, min(SAMPLE, writers.slots), replace=False)
                writers.check(searchable, slots, report)
        except BaseException as error:
            report.errors.append(error)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(SEARCHERS)]
    for thread in threads:
        thread.start()
    while fault is not None and time.monotonic() + every < end:
        time.sleep(every * pauses.uniform(0.7, 1.3))
        fault()
    for thread in threads:
        thread.join()
    writers.stop()
    report.writes = int(writers.acknowledged.sum())
    if not report.errors:
        writers.check(searchable, np.arange(writers.slots), report)
    return report


@contextmanager
def opened(searchable: Searchable) -> Iterator[Searchable]:
    try:
        yield searchable
    finally:
        searchable.close()


def kill_feeds(server: redis.Redis) -> None:
    for client in server.client_list():
        if "t" in client["flags"]:
            with suppress(redis.ResponseError):  # gone by itself
                server.client_kill_filter(_id=client["id"])


def passed(report: Report, searches: int, writes: int) -> None:
    print(f"{report.searches} searches, {report.writes} writes, {report.checks} checks")
    assert report.errors == []
    assert report.violations == []
    assert report.searches >= searches
    assert report.writes >= writes


def run(
    server: RedisProcess, slots: int, seconds: float, fault: Callable[[], None] | None = None, every: float = 1
) -> Report:
    searchable = SynchronizedMirror(server.url, Options(wait_seconds=20))
    with opened(searchable), Writers(server.port, slots) as writers:
        return search_while_written(searchable, writers, seconds, fault=fault, every=every)


def test_searches_see_what_was_acknowledged() -> None:
    with start_redis(hz="1") as server:
        passed(run(server, slots=200, seconds=3), searches=5, writes=500)


def test_searches_see_what_was_acknowledged_though_the_feed_is_killed() -> None:
    with start_redis(hz="1") as server:
        client = server.client()
        passed(run(server, 200, seconds=3, fault=lambda: kill_feeds(client)), searches=5, writes=500)


def test_searches_see_what_was_acknowledged_though_the_server_restarts(tmp_path: Path) -> None:
    with start_redis(appendonly="yes", dir=str(tmp_path)) as server:
        passed(run(server, 200, seconds=4, fault=server.restart), searches=3, writes=500)


def test_the_check_notices_a_missing_barrier() -> None:
    """This harness can fail."""
    with start_redis() as server:
        searchable = SynchronizedMirror(server.url, Options(consistency="eventual"))
        with opened(searchable), Writers(server.port, 200) as writers:
            report = search_while_written(searchable, writers, seconds=10)
    assert report.violations


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("fault", "every"), [("none", 1), ("killed feed", 5), ("restarts", 15)])
def test_fifty_thousand_documents(fault: str, every: float, tmp_path: Path) -> None:
    """every: seconds, time for the server to load and for all documents to be read again between two faults."""
    with start_redis(appendonly="yes", dir=str(tmp_path)) as server:
        client = server.client()
        faults: dict[str, Any] = {"none": None, "killed feed": lambda: kill_feeds(client), "restarts": server.restart}
        passed(run(server, 50_000, seconds=90, fault=faults[fault], every=every), searches=20, writes=100_000)
