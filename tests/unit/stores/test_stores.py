"""What every store promises, in process and on a real Redis."""

from __future__ import annotations

import multiprocessing
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError, NoPermissionError, ResponseError
from servers import RedisProcess, start_redis

from redisvss.stores.base import DELETE, KEEP, Document, Store, UpdateConflict, escape_glob, minimal_prefixes
from redisvss.stores.embedded import EmbeddedStore
from redisvss.stores.server import ServerStore


@pytest.fixture(scope="module")
def running() -> Iterator[RedisProcess]:
    with start_redis() as server:
        yield server


@pytest.fixture(params=["embedded", "server"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "embedded":
        store: Store = EmbeddedStore()
    else:
        store = ServerStore.from_url(request.getfixturevalue("running").url)
        store.call("FLUSHALL")
    yield store
    store.close()


def test_call_answers_in_resp3_values(store: Store) -> None:
    assert store.call("SET", b"s", "1") == b"OK"
    assert store.call("INCRBY", "s", 41) == 42
    store.call("HSET", "h", "f", 1.5)
    assert store.call("HGETALL", "h") == {b"f": b"1.5"}
    assert store.call("GET", "none") is None
    store.call("ZADD", "z", 2.5, "m")
    assert store.call("ZSCORE", "z", "m") == 2.5
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        store.call("GET", "h")


def test_pipeline_keeps_errors_in_place(store: Store) -> None:
    replies = store.pipeline([("SET", "s", "1"), ("HGET", "s", "f"), ("GET", "s")])
    assert (replies[0], replies[2]) == (b"OK", b"1")
    assert isinstance(replies[1], ResponseError)


def test_read_hashes(store: Store) -> None:
    store.call("HSET", "both", "a", "1", "b", "2")
    store.call("HSET", "neither", "c", "3")
    store.call("SET", "text", "x")
    keys = [b"both", b"neither", b"text", b"absent", b"both"]
    both = {b"a": b"1", b"b": b"2"}
    assert store.read_hashes(keys, [b"a", b"b"]) == [both, {}, None, None, both]
    assert store.read_hashes(keys, [b"b"]) == [{b"b": b"2"}, {}, None, None, {b"b": b"2"}]
    assert store.read_hashes(keys, None) == [both, {b"c": b"3"}, None, None, both]
    assert store.read_hashes(keys, []) == [{}, {}, None, None, {}]
    assert store.read_hashes([], None) == []


def test_read_strings(store: Store) -> None:
    store.call("SET", "s", b"\x00\xff\r\n")
    store.call("HSET", "h", "f", "1")
    assert store.read_strings([b"s", b"h", b"absent"]) == [b"\x00\xff\r\n", None, None]


def test_read_tells_the_time_to_live(store: Store) -> None:
    store.call("HSET", "h", "f", "1")
    store.call("PEXPIRE", "h", 100_000)
    store.call("SET", "s", "x", "PX", 200_000)
    store.call("SET", "forever", "x")
    hash_document, absent = store.read([b"h", b"absent"], "HASH", [b"f"])
    assert hash_document.values == {b"f": b"1"}
    assert hash_document.ttl_ms is not None and 90_000 < hash_document.ttl_ms <= 100_000
    assert absent == Document(None, None)
    assert store.read([b"forever"], "JSON", None) == [Document(b"x", None)]
    expiring, forever, missing = store.ttls([b"s", b"forever", b"absent"])
    assert expiring is not None and 190_000 < expiring <= 200_000
    assert (forever, missing) == (None, None)


@pytest.mark.parametrize("prefix", [b"p*[a]?\\:", b"", b"\xff\x00"])
def test_scan_takes_prefixes_literally(store: Store, prefix: bytes) -> None:
    expected = {prefix + b"%d" % number for number in range(2500)}
    store.pipeline([("HSET", key, "f", "1") for key in expected])
    store.call("HSET", b"pxx:1", "f", "1")
    store.call("SET", prefix + b"text", "1")
    found = [key for batch in store.scan([prefix], "HASH") for key in batch]
    assert set(found) == expected | ({b"pxx:1"} if not prefix else set())
    assert [key for batch in store.scan([prefix], "JSON") for key in batch] == [prefix + b"text"]


def test_scan_of_overlapping_prefixes_returns_each_key_once(store: Store) -> None:
    store.pipeline([("SET", key, "1") for key in ("a:1", "a:x:1", "b", "ab")])
    found = [key for batch in store.scan([b"a:", b"a:x", b"b", b"a:"], "JSON") for key in batch]
    assert sorted(found) == [b"a:1", b"a:x:1", b"b"]


def test_size_counts_keys(store: Store) -> None:
    store.pipeline([("SET", key, "1") for key in range(7)])
    assert store.size() == 7


def test_update_replaces_keeps_and_deletes(store: Store) -> None:
    assert store.update(b"k", lambda value: (b"1", value)) is None
    store.call("PEXPIRE", "k", 100_000)
    assert store.update(b"k", lambda value: (b"2", value)) == b"1"
    assert store.call("PTTL", "k") > 0, "the expiry is kept"
    assert store.update(b"k", lambda value: (KEEP, value)) == b"2"
    assert store.call("GET", "k") == b"2"
    assert store.update(b"k", lambda value: (DELETE, value)) == b"2"
    assert store.call("EXISTS", "k") == 0


def test_update_of_another_type_is_refused(store: Store) -> None:
    store.call("HSET", "h", "f", "1")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        store.update(b"h", lambda value: (b"1", value))
    assert store.call("HGET", "h", "f") == b"1"
    assert store.update(b"k", lambda value: (b"1", value)) is None


def test_update_that_raises_leaves_the_key_and_the_connection_alone(store: Store) -> None:
    store.call("SET", "k", "1")
    with pytest.raises(ZeroDivisionError):
        store.update(b"k", lambda value: (b"%d" % (1 // 0), None))
    store.call("SET", "k", "2")  # would spoil the next update were k still watched
    attempts = []
    store.update(b"k", lambda value: (b"3", attempts.append(value)))
    assert attempts == [b"2"]


def test_update_loses_nothing_among_threads(store: Store) -> None:
    def count() -> None:
        for _ in range(50):
            store.update(b"n", lambda value: (b"%d" % (int(value or 0) + 1), None))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.call("GET", "n") == b"200"


def _count_elsewhere(url: str, times: int) -> None:
    store = ServerStore.from_url(url)
    for _ in range(times):
        store.update(b"n", lambda value: (b"%d" % (int(value or 0) + 1), None))


def test_update_loses_nothing_among_eight_processes(running: RedisProcess) -> None:
    store = ServerStore.from_url(running.url)
    store.call("DEL", "n")
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_count_elsewhere, args=(running.url, 100)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert store.call("GET", "n") == b"800"


def test_update_gives_up_when_it_never_wins(running: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redisvss.stores.server.UPDATE_WAIT", 0.05)
    store, other = ServerStore.from_url(running.url), running.client()

    def change(value: bytes | None) -> tuple[bytes, None]:
        other.set("k", random.random())
        return b"ours", None

    with pytest.raises(UpdateConflict):
        store.update(b"k", change)
    assert other.get("k") != b"ours"


def test_read_survives_a_restart_between_two_calls() -> None:
    with start_redis() as running:
        store = ServerStore.from_url(running.url)
        store.call("SET", "k", "1")
        running.restart()
        assert store.read_strings([b"k"]) == [None]
        assert store.call("PING") == b"PONG"


def test_closed_store_refuses(running: RedisProcess) -> None:
    store = ServerStore.from_url(running.url)
    store.call("PING")
    store.close()
    with pytest.raises(ConnectionError):
        store.call("PING")


def test_refused_read_is_not_an_absent_document(running: RedisProcess) -> None:
    client = running.client()
    client.execute_command("ACL", "SETUSER", "blind", "on", ">x", "~*", "+@all", "-hmget", "-pttl")
    client.hset("h", "f", "1")
    store = ServerStore(host="127.0.0.1", port=running.port, username="blind", password="x")
    with pytest.raises(NoPermissionError):
        store.read([b"h"], "HASH", [b"f"])


def test_client_arguments_of_any_kind_are_taken_over(running: RedisProcess) -> None:
    """A client's own settings must not change what the store reads."""
    client = running.client(decode_responses=True, protocol=2, socket_timeout=0.5, db=3, health_check_interval=1)
    client.set("k", "1")
    pool: Any = client.connection_pool
    store = ServerStore(pool.connection_class, **pool.connection_kwargs)
    assert store.db == 3
    assert store.read_strings([b"k"]) == [b"1"]


def test_unix_socket(tmp_path: Any) -> None:
    path = tmp_path / "redis.sock"
    with start_redis(unixsocket=str(path)):
        store = ServerStore.from_url(f"unix://{path}")
        assert store.call("PING") == b"PONG"
        assert store.dialer.address == str(path)


def test_minimal_prefixes() -> None:
    assert minimal_prefixes([b"b", b"a:x", b"a:", b"a:", b"a"]) == (b"a", b"b")
    assert minimal_prefixes([b"a", b""]) == (b"",)
    assert minimal_prefixes([]) == ()


def test_escape_glob() -> None:
    assert escape_glob(rb"a*b?c[d]\e") == rb"a\*b\?c\[d\]\\e"
