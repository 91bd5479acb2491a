"""The tracking feed by itself: what it names, what a barrier costs, and what it does about errors and other pushes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from servers import RedisProcess, start_redis

from redisvss.stores.wire import Dialer, Wire
from redisvss.sync.feed import MARKER_KEY, FeedLost, FeedUnavailable
from redisvss.sync.feed_socket import TrackingFeed


@pytest.fixture(scope="module")
def running() -> Iterator[RedisProcess]:
    with start_redis() as server:
        yield server


@pytest.fixture
def server(running: RedisProcess) -> redis.Redis:
    client = running.client()
    client.flushall()
    return client


@pytest.fixture
def feed(running: RedisProcess, server: redis.Redis) -> Iterator[TrackingFeed]:
    feed = TrackingFeed(Dialer(host="127.0.0.1", port=running.port), wait_seconds=0.5)
    feed.watch([b"a:"])
    assert feed.take().reset, "what is there already is unknown"
    yield feed
    feed.close()


def named(feed: TrackingFeed) -> list[bytes]:
    feed.barrier()
    changes = feed.take()
    assert not changes.reset
    return changes.keys


def test_names_changed_keys_in_the_order_of_their_last_change(feed: TrackingFeed, server: redis.Redis) -> None:
    for key in ("a:1", "a:2", "b:1", "a:1"):
        server.set(key, 1)
    assert named(feed) == [b"a:2", b"a:1"]
    assert named(feed) == []


@pytest.mark.parametrize("prefixes", [[b"a:", b"b:"], [b"a", b"a:", b"a:x"], [b""], [b"", b"a:"], [b"\xff", b"b:"]])
def test_watch_replaces_the_prefixes(feed: TrackingFeed, server: redis.Redis, prefixes: list[bytes]) -> None:
    feed.watch(prefixes)
    keys = [b"a:x1", b"b:1", b"\xff1", b"c"]
    for key in keys:
        server.set(key, 1)
    assert named(feed) == [key for key in keys if key.startswith(tuple(prefixes))]
    feed.watch([b"c"])
    server.set("a:1", 1)
    server.set("c", 1)
    assert named(feed) == [b"c"]


def test_one_connection_is_left_after_watching_again_and_again(feed: TrackingFeed, server: redis.Redis) -> None:
    for number in range(10):
        feed.watch([b"p%d:" % number])
    deadline = time.monotonic() + 5
    while (tracking := sum("t" in client["flags"] for client in server.client_list())) != 1:
        assert time.monotonic() < deadline, f"{tracking} tracking connections"


def test_concurrent_barriers_share_round_trips(feed: TrackingFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    trips = 0
    ask = feed._ask

    def counting(wire: Wire) -> Any:
        nonlocal trips
        trips += 1
        time.sleep(0.05)
        return ask(wire)

    monkeypatch.setattr(feed, "_ask", counting)
    ready = threading.Barrier(8)
    threads = [threading.Thread(target=lambda: (ready.wait(), feed.barrier())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trips < 8


def test_a_barrier_that_began_before_me_does_not_serve_me(
    feed: TrackingFeed, server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first barrier's answer is already on its way when the key is written; the second must not rely on it."""
    ask, answered, release = feed._ask, threading.Event(), threading.Event()

    def slow(wire: Wire) -> Any:
        reply = ask(wire)
        if not answered.is_set():
            answered.set()
            release.wait(10)
        return reply

    monkeypatch.setattr(feed, "_ask", slow)
    first = threading.Thread(target=feed.barrier)
    first.start()
    answered.wait(10)
    server.set("a:1", 1)
    threading.Timer(0.05, release.set).start()
    feed.barrier()
    first.join()
    assert feed.take().keys == [b"a:1"]


def test_marker_lives_as_long_as_it_is_wanted(feed: TrackingFeed, server: redis.Redis) -> None:
    assert server.get(MARKER_KEY) is None
    feed.mark()
    token = server.get(MARKER_KEY)
    assert token
    feed.mark()
    assert server.get(MARKER_KEY) == token
    assert named(feed) == []
    server.set(MARKER_KEY, "another")
    feed.barrier()
    assert feed.take().reset
    feed.unmark()
    assert server.get(MARKER_KEY) is None
    assert named(feed) == []


def test_waiting_notes_what_arrives(feed: TrackingFeed, server: redis.Redis) -> None:
    threading.Timer(0.05, lambda: server.set("a:1", 1)).start()
    deadline = time.monotonic() + 5
    keys: list[bytes] = []
    while not keys and time.monotonic() < deadline:
        feed.wait(5)
        keys = feed.take().keys
    assert keys == [b"a:1"]


def test_waiting_brings_a_lost_connection_back(feed: TrackingFeed, server: redis.Redis) -> None:
    server.client_kill_filter(_type="normal", skipme=True)
    deadline = time.monotonic() + 5
    while not feed.take().reset and time.monotonic() < deadline:
        feed.wait(0.1)
    server.set("a:1", 1)
    assert named(feed) == [b"a:1"]


def test_a_busy_server_is_no_barrier(running: RedisProcess) -> None:
    with start_redis(busy_reply_threshold="10") as busy:
        feed = TrackingFeed(Dialer(host="127.0.0.1", port=busy.port), wait_seconds=0.3)
        feed.watch([b"a:"])
        feed.take()
        script = threading.Thread(target=_run_until_killed, args=(busy.client(),))
        script.start()
        time.sleep(0.1)
        with pytest.raises(FeedLost, match="BUSY"):
            feed.barrier()
        busy.client().execute_command("SCRIPT", "KILL")
        script.join()
        feed.barrier()
        feed.close()


def _run_until_killed(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="killed"):
        client.eval("while true do end", 0)


def test_wrong_password_is_told() -> None:
    with start_redis(requirepass="secret") as closed:
        feed = TrackingFeed(Dialer(host="127.0.0.1", port=closed.port, password="wrong"), wait_seconds=0.1)
        with pytest.raises((FeedLost, FeedUnavailable), match=r"(?i)password|auth"):
            feed.watch([b"a:"])
        right = TrackingFeed(Dialer(host="127.0.0.1", port=closed.port, password="secret"), wait_seconds=1)
        right.watch([b"a:"])
        right.barrier()
        right.close()
