"""Servers that do not let us track: keyspace notifications instead, or a refusal that says what to try."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from indexed import Mirror
from servers import RedisProcess, start_redis

from redisvss.stores.server import ServerStore
from redisvss.sync.feed import FeedUnavailable
from redisvss.sync.synchronizer import Options, Synchronizer


@pytest.fixture
def running() -> Iterator[RedisProcess]:
    with start_redis() as server:
        yield server


@pytest.fixture
def server(running: RedisProcess) -> redis.Redis:
    return running.client()


@pytest.fixture
def following(running: RedisProcess, server: redis.Redis) -> Iterator[Callable[..., Synchronizer]]:
    """A synchronizer of a user who may do everything but what is named: whole commands, as Redis 6.2 has it."""
    made: list[Synchronizer] = []

    def start(*forbidden: str, index: Mirror | None = None) -> Synchronizer:
        server.execute_command("ACL", "SETUSER", "limited", "on", ">x", "~*", "&*", "+@all", *forbidden)
        store = ServerStore(host="127.0.0.1", port=running.port, username="limited", password="x")
        made.append(Synchronizer(store, options=Options(wait_seconds=3)))
        made[-1].start()
        if index is not None:
            made[-1].add(index)
        return made[-1]

    yield start
    for sync in made:
        sync.close()


@pytest.mark.parametrize(
    "commands",
    [
        ["HSET a:1 v 2"],
        ["DEL a:1"],
        ["SET a:1 x"],
        ["RENAME a:1 a:2"],
        ["RENAME a:1 b:1", "RENAME b:1 a:1", "COPY a:1 a:3"],
        ["MOVE a:1 1"],
        ["HDEL a:1 v"],
        ["FLUSHDB"],
        ["FLUSHALL", "HSET a:5 v 5"],
        ["SWAPDB 0 1"],
        ["HSET a*[b]:1 v 1"],
    ],
    ids="; ".join,
)
def test_keyspace_notifications_see_every_change(
    server: redis.Redis, following: Callable[..., Synchronizer], commands: list[str]
) -> None:
    index = Mirror(b"a:", b"a*[b]:")
    sync = following("-client", index=index)
    assert sync.feed == "keyspace notifications"
    server.hset("a:1", "v", 1)
    sync.fresh(index)
    assert index.documents == {b"a:1": {b"v": b"1"}}
    for command in commands:
        server.execute_command(*command.split(" "))
    sync.fresh(index)
    hashes = server.scan_iter("a*:*", _type="hash")
    assert index.documents == {key: server.hgetall(key) for key in hashes}


def test_notifications_already_on_are_left_as_they_are(
    server: redis.Redis, following: Callable[..., Synchronizer]
) -> None:
    server.config_set("notify-keyspace-events", "KEAm")
    before = server.config_get("notify-keyspace-events")
    following("-client")
    assert server.config_get("notify-keyspace-events") == before


def test_notifications_switched_off_are_noticed(server: redis.Redis, following: Callable[..., Synchronizer]) -> None:
    index = Mirror(b"a:")
    sync = following("-client", index=index)
    sync.fresh(index)
    server.config_set("notify-keyspace-events", "")
    server.hset("a:1", "v", 1)
    sync.fresh(index)
    assert index.documents == {b"a:1": {b"v": b"1"}}


def test_notifications_on_though_config_is_blocked(server: redis.Redis, following: Callable[..., Synchronizer]) -> None:
    server.config_set("notify-keyspace-events", "KA")
    index = Mirror(b"a:")
    sync = following("-client", "-config", index=index)
    for number in range(100):
        server.hset("a:1", "v", number)
        sync.fresh(index)
        assert index.documents == {b"a:1": {b"v": b"%d" % number}}
    assert server.keys("redisvss:probe") == []


def test_refused_with_advice_when_nothing_is_allowed(following: Callable[..., Synchronizer]) -> None:
    with pytest.raises(FeedUnavailable, match=r"CLIENT TRACKING: .*; .*notify-keyspace-events KA"):
        following("-client", "-config")


def test_tracking_by_a_user_who_may_not_touch_the_marker(
    server: redis.Redis, following: Callable[..., Synchronizer]
) -> None:
    index = Mirror(b"a:")
    sync = following("resetkeys", "~a:*", index=index)
    assert sync.feed == "CLIENT TRACKING"
    server.hset("a:1", "v", 1)
    sync.fresh(index)
    assert index.documents == {b"a:1": {b"v": b"1"}}


def test_keyspace_notifications_need_the_marker(following: Callable[..., Synchronizer]) -> None:
    with pytest.raises(FeedUnavailable, match="may not write"):
        following("-client", "resetkeys", "~a:*", index=Mirror(b"a:"))
