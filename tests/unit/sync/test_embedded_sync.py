"""What a search sees of writes made through any client of the same FakeServer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import fakeredis
import pytest
from indexed import Mirror

from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync.synchronizer import Synchronizer

Follow = Callable[..., Synchronizer]


@pytest.fixture
def shared() -> fakeredis.FakeServer:
    return fakeredis.FakeServer(version=(7, 4))


@pytest.fixture
def client(shared: fakeredis.FakeServer) -> fakeredis.FakeRedis:
    """Connected before anything is observed."""
    client = fakeredis.FakeRedis(server=shared)
    client.ping()
    return client


@pytest.fixture
def follow(shared: fakeredis.FakeServer) -> Iterator[Follow]:
    made: list[Synchronizer] = []

    def start(*indexes: Mirror, on_catalog: Callable[[list[bytes] | None], None] | None = None) -> Synchronizer:
        made.append(Synchronizer(EmbeddedStore(shared), on_catalog))
        made[-1].start()
        for index in indexes:
            made[-1].add(index)
        return made[-1]

    yield start
    for sync in made:
        sync.close()


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["HSET a:1 v 2"], {b"a:1": {b"v": b"2"}}),
        (["DEL a:1"], {}),
        (["HDEL a:1 v"], {}),
        (["HINCRBY a:1 v 6"], {b"a:1": {b"v": b"7"}}),
        (["SET a:1 x"], {}),
        (["RENAME a:1 a:2"], {b"a:2": {b"v": b"1"}}),
        (["RENAME a:1 b:2"], {}),
        (["COPY a:1 a:2"], {b"a:1": {b"v": b"1"}, b"a:2": {b"v": b"1"}}),
        (["COPY a:1 a:2", "HSET a:2 v 2"], {b"a:1": {b"v": b"1"}, b"a:2": {b"v": b"2"}}),
        (["MOVE a:1 1"], {}),
        (["EXPIRE a:1 0"], {}),
        (["EXPIRE a:1 100", "PERSIST a:1"], {b"a:1": {b"v": b"1"}}),
        (["EVAL redis.call('HSET','a:9','v','9') 0"], {b"a:1": {b"v": b"1"}, b"a:9": {b"v": b"9"}}),
        (["HSET a:1 w 1", "HPEXPIREAT a:1 1 FIELDS 1 v"], {b"a:1": {}}),
        (["FLUSHDB"], {}),
        (["FLUSHALL"], {}),
        (["FLUSHALL", "HSET a:5 v 5"], {b"a:5": {b"v": b"5"}}),
        (["SWAPDB 0 1"], {}),
        (["SWAPDB 1 0"], {}),
        (["SWAPDB 0 1", "SWAPDB 0 1"], {b"a:1": {b"v": b"1"}}),
    ],
    ids=lambda value: "; ".join(value) if isinstance(value, list) else "",
)
def test_change_is_seen(
    client: fakeredis.FakeRedis, follow: Follow, commands: list[str], expected: dict[bytes, dict[bytes, bytes]]
) -> None:
    client.hset("a:1", "v", 1)
    index = Mirror(b"a:")
    sync = follow(index)
    sync.fresh(index)
    assert index.documents == {b"a:1": {b"v": b"1"}}
    for command in commands:
        client.execute_command(*command.split(" "))
    sync.fresh(index)
    assert index.documents == expected


def test_write_in_a_transaction_is_seen(client: fakeredis.FakeRedis, follow: Follow) -> None:
    index = Mirror(b"a:")
    sync = follow(index)
    with client.pipeline(transaction=True) as pipe:
        pipe.hset("a:1", "v", 1)
        pipe.hset("a:2", "v", 2)
        pipe.execute()
    sync.fresh(index)
    assert set(index.documents) == {b"a:1", b"a:2"}


async def test_write_of_an_asyncio_client_is_seen(shared: fakeredis.FakeServer, follow: Follow) -> None:
    index = Mirror(b"a:")
    sync = follow(index)
    client = fakeredis.FakeAsyncRedis(server=shared)
    await asyncio.gather(*(client.hset(f"a:{number}", "v", number) for number in range(20)))
    sync.fresh(index)
    assert len(index.documents) == 20
    await client.aclose()


def test_expiry_of_a_key_and_of_a_field(client: fakeredis.FakeRedis, follow: Follow) -> None:
    index = Mirror(b"a:", fields=(b"v", b"w"))
    sync = follow(index)
    client.hset("a:1", "v", 1)
    client.hset("a:2", mapping={"v": 1, "w": 2})
    sync.fresh(index)
    client.pexpire("a:1", 20)
    client.hpexpire("a:2", 20, "w")
    sync.fresh(index)
    assert index.documents == {b"a:1": {b"v": b"1"}, b"a:2": {b"v": b"1", b"w": b"2"}}
    time.sleep(0.03)
    sync.fresh(index)
    assert index.documents == {b"a:2": {b"v": b"1"}}


def test_two_engines_on_one_server(client: fakeredis.FakeRedis, follow: Follow) -> None:
    first, second = Mirror(b"a:"), Mirror(b"a:")
    one, two = follow(first), follow(second)
    client.hset("a:1", "v", 1)
    one.fresh(first)
    two.fresh(second)
    assert first.documents == second.documents == {b"a:1": {b"v": b"1"}}
    one.close()
    client.hset("a:1", "v", 2)
    two.fresh(second)
    assert second.documents == {b"a:1": {b"v": b"2"}}


def test_catalogue_changes_are_told(client: fakeredis.FakeRedis, follow: Follow) -> None:
    told: list[list[bytes] | None] = []
    sync = follow(on_catalog=told.append)
    client.set("redisvss:index:a", "1")
    sync.fresh()
    client.flushall()
    sync.fresh()
    assert told == [None, [b"redisvss:index:a"], None]


def test_nothing_of_ours_stays_in_the_database(client: fakeredis.FakeRedis, follow: Follow) -> None:
    index = Mirror(b"")
    follow(index).fresh(index)
    assert client.keys("*") == []


def test_every_write_of_many_threads_is_seen(shared: fakeredis.FakeServer, follow: Follow) -> None:
    """Each thread searches after each of its writes."""
    index = Mirror(b"a:")
    sync = follow(index)
    missed: list[tuple[int, int]] = []

    def write_and_search(thread: int) -> None:
        client = fakeredis.FakeRedis(server=shared)
        for number in range(200):
            client.hset(f"a:{thread}", "v", number)
            sync.fresh(index)
            with index.lock:
                if index.documents[b"a:%d" % thread] != {b"v": b"%d" % number}:
                    missed.append((thread, number))

    threads = [threading.Thread(target=write_and_search, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []
