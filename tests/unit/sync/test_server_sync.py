"""What a search sees of writes made to a real Redis by others: the barrier, every way a key can change, gaps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import redis
from indexed import Mirror
from servers import RedisProcess, start_redis

from redisvss.stores.server import ServerStore
from redisvss.sync.feed import FeedLost
from redisvss.sync.synchronizer import Options, Synchronizer


@pytest.fixture(scope="module")
def running() -> Iterator[RedisProcess]:
    with start_redis(enable_debug_command="yes") as server:
        yield server


@pytest.fixture
def server(running: RedisProcess) -> Iterator[redis.Redis]:
    """A client of an empty server."""
    client = running.client()
    client.flushall()
    yield client
    client.config_set("maxmemory", 0)
    client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    client.close()


Follow = Callable[..., Synchronizer]


@pytest.fixture
def follow(running: RedisProcess, server: redis.Redis) -> Iterator[Follow]:
    """Starts a synchronizer that follows the given indexes."""
    made: list[Synchronizer] = []

    def start(*indexes: Mirror, on_catalog: Callable[[list[bytes] | None], None] | None = None) -> Synchronizer:
        made.append(Synchronizer(ServerStore.from_url(running.url), on_catalog, Options(wait_seconds=3)))
        made[-1].start()
        for index in indexes:
            made[-1].add(index)
        return made[-1]

    yield start
    for sync in made:
        sync.close()


def test_documents_there_already_are_scanned(server: redis.Redis, follow: Follow) -> None:
    for number in range(1500):  # more than a batch
        server.hset(f"a:{number}", "v", number)
    server.hset("b:1", "v", 1)
    server.set("a:text", "not a hash")
    index = Mirror(b"a:")
    follow(index).fresh(index)
    assert index.documents == {b"a:%d" % n: {b"v": b"%d" % n} for n in range(1500)}
    assert (index.scanned, index.to_scan, index.scanning) == (1500, 1500, False)


def test_no_initial_scan_when_not_wanted(server: redis.Redis, follow: Follow) -> None:
    server.hset("a:1", "v", 1)
    index = Mirror(b"a:")
    sync = follow()
    sync.add(index, scan=False)
    server.hset("a:2", "v", 2)
    sync.fresh(index)
    assert index.documents == {b"a:2": {b"v": b"2"}}


def test_every_write_is_seen_by_the_next_search(server: redis.Redis, follow: Follow) -> None:
    index = Mirror(b"a:")
    sync = follow(index)
    for number in range(500):
        server.hset("a:1", "v", number)
        sync.fresh(index)
        assert index.documents == {b"a:1": {b"v": b"%d" % number}}


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["DEL a:1"], {}),
        (["UNLINK a:1"], {}),
        (["HDEL a:1 v"], {}),
        (["HDEL a:1 w", "HSET a:1 w 1", "HDEL a:1 v"], {b"a:1": {}}),
        (["HINCRBY a:1 v 6"], {b"a:1": {b"v": b"7"}}),
        (["SET a:1 x"], {}),
        (["SET a:1 x", "DEL a:1", "HSET a:1 v 2"], {b"a:1": {b"v": b"2"}}),
        (["RENAME a:1 a:2"], {b"a:2": {b"v": b"1"}}),
        (["RENAME a:1 b:2"], {}),
        (["RENAME a:1 b:2", "RENAME b:2 a:3"], {b"a:3": {b"v": b"1"}}),
        (["COPY a:1 a:2"], {b"a:1": {b"v": b"1"}, b"a:2": {b"v": b"1"}}),
        (["MOVE a:1 1"], {}),
        (["EXPIRE a:1 0"], {}),
        (["EXPIRE a:1 100", "PERSIST a:1"], {b"a:1": {b"v": b"1"}}),
        (["MULTI", "HSET a:1 v 2", "HSET a:2 v 3", "EXEC"], {b"a:1": {b"v": b"2"}, b"a:2": {b"v": b"3"}}),
        (["EVAL redis.call('HSET','a:9','v','9') 0"], {b"a:1": {b"v": b"1"}, b"a:9": {b"v": b"9"}}),
        (["FLUSHDB"], {}),
        (["FLUSHALL"], {}),
        (["FLUSHALL", "HSET a:5 v 5"], {b"a:5": {b"v": b"5"}}),
        (["SWAPDB 0 1"], {}),
        (["SWAPDB 0 1", "SWAPDB 0 1"], {b"a:1": {b"v": b"1"}}),
    ],
    ids=lambda value: "; ".join(value) if isinstance(value, list) else "",
)
def test_change_is_seen(
    server: redis.Redis, follow: Follow, commands: list[str], expected: dict[bytes, dict[bytes, bytes]]
) -> None:
    server.hset("a:1", "v", 1)
    index = Mirror(b"a:")
    sync = follow(index)
    sync.fresh(index)
    assert index.documents == {b"a:1": {b"v": b"1"}}
    for command in commands:
        server.execute_command(*command.split(" "))
    sync.fresh(index)
    assert index.documents == expected


def now_ms(server: redis.Redis) -> float:
    """By the server's clock, touching no key: reading an expired one would make the server delete and report it.

    A key expires when the millisecond after its time begins.
    """
    seconds, microseconds = server.time()
    return seconds * 1000 + microseconds / 1000


def test_document_expires_in_the_index_no_later_than_in_redis(server: redis.Redis, follow: Follow) -> None:
    server.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    index = Mirror(b"a:")
    sync = follow(index)
    start = int(now_ms(server))
    ends = {b"a:%d" % number: start + 300 + number for number in range(50)}
    with server.pipeline() as pipe:
        for key, end in ends.items():
            pipe.hset(key, "v", 1)
            pipe.pexpireat(key, end)
        pipe.execute()
    sync.fresh(index)
    assert index.documents
    while (now := now_ms(server)) < start + 400:
        sync.fresh(index)
        assert not [key for key in index.documents if ends[key] + 1 < now]
    assert index.documents == {}


def test_field_expires_in_the_index_no_later_than_in_redis(server: redis.Redis, follow: Follow) -> None:
    """Needs a server that has HEXPIRE: Redis 7.4, Valkey 9."""
    try:
        server.hpexpire("a:absent", 1, "f")
    except redis.ResponseError:
        pytest.skip("this server has no HEXPIRE; name a newer one in REDIS_SERVER")
    server.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    index = Mirror(b"a:", fields=(b"v", b"w"))
    sync = follow(index)
    start = int(now_ms(server))
    ends = {b"a:%d" % number: start + 300 + number for number in range(50)}
    with server.pipeline() as pipe:
        for key, end in ends.items():
            pipe.hset(key, mapping={"v": 1, "w": 2})
            pipe.hpexpireat(key, end, "w")
        pipe.execute()
    sync.fresh(index)
    while (now := now_ms(server)) < start + 400:
        sync.fresh(index)
        assert not [key for key, document in index.documents.items() if b"w" in document and ends[key] + 1 < now]
    assert index.documents == {key: {b"v": b"1"} for key in ends}


def test_evicted_documents_leave(server: redis.Redis, follow: Follow) -> None:
    index = Mirror(b"a:")
    sync = follow(index)
    for number in range(200):
        server.hset(f"a:{number}", "v", "x" * 10_000)
    sync.fresh(index)
    server.config_set("maxmemory-policy", "allkeys-random")
    server.config_set("maxmemory", server.info("memory")["used_memory"] - 1_000_000)
    server.hset("a:0", "v", "y")  # makes room
    server.config_set("maxmemory", 0)  # the server would go on evicting between the search and the check
    sync.fresh(index)
    kept = set(server.keys("a:*"))
    assert 0 < len(kept) < 200
    assert set(index.documents) == kept


def test_json_documents_are_strings(server: redis.Redis, follow: Follow) -> None:
    index = Mirror(b"a:", key_type="JSON")
    server.set("a:1", '{"v": 1}')
    server.hset("a:2", "v", 1)
    sync = follow(index)
    server.set("a:3", "3", px=60_000)
    sync.fresh(index)
    assert index.documents == {b"a:1": b'{"v": 1}', b"a:3": b"3"}


def test_indexes_with_overlapping_prefixes_each_get_their_documents(server: redis.Redis, follow: Follow) -> None:
    indexes = [Mirror(b"a"), Mirror(b"a:x", b"b:"), Mirror(b"", fields=None), Mirror(b"a:", fields=(b"w",))]
    sync = follow(*indexes)
    server.hset("a:x1", mapping={"v": 1, "w": 2})
    server.hset("b:1", "v", 3)
    sync.fresh()
    both = {b"a:x1": {b"v": b"1"}, b"b:1": {b"v": b"3"}}
    assert indexes[0].documents == {b"a:x1": {b"v": b"1"}}
    assert indexes[1].documents == both
    assert indexes[2].documents == {b"a:x1": {b"v": b"1", b"w": b"2"}, b"b:1": {b"v": b"3"}}
    assert indexes[3].documents == {b"a:x1": {b"w": b"2"}}
    sync.remove(indexes[2])
    sync.remove(indexes[0])
    server.hset("a:x1", "v", 4)
    sync.fresh()
    assert indexes[1].documents[b"a:x1"] == {b"v": b"4"}
    assert indexes[0].documents == {b"a:x1": {b"v": b"1"}}


def test_nothing_of_ours_is_a_document_or_stays_behind(server: redis.Redis, follow: Follow) -> None:
    index = Mirror(b"", key_type="JSON")
    sync = follow(index)
    server.set("redisvss:something", "x")
    sync.rescan(index)
    sync.fresh(index)
    assert index.documents == {}
    sync.remove(index)
    assert server.keys("*") == [b"redisvss:something"]


def test_catalogue_changes_are_told_before_the_search(server: redis.Redis, follow: Follow) -> None:
    told: list[list[bytes] | None] = []
    sync = follow(on_catalog=told.append)
    assert told == [None]
    server.set("redisvss:index:a", "1")
    server.set("redisvss:index:b", "1")
    sync.fresh()
    assert [key for keys in told[1:] for key in keys or ()] == [b"redisvss:index:a", b"redisvss:index:b"]
    server.flushall()
    sync.fresh()
    assert told[-1] is None


def test_catalogue_callback_may_add_the_index_a_search_asks_for(server: redis.Redis, follow: Follow) -> None:
    index = Mirror(b"a:")

    def on_catalog(keys: list[bytes] | None) -> None:
        if keys:
            sync.add(index)

    sync = follow(on_catalog=on_catalog)
    server.hset("a:1", "v", 1)
    server.set("redisvss:index:a", "1")
    sync.observe()
    sync.complete(index)
    assert index.documents == {b"a:1": {b"v": b"1"}}


def test_failed_catalogue_callback_is_called_again(server: redis.Redis, follow: Follow) -> None:
    told: list[list[bytes] | None] = []

    def on_catalog(keys: list[bytes] | None) -> None:
        told.append(keys)
        if keys and len(told) < 3:
            raise ValueError("refused")

    sync = follow(on_catalog=on_catalog)
    server.set("redisvss:index:a", "1")
    deadline = time.monotonic() + 5
    while len(told) < 3 and time.monotonic() < deadline:
        with suppress(ValueError):
            sync.fresh()
    assert told == [None, [b"redisvss:index:a"], [b"redisvss:index:a"]]


def test_killed_feed_is_noticed_and_what_changed_meanwhile_found(server: redis.Redis, follow: Follow) -> None:
    index = Mirror(b"a:")
    sync = follow(index)
    server.hset("a:1", "v", 1)
    server.hset("a:2", "v", 1)
    sync.fresh(index)
    for number in range(20):
        pipeline = server.pipeline(transaction=True)  # nothing is pushed: the feed is gone before it could be
        pipeline.hset("a:1", "v", number)
        pipeline.hset(f"a:new{number}", "v", number)
        pipeline.delete("a:2")
        pipeline.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        pipeline.execute()
        sync.fresh(index)
        assert index.documents[b"a:1"] == {b"v": b"%d" % number}
        assert len(index.documents) == number + 2


def test_restarted_empty_server(follow: Follow) -> None:
    with start_redis() as running:
        client = running.client()
        client.hset("a:1", "v", 1)
        index = Mirror(b"a:")
        sync = Synchronizer(ServerStore.from_url(running.url), options=Options(wait_seconds=10))
        sync.start()
        sync.add(index)
        sync.fresh(index)
        assert len(index.documents) == 1
        running.restart()
        sync.fresh(index)
        assert index.documents == {}
        client.hset("a:2", "v", 2)
        sync.fresh(index)
        assert set(index.documents) == {b"a:2"}
        sync.close()


def test_search_waits_for_a_server_that_comes_back(follow: Follow) -> None:
    with start_redis() as running:
        index = Mirror(b"a:")
        sync = Synchronizer(ServerStore.from_url(running.url), options=Options(wait_seconds=10))
        sync.start()
        sync.add(index)
        running.stop()
        answered = threading.Thread(target=sync.fresh, args=(index,))
        answered.start()
        running.start()
        running.client().hset("a:1", "v", 1)
        answered.join(10)
        assert not answered.is_alive()
        sync.fresh(index)
        assert set(index.documents) == {b"a:1"}
        sync.close()


def test_search_fails_loudly_when_the_server_stays_away() -> None:
    with start_redis() as running:
        index = Mirror(b"a:")
        sync = Synchronizer(ServerStore.from_url(running.url), options=Options(wait_seconds=0.2))
        sync.start()
        sync.add(index)
        sync.fresh(index)
        running.stop()
        with pytest.raises(FeedLost, match="could miss newer writes"):
            sync.fresh(index)
        sync.close()


def test_a_failed_read_is_made_up_for(server: redis.Redis, follow: Follow) -> None:
    """What could not be applied is still pending for the next search."""
    index = Mirror(b"a:")
    sync = follow(index)
    sync.fresh(index)
    failures = [ValueError("no"), ValueError("no")]
    apply = index.apply

    def failing(keys: list[bytes], documents: list[dict[bytes, bytes] | None]) -> None:
        if failures:
            raise failures.pop()
        apply(keys, documents)

    index.apply = failing  # type: ignore[method-assign, assignment]
    server.hset("a:1", "v", 1)
    while failures:
        with suppress(ValueError):
            sync.fresh(index)
    sync.fresh(index)
    assert index.documents == {b"a:1": {b"v": b"1"}}


def test_watching_more_loses_nothing_written_in_the_same_turn(
    running: RedisProcess, server: redis.Redis, follow: Follow
) -> None:
    """Indexes come and go while another client writes without pause."""
    index = Mirror(b"a:")
    sync = follow(index)
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        client = running.client()
        while not stop.is_set():
            written += 1
            client.hset(f"a:{written}", "v", written)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(100):
        other = Mirror(b"other:")
        sync.add(other)
        sync.remove(other)
    stop.set()
    writer.join()
    sync.fresh(index)
    assert len(index.documents) == written
