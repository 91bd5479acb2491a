"""Several keys change together or not at all, in process and on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis.exceptions import ResponseError
from servers import start_redis

from redisvss.stores.base import DELETE, KEEP, Changes, Store
from redisvss.stores.embedded import EmbeddedStore
from redisvss.stores.server import ServerStore


@pytest.fixture(params=["embedded", "server"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "embedded":
        yield EmbeddedStore()
        return
    with start_redis() as server:
        store = ServerStore.from_url(server.url)
        yield store
        store.close()


def test_each_key_is_set_deleted_or_left_alone(store: Store) -> None:
    store.call("SET", "set", "1", "PX", 60_000)
    store.call("SET", "gone", "2")
    store.call("SET", "kept", "3")
    seen = []

    def change(values: list[bytes | None]) -> Changes:
        seen.append(list(values))
        return [b"new", DELETE, KEEP, b"made"], "result"

    assert store.update_many([b"set", b"gone", b"kept", b"absent"], change) == "result"
    assert seen == [[b"1", b"2", b"3", None]]
    assert store.read_strings([b"set", b"gone", b"kept", b"absent"]) == [b"new", None, b"3", b"made"]
    assert store.call("PTTL", "set") > 0


def test_a_key_of_another_type_refuses_them_all(store: Store) -> None:
    store.call("HSET", "hash", "f", "1")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        store.update_many([b"a", b"hash"], lambda values: ([b"1", b"2"], None))
    assert store.call("EXISTS", "a") == 0


def test_a_failing_change_leaves_every_key_alone(store: Store) -> None:
    store.call("SET", "a", "1")

    def change(values: list[bytes | None]) -> Changes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.update_many([b"a", b"b"], change)
    assert store.read_strings([b"a", b"b"]) == [b"1", None]


def test_change_runs_again_when_any_of_the_keys_changed_meanwhile() -> None:
    with start_redis() as server:
        store, client = ServerStore.from_url(server.url), server.client()
        runs = []

        def change(values: list[bytes | None]) -> Changes:
            if not runs:
                client.set("b", "meanwhile")
            runs.append(list(values))
            return [b"a", (values[1] or b"") + b"!"], None

        store.update_many([b"a", b"b"], change)
        assert runs == [[None, None], [None, b"meanwhile"]]
        assert client.get("b") == b"meanwhile!"
        store.close()
